#include "mrd/providers/report_options.h"

#include <algorithm>
#include <utility>

namespace mrd {

std::vector<AskedOption> asked_options(const mr::ReportOptions &options) {
    std::vector<AskedOption> asked;
    if (options.privilege_level) asked.push_back({option::privilege_level, std::to_string(*options.privilege_level)});
    if (options.service_provider) asked.push_back({option::service_provider, *options.service_provider});
    if (options.service_guid) asked.push_back({option::service_guid, *options.service_guid});
    if (options.service_manifest_version)
        asked.push_back({option::service_manifest_version, std::to_string(*options.service_manifest_version)});
    if (options.certificates) asked.push_back({option::certificates, {}});
    return asked;
}

std::expected<void, QuoteFailure> check_options(const mr::ReportOptions &options, std::span<const std::string_view> taken) {
    const auto refuse = [](std::string what) { return std::unexpected(QuoteFailure{QuoteFailure::Cause::not_supported, std::move(what)}); };
    for (const auto &[name, value] : asked_options(options)) {
        if (std::ranges::find(taken, name) == taken.end()) return refuse(std::string(name));
    }
    // The hardware would pass over each of these.
    const auto without = [](std::string_view name, std::string_view other) { return std::string(name) + " without " + std::string(other); };
    if (options.privilege_level && options.service_provider)
        return refuse(std::string(option::privilege_level) + " of a report of services");
    if (options.service_guid && !options.service_provider) return refuse(without(option::service_guid, option::service_provider));
    if (options.service_manifest_version && !options.service_guid)
        return refuse(without(option::service_manifest_version, option::service_guid));
    return {};
}

}  // namespace mrd
