#include "mrd/providers/open.h"

#include <utility>

#include "mrd/providers/sim/quoter.h"

namespace mrd {

namespace {

constexpr const char *kernel_registers = "/sys/devices/virtual/misc/tdx_guest/measurements";

std::expected<std::unique_ptr<Provider>, std::string> open_simulator(const ProviderConfig &provider,
                                                                     const ProviderSurroundings &surroundings) {
    auto options = surroundings.simulated_td;
    options.name = provider.name;
    options.state_file = sim::state_file(surroundings.state, provider.name);
    options.quoting_file = sim::quoting_file(surroundings.state, provider.name);
    options.quote_format = provider.quote_format;
    options.boot_id = surroundings.boot_id;
    return sim::open(options);
}

struct Type {
    std::string_view name;
    std::string_view default_name;
    bool simulated;
    std::expected<std::unique_ptr<Provider>, std::string> (*open)(const ProviderConfig &, const ProviderSurroundings &);
};
constexpr Type types[] = {{"sim", "tdx", true, &open_simulator}};

const Type *find(std::string_view name) {
    for (const auto &type : types) {
        if (type.name == name) return &type;
    }
    return nullptr;
}

}  // namespace

std::vector<std::string_view> provider_types() {
    std::vector<std::string_view> names;
    for (const auto &type : types) names.push_back(type.name);
    return names;
}

std::string_view default_provider_name(std::string_view type) {
    const auto *known = find(type);
    return known == nullptr ? std::string_view() : known->default_name;
}

bool is_simulated(const ProviderConfig &provider) {
    const auto *known = find(provider.type);
    return known != nullptr && known->simulated;
}

std::expected<std::unique_ptr<Provider>, std::string> open_provider(const ProviderConfig &provider,
                                                                    const ProviderSurroundings &surroundings) {
    const auto *known = find(provider.type);
    if (known == nullptr) return std::unexpected("there is no provider of the type \"" + provider.type + "\"");
    return known->open(provider, surroundings);
}

std::string why_no_provider() {
    const bool has_kernel = std::filesystem::exists(kernel_registers);
    return "no usable back end: no [[provider]] is configured, " + std::string(kernel_registers) +
           (has_kernel ? " is there, but this version cannot use it yet" : " is not there") +
           ". Give --sim for a TDX module in software, whose values prove nothing";
}

}  // namespace mrd
