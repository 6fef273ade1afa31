// The one place that knows which types of provider there are.
#pragma once

#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mrd/providers/provider.h"
#include "mrd/providers/sim/quoting_service.h"
#include "mrd/providers/sim/simulator.h"
#include "mrd/providers/tsm/qgs_quoter.h"

namespace mrd {

// A provider as the configuration has it.
struct ProviderConfig {
    std::string type;                                      // of provider_types()
    std::string name;                                      // "tdx"
    bool required = true;                                  // false: mrd starts without it if it cannot be opened, and tries again
    sim::QuoteFormat quote_format = sim::QuoteFormat::v4;  // of "sim"
    std::optional<tsm::QgsAddress> qgs = {};               // of "tsm": whom to ask for quotes; not given: the kernel
    // Not given: the kernel's CCEL for registers of hardware, and what --sim-ccel names for the simulator's. "none": no import.
    std::optional<std::filesystem::path> firmware_log = {};
};

std::vector<std::string_view> provider_types();
// The name of a provider of that type that is given none.
std::string_view default_provider_name(std::string_view type);
// No hardware stands behind it.
bool is_simulated(const ProviderConfig &provider);

// What all providers of this mrd have in common.
struct ProviderSurroundings {
    std::filesystem::path state;  // the state directory, which is mrd's alone
    std::string boot_id;
    sim::Options simulated_td = {};  // what the command line asks of it; name, files and boot id are not set
};

// Blocks; on any thread. Error: one sentence that says what to do.
std::expected<std::unique_ptr<Provider>, std::string> open_provider(const ProviderConfig &provider,
                                                                    const ProviderSurroundings &surroundings);
using OpenProvider =
    std::function<std::expected<std::unique_ptr<Provider>, std::string>(const ProviderConfig &, const ProviderSurroundings &)>;

// Why mrd does not start where no provider is configured, and what was looked for.
std::string why_no_provider();

}  // namespace mrd
