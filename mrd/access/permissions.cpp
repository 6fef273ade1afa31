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

std::string joined(const std::vector<std::string> &parts) {
    std::string text;
    for (const auto &part : parts) text += (text.empty() ? "" : ", ") + part;
    return text;
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
            auto missing = joined(who_is_missing(i));
            // Which registers others may is not for him to know.
            if (missing.empty() && !rules_.about(reg).test(i)) missing = its_registers(rule);
            if (missing.empty() && is_virtual) missing = of_no_others;
            if (missing.empty()) missing = of_no_uid;
            text += (text.empty() ? "the rule " : "; the rule ") + rule.name + " is for " + missing;
        }
        return text.empty() ? "no rule allows it to others than root" : text;
    }

    [[nodiscard]] std::optional<NearestRule> nearest(Right right, const KnownRegister &reg) const {
        std::optional<NearestRule> found;
        std::size_t least = 0;
        for (std::size_t i = 1; i < rules_.all().size(); ++i) {
            const auto &rule = rules_.all()[i];
            if (!rule.allow.has(right)) continue;
            auto missing = who_is_missing(i);
            // Not about(), which would remember a name that a client chose.
            const bool is_about = rule.registers.empty() || (reg.name.name.size() <= max_new_register_name && rule.is_about(reg.name));
            if (!is_about) missing.push_back(its_registers(rule));
            if (missing.empty() && reg.owner) missing.emplace_back(of_no_others);
            if (missing.empty() && !rules_.may_have_any(principal_)) missing.emplace_back(of_no_uid);
            if (missing.empty() && right == Right::create) missing.push_back("the carriers " + list_of(rule.create_on));
            if (missing.empty()) return std::nullopt;
            if (found && missing.size() >= least) continue;
            least = missing.size();
            found = NearestRule{.name = rule.name, .is_for = joined(missing)};
        }
        return found;
    }

private:
    static constexpr const char *of_no_others = "no virtual register of somebody else: it has no pattern for it that begins with virtual/";
    static constexpr const char *of_no_uid = "nobody without a uid of his own";  // the overflow uid

    static std::string its_registers(const AccessRule &rule) { return "the registers " + list_of(rule.registers); }

    // What of the rule does not fit him.
    [[nodiscard]] std::vector<std::string> who_is_missing(std::size_t number) const {
        const auto &rule = rules_.all()[number];
        std::vector<std::string> missing;
        if (!fitting_.on_behalf_of.test(number)) {
            const auto *const others = principal_.asks_for ? "calls for other users than this one" : "calls for others";
            missing.emplace_back(rule.on_behalf_of.empty() ? "calls for oneself" : others);
        }
        if (!fitting_.users.test(number)) missing.emplace_back("other users");
        if (!fitting_.groups.test(number)) missing.emplace_back("other groups");
        if (!rule.has_unit_of(principal_)) missing.push_back("the unit " + list_of(rule.units) + " (" + whose_unit() + ")");
        if (!fitting_.listeners.test(number)) missing.push_back("the listener " + list_of(rule.listeners));
        return missing;
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

std::optional<NearestRule> nearest_rule(const AccessRules &rules, const Principal &principal, Right right, const KnownRegister &reg) {
    return Reasons(rules, principal).nearest(right, reg);
}

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
