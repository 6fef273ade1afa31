#include "mrd/callers.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>

namespace mrd {

namespace {

std::optional<std::string> executable_of(pid_t pid) {
    std::array<char, max_executable> path{};
    const auto size = ::readlink(("/proc/" + std::to_string(pid) + "/exe").c_str(), path.data(), path.size());
    if (size <= 0) return std::nullopt;
    std::string executable(path.data(), static_cast<std::size_t>(size));
    // A path is any bytes, what the log tells is text.
    return mr::is_text(executable) ? std::optional(std::move(executable)) : std::nullopt;
}

std::optional<std::string> unit_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/cgroup");
    std::string text(4096, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return unit_from_cgroup(text);
}

}  // namespace

std::optional<std::string> unit_from_cgroup(std::string_view cgroup) {
    while (!cgroup.empty()) {
        const auto line = cgroup.substr(0, cgroup.find('\n'));
        cgroup.remove_prefix(std::min(cgroup.size(), line.size() + 1));
        if (!line.starts_with("0::/")) continue;
        const auto unit = line.substr(line.rfind('/') + 1);
        if (unit.empty() || unit.size() > max_unit || unit.find('.') == std::string_view::npos || !mr::is_text(unit)) return std::nullopt;
        return std::string(unit);
    }
    return std::nullopt;
}

std::shared_ptr<const mr::EventCaller> Callers::find(const varlink::Peer &peer) {
    auto &known = known_[peer.connection];
    if (known) return known;
    auto caller = std::make_shared<mr::EventCaller>();
    caller->uid = static_cast<std::int64_t>(peer.uid);
    caller->gid = static_cast<std::int64_t>(peer.gid);
    caller->pid = peer.pid;
    if (peer.pid > 0) {
        caller->executable = executable_of(peer.pid);
        caller->unit = unit_of(peer.pid);
    }
    known = caller;
    order_.push_back(peer.connection);
    if (order_.size() > remembered_connections) {
        known_.erase(order_.front());
        order_.pop_front();
    }
    return caller;
}

}  // namespace mrd
