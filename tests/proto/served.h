// A server on a thread of its own, and plain sockets to talk to it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "proto/varlink/server.h"
#include "tests/proto/example_service.h"

namespace varlink::test {

// No test measures time: this long waits only the one that has failed.
inline constexpr int patience_ms = 60'000;
inline constexpr auto patience = std::chrono::milliseconds(patience_ms);

// The client's end of a connection, as raw as it gets.
class RawClient {
public:
    explicit RawClient(FileDescriptor socket) : socket_(std::move(socket)) {}

    // False: the peer takes no more.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    // How many bytes could be sent without waiting.
    std::size_t send_now(std::string_view bytes) {
        const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return sent < 0 ? 0 : static_cast<std::size_t>(sent);
    }

    // The next so many messages; fewer if the connection ends before.
    std::vector<std::string> receive(std::size_t count) {
        std::vector<std::string> found;
        while (found.size() < count) {
            if (const auto end = received_.find('\0', used_); end != std::string::npos) {
                found.push_back(received_.substr(used_, end - used_));
                used_ = end + 1;
                continue;
            }
            received_.erase(0, std::exchange(used_, 0));
            if (!receive_some()) break;
        }
        return found;
    }

    std::string receive_one() {
        auto found = receive(1);
        return found.empty() ? "the connection ended" : std::move(found.front());
    }

    // All that comes until the peer closes.
    std::vector<std::string> receive_to_end() {
        while (receive_some()) {
        }
        return messages(std::string_view(received_).substr(used_));
    }

    void half_close() { ::shutdown(socket_.get(), SHUT_WR); }
    void close() { socket_.reset(); }
    [[nodiscard]] int native_handle() const { return socket_.get(); }

private:
    // False: the connection has ended.
    bool receive_some() {
        pollfd entry{socket_.get(), POLLIN, 0};
        if (::poll(&entry, 1, patience_ms) != 1) {
            ADD_FAILURE() << "nothing comes, and the connection does not end";
            return false;
        }
        const auto before = received_.size();
        received_.resize(before + 64 * std::size_t{1024});
        const auto size = ::recv(socket_.get(), received_.data() + before, received_.size() - before, 0);
        received_.resize(before + (size > 0 ? static_cast<std::size_t>(size) : 0));
        return size > 0;
    }

    FileDescriptor socket_;
    std::string received_;
    std::size_t used_ = 0;
};

class Served {
public:
    explicit Served(Limits limits = {}, const ShareOf &share_of = {}) : work_(loop.get_executor()), thread_([this] { loop.run(); }) {
        on_loop([&] {
            server.emplace(loop, limits, share_of);
            server->on_empty([this] { empty.happen(); });
        });
    }
    Served(const Served &) = delete;
    Served &operator=(const Served &) = delete;
    ~Served() {
        on_loop([this] { server.reset(); });
        work_.reset();
        thread_.join();
    }

    // Runs it on the server's thread, where the service and the server live, and gives back what it returns.
    template <class Function>
    std::invoke_result_t<Function> on_loop(Function function) {
        std::packaged_task<std::invoke_result_t<Function>()> task(std::move(function));
        auto result = task.get_future();
        // Moved there: the result can be here before the task has returned.
        boost::asio::post(loop, [task = std::move(task)]() mutable { task(); });
        return result.get();
    }

    RawClient connect() {
        auto [ours, theirs] = pair();
        on_loop([&] { server->serve(std::move(theirs), example.service); });
        return RawClient(std::move(ours));
    }

    static std::pair<FileDescriptor, FileDescriptor> pair() {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
    }

    // Listens on an abstract address that no other process has.
    Address listen() {
        static int number = 0;
        const auto address = Address::parse("unix:@mrd-proto-test-" + std::to_string(::getpid()) + "-" + std::to_string(++number));
        auto listening = listen_on(*address, {});
        EXPECT_TRUE(listening) << listening.error();
        on_loop([&] { server->accept_on(std::move(*listening), example.service); });
        return *address;
    }

    ExampleService example;
    boost::asio::io_context loop;
    std::optional<Server> server;
    Event empty;  // the last connection has ended

private:
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::thread thread_;
};

}  // namespace varlink::test
