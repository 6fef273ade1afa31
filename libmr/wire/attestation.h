// io.mrd.Attestation as structs; see libmr/wire/registers.h for who owns what.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libmr/wire/errors.h"
#include "libmr/wire/method.h"
#include "mr/bound_report_data.h"
#include "proto/varlink/fields.h"

template <>
struct varlink::EnumNames<mr::AttesterRole> {
    static constexpr std::array values{std::pair{mr::AttesterRole::client, "client"}, std::pair{mr::AttesterRole::server, "server"}};
};

namespace mr::wire::attestation {

using varlink::field;

struct ReportParameters {
    std::string_view report_data;
    std::optional<std::string_view> provider;
    std::optional<OnBehalfOf> on_behalf_of;
    static constexpr auto fields() {
        return std::tuple(field("reportData", &ReportParameters::report_data), field("provider", &ReportParameters::provider),
                          field("onBehalfOf", &ReportParameters::on_behalf_of));
    }
};
struct ReportReply {
    std::string_view report;
    std::string_view provider;
    bool simulated = false;
    static constexpr auto fields() {
        return std::tuple(field("report", &ReportReply::report), field("provider", &ReportReply::provider),
                          field("simulated", &ReportReply::simulated));
    }
};

struct VerifyReportParameters {
    std::string_view report;
    static constexpr auto fields() { return std::tuple(field("report", &VerifyReportParameters::report)); }
};
struct VerifyReportReply {
    bool genuine = false;
    std::optional<std::string_view> reason;
    static constexpr auto fields() {
        return std::tuple(field("genuine", &VerifyReportReply::genuine), field("reason", &VerifyReportReply::reason));
    }
};

// mr/report_options.h
struct ReportOptions {
    std::optional<std::int64_t> privilege_level;
    std::optional<std::string_view> service_provider;
    std::optional<std::string_view> service_guid;
    std::optional<std::int64_t> service_manifest_version;
    std::optional<bool> certificates;
    static constexpr auto fields() {
        return std::tuple(field("privilegeLevel", &ReportOptions::privilege_level),
                          field("serviceProvider", &ReportOptions::service_provider), field("serviceGuid", &ReportOptions::service_guid),
                          field("serviceManifestVersion", &ReportOptions::service_manifest_version),
                          field("certificates", &ReportOptions::certificates));
    }
};

// mr/bound_report_data.h
struct KeyBinding {
    std::string_view nonce;
    std::optional<std::string_view> key;
    std::optional<std::string_view> tls_exporter;
    std::optional<AttesterRole> role;
    static constexpr auto fields() {
        return std::tuple(field("nonce", &KeyBinding::nonce), field("key", &KeyBinding::key),
                          field("tlsExporter", &KeyBinding::tls_exporter), field("role", &KeyBinding::role));
    }
};

struct QuoteParameters {
    std::optional<std::string_view> report_data;
    std::optional<KeyBinding> bind;
    std::optional<std::string_view> provider;
    std::optional<ReportOptions> options;
    std::optional<std::int64_t> deadline_milliseconds;
    std::optional<OnBehalfOf> on_behalf_of;
    static constexpr auto fields() {
        return std::tuple(field("reportData", &QuoteParameters::report_data), field("bind", &QuoteParameters::bind),
                          field("provider", &QuoteParameters::provider), field("options", &QuoteParameters::options),
                          field("deadlineMilliseconds", &QuoteParameters::deadline_milliseconds),
                          field("onBehalfOf", &QuoteParameters::on_behalf_of));
    }
};
struct QuoteReply {
    std::string_view quote;
    std::optional<std::string_view> auxiliary;
    std::optional<std::string_view> manifest;
    std::string_view format;
    std::string_view provider;
    bool simulated = false;
    static constexpr auto fields() {
        return std::tuple(field("quote", &QuoteReply::quote), field("auxiliary", &QuoteReply::auxiliary),
                          field("manifest", &QuoteReply::manifest), field("format", &QuoteReply::format),
                          field("provider", &QuoteReply::provider), field("simulated", &QuoteReply::simulated));
    }
};

struct EvidenceParameters {
    std::optional<std::string_view> report_data;
    std::optional<KeyBinding> bind;
    std::optional<std::vector<std::string_view>> providers;
    std::optional<std::int64_t> deadline_milliseconds;
    std::optional<std::vector<std::string_view>> registers;
    static constexpr auto fields() {
        return std::tuple(field("reportData", &EvidenceParameters::report_data), field("bind", &EvidenceParameters::bind),
                          field("providers", &EvidenceParameters::providers),
                          field("deadlineMilliseconds", &EvidenceParameters::deadline_milliseconds),
                          field("registers", &EvidenceParameters::registers));
    }
};
struct EvidenceReply {
    varlink::RawJson evidence;
    static constexpr auto fields() { return std::tuple(field("evidence", &EvidenceReply::evidence)); }
};

struct CollateralParameters {
    std::optional<std::string_view> provider;
    static constexpr auto fields() { return std::tuple(field("provider", &CollateralParameters::provider)); }
};
struct CollateralReply {
    varlink::RawJson collateral;
    std::string_view root;
    static constexpr auto fields() {
        return std::tuple(field("collateral", &CollateralReply::collateral), field("root", &CollateralReply::root));
    }
};

// ---- Errors

using wire::Busy;
using wire::JournalFailed;
using wire::NotSupported;
using wire::WrongLength;

struct QuoteTimeout {
    static constexpr std::string_view name_in_interface = "QuoteTimeout";
    std::optional<std::string> provider;
    static constexpr auto fields() { return std::tuple(field("provider", &QuoteTimeout::provider)); }
};

struct QuoteUnavailable {
    static constexpr std::string_view name_in_interface = "QuoteUnavailable";
    std::optional<std::string> provider;
    std::optional<std::string> reason;
    static constexpr auto fields() {
        return std::tuple(field("provider", &QuoteUnavailable::provider), field("reason", &QuoteUnavailable::reason));
    }
};

struct QuoteFailed {
    static constexpr std::string_view name_in_interface = "QuoteFailed";
    std::string provider;
    std::string status;
    static constexpr auto fields() { return std::tuple(field("provider", &QuoteFailed::provider), field("status", &QuoteFailed::status)); }
};

struct QuoteInvalid {
    static constexpr std::string_view name_in_interface = "QuoteInvalid";
    std::string provider;
    std::string reason;
    static constexpr auto fields() {
        return std::tuple(field("provider", &QuoteInvalid::provider), field("reason", &QuoteInvalid::reason));
    }
};

struct LogTooLarge {
    static constexpr std::string_view name_in_interface = "LogTooLarge";
    std::int64_t limit = 0;
    static constexpr auto fields() { return std::tuple(field("limit", &LogTooLarge::limit)); }
};

struct NoSuchProvider {
    static constexpr std::string_view name_in_interface = "NoSuchProvider";
    std::string name;
    std::vector<std::string> candidates;
    static constexpr auto fields() {
        return std::tuple(field("name", &NoSuchProvider::name), field("candidates", &NoSuchProvider::candidates));
    }
};

struct ProviderFailed {
    static constexpr std::string_view name_in_interface = "ProviderFailed";
    std::string provider;
    std::string reason;
    static constexpr auto fields() {
        return std::tuple(field("provider", &ProviderFailed::provider), field("reason", &ProviderFailed::reason));
    }
};

// ---- The methods

struct Report : Method<ReportParameters, ReportReply, WrongLength, NoSuchProvider, NotSupported, ProviderFailed> {
    static constexpr Description description{
        .name = "io.mrd.Attestation.Report", .operation = Operation::report, .connection = Connection::own};
    static constexpr auto subject = &Parameters::provider;
};

struct Quote : Method<QuoteParameters, QuoteReply, WrongLength, NoSuchProvider, NotSupported, ProviderFailed, QuoteTimeout,
                      QuoteUnavailable, QuoteFailed, QuoteInvalid, Busy> {
    static constexpr Description description{
        .name = "io.mrd.Attestation.Quote", .operation = Operation::quote, .connection = Connection::own};
    static constexpr auto subject = &Parameters::provider;
};

struct Evidence : Method<EvidenceParameters, EvidenceReply, WrongLength, NoSuchProvider, NotSupported, ProviderFailed, QuoteTimeout,
                         QuoteUnavailable, QuoteFailed, QuoteInvalid, LogTooLarge, JournalFailed, Busy> {
    static constexpr Description description{
        .name = "io.mrd.Attestation.Evidence", .operation = Operation::evidence, .connection = Connection::own};
    static constexpr auto subject = &Parameters::providers;
    // A tenant's is a quote with his log: who may have both may have it.
    static constexpr std::array in_parts{Operation::quote, Operation::log_read};
    static bool is_in_parts(const Parameters &parameters) { return parameters.registers.has_value(); }
};

struct Collateral : Method<CollateralParameters, CollateralReply, NoSuchProvider, NotSupported, ProviderFailed> {
    static constexpr Description description{.name = "io.mrd.Attestation.Collateral", .operation = Operation::collateral};
    static constexpr auto subject = &Parameters::provider;
};

struct VerifyReport : Method<VerifyReportParameters, VerifyReportReply, NotSupported, ProviderFailed> {
    static constexpr Description description{.name = "io.mrd.Attestation.VerifyReport", .operation = Operation::verify_report};
    static constexpr auto subject = no_subject;
};

using AttestationMethods = MethodList<Report, Quote, Evidence, Collateral, VerifyReport>;

}  // namespace mr::wire::attestation
