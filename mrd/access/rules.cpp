#include "mrd/access/rules.h"

#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>
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

bool covers_uids(const std::vector<UidRange> &wide, const std::vector<UidRange> &narrow) {
    return std::ranges::all_of(narrow, [&wide](const UidRange &one) {
        return std::ranges::any_of(wide, [&one](const UidRange &each) { return each.first <= one.first && one.last <= each.last; });
    });
}

// A rule without patterns is about all registers but others' virtual ones, of which a pattern has to speak.
bool covers_registers(const std::vector<std::string> &wide, const std::vector<std::string> &narrow) {
    return covers(wide, narrow) &&
           (!wide.empty() || std::ranges::none_of(narrow, [](const std::string &pattern) { return pattern.starts_with("virtual/"); }));
}

// Everything that the later rule allows is the earlier one's already.
bool covers(const AccessRule &earlier, const AccessRule &later) {
    return covers(earlier.users, later.users) && covers(earlier.groups, later.groups) && covers(earlier.units, later.units) &&
           covers(earlier.listeners, later.listeners) && covers_registers(earlier.registers, later.registers) &&
           earlier.allow.has_all_of(later.allow) && covers(earlier.create_on, later.create_on) &&
           earlier.create_at_most >= later.create_at_most && earlier.on_behalf_of.empty() == later.on_behalf_of.empty() &&
           covers_uids(earlier.on_behalf_of, later.on_behalf_of);
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// What stands before the first special character first: most patterns are of other registers.
bool matches(const std::string &pattern, const std::string &name) {
    const auto plain = std::min(pattern.find_first_of("*?[\\"), pattern.size());
    return name.compare(0, plain, pattern, 0, plain) == 0 && ::fnmatch(pattern.c_str(), name.c_str(), FNM_PATHNAME) == 0;
}

// Of one that is made, by what stands before its name.
bool may_be_of_virtual(const std::string &pattern) {
    return pattern.contains('/') && ::fnmatch(pattern.substr(0, pattern.find('/')).c_str(), "virtual", 0) == 0;
}

// As the configuration has it: "0660".
std::string octal(mode_t mode) {
    std::string digits;
    for (const unsigned shift : {9U, 6U, 3U, 0U}) digits += static_cast<char>('0' + ((mode >> shift) & 7U));
    return digits;
}

}  // namespace

std::string why_never_fits(std::string_view pattern) {
    std::size_t slashes = 0;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const char c = pattern[i];
        if (c == '\\' && i + 1 < pattern.size()) continue;  // what follows stands for itself
        if (c == '[') {
            // "[]...]" and "[!]...]" have a bracket among theirs.
            const auto first = i + 1 + (i + 1 < pattern.size() && (pattern[i + 1] == '!' || pattern[i + 1] == '^') ? 1 : 0);
            const auto end = pattern.find(']', first + 1);
            if (end == std::string_view::npos) return "has a [ without its ]";
            i = end;
        } else if (c == '/') {
            ++slashes;
        } else if (!is_letter(c) && std::string_view("*?_-.:").find(c) == std::string_view::npos) {
            return "has a character that is in no register's name";
        }
    }
    return slashes == 1 ? "" : "is not of the form PROVIDER/NAME, and neither * nor ? stands for the /";
}

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
    case Right::repair:
    case Right::accept: return false;
    }
    std::unreachable();
}

bool AccessRule::has_unit_of(const Principal &principal) const {
    if (units.empty()) return true;
    const auto unit = principal.unit ? principal.unit() : std::nullopt;
    return unit && contains(units, *unit);
}

bool AccessRule::is_about(const RegisterName &reg) const {
    if (registers.empty()) return true;
    // What is about all of them is not for who may a part.
    if (reg.empty()) return false;
    return std::ranges::any_of(registers, [&reg](const std::string &pattern) {
        return matches(pattern, reg.name) || (!reg.with_bank.empty() && matches(pattern, reg.with_bank)) ||
               std::ranges::find(reg.roles, pattern) != reg.roles.end();
    });
}

