#include "mr/collateral.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <variant>

#include "libmr/src/attestation/malformed.h"
#include "proto/varlink/json_writer.h"
#include "proto/varlink/value.h"

namespace mr {
namespace {

using attestation::malformed;

// The one list of members, for the reader and the writer: text as it is, bytes in hexadecimal.
struct Member {
    std::string_view name;
    std::variant<std::string Collateral::*, Bytes Collateral::*> field;
};
constexpr std::array members = {
    Member{"tcb_info", &Collateral::tcb_info},
    Member{"tcb_info_signature", &Collateral::tcb_info_signature},
    Member{"tcb_info_issuer_chain", &Collateral::tcb_info_issuer_chain},
    Member{"qe_identity", &Collateral::qe_identity},
    Member{"qe_identity_signature", &Collateral::qe_identity_signature},
    Member{"qe_identity_issuer_chain", &Collateral::qe_identity_issuer_chain},
    Member{"root_ca_crl", &Collateral::root_ca_crl},
    Member{"pck_crl", &Collateral::pck_crl},
    Member{"pck_crl_issuer_chain", &Collateral::pck_crl_issuer_chain},
};

// dcap-qvl's place for the chain of a quote that has none in it. Passed over: what is judged is the chain within the quote.
constexpr std::string_view passed_over = "pck_certificate_chain";

std::unexpected<Error> malformed_member(std::string_view name, const std::string &what) {
    return malformed("the collateral's member " + std::string(name) + " " + what);
}

std::expected<void, Error> read(std::string_view name, std::string_view text, std::string &field) {
    if (text.empty()) return malformed_member(name, "is empty");
    field = text;
    return {};
}

std::expected<void, Error> read(std::string_view name, std::string_view text, Bytes &field) {
    auto bytes = from_hex(text);
    if (!bytes || bytes->empty()) return malformed_member(name, "is not bytes in hexadecimal");
    field = std::move(*bytes);
    return {};
}

void write(std::string &out, const std::string &field) { varlink::write_json(out, std::string_view(field)); }
void write(std::string &out, const Bytes &field) {
    out += '"';
    append_hex(out, field);
    out += '"';
}

}  // namespace

std::expected<Collateral, Error> parse_collateral(std::string_view json) {
    if (json.size() > max_collateral_size) {
        return malformed("the collateral has " + std::to_string(json.size()) + " bytes: " + std::to_string(max_collateral_size) +
                         " are the most that are read");
    }
    varlink::Document document;
    if (!document.parse(json) || document.root().kind() != varlink::Kind::object) {
        return malformed("the collateral is not one JSON object in UTF-8");
    }
    for (auto member = document.root().first(); member; member = member->next()) {
        if (member->key() == passed_over) {
            if (!member->as_string() && member->kind() != varlink::Kind::null)
                return malformed_member(passed_over, "is neither text nor null");
            continue;
        }
        if (std::ranges::find(members, member->key(), &Member::name) == members.end())
            return malformed_member(member->key(), "is none that it has: leave it out");
    }
    Collateral collateral;
    for (const auto &[name, field] : members) {
        std::optional<varlink::Value> found;
        for (auto member = document.root().first(); member; member = member->next()) {
            if (member->key() != name) continue;
            // Two readers could take different ones.
            if (found) return malformed_member(name, "is there twice");
            found = member;
        }
        if (!found) return malformed_member(name, "is missing");
        const auto text = found->as_string();
        if (!text) return malformed_member(name, "is not text");
        // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): the analyzer loses sight of the array through std::visit
        const auto done = std::visit([&](auto pointer) { return read(name, *text, collateral.*pointer); }, field);
        if (!done) return std::unexpected(done.error());
    }
    return collateral;
}

std::string write_collateral(const Collateral &collateral) {
    std::string out;
    for (const auto &[name, field] : members) {
        out += out.empty() ? "{\n  \"" : ",\n  \"";
        out += name;
        out += "\": ";
        std::visit([&](auto pointer) { write(out, collateral.*pointer); }, field);
    }
    out += "\n}\n";
    return out;
}

}  // namespace mr
