// io.mrd.Attestation as structs; see libmr/wire/registers.h for who owns what.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/varlink/fields.h"

namespace mr::wire::attestation {

using varlink::field;

struct ReportParameters {
    std::string_view report_data;
    std::optional<std::string_view> provider;
    static constexpr auto fields() {
        return std::tuple(field("reportData", &ReportParameters::report_data), field("provider", &ReportParameters::provider));
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

struct QuoteParameters {
    std::string_view report_data;
    std::optional<std::string_view> provider;
    std::optional<std::int64_t> privilege_level;
    std::optional<std::int64_t> deadline_milliseconds;
    static constexpr auto fields() {
        return std::tuple(field("reportData", &QuoteParameters::report_data), field("provider", &QuoteParameters::provider),
                          field("privilegeLevel", &QuoteParameters::privilege_level),
                          field("deadlineMilliseconds", &QuoteParameters::deadline_milliseconds));
    }
};
struct QuoteReply {
    std::string_view quote;
    std::optional<std::string_view> auxiliary;
    std::string_view format;
    std::string_view provider;
    bool simulated = false;
    static constexpr auto fields() {
        return std::tuple(field("quote", &QuoteReply::quote), field("auxiliary", &QuoteReply::auxiliary),
                          field("format", &QuoteReply::format), field("provider", &QuoteReply::provider),
                          field("simulated", &QuoteReply::simulated));
    }
};

struct EvidenceParameters {
    std::string_view report_data;
    std::optional<std::string_view> provider;
    std::optional<std::int64_t> deadline_milliseconds;
    static constexpr auto fields() {
        return std::tuple(field("reportData", &EvidenceParameters::report_data), field("provider", &EvidenceParameters::provider),
                          field("deadlineMilliseconds", &EvidenceParameters::deadline_milliseconds));
    }
};
struct EvidenceReply {
    varlink::RawJson evidence;
    static constexpr auto fields() { return std::tuple(field("evidence", &EvidenceReply::evidence)); }
};

struct CollateralReply {
    varlink::RawJson collateral;
    std::string_view root;
    static constexpr auto fields() {
        return std::tuple(field("collateral", &CollateralReply::collateral), field("root", &CollateralReply::root));
    }
};

// ---- Errors

struct QuoteTimeout {
    static constexpr std::string_view error_name = "io.mrd.Attestation.QuoteTimeout";
    static constexpr auto fields() { return std::tuple(); }
};

struct QuoteUnavailable {
    static constexpr std::string_view error_name = "io.mrd.Attestation.QuoteUnavailable";
    std::optional<std::string> reason;
    static constexpr auto fields() { return std::tuple(field("reason", &QuoteUnavailable::reason)); }
};

struct QuoteFailed {
    static constexpr std::string_view error_name = "io.mrd.Attestation.QuoteFailed";
    std::string status;
    static constexpr auto fields() { return std::tuple(field("status", &QuoteFailed::status)); }
};

struct QuoteInvalid {
    static constexpr std::string_view error_name = "io.mrd.Attestation.QuoteInvalid";
    std::string reason;
    static constexpr auto fields() { return std::tuple(field("reason", &QuoteInvalid::reason)); }
};

struct LogTooLarge {
    static constexpr std::string_view error_name = "io.mrd.Attestation.LogTooLarge";
    std::int64_t limit = 0;
    static constexpr auto fields() { return std::tuple(field("limit", &LogTooLarge::limit)); }
};

struct JournalFailed {
    static constexpr std::string_view error_name = "io.mrd.Attestation.JournalFailed";
    std::string reason;
    static constexpr auto fields() { return std::tuple(field("reason", &JournalFailed::reason)); }
};

struct WrongLength {
    static constexpr std::string_view error_name = "io.mrd.Attestation.WrongLength";
    std::string name;
    std::int64_t expected = 0;
    std::int64_t actual = 0;
    static constexpr auto fields() {
        return std::tuple(field("name", &WrongLength::name), field("expected", &WrongLength::expected),
                          field("actual", &WrongLength::actual));
    }
};

struct NoSuchProvider {
    static constexpr std::string_view error_name = "io.mrd.Attestation.NoSuchProvider";
    std::string name;
    std::vector<std::string> candidates;
    static constexpr auto fields() {
        return std::tuple(field("name", &NoSuchProvider::name), field("candidates", &NoSuchProvider::candidates));
    }
};

struct NotSupported {
    static constexpr std::string_view error_name = "io.mrd.Attestation.NotSupported";
    std::string provider;
    std::string what;
    static constexpr auto fields() { return std::tuple(field("provider", &NotSupported::provider), field("what", &NotSupported::what)); }
};

struct ProviderFailed {
    static constexpr std::string_view error_name = "io.mrd.Attestation.ProviderFailed";
    std::string provider;
    std::string reason;
    static constexpr auto fields() {
        return std::tuple(field("provider", &ProviderFailed::provider), field("reason", &ProviderFailed::reason));
    }
};

struct Busy {
    static constexpr std::string_view error_name = "io.mrd.Attestation.Busy";
    std::string limit;
    static constexpr auto fields() { return std::tuple(field("limit", &Busy::limit)); }
};

}  // namespace mr::wire::attestation
