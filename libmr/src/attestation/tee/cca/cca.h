// Arm's Confidential Compute Architecture: CCA tokens as one kind of trusted execution environment.
#pragma once

#include <string>
#include <vector>

#include "mr/tee.h"

namespace mr::cca {

const Tee &tee();

// Every member that reference values can have for the kind alone (reference_members.h).
std::vector<std::string> policy_members();

}  // namespace mr::cca
