#include "mrd/access/access.h"

#include <unistd.h>

#include <chrono>
#include <utility>

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
    case Operation::access: return false;
    }
    std::unreachable();
}

// Without a register's name it is about all that the caller may.
bool leaves_out_the_others(Operation operation) {
    return operation == Operation::list || operation == Operation::read || operation == Operation::watch;
}

Judgement judgement(const AccessRule *rule) { return {rule != nullptr, rule}; }

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
        if (const auto known = look_up_ ? look_up_(subject) : std::nullopt) return judge(principal, operation, *known);
        return judgement(rules_.allows_some(principal, *right));
    }
    return judgement(leaves_out_the_others(operation) ? rules_.allows_some(principal, *right) : rules_.allows(principal, *right));
}

Judgement Access::judge(const Principal &principal, Operation operation, const KnownRegister &reg) const {
    auto right = right_for(operation);
    if (!right) return {.allowed = true};
    if (reg.is_for_reports && names_registers(operation)) right = Right::report;
    const auto rule = allowing(principal, *right, reg);
    return {rule.has_value(), rule.value_or(nullptr)};
}

std::optional<const AccessRule *> Access::allowing(const Principal &principal, Right right, const KnownRegister &reg) const {
    if (reg.owner && *reg.owner == principal.uid && rules_.may_have_any(principal)) return nullptr;
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

bool Access::shows_contents(const Principal &principal, const RegisterName &reg) const {
    return rules_.allows(principal, Right::log_contents, reg) != nullptr || rules_.allows(principal, Right::evidence) != nullptr;
}

bool Access::shows_contents(const Principal &principal, const KnownRegister &reg) const {
    return allowing(principal, Right::log_contents, reg) || rules_.allows(principal, Right::evidence) != nullptr;
}

void Access::refused(const Principal &principal, pid_t pid, Operation operation, std::string_view subject) {
    const auto untold = refusals_.add(rules_.share_of(principal.uid), operation, Refusals::TimePoint::clock::now());
    if (!untold) return;
    log::warning(log::Kind::refused, "a call is refused: no rule allows it",
                 {{"operation", operation_names[static_cast<std::size_t>(operation)]},
                  {"register", varlink::echoed(subject)},
                  {"uid", std::to_string(principal.uid)},
                  {"gid", std::to_string(principal.gid)},
                  {"pid", std::to_string(pid)},
                  {"listener", principal.listener},
                  {"untold", std::to_string(*untold)}});
}

}  // namespace mrd
