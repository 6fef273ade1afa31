#include "mrd/access/rules.h"

#include <fnmatch.h>

#include <algorithm>
#include <utility>

#include "proto/varlink/uid_shares.h"

namespace mrd {

namespace {

template <class Values, class Value>
bool contains(const Values &values, const Value &value) {
    return std::ranges::find(values, value) != values.end();
}

// Does whoever fits `narrow` fit `wide`, too?
template <class Values>
bool covers(const Values &wide, const Values &narrow) {
    if (wide.empty()) return true;
    return !narrow.empty() && std::ranges::all_of(narrow, [&](const auto &value) { return contains(wide, value); });
}

// Everything that the later rule allows is the earlier one's already.
bool covers(const AccessRule &earlier, const AccessRule &later) {
    return covers(earlier.users, later.users) && covers(earlier.groups, later.groups) && covers(earlier.units, later.units) &&
           covers(earlier.listeners, later.listeners) && covers(earlier.registers, later.registers) &&
           earlier.allow.has_all_of(later.allow);
}

bool matches(const std::string &pattern, const std::string &name) { return ::fnmatch(pattern.c_str(), name.c_str(), FNM_PATHNAME) == 0; }

}  // namespace

std::optional<Right> right_from(std::string_view name) {
    const auto *const found = std::ranges::find(right_names, name);
    if (found == right_names.end()) return std::nullopt;
    return static_cast<Right>(found - right_names.begin());
}

bool is_about_registers(Right right) {
    switch (right) {
    case Right::list:
    case Right::read:
    case Right::log_contents:
    case Right::extend:
    case Right::measure:
    case Right::write:
    case Right::cap:
    case Right::create:
    case Right::report: return true;
    case Right::log:
    case Right::quote:
    case Right::evidence:
    case Right::repair: return false;
    }
    std::unreachable();
}

bool AccessRule::is_for(const Principal &principal) const {
    const auto fits = [](const auto &wanted, const auto &is) { return wanted.empty() || contains(wanted, is); };
    const auto is_in = [&principal](gid_t group) { return group == principal.gid || contains(principal.groups, group); };
    if (!fits(users, principal.uid) || !(groups.empty() || std::ranges::any_of(groups, is_in)) || !fits(listeners, principal.listener))
        return false;
    if (units.empty()) return true;
    const auto unit = principal.unit ? principal.unit() : std::nullopt;
    return unit && contains(units, *unit);
}

bool AccessRule::is_about(const RegisterName &reg) const {
    if (registers.empty()) return true;
    // What is about all of them is not for who may a part.
    if (reg.empty()) return false;
    return std::ranges::any_of(registers, [&reg](const std::string &pattern) {
        return matches(pattern, reg.name) || (!reg.with_bank.empty() && matches(pattern, reg.with_bank));
    });
}

AccessRules::AccessRules(std::vector<AccessRule> rules, uid_t own_uid, uid_t overflow_uid) : overflow_uid_(overflow_uid) {
    rules_.reserve(rules.size() + 1);
    rules_.push_back({.name = std::string(name_of_first), .users = {0}, .allow = Rights::all()});
    if (own_uid != 0) rules_.front().users.push_back(own_uid);
    std::ranges::move(rules, std::back_inserter(rules_));
    for (const auto &rule : rules_) named_.insert(named_.end(), rule.users.begin(), rule.users.end());
    std::ranges::sort(named_);
    const auto twice = std::ranges::unique(named_);
    named_.erase(twice.begin(), twice.end());
}

std::vector<AccessRule> AccessRules::defaults(std::optional<gid_t> mrd_group) {
    std::vector<AccessRule> rules;
    if (mrd_group) rules.push_back({.name = "attesters", .groups = {*mrd_group}, .allow = {Right::report, Right::quote, Right::evidence}});
    rules.push_back({.name = "everybody", .allow = {Right::list, Right::read, Right::log}});
    return rules;
}

template <class Fits>
const AccessRule *AccessRules::first(const Principal &principal, Right right, const Fits &fits) const {
    if (principal.uid == overflow_uid_ || principal.uid == static_cast<uid_t>(-1)) return nullptr;
    for (const auto &rule : rules_) {
        if (rule.allow.has(right) && fits(rule) && rule.is_for(principal)) return &rule;
    }
    return nullptr;
}

const AccessRule *AccessRules::allows(const Principal &principal, Right right, const RegisterName &reg) const {
    return first(principal, right, [&reg](const AccessRule &rule) { return rule.is_about(reg); });
}

const AccessRule *AccessRules::allows_some(const Principal &principal, Right right) const {
    return first(principal, right, [](const AccessRule &) { return true; });
}

uid_t AccessRules::share_of(uid_t uid) const { return std::ranges::binary_search(named_, uid) ? uid : varlink::unnamed_uids; }

bool AccessRules::lets_others_in(std::string_view listener) const {
    const auto &own = rules_.front().users;
    return std::any_of(rules_.begin() + 1, rules_.end(), [&](const AccessRule &rule) {
        return (rule.listeners.empty() || contains(rule.listeners, listener)) &&
               (rule.users.empty() || !std::ranges::all_of(rule.users, [&own](uid_t uid) { return contains(own, uid); }));
    });
}

std::vector<std::string> AccessRules::warnings(std::span<const std::string> listeners) const {
    std::vector<std::string> warnings;
    for (auto rule = rules_.begin() + 1; rule != rules_.end(); ++rule) {
        const auto warn = [&](const std::string &why) { warnings.push_back("the access rule " + rule->name + ": " + why); };
        for (const auto &listener : rule->listeners) {
            if (!contains(listeners, listener)) warn("there is no listener " + listener);
        }
        for (const auto &unit : rule->units) {
            if (!unit.ends_with(".service") || unit.contains('/'))
                warn("the unit " + unit + " is no service of systemd's (NAME.service), and nothing else counts as a unit");
        }
        if (contains(rule->users, overflow_uid_))
            warn("uid " + std::to_string(overflow_uid_) + " is whoever has no uid here: no rule is for it");
        for (std::size_t i = 0; i < rights && !rule->registers.empty(); ++i) {
            const auto right = static_cast<Right>(i);
            if (rule->allow.has(right) && !is_about_registers(right))
                warn(std::string(name_of(right)) + " is about all registers: a rule for some of them never allows it");
        }
        const auto earlier = std::find_if(rules_.begin(), rule, [&](const AccessRule &each) { return covers(each, *rule); });
        if (earlier != rule) warn("what it allows is allowed by the rule " + earlier->name + " already");
    }
    return warnings;
}

}  // namespace mrd
