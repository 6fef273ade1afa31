#include "mrd/daemon/accounts.h"

#include <grp.h>
#include <pwd.h>

#include <charconv>
#include <fstream>
#include <system_error>

namespace mrd {

namespace {

template <class Number>
std::optional<Number> number_from(const std::string &text) {
    Number number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = end.ec == std::errc() && end.ptr == text.data() + text.size() && number != static_cast<Number>(-1);
    return is_number ? std::optional(number) : std::nullopt;
}

}  // namespace

// NOLINTBEGIN(concurrency-mt-unsafe): nobody else asks
std::optional<uid_t> user_from(const std::string &text) {
    if (const auto number = number_from<uid_t>(text)) return number;
    const auto *entry = ::getpwnam(text.c_str());
    return entry == nullptr ? std::nullopt : std::optional(entry->pw_uid);
}

std::optional<gid_t> group_from(const std::string &text) {
    if (const auto number = number_from<gid_t>(text)) return number;
    const auto *entry = ::getgrnam(text.c_str());
    return entry == nullptr ? std::nullopt : std::optional(entry->gr_gid);
}
// NOLINTEND(concurrency-mt-unsafe)

// Lines of name:password:number:members.
std::optional<gid_t> group_in_file(const std::string &name) {
    std::ifstream file("/etc/group");
    for (std::string line; std::getline(file, line);) {
        const auto name_end = line.find(':');
        if (name_end == std::string::npos || line.compare(0, name_end, name) != 0) continue;
        const auto number_at = line.find(':', name_end + 1);
        if (number_at == std::string::npos) continue;
        return number_from<gid_t>(line.substr(number_at + 1, line.find(':', number_at + 1) - number_at - 1));
    }
    return std::nullopt;
}

}  // namespace mrd
