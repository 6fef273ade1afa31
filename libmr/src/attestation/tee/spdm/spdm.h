// Evidence of SPDM devices, as the rules of a verdict know it.
#pragma once

#include <string>
#include <vector>

#include "mr/tee.h"

namespace mr::spdm {

const Tee &tee();

// Every member that reference values can have for the kind alone (reference_members.h).
std::vector<std::string> policy_members();

}  // namespace mr::spdm
