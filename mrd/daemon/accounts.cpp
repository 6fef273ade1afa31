#include "mrd/daemon/accounts.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <charconv>
#include <fstream>
#include <map>
#include <system_error>

#include "proto/varlink/file_descriptor.h"

namespace mrd {

namespace {

template <class Number>
std::optional<Number> number_from(const std::string &text) {
    Number number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = end.ec == std::errc() && end.ptr == text.data() + text.size() && number != static_cast<Number>(-1);
    return is_number ? std::optional(number) : std::nullopt;
}

// A number, or a name as `find` knows it; as it was found before, where nobody can look any more.
template <class Number, class Find>
std::optional<Number> account_from(const std::string &text, std::map<std::string, Number> &found_before, const Find &find) {
    if (const auto number = number_from<Number>(text)) return number;
    if (const std::optional<Number> found = find(text.c_str())) {
        found_before.insert_or_assign(text, *found);
        return found;
    }
    const auto before = found_before.find(text);
    return before == found_before.end() || accounts_are_readable() ? std::nullopt : std::optional(before->second);
}

// Lines of name:password:number:...
template <class Number>
std::optional<Number> number_in(const char *path, const std::string &name) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        const auto name_end = line.find(':');
        if (name_end == std::string::npos || line.compare(0, name_end, name) != 0) continue;
        const auto number_at = line.find(':', name_end + 1);
        if (number_at == std::string::npos) continue;
        return number_from<Number>(line.substr(number_at + 1, line.find(':', number_at + 1) - number_at - 1));
    }
    return std::nullopt;
}

}  // namespace

// NOLINTBEGIN(concurrency-mt-unsafe): nobody else asks
std::optional<uid_t> user_from(const std::string &text) {
    static std::map<std::string, uid_t> found_before;
    return account_from<uid_t>(text, found_before, [](const char *name) -> std::optional<uid_t> {
        const auto *entry = ::getpwnam(name);
        return entry == nullptr ? std::nullopt : std::optional(entry->pw_uid);
    });
}

std::optional<gid_t> group_from(const std::string &text) {
    static std::map<std::string, gid_t> found_before;
    return account_from<gid_t>(text, found_before, [](const char *name) -> std::optional<gid_t> {
        const auto *entry = ::getgrnam(name);
        return entry == nullptr ? std::nullopt : std::optional(entry->gr_gid);
    });
}
// NOLINTEND(concurrency-mt-unsafe)

std::optional<gid_t> group_in_file(const std::string &name) { return number_in<gid_t>("/etc/group", name); }
std::optional<uid_t> user_in_file(const std::string &name) { return number_in<uid_t>("/etc/passwd", name); }

bool accounts_are_readable() {
    const auto is_readable = [](const char *path) {
        return varlink::FileDescriptor(::open(path, O_RDONLY | O_CLOEXEC)) || errno == ENOENT;
    };
    return is_readable("/etc/passwd") && is_readable("/etc/group");
}

}  // namespace mrd
