// Arm's Confidential Compute Architecture: CCA tokens as one kind of trusted execution environment.
#pragma once

#include "mr/tee.h"

namespace mr::cca {

const Tee &tee();

}  // namespace mr::cca
