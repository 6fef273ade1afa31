// Which rights the methods of an interface ask for.
#pragma once

#include <string>
#include <vector>

#include "mrd/access/rules.h"

namespace mrd {

// Of these interfaces together, by their names; none: of all. What a right does without a method of its own counts, too: it shows what others said in the log's events.
Rights asked_rights(const std::vector<std::string> &interfaces);

}  // namespace mrd
