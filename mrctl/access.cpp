// `mrctl access`: what a user may do, and why not.
#include <grp.h>
#include <pwd.h>

#include <array>
#include <charconv>
#include <iostream>
#include <limits>

#include "libmr/wire/registers.h"
#include "mr/event_content.h"
#include "mr/limits.h"
#include "mrctl/commands.h"
#include "mrctl/output.h"

namespace mrctl {

namespace {

struct User {
    uid_t uid = 0;
    std::vector<std::int64_t> groups = {};
};

// By the system's tables, here: mrd waits for none of them.
std::expected<User, mr::Error> user_from(const std::string &text) {
    User user;
    const char *const end = text.data() + text.size();
    const auto [stopped, failed] = std::from_chars(text.data(), end, user.uid);
    const bool is_number = failed == std::errc() && stopped == end && user.uid != std::numeric_limits<uid_t>::max();
    const auto *entry = is_number ? ::getpwuid(user.uid) : ::getpwnam(text.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
    if (entry == nullptr) {
        if (is_number) return user;
        return std::unexpected(
            mr::Error{mr::ErrorCode::invalid_argument, "this machine has no user \"" + text + "\": give a name or a number"});
    }
    user.uid = entry->pw_uid;
    std::array<gid_t, mr::max_asked_groups> groups{};
    int count = groups.size();
    if (::getgrouplist(entry->pw_name, entry->pw_gid, groups.data(), &count) < 0) count = static_cast<int>(groups.size());
    user.groups.assign(groups.begin(), groups.begin() + count);
    return user;
}

}  // namespace

int access(const Common &common, const std::string &who) {
    std::optional<User> user;
    if (!who.empty()) {
        auto found = user_from(who);
        if (!found) return fail_usage(found.error().message);
        user = std::move(*found);
    }
    const auto uid = user ? std::optional<std::int64_t>(user->uid) : std::nullopt;
    const auto groups = user ? std::optional(user->groups) : std::nullopt;
    if (common.json) return print_reply<mr::wire::Access>(common, {uid, groups});
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto told = client->access(uid, groups.value_or(std::vector<std::int64_t>()));
    if (!told) return fail(told.error());
    const auto listed = [](const std::vector<std::string> &names) {
        std::string text;
        for (const auto &name : names) text += (text.empty() ? "" : ",") + name;
        return text;
    };
    std::vector<Row> rows;
    for (const auto &each : told->permissions) {
        auto registers = each.registers ? listed(*each.registers) : "all";
        if (each.on) registers += " on " + listed(*each.on);
        if (each.at_most) registers += ", at most " + std::to_string(*each.at_most);
        rows.push_back({each.right, mr::printable_text(registers), each.rule.value_or("-"), mr::printable_text(each.why_not)});
    }
    print_table({"RIGHT", "REGISTERS", "RULE", "WHY NOT"}, rows);
    return exit_done;
}

}  // namespace mrctl
