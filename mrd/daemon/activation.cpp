#include "mrd/daemon/activation.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>

namespace mrd {

namespace {

constexpr int first_passed = 3;
constexpr int max_passed = 64;

std::optional<long> number_from_environment(const char *name) {
    const char *text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread is started
    if (text == nullptr) return std::nullopt;
    const std::string_view view(text);
    long value = 0;
    const auto end = std::from_chars(view.data(), view.data() + view.size(), value);
    return end.ec == std::errc() && end.ptr == view.data() + view.size() ? std::optional(value) : std::nullopt;
}

// The position of "varlink" among the colon-separated names; the first if it is not there.
int position_of_varlink() {
    const char *text = std::getenv("LISTEN_FDNAMES");  // NOLINT(concurrency-mt-unsafe): as above
    std::string_view names = text == nullptr ? "" : text;
    for (int position = 0; !names.empty(); ++position) {
        const auto end = names.find(':');
        if (names.substr(0, end) == "varlink") return position;
        if (end == std::string_view::npos) break;
        names.remove_prefix(end + 1);
    }
    return 0;
}

}  // namespace

std::expected<std::optional<ActivatedSocket>, std::string> take_activated_socket() {
    const auto count = number_from_environment("LISTEN_FDS");
    const auto pid = number_from_environment("LISTEN_PID");
    const auto position = position_of_varlink();
    for (const char *name : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}) ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe): as above
    if (!count || !pid || *pid != ::getpid() || *count < 1) return std::nullopt;
    if (*count > max_passed || position >= *count)
        return std::unexpected("LISTEN_FDS passes " + std::to_string(*count) + " sockets: pass one, named varlink");
    const int fd = first_passed + position;
    int listening = 0;
    int type = 0;
    socklen_t size = sizeof(listening);
    socklen_t type_size = sizeof(type);
    int domain = 0;
    socklen_t domain_size = sizeof(domain);
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 ||
        ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) != 0 ||
        ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_size) != 0 || type != SOCK_STREAM || domain != AF_UNIX) {
        // Anything else has no file mode and no credentials: who calls could not be told.
        return std::unexpected("the passed file descriptor " + std::to_string(fd) + " is not a Unix stream socket");
    }
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    return ActivatedSocket{varlink::FileDescriptor(fd), listening != 0};
}

void notify_service_manager(std::string_view state) {
    const char *path = std::getenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe): nothing here sets it
    if (path == nullptr) return;
    const std::string_view name(path);
    sockaddr_un address{};
    if (name.empty() || name.size() >= sizeof(address.sun_path) || (name.front() != '/' && name.front() != '@')) return;
    address.sun_family = AF_UNIX;
    std::ranges::copy(name, std::begin(address.sun_path));
    if (name.front() == '@') address.sun_path[0] = '\0';
    const varlink::FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return;
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr *>(&address), size);
}

}  // namespace mrd
