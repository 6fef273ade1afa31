// The service manager's end of sd_notify: waits until a program says that it is ready, or has ended.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tests/integration/process.h"

namespace mrd {

class Readiness {
public:
    // `socket`: its NOTIFY_SOCKET, which is made here.
    explicit Readiness(const std::filesystem::path &socket) : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(socket.native(), std::begin(address.sun_path));
        if (::bind(socket_, reinterpret_cast<const sockaddr *>(&address), sizeof(address)) != 0) throw std::runtime_error("bind failed");
    }
    Readiness(const Readiness &) = delete;
    Readiness &operator=(const Readiness &) = delete;
    ~Readiness() { ::close(socket_); }

    [[nodiscard]] bool wait_for(const Process &process) const {
        const auto end = std::chrono::steady_clock::now() + patience;
        std::array<pollfd, 2> waited{pollfd{socket_, POLLIN, 0}, pollfd{process.pidfd(), POLLIN, 0}};
        while (true) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
            if (::poll(waited.data(), waited.size(), static_cast<int>(std::max<std::int64_t>(left, 0))) <= 0 ||
                (waited[0].revents & POLLIN) == 0)
                return false;
            std::array<char, 64> said{};
            const auto size = ::recv(socket_, said.data(), said.size(), 0);
            // A start that takes long asks for more time before.
            if (size > 0 && std::string_view(said.data(), static_cast<std::size_t>(size)) == "READY=1") return true;
        }
    }

private:
    int socket_;
};

}  // namespace mrd
