// Intel TDX: TD quotes, and TDREPORTs, as one kind of trusted execution environment.
#pragma once

#include <string>
#include <vector>

#include "mr/tee.h"

namespace mr::tdx {

const Tee &tee();

// Every member that reference values can have for the kind alone (reference_members.h).
std::vector<std::string> policy_members();

}  // namespace mr::tdx
