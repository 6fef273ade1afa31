// `type = "auto"`: the providers that the machine itself offers. Which they are is decided here, out of what each type of hardware was looked for and found
// (open.h); nothing simulated is among them.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <vector>

#include "mrd/providers/open.h"

namespace mrd {

struct Discovered {
    std::vector<ProviderConfig> providers;  // none is "auto"
    std::string told;                       // one line: what was found, and what of it is missing; empty: nothing was to be looked for
};

// In the place of "auto" stand the types that were found, but for those that are configured by themselves. Error: there is none; one line that says what was
// looked for and what to do.
std::expected<Discovered, std::string> discover(const std::vector<ProviderConfig> &configured, std::span<const Looked> looked);

}  // namespace mrd
