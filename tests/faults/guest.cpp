#include "tests/faults/guest.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <mutex>
#include <utility>

#include "mr/digest.h"
#include "mr/snp_report.h"
#include "mrd/providers/report_options.h"
#include "mrd/providers/tsm/report_kind.h"
#include "tests/providers/tsm/played_guest.h"
#include "tests/providers/tsm/reports.h"

namespace mrd::faults {
namespace {

constexpr std::int64_t highest_level = 3;
constexpr std::uint8_t measured = 1;

class GuestReports {
public:
    explicit GuestReports(const GuestOptions &options)
        : kind_(*tsm::find_report_kind(options.driver)), own_level_(options.privilege_level) {}

    [[nodiscard]] const tsm::ReportKind &kind() const { return kind_; }

    std::expected<Quoted, QuoteFailure> make(mr::ByteView data, const mr::ReportOptions &options,
                                             const std::vector<RegisterSpec> &registers) {
        using Cause = QuoteFailure::Cause;
        if (auto taken = check_options(options, kind_.options); !taken) return std::unexpected(std::move(taken.error()));
        const auto level = options.privilege_level.value_or(own_level_);
        if (level < own_level_ || level > highest_level) return no_quote(Cause::not_supported, std::string(option::privilege_level));
        if (options.service_provider && own_level_ == 0) return no_quote(Cause::not_supported, std::string(option::service_provider));
        if (options.service_provider && *options.service_provider != "svsm") return no_quote(Cause::failed, "Invalid argument");

        const std::scoped_lock lock(mutex_);
        Quoted quoted{};
        if (kind_.kind == "cca") {
            quoted.quote = tsm::cca_token(realm_, data, 0);
        } else {
            quoted.manifest = manifest_of(options);
            quoted.quote = snp_report(data, quoted.manifest, static_cast<std::uint32_t>(level));
            const auto certificates = "certificates " + std::to_string(reports_);
            quoted.auxiliary.emplace(certificates.begin(), certificates.end());
        }
        auto read =
            kind_.read({data, options}, {quoted.quote, quoted.manifest ? mr::ByteView(*quoted.manifest) : mr::ByteView()}, registers);
        if (!read) return no_quote(Cause::invalid, std::move(read.error()));
        quoted.format = std::move(read->format);
        quoted.says = std::move(read->says);
        return quoted;
    }

private:
    static std::optional<mr::Bytes> manifest_of(const mr::ReportOptions &options) {
        if (!options.service_provider) return std::nullopt;
        const auto text = options.service_guid ? "service " + *options.service_guid + ", version " +
                                                     std::to_string(options.service_manifest_version.value_or(0))
                                               : std::string("services");
        return mr::Bytes(text.begin(), text.end());
    }

    mr::Bytes snp_report(mr::ByteView data, const std::optional<mr::Bytes> &manifest, std::uint32_t level) {
        mr::SnpReport report;
        report.version = 3;
        report.guest_svn = ++reports_;
        report.vmpl = level;
        report.signature_algorithm = mr::snp_ecdsa_p384_sha384;
        report.measurement.fill(measured);
        mr::Bytes over(data.begin(), data.end());
        if (manifest) {
            over.insert(over.end(), manifest->begin(), manifest->end());
            const auto hash = mr::hash(mr::HashAlgorithm::sha512, over).value();
            over.assign(hash.bytes().begin(), hash.bytes().end());
        }
        std::ranges::copy(over, report.report_data.begin());
        return mr::encode_snp_report(report);
    }

    const tsm::ReportKind &kind_;
    const std::int64_t own_level_;
    std::mutex mutex_;  // of what follows: registers are read beside quotes
    mr::TestCcaToken realm_;
    std::uint32_t reports_ = 0;
};

class GuestQuoter final : public Quoter {
public:
    explicit GuestQuoter(std::shared_ptr<GuestReports> reports) : reports_(std::move(reports)) {}

    std::expected<Quoted, QuoteFailure> quote(mr::ByteView report_data, const mr::ReportOptions &options,
                                              const std::stop_token & /*nothing waits*/) override {
        return reports_->make(report_data, options, registers_);
    }
    void speaks_of(std::vector<RegisterSpec> registers) { registers_ = std::move(registers); }

private:
    std::shared_ptr<GuestReports> reports_;
    std::vector<RegisterSpec> registers_;
};

class ReportingGuest final : public tsm::PlayedGuest<GuestQuoter> {
public:
    ReportingGuest(const std::string &name, const std::shared_ptr<GuestReports> &made_of)
        : PlayedGuest(name, std::string(made_of->kind().kind), GuestQuoter(made_of)) {
        reports().speaks_of(registers()->list());
    }
};

}  // namespace

std::expected<GuestOptions, std::string> parse_guest(std::string_view text) {
    GuestOptions options{.driver = std::string(text.substr(0, text.find(':')))};
    const auto level = text.substr(std::min(text.size(), options.driver.size() + 1));
    const auto *end = level.data() + level.size();
    const auto [stopped, error] = std::from_chars(level.data(), end, options.privilege_level);
    const bool is_level = level.empty() || (error == std::errc() && stopped == end && options.privilege_level <= highest_level);
    const auto *kind = tsm::find_report_kind(options.driver);
    if (kind == nullptr || kind->kind == "tdx" || !is_level)
        return std::unexpected("\"" + std::string(text) + "\" is no guest: write sev_guest, sev_guest:LEVEL or arm_cca_guest");
    return options;
}

OpenProvider open_as_guest(const GuestOptions &options, OpenProvider rest) {
    return [reports = std::make_shared<GuestReports>(options), rest = std::move(rest)](
               const ProviderConfig &config,
               const ProviderSurroundings &surroundings) -> std::expected<std::unique_ptr<Provider>, std::string> {
        if (config.type != "tsm") return rest(config, surroundings);
        return std::make_unique<ReportingGuest>(config.name, reports);
    };
}

}  // namespace mrd::faults
