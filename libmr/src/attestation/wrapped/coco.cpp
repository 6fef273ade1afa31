#include "libmr/src/attestation/wrapped/coco.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "libmr/src/base64url.h"
#include "libmr/src/event_log/json_common.h"
#include "libmr/src/text_form.h"
#include "mr/cca_token.h"
#include "mr/certificate.h"
#include "mr/event_log.h"
#include "mr/snp_report.h"
#include "mr/tee.h"
#include "mr/verify_cca.h"
#include "mr/verify_quote.h"
#include "mr/verify_snp.h"

namespace mr {
namespace attestation {
namespace {

constexpr std::array tdx_members{std::string_view("quote"), std::string_view("cc_eventlog"), std::string_view("aa_eventlog")};
constexpr std::array snp_members{std::string_view("attestation_report"), std::string_view("cert_chain")};
constexpr std::array cca_members{std::string_view("token")};
// Of evidence that is known by name alone: of Azure's guests, of a TPM, of GPUs.
constexpr std::array other_members{std::string_view("tpm_quote"), std::string_view("hcl_report"), std::string_view("td_quote"),
                                   std::string_view("device_evidence_list")};

std::unexpected<Error> malformed_evidence(std::string message) {
    return std::unexpected(Error{ErrorCode::malformed, "CoCo's evidence: " + std::move(message)});
}
std::unexpected<Error> not_supported(std::string message) {
    return std::unexpected(Error{ErrorCode::not_supported, "CoCo's evidence: " + std::move(message)});
}

bool is_null(const std::optional<varlink::Value> &value) { return !value || value->kind() == varlink::Kind::null; }

// CoCo's are base64; Azure's service for TD quotes (acc/tdquote) answers with a quote alone, in base64url.
std::expected<Bytes, Error> base64_member(varlink::Value value, const std::string &name) {
    const auto text = value.as_string();
    auto bytes = text ? from_base64(*text) : std::unexpected(Error{});
    if (text && !bytes) bytes = from_base64url(*text);
    if (!bytes) return malformed_evidence("the member " + name + " is not base64");
    return std::move(*bytes);
}

// No member twice, and none that is not among these.
std::expected<void, Error> only(varlink::Value root, std::span<const std::string_view> names) {
    std::vector<std::string_view> seen;
    for (auto member = root.first(); member; member = member->next()) {
        const auto name = member->key();
        if (std::ranges::find(names, name) == names.end()) return malformed_evidence("the member " + std::string(name) + " is unknown");
        if (std::ranges::find(seen, name) != seen.end()) return malformed_evidence("the member " + std::string(name) + " is there twice");
        seen.push_back(name);
    }
    return {};
}

// As dstack has it. Its digits are base64 too, of other bytes.
bool is_quote_in_hex(varlink::Value value) {
    const auto text = value.as_string();
    const auto bytes = text ? from_prefixed_hex(*text) : std::unexpected(Error{});
    return bytes && std::ranges::any_of(known_tees(), [&](const Tee *tee) { return tee->begins_quote(*bytes); });
}

std::expected<WrappedEvidence, Error> read_td(varlink::Value root) {
    WrappedEvidence read{.form = WrappedForm::coco};
    if (is_quote_in_hex(*root.find("quote")))
        return malformed_evidence(
            "the member quote is a quote in hexadecimal, not in base64: of dstack's reply the member event_log is missing");
    auto quote = base64_member(*root.find("quote"), "quote");
    if (!quote) return std::unexpected(std::move(quote.error()));
    if (quote->empty()) return malformed_evidence("the member quote is empty");
    read.quote = std::move(*quote);
    for (const std::string name : {"cc_eventlog", "aa_eventlog"}) {
        const auto log = root.find(name);
        if (is_null(log)) continue;
        if (name == "aa_eventlog") return not_supported("its aa_eventlog, a text of CoCo's own, is not read here: take cc_eventlog");
        auto bytes = base64_member(*log, name);
        if (!bytes) return std::unexpected(std::move(bytes.error()));
        read.logs.push_back(std::move(*bytes));
    }
    return read;
}

// The guest hands on the whole table that came with its report: blobs under other GUIDs and rows without content are no certificates. Who left certificates out so could
// leave out the entry.
bool is_no_certificate(varlink::Value entry) {
    const auto type = entry.find("cert_type");
    return type && (type->find("OTHER") || type->as_string() == "Empty");
}

std::expected<WrappedEvidence, Error> read_snp(varlink::Value root) {
    WrappedEvidence read{.form = WrappedForm::coco};
    auto report = read_coco_snp_report(*root.find("attestation_report"));
    if (!report) return std::unexpected(Error{report.error().code, "CoCo's evidence: " + report.error().message});
    read.quote = std::move(*report);
    const auto chain = root.find("cert_chain");
    if (is_null(chain)) return read;
    if (chain->kind() != varlink::Kind::array || chain->size() > max_snp_certificates)
        return malformed_evidence("the member cert_chain is no array of up to " + std::to_string(max_snp_certificates) + " certificates");
    SnpCertificates all;
    for (auto entry = chain->first(); entry; entry = entry->next()) {
        if (is_no_certificate(*entry)) continue;
        const auto data = entry->find("data");
        const auto bytes = data ? read_coco_bytes(*data, "data") : std::unexpected(Error{});
        if (!bytes) return malformed_evidence("an entry of cert_chain has no data, an array of bytes");
        auto certificates = read_snp_certificates(*bytes);
        if (!certificates) return malformed_evidence("an entry of cert_chain: " + certificates.error().message);
        std::ranges::move(certificates->certificates, std::back_inserter(all.certificates));
        std::ranges::move(certificates->crls, std::back_inserter(all.crls));
    }
    if (all.certificates.empty() && all.crls.empty()) return read;
    const auto text = write_snp_certificates(all);
    const auto pem = as_bytes(text);
    read.auxiliary.emplace(pem.begin(), pem.end());
    return read;
}

// ---- Writing

// In the form of TCG, as the firmware's own log is: the events of RTMRs.
std::expected<Bytes, Error> tcg_log_of(ByteView log) {
    auto reader = EventLogReader::open(log);
    if (!reader) return std::unexpected(std::move(reader.error()));
    constexpr std::uint32_t index_of_ccel = 1;
    Bytes out;
    append_tcg_header(out, {.index = index_of_ccel,
                            .algorithms = {{tcg_id(HashAlgorithm::sha384), static_cast<std::uint16_t>(digest_size(HashAlgorithm::sha384))}},
                            .vendor_info = {}});
    Event event;
    for (;;) {
        const auto more = reader->next(event);
        if (!more) return std::unexpected(more.error());
        if (!*more) return out;
        const bool is_of_rtmr = common_name(event.name).starts_with("rtmr") && event.index != no_index;
        const bool is_sha384 = event.digests.size() == 1 && event.digests.front().algorithm_id == tcg_id(HashAlgorithm::sha384);
        if (is_of_rtmr && is_sha384) append_tcg_event(out, event);
    }
}

std::expected<std::string, Error> write_td(const EvidencePart &part, ByteView log) {
    const auto tcg_log = tcg_log_of(log);
    if (!tcg_log) return std::unexpected(tcg_log.error());
    return "{\"cc_eventlog\":\"" + to_base64(*tcg_log) + "\",\"quote\":\"" + to_base64(part.quote) + "\"}";
}

std::string_view certificate_type(ByteView der) {
    const auto described = describe_certificate(der);
    if (described && described->snp) return described->snp->csp_id.empty() ? "VCEK" : "VLEK";
    return described && described->subject == described->issuer ? "ARK" : "ASK";
}

std::expected<std::string, Error> write_snp(const EvidencePart &part) {
    auto report = write_coco_snp_report(part.quote);
    if (!report) return std::unexpected(std::move(report.error()));
    SnpCertificates certificates;
    if (part.auxiliary) {
        auto read = read_snp_certificates(*part.auxiliary);
        if (!read) return std::unexpected(std::move(read.error()));
        certificates = std::move(*read);
    }
    std::string chain;
    const auto add = [&](std::string_view type, ByteView der) {
        chain.append(chain.empty() ? "[" : ",").append("{\"cert_type\":\"").append(type).append("\",\"data\":");
        append_coco_bytes(chain, der);
        chain += '}';
    };
    for (const auto &der : certificates.certificates) add(certificate_type(der), der);
    for (const auto &der : certificates.crls) add("CRL", der);
    return "{\"attestation_report\":" + *report + ",\"cert_chain\":" + (chain.empty() ? "null" : chain + "]") + "}";
}

}  // namespace

bool is_coco(varlink::Value root) {
    if (root.kind() != varlink::Kind::object) return false;
    const auto has_text = [&](std::string_view name) { return root.find(name) && root.find(name)->kind() == varlink::Kind::string; };
    if (const auto report = root.find("attestation_report")) return report->kind() == varlink::Kind::object;
    if (const auto token = root.find("token")) {
        // The array of another one may be a record of a CMW.
        const auto first = token->kind() == varlink::Kind::array ? token->first() : std::nullopt;
        const auto second = first ? first->next() : std::nullopt;
        return second && first->as_int() && second->as_int();
    }
    return (has_text("quote") && !root.find("format")) ||
           std::ranges::any_of(other_members, [&](std::string_view name) { return root.find(name).has_value(); });
}

std::expected<WrappedEvidence, Error> read_coco(varlink::Value root) {
    for (const auto name : other_members) {
        if (root.find(name))
            return not_supported("it has " + std::string(name) + ", evidence of a vTPM or a GPU; there are TDX, SEV-SNP and CCA here");
    }
    const auto members = root.find("quote")                ? std::span<const std::string_view>(tdx_members)
                         : root.find("attestation_report") ? std::span<const std::string_view>(snp_members)
                                                           : std::span<const std::string_view>(cca_members);
    if (auto known = only(root, members); !known) return std::unexpected(std::move(known.error()));
    if (root.find("quote")) return read_td(root);
    if (root.find("attestation_report")) return read_snp(root);
    auto token = read_coco_bytes(*root.find("token"), "token");
    if (!token) return malformed_evidence(token.error().message);
    return WrappedEvidence{.form = WrappedForm::coco, .quote = std::move(*token)};
}

std::expected<Bytes, Error> read_coco_bytes(varlink::Value array, std::string_view member) {
    const auto wrong = std::unexpected(Error{ErrorCode::malformed, "the member " + std::string(member) + " is no array of bytes"});
    if (array.kind() != varlink::Kind::array) return wrong;
    Bytes bytes;
    bytes.reserve(array.size());
    for (auto each = array.first(); each; each = each->next()) {
        const auto byte = each->as_int();
        if (!byte || *byte < 0 || *byte > UINT8_MAX) return wrong;
        bytes.push_back(static_cast<std::uint8_t>(*byte));
    }
    return bytes;
}

void append_coco_bytes(std::string &out, ByteView bytes) {
    out += '[';
    for (std::size_t i = 0; i < bytes.size(); ++i) out.append(i == 0 ? "" : ",").append(std::to_string(bytes[i]));
    out += ']';
}

}  // namespace attestation

std::expected<std::string, Error> write_evidence_coco(const Evidence &evidence) {
    const auto not_supported = [](std::string message) { return std::unexpected(Error{ErrorCode::not_supported, std::move(message)}); };
    if (evidence.parts.size() != 1)
        return not_supported("CoCo's evidence is of one TEE, and this has " + std::to_string(evidence.parts.size()) +
                             " parts: ask for one provider's");
    const auto &part = evidence.parts.front();
    if (part.kind == tdx_kind) return attestation::write_td(part, evidence.log);
    if (part.kind == snp_kind) return attestation::write_snp(part);
    if (part.kind != cca_kind) return not_supported("CoCo's evidence has no form for the kind " + part.kind);
    std::string out = "{\"token\":";
    attestation::append_coco_bytes(out, part.quote);
    return out + '}';
}

}  // namespace mr
