#include "mrd/access/callers.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "mrd/access/peer_unit.h"
#include "mrd/opener/opener.h"

namespace mrd {

namespace {

std::optional<std::string> executable_of(pid_t pid) {
    auto executable = opener::executable(pid);
    if (executable) executable->resize(std::min(executable->size(), max_executable));
    // A path is any bytes, what the log tells is text.
    return executable && mr::is_text(*executable) ? executable : std::nullopt;
}

// Of a file of /proc; empty where the process has ended.
std::string beginning_of(const std::string &path) {
    constexpr std::size_t limit = 4096;
    std::string text(limit, '\0');
    const auto file = opener::open(path, O_RDONLY);
    const auto size = file ? ::read(file.get(), text.data(), text.size()) : 0;
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
}

// Asked behind what was read by its number: was that of the process that made the connection? By its descriptor that is certain. Where the kernel has none, one that is
// younger than the connection has been given the number of the one that made it.
bool was_the_same(const varlink::Peer &peer, const std::string &process) {
    if (const auto descriptor = peer.process ? peer.process() : varlink::FileDescriptor()) return lives(descriptor);
    const auto started = start_from_stat(beginning_of(process + "/stat"));
    return started && *started <= peer.connected;
}

}  // namespace

std::optional<std::string> unit_from_cgroup(std::string_view cgroup) {
    while (!cgroup.empty()) {
        const auto line = cgroup.substr(0, cgroup.find('\n'));
        cgroup.remove_prefix(std::min(cgroup.size(), line.size() + 1));
        constexpr std::string_view unified = "0::/";
        constexpr std::string_view system = "system.slice/";
        if (!line.starts_with(unified)) continue;
        auto place = line.substr(unified.size());
        // Outside of mrd's own root ("/../x") a place has no name.
        if (place.starts_with("..")) return std::nullopt;
        const auto last = place.substr(place.rfind('/') + 1);
        if (last.find('.') == std::string_view::npos) return std::nullopt;  // no unit of systemd's
        if (place.starts_with(system)) place.remove_prefix(system.size());
        if (place.size() > max_unit || !mr::is_text(place)) return std::nullopt;
        return std::string(place);
    }
    return std::nullopt;
}

std::optional<std::chrono::nanoseconds> start_from_stat(std::string_view stat) {
    // The second field is the program's name in parentheses, which may hold anything.
    constexpr int fields_before = 19;  // from the third to the twenty-second
    const auto name_end = stat.rfind(')');
    if (name_end == std::string_view::npos) return std::nullopt;
    auto rest = stat.substr(name_end + 1);
    for (int i = 0; i <= fields_before; ++i) {
        const auto begin = rest.find_first_not_of(' ');
        if (begin == std::string_view::npos) return std::nullopt;
        rest.remove_prefix(begin);
        if (i < fields_before) rest.remove_prefix(std::min(rest.find(' '), rest.size()));
    }
    std::int64_t ticks = 0;
    if (std::from_chars(rest.data(), rest.data() + rest.size(), ticks).ec != std::errc()) return std::nullopt;
    static const auto ticks_per_second = ::sysconf(_SC_CLK_TCK);
    constexpr std::int64_t nanoseconds = 1'000'000'000;
    return std::chrono::nanoseconds(ticks / ticks_per_second * nanoseconds + ticks % ticks_per_second * (nanoseconds / ticks_per_second));
}

std::shared_ptr<const mr::EventCaller> Callers::find(const varlink::Peer &peer, std::string_view rule,
                                                     const std::optional<mr::OnBehalfOf> &on_behalf_of) {
    const auto named = rule.empty() ? std::nullopt : std::optional<std::string>(rule);
    if (const auto known = known_.find(peer.connection); known != known_.end()) {
        auto &caller = known->second.caller;
        if (caller->rule != named || caller->on_behalf_of != on_behalf_of) {
            auto other = std::make_shared<mr::EventCaller>(*caller);
            other->rule = named;
            other->on_behalf_of = on_behalf_of;
            caller = std::move(other);
        }
        return caller;
    }
    auto caller = std::make_shared<mr::EventCaller>();
    caller->uid = static_cast<std::int64_t>(peer.uid);
    caller->gid = static_cast<std::int64_t>(peer.gid);
    caller->pid = peer.pid;
    caller->rule = named;
    caller->on_behalf_of = on_behalf_of;
    if (peer.pid > 0) {
        const auto process = "/proc/" + std::to_string(peer.pid);
        auto executable = executable_of(peer.pid);
        auto unit = unit_from_cgroup(beginning_of(process + "/cgroup"));
        if (was_the_same(peer, process)) {
            caller->executable = std::move(executable);
            caller->unit = std::move(unit);
        }
    }
    if (known_.size() >= next_sweep_) {
        std::erase_if(known_, [](const auto &each) { return each.second.connection.expired(); });
        next_sweep_ = std::max(next_sweep_, 2 * known_.size());
    }
    known_.insert_or_assign(peer.connection, Known{peer.open, caller});
    return caller;
}

}  // namespace mrd
