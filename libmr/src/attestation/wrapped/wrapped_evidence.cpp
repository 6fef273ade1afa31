// Which form a file has, and what is in it.
#include "mr/wrapped_evidence.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libmr/src/attestation/wrapped/coco.h"
#include "libmr/src/attestation/wrapped/tsm_report.h"
#include "libmr/src/base64url.h"
#include "libmr/src/cbor.h"
#include "libmr/src/event_log/json_common.h"
#include "libmr/src/text_form.h"
#include "mr/cca_token.h"
#include "mr/event_log.h"
#include "mr/snp_report.h"
#include "mr/tee.h"
#include "mr/verify_snp.h"

namespace mr {
namespace {

constexpr std::string_view whole_evidence_label = "mrd";
constexpr std::string_view ratsd_profile_begin = "tag:github.com,2024:veraison/ratsd";

std::unexpected<Error> refuse(ErrorCode code, std::string message) { return std::unexpected(Error{code, std::move(message)}); }

std::string_view json_text(ByteView file) {
    const auto text = event_log::without_byte_order_mark(event_log::as_text(file));
    const auto first = text.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && text[first] == '{' ? text.substr(first) : std::string_view();
}

bool begins_cbor_tsm_report(ByteView file) {
    cbor::Reader reader(file);
    if (!reader.read_map()) return false;
    const auto key = reader.read_text();
    return key == "outblob" || key == "auxblob" || key == "provider" || key == "manifestblob";
}

bool begins_extended_report(ByteView file) {
    const auto *const tee = find_tee(snp_kind);
    return file.size() > snp_report_size && tee != nullptr && tee->begins_quote(file.first(snp_report_size)) &&
           is_snp_table(file.subspan(snp_report_size));
}

std::optional<WrappedForm> form_of(varlink::Value root) {
    if (root.find("outblob")) return WrappedForm::tsm_report;
    if (root.find("eat_profile") && root.find("cmw")) return WrappedForm::ratsd;
    // What dstack's agent answers beside a quote; a caller may have taken the log out of it.
    const auto has = [&](std::string_view name) { return root.find(name).has_value(); };
    if (has("quote") && std::ranges::any_of(std::array{"event_log", "report_data", "vm_config", "tcb_info"}, has))
        return WrappedForm::dstack;
    if (attestation::is_coco(root)) return WrappedForm::coco;
    return std::nullopt;
}

// Whose provider says what it is.
std::expected<WrappedEvidence, Error> from_tsm_report(TsmReport report, WrappedForm form) {
    const auto said = attestation::kind_of_provider(report.provider);
    const auto tees = known_tees();
    const auto found = std::ranges::find_if(tees, [&](const Tee *tee) { return tee->begins_quote(report.outblob); });
    if (said.empty())
        return refuse(ErrorCode::not_supported, "TSM report: the provider \"" + report.provider + "\" is none that is known here");
    if (found == tees.end() || (*found)->kind() != said)
        return refuse(ErrorCode::malformed, "TSM report: the member outblob is not what the provider \"" + report.provider + "\" gives");
    return WrappedEvidence{.form = form, .quote = std::move(report.outblob), .auxiliary = std::move(report.auxblob)};
}

bool is_type(const CmwRecord &record, std::string_view media_type) {
    const auto *const type = std::get_if<std::string>(&record.type);
    if (type == nullptr) return false;
    // Parameters behind it may say more; and its letters are of either case. (RFC 6838, 4.2)
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::equal(std::string_view(*type).substr(0, type->find_first_of("; \t")), media_type, {}, lower);
}

// A token of Arm's CCA as it is, under any of the names that it goes by: what that is, its first bytes say.
bool is_bare_cca_token(const CmwRecord &record) {
    const bool is_named = std::holds_alternative<std::uint16_t>(record.type)
                              ? std::get<std::uint16_t>(record.type) == content_format::eat_cwt
                              : is_type(record, media_type::eat_collection) || is_type(record, media_type::eat_cwt);
    return is_named && begins_cca_token(record.value);
}

struct FoundRecord {
    std::string label;  // empty: it is no member
    const CmwRecord *record = nullptr;
};

void find_records(const Cmw &message, const std::string &label, std::vector<FoundRecord> &found) {
    if (const auto *const record = std::get_if<CmwRecord>(&message.form)) return found.push_back({label, record});
    for (const auto &member : std::get<CmwCollection>(message.form).members) {
        const auto *const text = std::get_if<std::string>(&member.label);
        find_records(member.message, text != nullptr ? *text : std::to_string(std::get<std::int64_t>(member.label)), found);
    }
}

struct FoundReport {
    std::string label;
    TsmReport report;
};

// mrd's evidence says what it is; the report beside it, for readers that know nothing of mrd, must not say anything else.
std::expected<void, Error> check_same(const Evidence &evidence, const std::vector<FoundReport> &reports) {
    for (const auto &[label, report] : reports) {
        const auto part = std::ranges::find(evidence.parts, label, &EvidencePart::name);
        if (part == evidence.parts.end() || part->quote != report.outblob || part->auxiliary != report.auxblob ||
            attestation::kind_of_provider(report.provider) != part->kind)
            return refuse(ErrorCode::malformed,
                          "CMW: the TSM report or token " + label + " is not that part of the evidence of mrd beside it");
    }
    return {};
}

std::expected<WrappedEvidence, Error> from_cmw(ByteView file, WrappedForm form) {
    const auto message = parse_cmw(file);
    if (!message) return std::unexpected(message.error());
    std::vector<FoundRecord> records;
    find_records(*message, "", records);
    std::optional<Evidence> evidence;
    std::vector<FoundReport> reports;
    for (const auto &[label, record] : records) {
        // What a record says that it is not, it is not.
        if (record->indicator && (*record->indicator & cmw_evidence) == 0) continue;
        if (is_type(*record, media_type::mrd_json) || is_type(*record, media_type::mrd_cbor)) {
            auto read = parse_evidence(record->value);
            if (!read) return refuse(read.error().code, "CMW: the member " + label + ": " + read.error().message);
            if (evidence) return refuse(ErrorCode::malformed, "CMW: it has evidence of mrd twice");
            evidence = std::move(*read);
        } else if (is_type(*record, media_type::tsm_report_json) || is_type(*record, media_type::tsm_report_cbor)) {
            auto read = parse_tsm_report(record->value);
            if (!read) return refuse(read.error().code, "CMW: the member " + label + ": " + read.error().message);
            reports.push_back({label, std::move(*read)});
        } else if (is_bare_cca_token(*record)) {
            reports.push_back({label, {.outblob = record->value, .provider = std::string(attestation::provider_of_kind("cca"))}});
        }
    }
    if (evidence) {
        if (auto same = check_same(*evidence, reports); !same) return std::unexpected(std::move(same.error()));
        return WrappedEvidence{.form = form, .evidence = std::move(evidence)};
    }
    if (reports.empty())
        return refuse(ErrorCode::not_supported,
                      "CMW: none of its " + std::to_string(records.size()) + " records is evidence that is read here: " +
                          std::string(media_type::tsm_report_json) + ", ...+cbor, " + std::string(media_type::mrd_json) +
                          ", ...+cbor, or a token of Arm's CCA as " + std::string(media_type::eat_collection) + ", " +
                          std::string(media_type::eat_cwt) + " or " + std::to_string(content_format::eat_cwt));
    if (reports.size() > 1)
        return refuse(ErrorCode::not_supported, "CMW: it has " + std::to_string(reports.size()) +
                                                    " TSM reports or tokens, and nothing says that they are of one machine: give one");
    return from_tsm_report(std::move(reports.front().report), form);
}

std::expected<WrappedEvidence, Error> from_ratsd(varlink::Value root) {
    const auto profile = root.find("eat_profile")->as_string();
    if (!profile || !profile->starts_with(ratsd_profile_begin))
        return refuse(ErrorCode::not_supported, "ratsd: the member eat_profile is not " + std::string(ratsd_profile_begin));
    const auto wrapped = root.find("cmw")->as_string();
    const auto message = wrapped ? from_base64url(*wrapped) : std::unexpected(Error{});
    if (!message) return refuse(ErrorCode::malformed, "ratsd: the member cmw is not base64url without padding");
    return from_cmw(*message, WrappedForm::ratsd);
}

// The log is read out of the document, as where it is given alone.
std::expected<WrappedEvidence, Error> from_dstack(varlink::Value root, std::string_view document) {
    const auto member = event_log::only_member(root, "quote");
    if (!member) return refuse(ErrorCode::malformed, "dstack's reply: " + member.error());
    const auto text = (*member)->as_string();
    auto quote = text ? from_prefixed_hex(*text) : std::unexpected(Error{});
    if (!quote || quote->empty()) return refuse(ErrorCode::malformed, "dstack's reply: the member quote is not bytes in hexadecimal");
    WrappedEvidence read{.form = WrappedForm::dstack, .quote = std::move(*quote)};
    // Without it the member may be there, and empty; or it is in the reply to Info, and that in this document.
    const auto log = root.find("event_log");
    const bool has_log = log ? log->kind() != varlink::Kind::null && log->as_string() != std::string_view()
                             : EventLogReader::open(as_bytes(document)).has_value();
    if (has_log) read.logs = {Bytes(document.begin(), document.end())};
    return read;
}

}  // namespace

std::string_view to_string(WrappedForm form) {
    switch (form) {
    case WrappedForm::cmw: return "CMW";
    case WrappedForm::tsm_report: return "TSM report";
    case WrappedForm::ratsd: return "ratsd's evidence";
    case WrappedForm::coco: return "CoCo's evidence";
    case WrappedForm::dstack: return "dstack's reply";
    case WrappedForm::extended_report: return "report with its certificates";
    }
    return "";
}

std::optional<WrappedForm> wrapped_form(ByteView file) {
    if (file.empty() || file.size() > max_cmw_size || is_evidence(file)) return std::nullopt;
    if (begins_cmw(file)) return WrappedForm::cmw;
    if (begins_extended_report(file)) return WrappedForm::extended_report;
    if (const auto text = json_text(file); !text.empty()) {
        varlink::Document document;
        return document.parse(text, attestation::coco_limits) ? form_of(document.root()) : std::nullopt;
    }
    return begins_cbor_tsm_report(file) ? std::optional(WrappedForm::tsm_report) : std::nullopt;
}

std::expected<WrappedEvidence, Error> unwrap_evidence(ByteView file) {
    const auto form = wrapped_form(file);
    if (form == WrappedForm::cmw) return from_cmw(file, WrappedForm::cmw);
    if (form == WrappedForm::extended_report) {
        const auto report = file.first(snp_report_size);
        const auto table = file.subspan(snp_report_size);
        return WrappedEvidence{.form = *form, .quote = Bytes(report.begin(), report.end()), .auxiliary = Bytes(table.begin(), table.end())};
    }
    if (form == WrappedForm::tsm_report) {
        auto report = parse_tsm_report(file);
        if (!report) return std::unexpected(std::move(report.error()));
        return from_tsm_report(std::move(*report), WrappedForm::tsm_report);
    }
    varlink::Document document;
    if (!form || !document.parse(json_text(file), attestation::coco_limits))
        return refuse(
            ErrorCode::malformed,
            "the file is neither a CMW nor a TSM report, nor the JSON of ratsd, CoCo or dstack, nor a report of SEV-SNP with its table");
    if (form == WrappedForm::dstack) return from_dstack(document.root(), json_text(file));
    return form == WrappedForm::ratsd ? from_ratsd(document.root()) : attestation::read_coco(document.root());
}

std::expected<Bytes, Error> write_evidence_cmw(const Evidence &evidence, WrapEncoding encoding) {
    const bool is_json = encoding == WrapEncoding::json;
    const auto record = [](std::string_view type, ByteView value) {
        return Cmw{CmwRecord{.type = std::string(type), .value = Bytes(value.begin(), value.end()), .indicator = cmw_evidence}};
    };
    CmwCollection collection{.type = std::string(evidence_cmw_type), .members = {}};
    for (const auto &part : evidence.parts) {
        const auto provider = attestation::provider_of_kind(part.kind);
        if (provider.empty()) continue;
        if (part.name == whole_evidence_label) return refuse(ErrorCode::not_supported, "a part called mrd has no place in a CMW of mrd");
        const TsmReport report{.outblob = part.quote, .provider = std::string(provider), .auxblob = part.auxiliary};
        collection.members.push_back(
            {part.name, is_json ? record(media_type::tsm_report_json, as_bytes(attestation::write_tsm_report_json(report)))
                                : record(media_type::tsm_report_cbor, attestation::write_tsm_report_cbor(report))});
    }
    collection.members.push_back(
        {std::string(whole_evidence_label), is_json ? record(media_type::mrd_json, as_bytes(write_evidence_json(evidence)))
                                                    : record(media_type::mrd_cbor, write_evidence_cbor(evidence))});
    const Cmw message{std::move(collection)};
    if (!is_json) return write_cmw_cbor(message);
    const auto text = write_cmw_json(message);
    if (!text) return std::unexpected(text.error());
    return Bytes(text->begin(), text->end());
}

}  // namespace mr
