// A verdict as people read it: its statements, and the last line.
#pragma once

#include <string>
#include <vector>

#include "mr/verdict.h"

namespace mrctl {

// With commas between.
std::string listed(const std::vector<std::string> &texts);

// Of a verdict that is positive. Who reads only the last line must see what was not looked at.
std::string positive_line(const std::vector<std::string> &left_out);

// And which of the registers that were judged are unbound, in a line.
void print_statements(const mr::Verdict &verdict);

}  // namespace mrctl
