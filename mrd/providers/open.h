// The one place that knows which types of provider there are.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mrd/opener/request.h"
#include "mrd/providers/provider.h"
#include "mrd/providers/qgs/address.h"
#include "mrd/providers/sighting.h"
#include "mrd/providers/sim/quoting_service.h"
#include "mrd/providers/sim/simulator.h"
#include "mrd/providers/spdm/spdm.h"

namespace mrd {

// A provider as the configuration has it.
struct ProviderConfig {
    std::string type;                                      // of provider_types(), or automatic_type
    std::string name;                                      // "tdx"
    bool required = true;                                  // false: mrd starts without it if it cannot be opened, and tries again
    sim::QuoteFormat quote_format = sim::QuoteFormat::v4;  // of "sim"
    std::optional<qgs::Address> qgs = {};                  // of "tsm": whom to ask for quotes; not given: the kernel
    spdm::Options device = {};                             // of "spdm", but for its name
    // Not given: the kernel's CCEL for registers of hardware, and what --sim-ccel names for the simulator's. "none": no import.
    std::optional<std::filesystem::path> firmware_log = {};
    // Of what others extended behind the firmware, before mrd came: in their order, at most journal::max_earlier_logs.
    std::vector<std::filesystem::path> earlier_logs = {};
};

// In the place of a type: whatever the machine has (mrd/providers/discovery.h).
inline constexpr std::string_view automatic_type = "auto";

std::vector<std::string_view> provider_types();
// The name of a provider of that type that is given none.
std::string_view default_provider_name(std::string_view type);
// No hardware stands behind it.
bool is_simulated(const ProviderConfig &provider);

// Where the kernel keeps what the firmware measured into the registers of hardware of that type. Empty: nowhere.
std::filesystem::path kernel_firmware_log(std::string_view type);

// What all providers of this mrd have in common.
struct ProviderSurroundings {
    std::filesystem::path state;  // the state directory, which is mrd's alone
    std::string boot_id;
    sim::Options simulated_td = {};  // what the command line asks of it; name, files and boot id are not set
};

// What a provider needs beside the state directory and logs while it runs: what mrd keeps where it gives up all else.
struct ProviderNeeds {
    opener::Places places = {};
    std::vector<std::filesystem::path> listed = {};   // folders of which it reads the names
    std::vector<std::uint64_t> device_requests = {};  // that it makes by ioctl()
};
ProviderNeeds needs_of(const ProviderConfig &provider);

// Blocks; on any thread. Error: one sentence that says what to do.
std::expected<std::unique_ptr<Provider>, std::string> open_provider(const ProviderConfig &provider,
                                                                    const ProviderSurroundings &surroundings);
using OpenProvider =
    std::function<std::expected<std::unique_ptr<Provider>, std::string>(const ProviderConfig &, const ProviderSurroundings &)>;

// Each type that can be found by itself, looked for on this machine. Changes nothing; blocks.
std::vector<Looked> look_for_hardware();

}  // namespace mrd
