// Intel TDX: TD quotes, and TDREPORTs, as one kind of trusted execution environment.
#pragma once

#include "mr/tee.h"

namespace mr::tdx {

const Tee &tee();

}  // namespace mr::tdx
