// What of a quote's options a quoter takes.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mr/report_options.h"
#include "mrd/providers/provider.h"

namespace mrd {

// The names that they have on the wire, which refusals have too.
namespace option {
inline constexpr std::string_view privilege_level = "privilegeLevel";
inline constexpr std::string_view service_provider = "serviceProvider";
inline constexpr std::string_view service_guid = "serviceGuid";
inline constexpr std::string_view service_manifest_version = "serviceManifestVersion";
inline constexpr std::string_view certificates = "certificates";
}  // namespace option

struct AskedOption {
    std::string_view name;
    std::string value;  // of certificates: empty
};
// Those that are given, in the order above.
std::vector<AskedOption> asked_options(const mr::ReportOptions &options);

// Of hardware that takes those alone. Error: not_supported, by the name of the first other one, or of the first that another one makes meaningless.
std::expected<void, QuoteFailure> check_options(const mr::ReportOptions &options, std::span<const std::string_view> taken = {});

}  // namespace mrd
