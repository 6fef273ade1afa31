// A client of the quoting service that says any bytes.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <string>

#include "mr/bytes.h"
#include "proto/varlink/address.h"
#include "proto/varlink/file_descriptor.h"

namespace mrd::quoting_service {

class Connection {
public:
    explicit Connection(const std::string &path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        // A failed test instead of one that hangs.
        constexpr timeval patience{.tv_sec = 20, .tv_usec = 0};
        EXPECT_EQ(::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
        const auto address = varlink::Address::parse(path).value();
        EXPECT_EQ(::connect(socket_.get(), address.data(), address.size()), 0);
    }
    // False: nobody takes it any more.
    [[nodiscard]] bool send(mr::ByteView bytes) const {
        return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
    }
    void end_sending() const { ::shutdown(socket_.get(), SHUT_WR); }
    // All until the service closes.
    [[nodiscard]] mr::Bytes rest() const {
        mr::Bytes all;
        std::array<std::uint8_t, 4096> buffer{};
        ssize_t size = 0;
        while ((size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0)) > 0)
            all.insert(all.end(), buffer.begin(), buffer.begin() + size);
        EXPECT_FALSE(size < 0 && errno == EAGAIN) << "the connection is not closed";
        return all;
    }
    [[nodiscard]] int get() const { return socket_.get(); }

private:
    varlink::FileDescriptor socket_;
};

}  // namespace mrd::quoting_service
