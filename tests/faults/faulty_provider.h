// The simulator with faults: its parts fail, wait, and are lied to by their host.
#pragma once

#include <memory>
#include <vector>

#include "mrd/providers/open.h"
#include "tests/faults/faults.h"

namespace mrd::faults {

// Around the registers and reports of any provider. Quotes keep to themselves.
std::unique_ptr<Provider> with_faults(std::unique_ptr<Provider> provider, const std::vector<Fault> &faults);

// Opens as `open` does, with the faults in all that it opens, quotes included.
OpenProvider with_faults(OpenProvider open, std::vector<Fault> faults);

}  // namespace mrd::faults
