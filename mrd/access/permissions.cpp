#include "mrd/access/permissions.h"

#include <algorithm>
#include <utility>

namespace mrd {

namespace {

std::string list_of(const std::vector<std::string> &names) {
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), max_told_entries); ++i) text += (i == 0 ? "" : " or ") + names[i];
    return names.size() > max_told_entries ? text + " or " + std::to_string(names.size() - max_told_entries) + " others" : text;
}

// Why rules do not allow something to somebody.
class Reasons {
public:
    Reasons(const AccessRules &rules, const Principal &principal)
        : rules_(rules), principal_(principal), fitting_(rules.fitting(principal)) {}

    [[nodiscard]] std::string why_not(Right right, const RegisterName &reg, bool is_virtual = false) const {
        std::string text;
        std::size_t told = 0;
        // The first one is root's, which everybody lacks.
        for (std::size_t i = 1; i < rules_.all().size(); ++i) {
            const auto &rule = rules_.all()[i];
            if (!rule.allow.has(right)) continue;
            if (++told > max_told_rules) return text + "; and others";
            auto missing = what_is_missing(i, reg);
            if (missing.empty() && is_virtual)
                missing = "no virtual register of somebody else: it has no pattern for it that begins with virtual/";
            if (missing.empty()) missing = "nobody without a uid of his own";  // the overflow uid
            text += (text.empty() ? "the rule " : "; the rule ") + rule.name + " is for " + missing;
        }
        return text.empty() ? "no rule allows it to others than root" : text;
    }

private:
    // What of the rule does not fit.
    [[nodiscard]] std::string what_is_missing(std::size_t number, const RegisterName &reg) const {
        const auto &rule = rules_.all()[number];
        std::string text;
        const auto add = [&text](const std::string &missing) { text += (text.empty() ? "" : ", ") + missing; };
        if (!fitting_.on_behalf_of.test(number)) add(rule.on_behalf_of.empty() ? "calls for oneself" : "calls for others");
        if (!fitting_.users.test(number)) add("other users");
        if (!fitting_.groups.test(number)) add("other groups");
        if (!rule.has_unit_of(principal_)) add("the unit " + list_of(rule.units) + " (" + whose_unit() + ")");
        if (!fitting_.listeners.test(number)) add("the listener " + list_of(rule.listeners));
        // Which registers others may is not for him to know.
        if (text.empty() && !rules_.about(reg).test(number)) add("the registers " + list_of(rule.registers));
        return text;
    }

    // He may have thought that he is in the one that it takes.
    [[nodiscard]] std::string whose_unit() const {
        if (!principal_.unit) return "of another user none is known";
        const auto unit = principal_.unit();
        return unit ? "this is " + *unit : "this is in none that counts";
    }

    const AccessRules &rules_;
    const Principal &principal_;
    AccessRules::Fitting fitting_;
};

class Collected {
public:
    void add(const std::optional<std::string> &rule_name, std::string why, std::string name) {
        const auto same =
            std::ranges::find_if(found_, [&](const Permission &each) { return each.rule == rule_name && each.why_not == why; });
        if (same != found_.end()) return same->registers->push_back(std::move(name));
        found_.push_back({.registers = std::vector{std::move(name)}, .rule = rule_name, .why_not = std::move(why)});
    }
    std::vector<Permission> take(bool are_all) {
        if (are_all && found_.size() == 1) found_.front().registers.reset();
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

std::vector<Permission> permissions(const Access &access, const Principal &principal, std::span<const KnownRegister> registers,
                                    bool are_all) {
    const auto &rules = access.rules();
    const Reasons reasons(rules, principal);
    std::vector<Permission> all;
    for (std::size_t i = 0; i < rights; ++i) {
        const auto right = static_cast<Right>(i);
        const auto add = [&all, right](Permission permission) {
            permission.right = right;
            all.push_back(std::move(permission));
        };
        if (right == Right::create) {
            // Of registers that there are not yet: each rule has bounds of its own. The first is root's, and has none.
            const auto creating = rules.all_that_allow_some(principal, right);
            for (const auto *rule : creating) {
                Permission permission{.rule = rule->name};
                if (!rule->registers.empty()) permission.registers = rule->registers;
                if (rule != &rules.all().front()) {
                    permission.on = rule->create_on;
                    permission.at_most = rule->create_at_most;
                }
                add(std::move(permission));
            }
            if (creating.empty()) add({.why_not = reasons.why_not(right, {})});
            continue;
        }
        const auto *const whole = rules.allows(principal, right);
        const auto collect = [&](Collected &collected, const KnownRegister &reg) {
            const auto rule = access.allowing(principal, right, reg);
            if (!rule) return collected.add(std::nullopt, reasons.why_not(right, reg.name, reg.owner.has_value()), reg.name.name);
            collected.add(*rule == nullptr ? std::string(owners_rule) : (*rule)->name, {}, reg.name.name);
        };
        if (whole != nullptr) {
            add({.rule = whole->name});
            Collected others;
            for (const auto &reg : registers) {
                if (!reg.owner || !is_about_registers(right) || !is_asked_for(right, reg)) continue;
                if (!access.allowing(principal, right, reg)) collect(others, reg);
            }
            for (auto &permission : others.take(false)) add(std::move(permission));
        } else {
            Collected collected;
            for (const auto &reg : registers) {
                if (!is_about_registers(right) || !is_asked_for(right, reg)) continue;
                collect(collected, reg);
            }
            auto found = collected.take(are_all);
            if (found.empty()) found.push_back({.why_not = reasons.why_not(right, {})});
            for (auto &permission : found) add(std::move(permission));
        }
    }
    return all;
}

}  // namespace mrd
