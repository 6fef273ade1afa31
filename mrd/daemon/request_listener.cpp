#include "mrd/daemon/request_listener.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <list>
#include <map>
#include <string_view>
#include <utility>

#include "mrd/daemon/socket_address.h"

namespace mrd {

namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
// Not a socket of Asio's, which would ask the kernel for more than a confined mrd may (mrd/daemon/confine.cpp).
using Descriptor = asio::posix::stream_descriptor;

constexpr std::chrono::seconds time_without_descriptors{1};

}  // namespace

struct RequestListener::State : std::enable_shared_from_this<State> {
    State(asio::io_context &loop_, Answer answer_, const Limits &limits_) : loop(loop_), answer(std::move(answer_)), limits(limits_) {}

    struct Listening {
        Descriptor socket;
        asio::steady_timer retry;
    };
    void accept_next(Listening &listening);
    void accept(Listening &listening);
    void make_room();
    void close();

    asio::io_context &loop;
    Answer answer;
    Limits limits;
    std::list<Listening> sockets;
    std::list<std::shared_ptr<Connection>> connections;  // in the order in which they were made
};

class RequestListener::Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(const std::shared_ptr<State> &state, varlink::FileDescriptor connected)
        : state_(state),
          client_(client_of(connected.get())),
          peer_(state->loop, connected.release()),
          timer_(state->loop),
          received_(state->limits.request) {}

    [[nodiscard]] const std::string &client() const { return client_; }

    void start(std::chrono::milliseconds time) {
        timer_.expires_after(time);
        timer_.async_wait([weak = weak_from_this()](const ErrorCode &error) {
            if (const auto self = weak.lock(); self && !error) self->end();
        });
        read();
    }

    void end() {
        timer_.cancel();
        ErrorCode ignored;
        peer_.close(ignored);
        if (const auto state = state_.lock()) std::erase(state->connections, shared_from_this());
    }

private:
    void read() {
        peer_.async_read_some(asio::buffer(received_.data() + size_, received_.size() - size_),
                              [self = shared_from_this()](const ErrorCode &error, std::size_t size) {
                                  if (error) return self->end();
                                  self->size_ += size;
                                  self->take();
                              });
    }

    void take() {
        const auto state = state_.lock();
        if (!state) return end();
        auto answered = state->answer(mr::ByteView(received_).first(size_));
        if (!answered && size_ < received_.size()) return read();
        if (!answered || answered->empty()) return end();
        answer_ = std::move(*answered);
        write();
    }

    // Not by Asio's write of a descriptor, which raises SIGPIPE for a client that is gone.
    void write() {
        while (sent_ < answer_.size()) {
            const auto rest = mr::ByteView(answer_).subspan(sent_);
            const auto size = ::send(peer_.native_handle(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (size >= 0) {
                sent_ += static_cast<std::size_t>(size);
            } else if (errno == EAGAIN) {
                return peer_.async_wait(Descriptor::wait_write, [self = shared_from_this()](const ErrorCode &error) {
                    if (error) return self->end();
                    self->write();
                });
            } else if (errno != EINTR) {
                return end();
            }
        }
        ::shutdown(peer_.native_handle(), SHUT_WR);
        take_what_is_unasked();
    }

    // A socket that is closed with something unread takes back what the client has not read.
    void take_what_is_unasked() {
        peer_.async_read_some(asio::buffer(received_), [self = shared_from_this()](const ErrorCode &error, std::size_t size) {
            const auto state = self->state_.lock();
            self->unasked_ += size;
            if (error || !state || self->unasked_ > state->limits.unasked) return self->end();
            self->take_what_is_unasked();
        });
    }

    std::weak_ptr<State> state_;
    std::string client_;
    Descriptor peer_;
    asio::steady_timer timer_;
    mr::Bytes received_;
    std::size_t size_ = 0;
    mr::Bytes answer_;
    std::size_t sent_ = 0;
    std::size_t unasked_ = 0;
};

// For the one that has just been made, too.
void RequestListener::State::make_room() {
    if (connections.size() <= limits.connections) return;
    std::map<std::string_view, std::size_t> clients;
    for (const auto &connection : connections) ++clients[connection->client()];
    const auto most = std::ranges::max_element(clients, {}, [](const auto &client) { return client.second; })->second;
    const auto ended = *std::ranges::find(connections, most, [&clients](const auto &each) { return clients[each->client()]; });
    ended->end();
}

void RequestListener::State::accept_next(Listening &listening) {
    listening.socket.async_wait(Descriptor::wait_read, [weak = weak_from_this(), &listening](const ErrorCode &error) {
        if (const auto self = weak.lock(); self && !error) self->accept(listening);
    });
}

void RequestListener::State::accept(Listening &listening) {
    varlink::FileDescriptor connected(::accept4(listening.socket.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connected) {
        const auto connection = connections.emplace_back(std::make_shared<Connection>(shared_from_this(), std::move(connected)));
        make_room();
        connection->start(limits.time);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        // It stays in the queue, and would wake the loop at once, again and again.
        listening.retry.expires_after(time_without_descriptors);
        return listening.retry.async_wait([weak = weak_from_this(), &listening](const ErrorCode &error) {
            if (const auto self = weak.lock(); self && !error) self->accept_next(listening);
        });
    }
    accept_next(listening);
}

void RequestListener::State::close() {
    ErrorCode ignored;
    for (auto &[socket, retry] : sockets) {
        retry.cancel();
        socket.close(ignored);
    }
    for (const auto &connection : std::exchange(connections, {})) connection->end();
}

RequestListener::RequestListener(asio::io_context &loop, std::vector<varlink::FileDescriptor> sockets, Answer answer, const Limits &limits)
    : state_(std::make_shared<State>(loop, std::move(answer), limits)) {
    for (auto &socket : sockets)
        state_->accept_next(state_->sockets.emplace_back(Descriptor(loop, socket.release()), asio::steady_timer(loop)));
}

RequestListener::~RequestListener() { state_->close(); }

}  // namespace mrd
