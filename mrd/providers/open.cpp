#include "mrd/providers/open.h"

#include <utility>

#include "mrd/providers/sim/quoter.h"
#include "mrd/providers/tsm/tsm.h"

namespace mrd {

namespace {

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

std::expected<std::unique_ptr<Provider>, std::string> open_kernel(const ProviderConfig &provider, const ProviderSurroundings &) {
    return tsm::open({.name = provider.name, .qgs = provider.qgs});
}

struct Type {
    std::string_view name;
    std::string_view default_name;
    bool simulated;
    std::expected<std::unique_ptr<Provider>, std::string> (*open)(const ProviderConfig &, const ProviderSurroundings &);
};
constexpr Type types[] = {{"sim", "tdx", true, &open_simulator}, {"tsm", "tdx", false, &open_kernel}};

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
    const tsm::Paths kernel;
    std::string looked_for;
    bool has_kernel = false;
    for (const auto &path : {kernel.measurements, kernel.guest_device}) {
        const bool is_there = std::filesystem::exists(path);
        looked_for += path.native() + (is_there ? " is there, " : " is not there, ");
        has_kernel = has_kernel || is_there;
    }
    return "no usable back end: no [[provider]] is configured, " + looked_for +
           (has_kernel ? "so give one of the type tsm" : "so give --sim for a TDX module in software, whose values prove nothing");
}

}  // namespace mrd
