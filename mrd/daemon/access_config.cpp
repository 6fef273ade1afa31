#include "mrd/daemon/access_config.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "mr/file.h"
#include "mrd/daemon/accounts.h"
#include "mrd/daemon/toml_table.h"
#include "mrd/journal/format.h"

namespace mrd {

namespace {

uid_t overflow_uid() {
    constexpr std::size_t limit = 32;
    uid_t uid = usual_overflow_uid;
    if (const auto file = mr::read_file("/proc/sys/kernel/overflowuid", limit)) {
        const auto *text = reinterpret_cast<const char *>(file->data());
        (void)std::from_chars(text, text + file->size(), uid);
    }
    return uid;
}

// The members of a list, which may be written as numbers too.
std::string take_accounts(const toml::node &node, std::vector<std::string> &out) {
    auto wrong = "must be a list of 1 to " + std::to_string(max_access_entries) + " names or numbers, or left out";
    const auto *list = node.as_array();
    if (list == nullptr || list->empty() || list->size() > max_access_entries) return wrong;
    for (const auto &element : *list) {
        auto text = element.value_exact<std::string>();
        if (const auto number = element.value_exact<std::int64_t>(); number && *number >= 0) text = std::to_string(*number);
        if (!text || text->empty()) return wrong;
        if (std::ranges::find(out, *text) != out.end()) return "has one twice: " + *text;
        out.push_back(std::move(*text));
    }
    return {};
}

// "1000-59999"; nothing: it is a name, or a number.
std::optional<UidRange> range_from(std::string_view text) {
    UidRange range;
    const auto *const end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), end, range.first);
    if (first.ec != std::errc() || first.ptr == end || *first.ptr != '-') return std::nullopt;
    const auto last = std::from_chars(first.ptr + 1, end, range.last);
    return last.ec == std::errc() && last.ptr == end ? std::optional(range) : std::nullopt;
}

std::string what_is_wrong_with_ranges(const std::vector<std::string> &entries) {
    for (const auto &entry : entries) {
        const auto range = range_from(entry);
        if (!range) continue;
        if (range->first == 0) return "has a range from 0: name root by an entry of its own, as \"root\", if it is to be asked for";
        if (range->first >= range->last || range->last == static_cast<uid_t>(-1))
            return "has a range that is none: " + entry + "; write the lower uid first, and 4294967294 at most";
    }
    return {};
}

}  // namespace

std::expected<void, std::string> read_access_rule(const toml::table &table, std::string_view file, std::vector<AccessRuleConfig> &rules) {
    TomlTable reader(file, "access");
    AccessRuleConfig read;
    const auto add_to = [](std::vector<std::string> &out) {
        return [&out](const std::string &text) -> std::string {
            out.push_back(text);
            return {};
        };
    };
    reader.text("name", read.name);
    reader.key("users", [&read](const toml::node &node) { return take_accounts(node, read.users); });
    reader.key("groups", [&read](const toml::node &node) { return take_accounts(node, read.groups); });
    reader.texts("units", max_access_entries, add_to(read.rule.units));
    reader.texts("listeners", max_access_entries, add_to(read.rule.listeners));
    reader.texts("registers", max_access_entries, add_to(read.rule.registers));
    reader.texts("create_on", max_access_entries, add_to(read.rule.create_on));
    reader.count("create_at_most", read.rule.create_at_most, 1, journal::max_virtual_registers);
    reader.key("on_behalf_of", [&read](const toml::node &node) {
        auto wrong = take_accounts(node, read.on_behalf_of);
        return wrong.empty() ? what_is_wrong_with_ranges(read.on_behalf_of) : wrong;
    });
    reader.texts(
        "allow", rights,
        [&read](const std::string &name) -> std::string {
            const auto right = right_from(name);
            if (right) {
                read.rule.allow.add(*right);
                return {};
            }
            std::string known;
            for (const auto each : right_names) known += (known.empty() ? "" : ", ") + std::string(each);
            return "has something that nobody can be allowed: " + name + "; there are: " + known;
        },
        TomlTable::Needed::yes);
    if (auto result = reader.read(table); !result) return result;
    if (!is_configured_name(read.name)) return reader.fail(table, "name", configured_name_rule());
    if (read.name == AccessRules::name_of_first)
        return reader.fail(table, "name", "is that of mrd's own rule, by which root and mrd's user may everything: give it another one");
    if (std::ranges::find(rules, read.name, &AccessRuleConfig::name) != rules.end())
        return reader.fail(table, "name", "is there twice: " + read.name);
    if (read.rule.allow.empty()) return reader.fail(table, "allow", R"(is missing: say what the rule allows, as ["list", "read"])");
    for (const auto *key : {"create_on", "create_at_most"}) {
        if (table.contains(key) && !read.rule.allow.has(Right::create))
            return reader.fail(*table.get(key), key, R"(is of a rule that does not allow "create": leave it out)");
    }
    if (!read.on_behalf_of.empty() && read.users.empty() && read.rule.units.empty())
        return reader.fail(*table.get("on_behalf_of"), "on_behalf_of",
                           "is of a rule for all users: give it the users, or the units, of the program that asks for others");
    if (rules.size() == max_access_rules)
        return reader.fail(table, "name", "is of one too many: there are at most " + std::to_string(max_access_rules) + " access rules");
    if (std::ranges::any_of(rights_that_list, [&read](Right right) { return read.rule.allow.has(right); }))
        read.rule.allow.add(Right::list);
    read.rule.name = read.name;
    rules.push_back(std::move(read));
    return {};
}

std::expected<AccessRules, std::string> make_access_rules(const std::vector<AccessRuleConfig> &rules) {
    const auto unknown = [](const AccessRuleConfig &rule, std::string_view key, std::string_view what, const std::string &name) {
        const auto begin = "access." + std::string(key) + " of the rule " + rule.name + ": ";
        const auto named = std::string(what) + " \"" + name + "\"";
        const std::string range = key == "on_behalf_of" ? ", or a range of numbers, as \"1000-1999\"" : "";
        if (accounts_are_readable())
            return std::unexpected(begin + "this machine has no " + named + "; name one that it has, or give its number" + range);
        return std::unexpected(begin + "there was no " + named +
                               " when mrd started, and whoever came since it may not look up: give the number" + range +
                               ", or start mrd again");
    };
    std::vector<AccessRule> made;
    for (const auto &rule : rules) {
        made.push_back(rule.rule);
        for (const auto &name : rule.users) {
            const auto user = user_from(name);
            if (!user) return unknown(rule, "users", "user", name);
            made.back().users.push_back(*user);
        }
        for (const auto &entry : rule.on_behalf_of) {
            const auto range = range_from(entry);
            const auto user = range ? std::nullopt : user_from(entry);
            if (!range && !user) return unknown(rule, "on_behalf_of", "user", entry);
            made.back().on_behalf_of.push_back(range ? *range : UidRange{*user, *user});
        }
        for (const auto &name : rule.groups) {
            const auto group = group_from(name);
            if (!group) return unknown(rule, "groups", "group", name);
            made.back().groups.push_back(*group);
        }
    }
    // As of the start, where mrd is confined and somebody has changed the groups since.
    static std::optional<gid_t> attesters;
    if (const auto group = group_in_file("mrd"); group || accounts_are_readable()) attesters = group;
    if (rules.empty()) made = AccessRules::defaults(attesters);
    // Who started mrd, whomever it has become since.
    static const uid_t started_by = ::geteuid();
    return AccessRules(std::move(made), started_by, overflow_uid());
}

}  // namespace mrd
