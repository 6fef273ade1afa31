// For who edits JSON by hand: where a text that Document::parse() refused stops being JSON.
#pragma once

#include <cstddef>
#include <string_view>

namespace varlink {

// Lines count from 1. 0: the text is JSON, which was refused for something else (an unusual depth, a NUL byte).
std::size_t json_fault_line(std::string_view text);

}  // namespace varlink
