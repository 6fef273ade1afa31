#include "libmr/src/attestation/tee/tdx/td_statements.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "libmr/src/attestation/finding.h"

namespace mr::attestation {
namespace {

// TD ATTRIBUTES (Intel TDX Module ABI Specification, "ATTRIBUTES"). The lowest byte is the group TUD, "TD under debug": with any of its bits the TD is
// not to be trusted.
constexpr std::uint64_t tud_group = 0xFF;
constexpr std::uint64_t lass = 1ULL << 27;
constexpr std::uint64_t migratable = 1ULL << 29;
constexpr std::uint64_t key_locker = 1ULL << 31;
constexpr std::uint64_t perfmon = 1ULL << 63;
// Features of the TD that take nothing from its protection. The rest is reserved, or lets others at the TD.
constexpr std::uint64_t harmless = lass | td_attribute_sept_ve_disable | td_attribute_pks | key_locker | perfmon;

std::string hex_of(std::uint64_t bits) {
    std::array<std::uint8_t, 8> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes.at(i) = static_cast<std::uint8_t>(bits >> (56 - 8 * i));
    return "0x" + to_hex(bytes);
}

// "0x0000000010000000 (sept_ve_disable)"
std::string text_of(std::uint64_t attributes) { return hex_of(attributes) + " (" + bits_text(attributes, td_attribute_bits()) + ")"; }

Finding check_service_td(const Quote &quote, const TdPolicy &policy) {
    if (quote.body_type != QuoteBodyType::td15) return holds("the body is of TD 1.0, which has no service TD in it");
    const auto &service = quote.body.mr_servicetd;
    if (std::ranges::all_of(service, [](std::uint8_t byte) { return byte == 0; })) return holds("no service TD is bound to the TD");
    const bool accepted = std::ranges::find(policy.accepted_service_tds, service) != policy.accepted_service_tds.end();
    return judge(accepted, "the policy names the service TD " + to_hex(service),
                 "the service TD " + to_hex(service) + " is bound to the TD");
}

Finding check_attributes(const Quote &quote, const TdPolicy &policy) {
    const std::uint64_t attributes = quote.body.td_attributes;
    std::uint64_t accepted = tud_group | harmless;
    // A TD can be migrated only by a service TD: who accepts the one accepts the other.
    const auto &named = policy.accepted_service_tds;
    if (quote.body_type == QuoteBodyType::td15 && std::ranges::find(named, quote.body.mr_servicetd) != named.end()) accepted |= migratable;
    return judge(
        (attributes & ~accepted) == 0, "the TD attributes " + text_of(attributes) + " have no reserved bit",
        "the TD attributes " + text_of(attributes) + " have bits that are reserved or not accepted: " + text_of(attributes & ~accepted));
}

}  // namespace

ClaimedFact debug_of(std::uint64_t td_attributes) {
    const bool is_debug = (td_attributes & tud_group) != 0;
    return {.is = is_debug,
            .reason = is_debug ? "the TD is under debug: its attributes are " + text_of(td_attributes) : "the TD is not under debug"};
}

void add_td_statements(const Quote *quote, bool body_is_signed, const TdPolicy &policy, Verdict &verdict) {
    const auto add = [&](std::string_view name, bool required, Finding found) {
        verdict.add({.name = std::string(name), .result = found.result, .required = required, .reason = std::move(found.reason)});
    };
    const auto if_signed = [&](auto &&check) {
        return quote != nullptr && body_is_signed ? check() : not_judged("nothing vouches for the quote's body");
    };
    add(statement::sept_ve_disable, !policy.accept_no_sept_ve_disable, if_signed([&] {
            return judge((quote->body.td_attributes & td_attribute_sept_ve_disable) != 0, "SEPT_VE_DISABLE is set",
                         "SEPT_VE_DISABLE is not set: the host can make the TD take exceptions at its own pages");
        }));
    add(statement::td_attributes, true, if_signed([&] { return check_attributes(*quote, policy); }));
    add(statement::service_td, true, if_signed([&] { return check_service_td(*quote, policy); }));
}

}  // namespace mr::attestation
