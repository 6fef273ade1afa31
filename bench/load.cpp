// A load generator without any library between it and the socket: N connections, each with M calls under way at once.
//
// Usage: bench_load OPERATION SOCKET SERVER_PID CONNECTIONS DEPTH MILLISECONDS CLIENT_CPU SERVER_CPU
//        bench_load --reply-size OPERATION SOCKET
//        bench_load --calls OPERATION SOCKET COUNT     so many calls, to fill a journal; prints nothing
//
// A CPU of -1: not pinned. Prints one line: operations per second, p50 and p99 in ns of the time from a connection's M calls to the last of
// their M replies, and the server's CPU ns for each operation.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "bench/peers.h"

namespace {

using bench::die;

struct Connection {
    int fd = -1;
    bench::ReplyCounter replies;
    std::size_t open = 0;  // calls without a reply
    std::int64_t sent_at = 0;
};

int number(std::string_view text) {
    int value = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size()) die("not a number: " + std::string(text));
    return value;
}

class Load {
public:
    Load(const bench::Operation &operation, const std::string &socket, std::size_t connections, std::size_t depth)
        : depth_(depth), batch_(operation, depth) {
        for (std::size_t i = 0; i < connections; ++i) {
            auto &one = connections_.emplace_back(bench::connect_to(socket), bench::ReplyCounter(operation.protocol));
            (void)bench::call(one.fd, operation);
        }
    }

    void run(std::int64_t duration_ns) {
        latencies_.clear();
        latencies_.reserve(1 << 20U);
        begun_ = bench::now_ns();
        end_ = begun_ + duration_ns;
        if (connections_.size() == 1) {
            run_one(connections_.front());
        } else {
            run_all();
        }
        finished_ = bench::now_ns();
    }

    [[nodiscard]] double operations() const { return static_cast<double>(latencies_.size() * depth_); }
    [[nodiscard]] double seconds() const { return static_cast<double>(finished_ - begun_) / 1e9; }
    std::int64_t percentile(std::size_t percent) { return bench::percentile(latencies_, percent); }

private:
    // Blocks in recv: no other call of the kernel than the two that carry bytes.
    void run_one(Connection &connection) {
        do {
            send(connection);
            while (connection.open > 0) receive(connection);
        } while (bench::now_ns() < end_);
    }

    void run_all() {
        const int poll = ::epoll_create1(EPOLL_CLOEXEC);
        for (std::size_t i = 0; i < connections_.size(); ++i) {
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.u64 = i;
            if (::epoll_ctl(poll, EPOLL_CTL_ADD, connections_[i].fd, &event) != 0) die("epoll refuses a connection");
            send(connections_[i]);
        }
        std::array<epoll_event, 64> ready;
        for (std::size_t busy = connections_.size(); busy > 0;) {
            const auto count = ::epoll_wait(poll, ready.data(), ready.size(), -1);
            for (int i = 0; i < count; ++i) {
                auto &connection = connections_[ready[static_cast<std::size_t>(i)].data.u64];
                receive(connection);
                if (connection.open > 0) continue;
                if (bench::now_ns() < end_) {
                    send(connection);
                } else {
                    --busy;
                }
            }
        }
    }

    void send(Connection &connection) {
        const auto calls = batch_.next();
        connection.open = depth_;
        connection.sent_at = bench::now_ns();
        bench::send_all(connection.fd, calls);
    }

    void receive(Connection &connection) {
        const auto size = ::recv(connection.fd, buffer_.data(), buffer_.size(), 0);
        if (size < 0 && errno == EINTR) return;
        if (size <= 0) die("the server closed the connection");
        connection.open -= connection.replies.count({buffer_.data(), static_cast<std::size_t>(size)});
        if (connection.open == 0) latencies_.push_back(bench::now_ns() - connection.sent_at);
    }

    std::size_t depth_;
    bench::Batch batch_;
    std::vector<Connection> connections_;
    std::vector<std::int64_t> latencies_;
    std::array<char, 64 * 1024> buffer_{};
    std::int64_t begun_ = 0;
    std::int64_t end_ = 0;
    std::int64_t finished_ = 0;
};

bench::Operation operation_named(const char *name) {
    auto operation = bench::operation_of(name);
    if (!operation) die("no such operation: " + std::string(name));
    return std::move(*operation);
}

constexpr std::size_t fill_depth = 64;

void fill(const bench::Operation &operation, const std::string &socket, std::size_t count) {
    const int fd = bench::connect_to(socket);
    bench::ReplyCounter replies(operation.protocol);
    bench::Batch batch(operation, fill_depth);
    std::array<char, 64 * 1024> buffer{};
    while (count > 0) {
        auto open = std::min(count, fill_depth);
        count -= open;
        bench::send_all(fd, batch.next(open));
        while (open > 0) {
            const auto size = ::recv(fd, buffer.data(), buffer.size(), 0);
            if (size <= 0) die("the server closed the connection");
            open -= replies.count({buffer.data(), static_cast<std::size_t>(size)});
        }
    }
}

}  // namespace

int main(int argc, char **argv) {
    if (argc == 4 && std::string_view(argv[1]) == "--reply-size") {
        std::printf("%zu\n", bench::call(bench::connect_to(argv[3]), operation_named(argv[2])).size());
        return 0;
    }
    if (argc == 5 && std::string_view(argv[1]) == "--calls") {
        fill(operation_named(argv[2]), argv[3], static_cast<std::size_t>(number(argv[4])));
        return 0;
    }
    if (argc != 9) die("usage: bench_load OPERATION SOCKET SERVER_PID CONNECTIONS DEPTH MILLISECONDS CLIENT_CPU SERVER_CPU");
    const auto operation = operation_named(argv[1]);
    const pid_t server = number(argv[3]);
    const auto duration = std::int64_t{number(argv[6])} * 1'000'000;
    const auto client_cpu = number(argv[7]);
    const auto server_cpu = number(argv[8]);
    if (client_cpu >= 0) bench::pin(0, client_cpu);
    if (server_cpu >= 0) bench::pin(server, server_cpu);
    Load load(operation, argv[2], static_cast<std::size_t>(number(argv[4])), static_cast<std::size_t>(number(argv[5])));
    load.run(duration / 8);  // warms caches, and the server's memory
    const auto cpu_before = bench::cpu_ns(server);
    load.run(duration);
    const auto cpu = static_cast<double>(bench::cpu_ns(server) - cpu_before);
    const auto p50 = load.percentile(50);
    const auto p99 = load.percentile(99);
    std::printf("%.0f %ld %ld %.0f\n", load.operations() / load.seconds(), static_cast<long>(p50), static_cast<long>(p99),
                cpu / load.operations());
}
