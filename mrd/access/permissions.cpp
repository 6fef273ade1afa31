#include "mrd/access/permissions.h"

#include <algorithm>
#include <utility>

namespace mrd {

namespace {

std::string list_of(const std::vector<std::string> &names) {
    std::string text;
    for (const auto &name : names) text += (text.empty() ? "" : " or ") + name;
    return text;
}

// What of the rule does not fit.
std::string what_is_missing(const AccessRule &rule, const Principal &principal, const RegisterName &reg) {
    std::vector<std::string> missing;
    const auto fits = [&principal](AccessRule part) {
        part.units.clear();
        part.listeners.clear();
        return part.is_for(principal);
    };
    auto users = rule;
    users.groups.clear();
    if (!fits(users)) missing.emplace_back("other users");
    auto groups = rule;
    groups.users.clear();
    if (!fits(groups)) missing.emplace_back("other groups");
    if (!rule.units.empty()) {
        const auto unit = principal.unit ? principal.unit() : std::nullopt;
        if (!unit || std::ranges::find(rule.units, *unit) == rule.units.end()) missing.push_back("the unit " + list_of(rule.units));
    }
    if (!rule.listeners.empty() && std::ranges::find(rule.listeners, principal.listener) == rule.listeners.end())
        missing.push_back("the listener " + list_of(rule.listeners));
    if (!rule.is_about(reg)) missing.push_back("the registers " + list_of(rule.registers));
    std::string text;
    for (const auto &each : missing) text += (text.empty() ? "" : ", ") + each;
    return text;
}

std::string why_not(const AccessRules &rules, const Principal &principal, Right right, const RegisterName &reg) {
    std::string text;
    std::size_t told = 0;
    // The first one is root's, which everybody lacks.
    for (auto rule = rules.all().begin() + 1; rule != rules.all().end(); ++rule) {
        if (!rule->allow.has(right)) continue;
        if (++told > max_told_rules) return text + "; and others";
        auto missing = what_is_missing(*rule, principal, reg);
        if (missing.empty()) missing = "nobody without a uid of his own";  // the overflow uid
        text += (text.empty() ? "the rule " : "; the rule ") + rule->name + " is for " + missing;
    }
    return text.empty() ? "no rule allows it to others than root" : text;
}

class Collected {
public:
    void add(const AccessRule *rule, std::string why, std::string name) {
        const auto rule_name = rule == nullptr ? std::nullopt : std::optional<std::string>(rule->name);
        const auto same =
            std::ranges::find_if(found_, [&](const Permission &each) { return each.rule == rule_name && each.why_not == why; });
        if (same != found_.end()) return same->registers->push_back(std::move(name));
        found_.push_back({.registers = std::vector{std::move(name)}, .rule = rule_name, .why_not = std::move(why)});
    }
    std::vector<Permission> take() {
        if (found_.size() == 1) found_.front().registers.reset();
        return std::exchange(found_, {});
    }

private:
    std::vector<Permission> found_;
};

// A register that holds a report, or what one is over, is asked for by the right to reports; any other never is.
bool is_asked_for(Right right, const KnownRegister &reg) {
    if (right == Right::list) return true;
    return reg.is_for_reports == (right == Right::report);
}

}  // namespace

std::vector<Permission> permissions(const Access &access, const Principal &principal, std::span<const KnownRegister> registers) {
    const auto &rules = access.rules();
    std::vector<Permission> all;
    for (std::size_t i = 0; i < rights; ++i) {
        const auto right = static_cast<Right>(i);
        const auto add = [&all, right](Permission permission) {
            permission.right = right;
            all.push_back(std::move(permission));
        };
        const auto *const whole = rules.allows(principal, right);
        if (whole != nullptr) {
            add({.rule = whole->name});
        } else if (right == Right::create) {
            // Of registers that there are not yet.
            const auto *const some = rules.allows_some(principal, right);
            some == nullptr ? add({.why_not = why_not(rules, principal, right, {})})
                            : add({.registers = some->registers, .rule = some->name});
        } else {
            Collected collected;
            for (const auto &reg : registers) {
                if (!is_about_registers(right) || !is_asked_for(right, reg)) continue;
                const auto *const rule = rules.allows(principal, right, reg.name);
                collected.add(rule, rule == nullptr ? why_not(rules, principal, right, reg.name) : "", reg.name.name);
            }
            auto found = collected.take();
            if (found.empty()) found.push_back({.why_not = why_not(rules, principal, right, {})});
            for (auto &permission : found) add(std::move(permission));
        }
    }
    return all;
}

}  // namespace mrd
