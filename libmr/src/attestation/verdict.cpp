#include "mr/verdict.h"

#include <algorithm>
#include <utility>

namespace mr {
namespace {

// Of two judgements of one statement the one that stays.
Judgement worse(Judgement a, Judgement b) {
    if (a == Judgement::fails || b == Judgement::fails) return Judgement::fails;
    if (a == Judgement::not_judged || b == Judgement::not_judged) return Judgement::not_judged;
    return Judgement::holds;
}

}  // namespace

std::string_view to_string(Judgement judgement) {
    switch (judgement) {
    case Judgement::holds: return "true";
    case Judgement::fails: return "false";
    case Judgement::not_judged: return "not_judged";
    }
    return {};
}

std::string_view to_string(StatementName name) {
    switch (name) {
        using enum StatementName;
    case quote_format: return "quote_format";
    case quote_signature: return "quote_signature";
    case qe_report_signature: return "qe_report_signature";
    case certificate_chain: return "certificate_chain";
    case certificates_valid: return "certificates_valid";
    case root_is_hardware: return "root_is_hardware";
    case tcb_info_signature: return "tcb_info_signature";
    case tcb_info_current: return "tcb_info_current";
    case qe_identity_signature: return "qe_identity_signature";
    case qe_identity_current: return "qe_identity_current";
    case crl_signatures: return "crl_signatures";
    case crls_current: return "crls_current";
    case not_revoked: return "not_revoked";
    case qe_identity: return "qe_identity";
    case qe_tcb: return "qe_tcb";
    case tdx_module: return "tdx_module";
    case tcb: return "tcb";
    case not_debug: return "not_debug";
    case sept_ve_disable: return "sept_ve_disable";
    case td_attributes: return "td_attributes";
    case service_td: return "service_td";
    case report_hashes: return "report_hashes";
    case report_data: return "report_data";
    case evidence_claims: return "evidence_claims";
    case log_well_formed: return "log_well_formed";
    case log_replay: return "log_replay";
    case history_complete: return "history_complete";
    case registers_covered: return "registers_covered";
    case reference_values: return "reference_values";
    case register_values: return "register_values";
    case required_events: return "required_events";
    case forbidden_events: return "forbidden_events";
    case evidence_age: return "evidence_age";
    }
    return {};
}

void Verdict::add(Statement statement) {
    const auto at = std::ranges::lower_bound(statements_, statement.name, {}, &Statement::name);
    if (at == statements_.end() || at->name != statement.name) {
        statements_.insert(at, std::move(statement));
        return;
    }
    at->result = worse(at->result, statement.result);
    at->required |= statement.required;
    if (!at->reason.empty() && !statement.reason.empty()) at->reason += "; ";
    at->reason += statement.reason;
}

const Statement *Verdict::find(StatementName name) const {
    const auto at = std::ranges::lower_bound(statements_, name, {}, &Statement::name);
    return at == statements_.end() || at->name != name ? nullptr : &*at;
}

bool Verdict::verified() const {
    return std::ranges::any_of(statements_, &Statement::required) &&
           std::ranges::all_of(statements_, [](const Statement &each) { return !each.required || each.result == Judgement::holds; });
}

}  // namespace mr
