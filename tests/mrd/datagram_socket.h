// A datagram socket that somebody writes to: the end of the service manager, or of the system's journal.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace mrd {

class DatagramSocket {
public:
    explicit DatagramSocket(std::string path) : path_(std::move(path)), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::ranges::copy(path_, std::begin(address.sun_path));
        EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr *>(&address), sizeof(address)), 0);
    }
    DatagramSocket(const DatagramSocket &) = delete;
    DatagramSocket &operator=(const DatagramSocket &) = delete;
    ~DatagramSocket() { close(); }

    [[nodiscard]] const std::string &path() const { return path_; }

    // The next that is written; empty: nothing, for that long.
    [[nodiscard]] std::string next(std::chrono::milliseconds time = std::chrono::seconds(60)) const {
        pollfd written{socket_, POLLIN, 0};
        if (::poll(&written, 1, static_cast<int>(time.count())) != 1) return {};
        std::string text(std::size_t{256} << 10U, '\0');
        const auto size = ::recv(socket_, text.data(), text.size(), 0);
        text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
        return text;
    }

    // Nobody is there any more.
    void close() {
        if (socket_ < 0) return;
        ::close(std::exchange(socket_, -1));
        ::unlink(path_.c_str());
    }

private:
    std::string path_;
    int socket_;
};

}  // namespace mrd
