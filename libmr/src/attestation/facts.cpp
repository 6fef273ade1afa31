#include "libmr/src/attestation/facts.h"

#include <algorithm>
#include <array>
#include <utility>

namespace mr {

bool PlatformPolicy::accepts(const ClaimedTcb &tcb) const {
    if (!tcb.status) return false;
    return accepted_tcb.empty() ? tcb.is_up_to_date : std::ranges::find(accepted_tcb, *tcb.status) != accepted_tcb.end();
}

namespace attestation {
namespace {

constexpr auto unread = "the quote cannot be read";

Judgement holds_if(std::optional<bool> is, bool wanted) {
    if (!is) return Judgement::not_judged;
    return *is == wanted ? Judgement::holds : Judgement::fails;
}

}  // namespace

void judge_facts(const std::optional<Claims> &claims, const PlatformPolicy &policy, bool has_collateral, Verdict &verdict) {
    const auto add = [&](std::string_view name, Judgement result, bool required, std::string reason) {
        verdict.add({.name = std::string(name), .result = result, .required = required, .reason = std::move(reason)});
    };
    const auto fact = [&](const ClaimedFact Claims::*member) {
        return claims ? (*claims).*member : ClaimedFact{.is = {}, .reason = unread};
    };

    const auto hardware = fact(&Claims::hardware);
    add(statement::root_is_hardware, holds_if(hardware.is, true), policy.accept_simulated_roots == false, hardware.reason);

    const bool tcb_required = has_collateral || policy.tcb_required;
    if (!claims) {
        add(statement::tcb, Judgement::not_judged, tcb_required, unread);
    } else if (const auto &tcb = claims->tcb; !tcb.status) {
        add(statement::tcb, tcb.failed ? Judgement::fails : Judgement::not_judged, tcb_required || tcb.is_asked_for, tcb.reason);
    } else {
        add(statement::tcb, policy.accepts(tcb) ? Judgement::holds : Judgement::fails, tcb_required || tcb.is_asked_for,
            *tcb.status + ": " + tcb.reason);
    }

    const auto debug = fact(&Claims::debug);
    add(statement::not_debug, holds_if(debug.is, false), !policy.accept_debug, debug.reason);
}

bool is_bound_to_hardware(const std::optional<Claims> &claims, const Tee *tee, const Verdict &of_part) {
    // Where one of them does not hold, anybody can have made what is signed, or the signature.
    constexpr std::array links{statement::quote_format, statement::certificate_chain, statement::not_revoked};
    if (tee == nullptr || !claims || claims->hardware.is != true) return false;
    const auto has_result = [&](std::string_view name, Judgement result) {
        const auto *const found = of_part.find(name);
        return found != nullptr && found->result == result;
    };
    const auto is_broken = [&](std::string_view name) { return has_result(name, Judgement::fails); };
    return has_result(statement::quote_signature, Judgement::holds) && std::ranges::none_of(links, is_broken) &&
           std::ranges::none_of(tee->links(), is_broken);
}

}  // namespace attestation
}  // namespace mr
