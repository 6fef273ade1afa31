#include "mrd/providers/tsm/report_kind.h"

#include <algorithm>
#include <array>
#include <utility>

#include "mr/digest.h"
#include "mrd/providers/cca/cca_token.h"
#include "mrd/providers/report_options.h"
#include "mrd/providers/snp/snp_report.h"
#include "mrd/providers/tdx/td_quote.h"
#include "mrd/providers/tsm/report_registers.h"

namespace mrd::tsm {
namespace {

using Read = std::expected<ReportRead, std::string>;

Read read_tdx(const ReportAsked & /*asked*/, const ReportGiven &given, const std::vector<RegisterSpec> &registers) {
    auto quote = read_td_quote(given.report, registers);
    if (!quote) return std::unexpected(std::move(quote.error()));
    return ReportRead{std::move(quote->format), std::move(quote->says)};
}

// Is the report over the data and the manifest of the services? Then it says the data.
std::expected<void, std::string> unwrap_manifest(SnpReport &report, const ReportAsked &asked, mr::ByteView manifest) {
    mr::Bytes both(asked.data.begin(), asked.data.end());
    both.insert(both.end(), manifest.begin(), manifest.end());
    const auto hash = mr::hash(mr::HashAlgorithm::sha512, both);
    if (!hash) return std::unexpected(hash.error().message);
    if (!std::ranges::equal(hash->bytes(), report.report_data))
        return std::unexpected("the report is not over the data that was asked for and the manifest of the services");
    std::ranges::copy(asked.data, report.report_data.begin());
    return {};
}

Read read_snp(const ReportAsked &asked, const ReportGiven &given, const std::vector<RegisterSpec> &registers) {
    auto report = read_snp_report(given.report);
    if (!report) return std::unexpected(std::move(report.error()));
    if (const auto level = asked.options.privilege_level; level && *level != std::int64_t{report->vmpl})
        return std::unexpected("the report is for VMPL " + std::to_string(report->vmpl) + ", not for " + std::to_string(*level));
    if (asked.options.service_provider) {
        if (auto same = unwrap_manifest(*report, asked, given.manifest); !same) return std::unexpected(std::move(same.error()));
    }
    return ReportRead{"snp_report",
                      {{report->report_data.begin(), report->report_data.end()}, registers_said("snp", given.report, registers)}};
}

Read read_cca(const ReportAsked & /*asked*/, const ReportGiven &given, const std::vector<RegisterSpec> &registers) {
    const auto challenge = read_cca_challenge(given.report);
    if (!challenge) return std::unexpected(challenge.error());
    return ReportRead{"cca_token", {{challenge->begin(), challenge->end()}, registers_said("cca", given.report, registers)}};
}

constexpr std::array<std::string_view, 5> snp_options = {option::privilege_level, option::service_provider, option::service_guid,
                                                         option::service_manifest_version, option::certificates};
constexpr ReportKind kinds[] = {
    {"tdx_guest", "tdx", {}, &read_tdx}, {"sev_guest", "snp", snp_options, &read_snp}, {"arm_cca_guest", "cca", {}, &read_cca}};

}  // namespace

const ReportKind *find_report_kind(std::string_view driver) {
    const auto *found = std::ranges::find(kinds, driver, &ReportKind::driver);
    return found == std::end(kinds) ? nullptr : found;
}

}  // namespace mrd::tsm