template <class Entry>
void RulesByEntry<Entry>::add(std::size_t rule, const std::vector<Entry> &entries) {
    open_.set(rule, entries.empty());
    std::vector<std::pair<Entry, RuleSet>> added;
    added.reserve(entries.size());
    for (const auto &entry : entries) added.emplace_back(entry, RuleSet().set(rule));
    const auto by_entry = [](const auto &each) -> const Entry & { return each.first; };
    std::ranges::sort(added, {}, by_entry);
    std::vector<std::pair<Entry, RuleSet>> all;
    std::ranges::merge(named_, added, std::back_inserter(all), {}, by_entry, by_entry);
    named_.clear();
    for (auto &each : all) {
        if (!named_.empty() && named_.back().first == each.first) {
            named_.back().second |= each.second;
        } else {
            named_.push_back(std::move(each));
        }
    }
}

AccessRules::AccessRules(std::vector<AccessRule> rules, uid_t own_uid, uid_t overflow_uid) : overflow_uid_(overflow_uid) {
    static std::uint64_t made = 0;
    number_ = ++made;
    rules_.reserve(rules.size() + 1);
    rules_.push_back({.name = std::string(name_of_first), .users = {0}, .allow = Rights::all()});
    if (own_uid != 0) rules_.front().users.push_back(own_uid);
    std::ranges::move(rules, std::back_inserter(rules_));
    for (const auto &rule : rules_) named_.insert(named_.end(), rule.users.begin(), rule.users.end());
    std::ranges::sort(named_);
    const auto twice = std::ranges::unique(named_);
    named_.erase(twice.begin(), twice.end());
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        for (std::size_t right = 0; right < rights; ++right) allowing_[right].set(i, rules_[i].allow.has(static_cast<Right>(right)));
        users_.add(i, rules_[i].users);
        groups_.add(i, rules_[i].groups);
        listeners_.add(i, rules_[i].listeners);
    }
}

std::vector<AccessRule> AccessRules::defaults(std::optional<gid_t> mrd_group) {
    std::vector<AccessRule> rules;
    if (mrd_group) rules.push_back({.name = "attesters", .groups = {*mrd_group}, .allow = {Right::report, Right::quote, Right::evidence}});
    rules.push_back({.name = "everybody", .allow = {Right::list, Right::read, Right::log}});
    return rules;
}

AccessRules::Fitting AccessRules::fitting(const Principal &principal) const {
    auto groups = groups_.of(principal.gid);
    for (const auto group : principal.groups) groups |= groups_.of(group);
    return {.users = users_.of(principal.uid),
            .groups = groups,
            .listeners = listeners_.of(principal.listener),
            .on_behalf_of = principal.asks_for ? that_let_ask_for(*principal.asks_for) : for_oneself()};
}

RuleSet AccessRules::for_oneself() const {
    RuleSet all;
    for (std::size_t i = 0; i < rules_.size(); ++i) all.set(i, rules_[i].on_behalf_of.empty());
    return all;
}

// Whoever may everything is in no range: what a program may for him, it may by his own entry alone.
RuleSet AccessRules::that_let_ask_for(uid_t uid) const {
    RuleSet all;
    const bool may_everything = contains(rules_.front().users, uid);
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        all.set(i, std::ranges::any_of(rules_[i].on_behalf_of, [&](const UidRange &range) {
                    return range.first <= uid && uid <= range.last && (range.is_one() || !may_everything);
                }));
    }
    return all;
}

RuleSet AccessRules::about(const RegisterName &reg) const {
    const auto look = [this, &reg] {
        RuleSet all;
        for (std::size_t i = 0; i < rules_.size(); ++i) all.set(i, rules_[i].is_about(reg));
        return all;
    };
    const auto &key = reg.with_bank.empty() ? reg.name : reg.with_bank;
    const auto known = about_.find(key);
    if (known != about_.end() && std::ranges::equal(known->second.roles, reg.roles)) return known->second.about;
    const auto about = look();
    if (known != about_.end() || about_.size() < max_remembered_registers)
        about_.insert_or_assign(key, Remembered{{reg.roles.begin(), reg.roles.end()}, about});
    return about;
}

