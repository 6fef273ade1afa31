// What the kernel's configfs-tsm gives, as JSON or CBOR.
#include "libmr/src/attestation/wrapped/tsm_report.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libmr/src/base64url.h"
#include "libmr/src/cbor.h"
#include "libmr/src/event_log/json_common.h"
#include "mr/verify_cca.h"
#include "mr/verify_quote.h"
#include "mr/verify_snp.h"
#include "proto/varlink/value.h"

namespace mr {
namespace {

constexpr std::array providers{std::pair{tdx_kind, std::string_view("tdx_guest")}, std::pair{snp_kind, std::string_view("sev_guest")},
                               std::pair{cca_kind, std::string_view("arm_cca_guest")}};

std::unexpected<Error> malformed_tsm_report(std::string message) {
    return std::unexpected(Error{ErrorCode::malformed, "TSM report: " + std::move(message)});
}

// Where a member goes. Null: it is passed over.
Bytes *blob_of(TsmReport &report, std::string_view name) {
    if (name == "outblob") return &report.outblob;
    if (name == "auxblob") return &report.auxblob.emplace();
    if (name == "manifestblob") return &report.manifestblob.emplace();
    return nullptr;
}

std::expected<TsmReport, Error> checked(TsmReport report) {
    if (report.outblob.empty()) return malformed_tsm_report("the member outblob is missing or empty");
    if (report.provider.empty()) return malformed_tsm_report("the member provider is missing");
    return report;
}

std::expected<TsmReport, Error> from_json(std::string_view text) {
    varlink::Document document;
    if (!document.parse(text) || document.root().kind() != varlink::Kind::object)
        return malformed_tsm_report("it is not one JSON object in UTF-8");
    TsmReport report;
    std::vector<std::string_view> seen;
    for (auto member = document.root().first(); member; member = member->next()) {
        const auto name = member->key();
        if (std::ranges::find(seen, name) != seen.end()) return malformed_tsm_report("the member " + std::string(name) + " is there twice");
        auto *const blob = blob_of(report, name);
        if (blob == nullptr && name != "provider") continue;
        seen.push_back(name);
        const auto value = member->as_string();
        if (!value) return malformed_tsm_report("the member " + std::string(name) + " is no text");
        if (blob == nullptr) {
            report.provider = *value;
            continue;
        }
        auto bytes = from_base64url(*value);
        if (!bytes) return malformed_tsm_report("the member " + std::string(name) + " is not base64url without padding");
        *blob = std::move(*bytes);
    }
    return checked(std::move(report));
}

std::expected<TsmReport, Error> from_cbor(ByteView file) {
    cbor::Reader reader(file);
    const auto broken = [&](std::string_view what) {
        return malformed_tsm_report("byte " + std::to_string(reader.offset()) + ": " + std::string(what));
    };
    const auto pairs = reader.read_map();
    if (!pairs) return broken(pairs.error());
    TsmReport report;
    std::vector<std::string_view> seen;
    for (std::size_t i = 0; i < *pairs; ++i) {
        const auto name = reader.read_text();
        if (!name) return broken(name.error());
        if (std::ranges::find(seen, *name) != seen.end()) return broken("the member before here is there twice");
        if (auto *const blob = blob_of(report, *name)) {
            seen.push_back(*name);
            const auto bytes = reader.read_bytes();
            if (!bytes) return broken(bytes.error());
            blob->assign(bytes->begin(), bytes->end());
        } else if (*name == "provider") {
            seen.push_back(*name);
            const auto provider = reader.read_text();
            if (!provider) return broken(provider.error());
            report.provider = *provider;
        } else if (const auto passed_over = reader.read_item(); !passed_over) {
            return broken(passed_over.error());
        }
    }
    if (!reader.at_end()) return broken("bytes follow the map");
    return checked(std::move(report));
}

}  // namespace

std::expected<TsmReport, Error> parse_tsm_report(ByteView file) {
    if (file.size() > max_cmw_size) return malformed_tsm_report("more than " + std::to_string(max_cmw_size) + " bytes");
    const auto text = event_log::without_byte_order_mark(event_log::as_text(file));
    const auto first = text.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && text[first] == '{' ? from_json(text) : from_cbor(file);
}

namespace attestation {

std::string_view kind_of_provider(std::string_view provider) {
    if (provider.ends_with('\n')) provider.remove_suffix(1);
    const auto *const found = std::ranges::find(providers, provider, [](const auto &each) { return each.second; });
    return found == providers.end() ? std::string_view() : found->first;
}

std::string_view provider_of_kind(std::string_view kind) {
    const auto *const found = std::ranges::find(providers, kind, [](const auto &each) { return each.first; });
    return found == providers.end() ? std::string_view() : found->second;
}

std::string write_tsm_report_json(const TsmReport &report) {
    std::string out = "{";
    const auto add = [&](std::string_view name, ByteView bytes) {
        out.append("\"").append(name).append("\":\"");
        append_base64url(out, bytes);
        out += "\",";
    };
    if (report.auxblob) add("auxblob", *report.auxblob);
    add("outblob", report.outblob);
    out += "\"provider\":";
    event_log::append_json_text(out, report.provider);
    return out + '}';
}

Bytes write_tsm_report_cbor(const TsmReport &report) {
    cbor::MapWriter map;
    if (report.auxblob) cbor::append_bytes(map.add("auxblob"), *report.auxblob);
    cbor::append_bytes(map.add("outblob"), report.outblob);
    cbor::append_text(map.add("provider"), report.provider);
    Bytes out;
    map.append_to(out);
    return out;
}

}  // namespace attestation
}  // namespace mr
