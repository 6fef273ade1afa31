#include "mrd/daemon/activation.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <utility>

namespace mrd {

namespace {

constexpr int first_passed = 3;

std::optional<long> number_from_environment(const char *name) {
    const char *text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread is started
    if (text == nullptr) return std::nullopt;
    const std::string_view view(text);
    long value = 0;
    const auto end = std::from_chars(view.data(), view.data() + view.size(), value);
    return end.ec == std::errc() && end.ptr == view.data() + view.size() ? std::optional(value) : std::nullopt;
}

// Colon-separated; as many as there are.
std::vector<std::string> names_of_passed() {
    const char *text = std::getenv("LISTEN_FDNAMES");  // NOLINT(concurrency-mt-unsafe): as above
    std::vector<std::string> names;
    for (std::string_view rest = text == nullptr ? "" : text; !rest.empty();) {
        const auto name = rest.substr(0, rest.find(':'));
        names.emplace_back(name);
        rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    }
    return names;
}

// Is it a Unix stream socket on which somebody listens, or one that is connected? Anything else has no file mode and no credentials: who calls could not be told, which
// matters to all but metrics. Error: what it is instead.
std::expected<bool, std::string> is_listening(const varlink::FileDescriptor &socket, bool is_for_metrics) {
    const std::unexpected<std::string> no_socket("is not a Unix stream socket");
    int listening = 0;
    int type = 0;
    int domain = 0;
    const auto get = [&socket](int option, int &value) {
        socklen_t size = sizeof(value);
        return ::getsockopt(socket.get(), SOL_SOCKET, option, &value, &size) == 0;
    };
    if (!get(SO_ACCEPTCONN, listening) || !get(SO_TYPE, type) || !get(SO_DOMAIN, domain) || type != SOCK_STREAM) return no_socket;
    if (domain != AF_UNIX && !(is_for_metrics && (domain == AF_INET || domain == AF_INET6))) return no_socket;
    if (listening != 0) return true;
    sockaddr_storage peer{};
    socklen_t size = sizeof(peer);
    if (::getpeername(socket.get(), reinterpret_cast<sockaddr *>(&peer), &size) == 0) return false;
    return std::unexpected("is a socket on which nobody listens, and which is not connected: listen on it before it is passed");
}

}  // namespace

std::expected<std::vector<PassedSocket>, std::string> take_passed_sockets() {
    const auto count = number_from_environment("LISTEN_FDS");
    const auto pid = number_from_environment("LISTEN_PID");
    auto names = names_of_passed();
    for (const char *name : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}) ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe): as above
    std::vector<PassedSocket> passed;
    if (!count || !pid || *pid != ::getpid() || *count < 1) return passed;
    if (*count > max_passed) {
        return std::unexpected("LISTEN_FDS passes " + std::to_string(*count) + " sockets: pass one for each listener, at most " +
                               std::to_string(max_passed));
    }
    names.resize(static_cast<std::size_t>(*count));
    for (int fd = first_passed; fd < first_passed + *count; ++fd) {
        varlink::FileDescriptor socket(fd);
        auto &name = names[passed.size()];
        const auto listening = is_listening(socket, name == metrics_socket_name);
        if (!listening) return std::unexpected("the passed file descriptor " + std::to_string(fd) + " " + listening.error());
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
        passed.push_back({std::move(socket), std::move(name), *listening});
    }
    return passed;
}

ServiceManager ServiceManager::from_environment() {
    ServiceManager manager;
    const char *path = std::getenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe): before any thread is started
    const std::string_view name(path == nullptr ? "" : path);
    sockaddr_un address{};
    if (name.empty() || name.size() >= sizeof(address.sun_path) || (name.front() != '/' && name.front() != '@')) return manager;
    address.sun_family = AF_UNIX;
    std::ranges::copy(name, std::begin(address.sun_path));
    if (name.front() == '@') address.sun_path[0] = '\0';
    varlink::FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr *>(&address), size) != 0) return manager;
    manager.socket_ = std::move(socket);
    const auto patience = number_from_environment("WATCHDOG_USEC");
    const auto pid = number_from_environment("WATCHDOG_PID");
    const bool is_meant = std::getenv("WATCHDOG_PID") == nullptr || pid == ::getpid();  // NOLINT(concurrency-mt-unsafe): as above
    if (patience && *patience > 0 && is_meant) manager.patience_ = std::chrono::microseconds(*patience);
    return manager;
}

void ServiceManager::tell(std::string_view state) const {
    if (socket_) ::send(socket_.get(), state.data(), state.size(), MSG_NOSIGNAL);
}

void ServiceManager::say_alive() const {
    constexpr std::string_view alive = "WATCHDOG=1";
    if (socket_) ::send(socket_.get(), alive.data(), alive.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace mrd
