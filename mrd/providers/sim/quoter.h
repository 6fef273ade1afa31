// The simulator's quotes: the TD's side of the shared buffer, with its host and quoting service at the other end.
#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mrd/providers/provider.h"
#include "mrd/providers/sim/quote_host.h"
#include "mrd/providers/sim/quoting_service.h"

namespace mrd::sim {

// "sim-NAME.quoting" in the state directory. It outlives the TD, as a platform does, --reset included: who wants another platform removes the file.
std::filesystem::path quoting_file(const std::filesystem::path &state_directory, std::string_view provider_name);

struct QuoterOptions {
    std::vector<RegisterSpec> registers;  // the provider's
    std::filesystem::path state_file;     // of the TD, which is there
    std::filesystem::path quoting_file;
    QuoteFormat format = QuoteFormat::v4;
    HostSide host_side = {};
};

// Quotes and the collateral for them.
class SimulatorQuoter : public Quoter, public CollateralSource {};

// Opens nothing and starts no thread before it is first used.
std::unique_ptr<SimulatorQuoter> make_quoter(QuoterOptions options);

}  // namespace mrd::sim
