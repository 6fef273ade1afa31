#include "mrd/access/access.h"

#include <unistd.h>

#include <chrono>
#include <utility>

#include "mrd/access/permissions.h"
#include "mrd/log.h"
#include "proto/varlink/service.h"

namespace mrd {

namespace {

// Its subject is a register, or registers, or all of them.
bool names_registers(Operation operation) {
    switch (operation) {
    case Operation::read:
    case Operation::watch:
    case Operation::extend:
    case Operation::measure:
    case Operation::write:
    case Operation::cap:
    case Operation::create:
    case Operation::close: return true;
    case Operation::list:
    case Operation::status:
    case Operation::log_read:
    case Operation::report:
    case Operation::verify_report:
    case Operation::quote:
    case Operation::evidence:
    case Operation::collateral:
    case Operation::repair:
    case Operation::accept:
    case Operation::access: return false;
    }
    std::unreachable();
}

// Without a register's name it is about all that the caller may.
bool leaves_out_the_others(Operation operation) {
    return operation == Operation::list || operation == Operation::read || operation == Operation::watch;
}

std::optional<Right> right_of(Operation operation, const KnownRegister &reg) {
    return reg.is_for_reports && names_registers(operation) ? Right::report : right_for(operation);
}

Judgement judgement(const AccessRule *rule) { return {rule != nullptr, rule}; }

// To what was refused him.
std::optional<NearestRule> nearest_to(const Access &access, const Principal &principal, Operation operation, std::string_view subject) {
    KnownRegister reg;
    if (operation == Operation::create) {
        reg.name.name = subject;
    } else if (names_registers(operation) && !subject.empty()) {
        reg = access.find(subject).value_or(KnownRegister());
    }
    const auto right = right_of(operation, reg);
    return right ? nearest_rule(access.rules(), principal, *right, reg) : std::nullopt;
}

}  // namespace

Access::Access(AccessRules rules) : rules_(std::move(rules)) {}

AccessRules Access::only_root() { return {{}, ::geteuid()}; }

void Access::replace(AccessRules rules) {
    rules_ = std::move(rules);
    ++changes_;
    for (const auto &handler : on_change_) handler();
}

Judgement Access::judge(const Principal &principal, Operation operation, std::string_view subject) const {
    const auto right = right_for(operation);
    if (!right) return {.allowed = true};
    if (names_registers(operation) && !subject.empty()) {
        // One that is to be made has its name already, whoever has it now.
        if (operation == Operation::create) return judgement(rules_.allows_new(principal, *right, std::string(subject)));
        if (const auto known = find(subject)) return judge(principal, operation, *known);
        return judge_some(principal, *right);
    }
    return leaves_out_the_others(operation) ? judge_some(principal, *right) : judgement(rules_.allows(principal, *right));
}

// Of some register, whichever: by a rule, or one of his own.
Judgement Access::judge_some(const Principal &principal, Right right) const {
    if (const auto *const rule = rules_.allows_some(principal, right)) return judgement(rule);
    return {.allowed = owns_some_ && may_have_own(principal) && owns_some_(principal.uid)};
}

Judgement Access::judge(const Principal &principal, Operation operation, const KnownRegister &reg) const {
    const auto right = right_of(operation, reg);
    if (!right) return {.allowed = true};
    const auto rule = allowing(principal, *right, reg);
    return {rule.has_value(), rule.value_or(nullptr)};
}

// What a program has made itself is not for those that it asks for.
bool Access::may_have_own(const Principal &principal) const { return !principal.asks_for && rules_.may_have_any(principal); }

std::optional<const AccessRule *> Access::allowing(const Principal &principal, Right right, const KnownRegister &reg) const {
    if (reg.owner && *reg.owner == principal.uid && may_have_own(principal)) return nullptr;
    const auto *const rule = reg.owner ? rules_.allows_of_others(principal, right, reg.name) : rules_.allows(principal, right, reg.name);
    return rule == nullptr ? std::nullopt : std::optional(rule);
}

bool Access::tells_of(const Principal &principal, const KnownRegister &reg) const {
    for (std::size_t i = 0; i < rights; ++i) {
        const auto right = static_cast<Right>(i);
        if (reg.owner && right == Right::create) continue;  // of what there is not yet
        if (is_about_registers(right) && allowing(principal, right, reg)) return true;
    }
    return false;
}

bool Access::shows_contents(const Principal &principal, const KnownRegister &reg) const {
    return allowing(principal, Right::log_contents, reg) || rules_.allows(principal, Right::evidence) != nullptr;
}

void Access::refused(const Principal &principal, const Principal *other, const WhoItIs &caller, Operation operation,
                     std::string_view subject) {
    // Of whom somebody only says that he asks for him, no line is taken.
    const auto whose = rules_.trusts(principal) ? *principal.asks_for : principal.uid;
    const auto untold = refusals_.add(rules_.share_of(whose), operation, Refusals::TimePoint::clock::now());
    if (!untold) return;
    const auto number = [](std::int64_t value) { return std::to_string(value); };
    const auto uid = number(principal.uid);
    const auto gid = number(principal.gid);
    const auto who = caller();
    const auto &on_behalf_of = who->on_behalf_of;
    const auto process = number(who->pid);
    const auto left_out = number(*untold);
    const auto subject_told = varlink::echoed(subject);
    const auto other_uid = on_behalf_of ? number(on_behalf_of->uid) : "";
    const auto other_gid = on_behalf_of ? number(on_behalf_of->gid) : "";
    const auto other_pid = on_behalf_of ? number(on_behalf_of->pid) : "";
    std::vector<log::Field> fields{{"operation", operation_names[static_cast<std::size_t>(operation)]},
                                   {"register", subject_told},
                                   {"uid", uid},
                                   {"gid", gid},
                                   {"pid", process},
                                   {"listener", principal.listener}};
    if (who->executable) fields.emplace_back("executable", *who->executable);
    if (who->unit) fields.emplace_back("unit", *who->unit);
    if (on_behalf_of) fields.insert(fields.end(), {{"for_uid", other_uid}, {"for_gid", other_gid}, {"for_pid", other_pid}});
    const bool is_others = other != nullptr && judge(principal, operation, subject).allowed;
    if (other != nullptr) fields.emplace_back("lacking", is_others ? "for_uid" : "uid");
    const auto rule = nearest_to(*this, is_others ? *other : principal, operation, subject);
    if (rule) fields.insert(fields.end(), {{"nearest_rule", rule->name}, {"is_for", rule->is_for}});
    fields.emplace_back("untold", left_out);
    log::write(log::Level::warning, log::Kind::refused, "a call is refused: no rule allows it", fields);
}

}  // namespace mrd
