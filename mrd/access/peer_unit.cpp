#include "mrd/access/peer_unit.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "mrd/opener/opener.h"

namespace mrd {

namespace {

// The whole of a small file of the kernel's; nothing: it cannot be read, or is longer.
std::optional<std::string> read_small(const varlink::FileDescriptor &file) {
    if (!file) return std::nullopt;
    std::string text;
    std::array<char, 4096> piece{};
    for (ssize_t size = 0; (size = ::read(file.get(), piece.data(), piece.size())) != 0;) {
        if (size < 0) return std::nullopt;
        text.append(piece.data(), static_cast<std::size_t>(size));
        if (text.size() > max_cgroup_text) return std::nullopt;
    }
    return text;
}

// -1: the process has been waited for.
std::optional<pid_t> pid_of(const varlink::FileDescriptor &process) {
    const auto text =
        read_small(varlink::FileDescriptor(::open(("/proc/self/fdinfo/" + std::to_string(process.get())).c_str(), O_RDONLY | O_CLOEXEC)));
    constexpr std::string_view key = "\nPid:\t";
    const auto at = text ? text->find(key) : std::string::npos;
    if (at == std::string::npos) return std::nullopt;
    pid_t pid = 0;
    const char *const begin = text->data() + at + key.size();
    if (std::from_chars(begin, text->data() + text->size(), pid).ec != std::errc() || pid <= 0) return std::nullopt;
    return pid;
}

}  // namespace

bool lives(const varlink::FileDescriptor &process) {
    pollfd ended{.fd = process.get(), .events = POLLIN, .revents = 0};
    return ::poll(&ended, 1, 0) == 0;
}

std::optional<std::string> system_service(std::string_view cgroup) {
    constexpr std::string_view unified = "0::";
    constexpr std::string_view folder = "/system.slice/";
    constexpr std::string_view type = ".service";
    std::optional<std::string_view> place;
    while (!cgroup.empty()) {
        const auto line = cgroup.substr(0, cgroup.find('\n'));
        cgroup.remove_prefix(std::min(cgroup.size(), line.size() + 1));
        if (!line.starts_with(unified)) continue;
        if (place) return std::nullopt;
        place = line.substr(unified.size());
    }
    if (!place || !place->starts_with(folder)) return std::nullopt;
    const auto name = place->substr(folder.size());
    if (!name.ends_with(type) || name.size() == type.size() || name.contains('/')) return std::nullopt;
    return std::string(name);
}

std::optional<std::string> unit_of(const varlink::FileDescriptor &process, const ReadCgroup &read_cgroup) {
    if (!process) return std::nullopt;
    const auto pid = pid_of(process);
    if (!pid) return std::nullopt;
    const auto cgroup = read_cgroup(*pid);
    // After it was read: as long as the process is not at its end nobody else has its number.
    if (!cgroup || !lives(process)) return std::nullopt;
    return system_service(*cgroup);
}

std::optional<std::string> unit_of(const varlink::Peer &peer) {
    if (!peer.process) return std::nullopt;
    return unit_of(peer.process(),
                   [](pid_t pid) { return read_small(opener::open("/proc/" + std::to_string(pid) + "/cgroup", O_RDONLY)); });
}

}  // namespace mrd
