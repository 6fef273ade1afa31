// Evidence of SPDM devices, as the rules of a verdict know it.
#pragma once

#include "mr/tee.h"

namespace mr::spdm {

const Tee &tee();

}  // namespace mr::spdm
