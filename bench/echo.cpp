// The least that a server on one Asio loop can do: for each NUL in what it receives, a fixed reply. It is what mrd's Read is held against.
//
// Usage: bench_echo SOCKET REPLY_SIZE wait|read
//
// wait: async_wait, then recv. read: async_read_some. Both send by hand, which is less work than async_write.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace {

namespace asio = boost::asio;
using Socket = asio::local::stream_protocol::socket;
using ErrorCode = boost::system::error_code;

constexpr std::size_t receive_size = 64 * 1024;

class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(Socket socket, const std::string &reply) : socket_(std::move(socket)), reply_(reply) {}

    void wait() {
        socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const ErrorCode &error) {
            if (error) return;
            const auto size = ::recv(self->socket_.native_handle(), self->received_.data(), receive_size, MSG_DONTWAIT);
            if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) return;
            if (size > 0) {
                self->answer(static_cast<std::size_t>(size));
                if (!self->send()) return;
            }
            self->wait();
        });
    }

    void read() {
        socket_.async_read_some(asio::buffer(received_), [self = shared_from_this()](const ErrorCode &error, std::size_t size) {
            if (error) return;
            self->answer(size);
            if (self->send()) self->read();
        });
    }

private:
    bool send() {
        std::string_view rest = out_;
        // A client of this program reads what it is sent: it is enough to try again.
        while (!rest.empty()) {
            const auto sent = ::send(socket_.native_handle(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
            if (sent > 0) rest.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    void answer(std::size_t size) {
        out_.clear();
        const auto calls = std::count(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(size), '\0');
        for (auto i = calls; i > 0; --i) out_ += reply_;
    }

    Socket socket_;
    const std::string &reply_;
    std::string out_;
    std::array<char, receive_size> received_{};
};

}  // namespace

int main(int argc, char **argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: bench_echo SOCKET REPLY_SIZE wait|read\n");
        return 2;
    }
    const bool waits = std::string_view(argv[3]) == "wait";
    std::string reply(std::stoul(argv[2]), 'r');
    reply.back() = '\0';
    asio::io_context loop(1);
    asio::local::stream_protocol::acceptor acceptor(loop, asio::local::stream_protocol::endpoint(argv[1]));
    const auto accept = [&](const auto &again) -> void {
        acceptor.async_accept([&, again](const ErrorCode &error, Socket socket) {
            if (!error) {
                const auto connection = std::make_shared<Connection>(std::move(socket), reply);
                waits ? connection->wait() : connection->read();
            }
            again(again);
        });
    };
    accept(accept);
    loop.run();
}
