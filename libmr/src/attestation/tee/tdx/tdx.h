// Intel TDX: TD quotes, and TDREPORTs, as one kind of trusted execution environment.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "mr/tee.h"

namespace mr::tdx {

const Tee &tee();

// As fields of quotes and TDREPORTs are named.
inline constexpr std::array<std::string_view, 4> rtmr_names{"rtmr0", "rtmr1", "rtmr2", "rtmr3"};

// Every member that reference values can have for the kind alone (reference_members.h).
std::vector<std::string> policy_members();

}  // namespace mr::tdx