// Those that are for him, and of those with units if he is in one.
RuleSet AccessRules::for_him(const Principal &principal) const {
    if (!may_have_any(principal)) return {};
    auto &known = principal.looked_up;
    if (known.number != number_) {
        const auto fit = fitting(principal);
        known.for_him = fit.users & fit.groups & fit.listeners & fit.on_behalf_of;
        known.number = number_;
    }
    return known.for_him;
}

// Of these, those that would allow it if they are about the register.
RuleSet AccessRules::candidates(const Principal &principal, Right right) const {
    return for_him(principal) & allowing_[static_cast<std::size_t>(right)];
}

bool AccessRules::trusts(const Principal &principal) const { return principal.asks_for && first(principal, for_him(principal)) != nullptr; }

// Units last: to read one is another process's turn.
const AccessRule *AccessRules::first(const Principal &principal, const RuleSet &candidates) const {
    if (candidates.none()) return nullptr;
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        if (candidates.test(i) && rules_[i].has_unit_of(principal)) return &rules_[i];
    }
    return nullptr;
}

const AccessRule *AccessRules::allows(const Principal &principal, Right right, const RegisterName &reg) const {
    const auto all = candidates(principal, right);
    return all.none() ? nullptr : first(principal, all & about(reg));
}

RuleSet AccessRules::candidates_for_new(const Principal &principal, Right right, const std::string &name) const {
    auto all = candidates(principal, right);
    const bool is_long = name.size() > max_new_register_name;
    for (std::size_t i = 0; i < rules_.size() && all.any(); ++i) {
        if (all.test(i)) all.set(i, rules_[i].registers.empty() || (!is_long && rules_[i].is_about({name, {}})));
    }
    return all;
}

const AccessRule *AccessRules::allows_new(const Principal &principal, Right right, const std::string &name) const {
    return first(principal, candidates_for_new(principal, right, name));
}

const AccessRule *AccessRules::allows_create(const Principal &principal, const std::string &name, const RegisterName &carrier,
                                             std::size_t made) const {
    auto all = candidates_for_new(principal, Right::create, name);
    // The first is root's, and has no bounds.
    for (std::size_t i = 1; i < rules_.size(); ++i) {
        const auto &rule = rules_[i];
        const auto carries = [&carrier](const std::string &pattern) {
            return matches(pattern, carrier.name) || (!carrier.with_bank.empty() && matches(pattern, carrier.with_bank)) ||
                   std::ranges::find(carrier.roles, pattern) != carrier.roles.end();
        };
        const bool is_for_carrier = rule.create_on.empty() || std::ranges::any_of(rule.create_on, carries);
        if (!is_for_carrier || made >= rule.create_at_most) all.reset(i);
    }
    return first(principal, all);
}

// What is said of all registers, or of "*/name", is said of those that the administrator knows: a virtual one comes from whoever makes it, and is his.
const AccessRule *AccessRules::allows_of_others(const Principal &principal, Right right, const RegisterName &virtual_register) const {
    auto all = candidates(principal, right);
    for (std::size_t i = 1; i < rules_.size() && all.any(); ++i) {
        const auto speaks_of_it = [&virtual_register](const std::string &pattern) {
            return pattern.starts_with("virtual/") &&
                   (matches(pattern, virtual_register.name) || matches(pattern, virtual_register.with_bank));
        };
        if (all.test(i)) all.set(i, std::ranges::any_of(rules_[i].registers, speaks_of_it));
    }
    return first(principal, all);
}

const AccessRule *AccessRules::allows_some(const Principal &principal, Right right) const {
    return first(principal, candidates(principal, right));
}

