#include "mrd/providers/open.h"

#include <utility>

#include "mrd/providers/sim/quoter.h"
#include "mrd/providers/tsm/guest_device.h"
#include "mrd/providers/tsm/sight.h"
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

spdm::Options device_options(const ProviderConfig &provider) {
    auto options = provider.device;
    options.name = provider.name;
    return options;
}

std::expected<std::unique_ptr<Provider>, std::string> open_device(const ProviderConfig &provider, const ProviderSurroundings &) {
    return spdm::open(device_options(provider));
}

ProviderNeeds needs_of_device(const ProviderConfig &provider) { return {.places = spdm::places_of(device_options(provider))}; }

ProviderNeeds needs_of_kernel(const ProviderConfig &provider) {
    const tsm::Options options{.name = provider.name, .qgs = provider.qgs};
    // As a module that is loaded again has new folders, it is what is above them.
    return {.places = tsm::places_of(options),
            .listed = {options.paths.measurements.parent_path().parent_path()},
            .device_requests = {tsm::report_request}};
}

struct Type {
    std::string_view name;
    std::string_view default_name;
    std::expected<std::unique_ptr<Provider>, std::string> (*open)(const ProviderConfig &, const ProviderSurroundings &);
    bool simulated = false;
    ProviderNeeds (*needs)(const ProviderConfig &) = nullptr;  // null: none
    Sighting (*look)() = nullptr;                              // null: it is not found by itself
    std::filesystem::path (*firmware_log)() = nullptr;
};
constexpr Type types[] = {
    {.name = "sim", .default_name = "tdx", .open = &open_simulator, .simulated = true},
    {.name = "tsm",
     .default_name = "tdx",
     .open = &open_kernel,
     .needs = &needs_of_kernel,
     .look = [] { return tsm::look_for({}); },
     .firmware_log = [] { return tsm::Paths().firmware_log; }},
    {.name = "spdm", .default_name = "spdm0", .open = &open_device, .needs = &needs_of_device},
};

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

std::filesystem::path kernel_firmware_log(std::string_view type) {
    const auto *known = find(type);
    return known == nullptr || known->firmware_log == nullptr ? std::filesystem::path() : known->firmware_log();
}

std::expected<std::unique_ptr<Provider>, std::string> open_provider(const ProviderConfig &provider,
                                                                    const ProviderSurroundings &surroundings) {
    const auto *known = find(provider.type);
    if (known == nullptr) return std::unexpected("there is no provider of the type \"" + provider.type + "\"");
    return known->open(provider, surroundings);
}

ProviderNeeds needs_of(const ProviderConfig &provider) {
    const auto *known = find(provider.type);
    return known == nullptr || known->needs == nullptr ? ProviderNeeds() : known->needs(provider);
}

std::vector<Looked> look_for_hardware() {
    std::vector<Looked> looked;
    for (const auto &type : types) {
        if (type.look != nullptr) looked.push_back({std::string(type.name), type.look()});
    }
    return looked;
}

}  // namespace mrd
