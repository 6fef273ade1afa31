// What this kernel shows of a confidential VM, and what to do where it does not.
#pragma once

#include "mrd/providers/sighting.h"
#include "mrd/providers/tsm/tsm.h"

namespace mrd::tsm {

// Opens the device, and closes it again; where there is no TD makes a report's folder and removes it.
Sighting look_for(const Paths &paths);

}  // namespace mrd::tsm