std::vector<const AccessRule *> AccessRules::all_that_allow_some(const Principal &principal, Right right) const {
    std::vector<const AccessRule *> all;
    auto left = candidates(principal, right);
    while (const auto *const rule = first(principal, left)) {
        all.push_back(rule);
        left.reset(static_cast<std::size_t>(rule - rules_.data()));
    }
    return all;
}

uid_t AccessRules::share_of(uid_t uid) const { return std::ranges::binary_search(named_, uid) ? uid : varlink::unnamed_uids; }

bool AccessRules::lets_others_in(std::string_view listener) const {
    const auto &own = rules_.front().users;
    return std::any_of(rules_.begin() + 1, rules_.end(), [&](const AccessRule &rule) {
        return (rule.listeners.empty() || contains(rule.listeners, listener)) &&
               (rule.users.empty() || !std::ranges::all_of(rule.users, [&own](uid_t uid) { return contains(own, uid); }));
    });
}

bool AccessRules::may_connect(const AccessRule &rule, const RuleSurroundings::Listener &listener) const {
    if (!listener.mode) return true;
    const auto &own = rules_.front().users;
    const bool lets_others_write = (*listener.mode & (S_IWGRP | S_IWOTH)) != 0;
    const bool lets_owner_write = (*listener.mode & S_IWUSR) != 0;
    if (rule.users.empty()) return lets_others_write || (lets_owner_write && listener.owner && !contains(own, *listener.owner));
    return std::ranges::any_of(rule.users, [&](uid_t uid) {
        if (contains(own, uid)) return false;
        return listener.owner == uid ? lets_owner_write : lets_others_write;
    });
}

std::vector<std::string> AccessRules::warnings_of_listeners(const AccessRule &rule, const RuleSurroundings &surroundings) const {
    std::vector<std::string> warnings;
    for (const auto &listener : rule.listeners) {
        if (std::ranges::find(surroundings.listeners, listener, &RuleSurroundings::Listener::name) == surroundings.listeners.end())
            warnings.push_back("there is no listener " + listener);
    }
    Rights asked_for;
    std::string names;
    std::string closed;
    std::size_t open = 0;
    for (const auto &listener : surroundings.listeners) {
        if (!rule.listeners.empty() && !contains(rule.listeners, listener.name)) continue;
        for (std::size_t i = 0; i < rights; ++i) {
            if (listener.asked_for.has(static_cast<Right>(i))) asked_for.add(static_cast<Right>(i));
        }
        names += (names.empty() ? "" : " or ") + listener.name;
        if (may_connect(rule, listener)) {
            ++open;
        } else {
            closed += (closed.empty() ? "" : " or ") + listener.name + " (mode " + octal(*listener.mode) + ")";
        }
    }
    if (names.empty()) return warnings;
    // Whoever is named by it and has everything anyway is told of below.
    const auto &own = rules_.front().users;
    const bool is_of_own = !rule.users.empty() && std::ranges::all_of(rule.users, [&own](uid_t uid) { return contains(own, uid); });
    if (open == 0 && !is_of_own)
        warnings.push_back("of those that it is for nobody but root and mrd's user may connect to the listener " + closed);
    const bool lists_with_another = std::ranges::any_of(rights_that_list, [&rule](Right right) { return rule.allow.has(right); });
    for (std::size_t i = 0; i < rights; ++i) {
        const auto right = static_cast<Right>(i);
        if (!rule.allow.has(right) || asked_for.has(right) || (right == Right::list && lists_with_another)) continue;
        warnings.push_back(std::string(name_of(right)) + " is asked for by no interface of the listener " + names);
    }
    return warnings;
}

std::vector<std::string> AccessRules::warnings(const RuleSurroundings &surroundings) const {
    const Rights reading{Right::list, Right::read, Right::log};
    // The methods of these have no onBehalfOf.
    const Rights never_for_others{Right::cap, Right::create, Right::evidence, Right::repair, Right::accept};
    std::vector<std::string> warnings;
    for (auto rule = rules_.begin() + 1; rule != rules_.end(); ++rule) {
        const auto warn = [&](const std::string &why) { warnings.push_back("the access rule " + rule->name + ": " + why); };
        for (const auto &why : warnings_of_listeners(*rule, surroundings)) warn(why);
        if (!rule->units.empty() && !surroundings.units_are_known)
            warn("it has units, and this kernel cannot say which process has connected (SO_PEERPIDFD, Linux 6.5): it is for nobody");
        for (const auto &unit : rule->units) {
            if (!unit.ends_with(".service") || unit.contains('/'))
                warn("the unit " + unit + " is no service of systemd's (NAME.service), and nothing else counts as a unit");
            if (unit.find_first_of("*?[") != std::string::npos) warn("the unit " + unit + " is a name, and no pattern: write each unit");
        }
        if (contains(rule->users, overflow_uid_))
            warn("uid " + std::to_string(overflow_uid_) + " is whoever has no uid here: no rule is for it");
        if (contains(rule->on_behalf_of, UidRange{overflow_uid_, overflow_uid_}))
            warn("uid " + std::to_string(overflow_uid_) + " is whoever has no uid here: nobody may ask for it");
        for (std::size_t i = 0; i < rights && !rule->on_behalf_of.empty(); ++i) {
            const auto right = static_cast<Right>(i);
            if (rule->allow.has(right) && never_for_others.has(right))
                warn(std::string(name_of(right)) + " is for oneself alone: a rule with on_behalf_of never allows it");
        }
        for (std::size_t i = 0; i < rights && !rule->registers.empty(); ++i) {
            const auto right = static_cast<Right>(i);
            if (rule->allow.has(right) && !is_about_registers(right))
                warn(std::string(name_of(right)) + " is about all registers: a rule for some of them never allows it");
        }
        if (rule->allow.has(Right::create) && !rule->registers.empty() && std::ranges::none_of(rule->registers, may_be_of_virtual))
            warn("create is of virtual registers, and no pattern of it is of virtual/NAME: it never allows it");
        for (const auto &pattern : rule->registers) {
            if (contains(surroundings.roles, pattern)) continue;
            if (const auto why = why_never_fits(pattern); !why.empty())
                warn(std::string("the pattern \"")
                         .append(pattern)
                         .append("\" fits no register: it ")
                         .append(why)
                         .append(", and is no role"));
        }
        if (rule->users.empty() && rule->groups.empty() && rule->units.empty() && rule->listeners.empty()) {
            std::string more;
            for (std::size_t i = 0; i < rights; ++i) {
                const auto right = static_cast<Right>(i);
                if (rule->allow.has(right) && !reading.has(right)) more += (more.empty() ? "" : ", ") + std::string(name_of(right));
            }
            if (!more.empty()) warn("it names no user, group, unit or listener, so that everybody may " + more);
        }
        const auto earlier = std::find_if(rules_.begin(), rule, [&](const AccessRule &each) { return covers(each, *rule); });
        if (earlier != rule) warn("what it allows is allowed by the rule " + earlier->name + " already");
    }
    return warnings;
}

std::vector<std::string> AccessRules::warnings_of_registers(std::span<const RegisterName> registers) const {
    std::vector<std::string> warnings;
    for (const auto &rule : rules_) {
        for (const auto &pattern : rule.registers) {
            if (pattern.starts_with("virtual/")) continue;  // there are those that somebody makes
            const AccessRule one{.name = rule.name, .registers = {pattern}};
            if (std::ranges::none_of(registers, [&one](const RegisterName &reg) { return one.is_about(reg); }))
                warnings.push_back("the access rule " + rule.name + ": no register has a name like " + pattern +
                                   "; `mrctl list` shows them");
        }
    }
    return warnings;
}

}  // namespace mrd
