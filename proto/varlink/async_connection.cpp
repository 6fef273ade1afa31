#include "proto/varlink/async_connection.h"

#include <array>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <utility>

#include "proto/varlink/framing.h"
#include "proto/varlink/limits.h"

namespace varlink {

namespace asio = boost::asio;
using boost::system::error_code;

class AsyncConnection::State : public std::enable_shared_from_this<State> {
public:
    explicit State(asio::any_io_executor executor) : strand_(asio::make_strand(std::move(executor))), socket_(strand_), timer_(strand_) {}

    // Every public operation goes through here: the state belongs to the strand.
    template <class Function>
    void run(Function function) {
        asio::dispatch(strand_, [self = shared_from_this(), function = std::move(function)]() mutable { function(*self); });
    }

    void connect(const Address &address, Milliseconds timeout, Connected handler) {
        // The handlers of what there was are told last: they may call anything, this too.
        auto dropped = drop();
        const asio::local::stream_protocol::endpoint endpoint(
            std::string_view(address.path().empty() ? abstract_name(address) : address.path()));
        connected_ = std::move(handler);
        const auto round = ++round_;
        if (const auto deadline = deadline_after(timeout); deadline != Clock::time_point::max()) {
            timer_.expires_at(deadline);
            timer_.async_wait([self = shared_from_this(), round](const error_code &error) {
                if (!error && round == self->round_ && self->connected_)
                    self->fail(ClientErrorCode::timed_out, "the service accepts no connection");
            });
        }
        socket_.async_connect(endpoint, [self = shared_from_this(), round, address](const error_code &error) {
            if (round != self->round_ || !self->connected_) return;
            if (error == asio::error::access_denied) return self->fail(ClientErrorCode::not_permitted, error.message());
            if (error) return self->fail(ClientErrorCode::no_service, error.message());
            if (const auto why = address.distrusts_peer_of(self->socket_.native_handle()))
                return self->fail(ClientErrorCode::not_trusted, *why);
            self->timer_.cancel();
            self->open_ = true;
            self->made_ = 0;
            std::exchange(self->connected_, nullptr)({});
        });
        tell(dropped, ClientErrorCode::connection_lost, "the connection was dropped");
    }

    void call(std::string frame, Milliseconds timeout, ReplyHandler handler) {
        if (!open_) {
            (void)handler(std::unexpected(ClientError{ClientErrorCode::not_connected, "the connection is closed"}));
            return;
        }
        calls_.push_back({std::move(handler), timeout, deadline_after(timeout)});
        ++made_;
        if (calls_.size() == 1) watch_time();
        waiting_ += frame;
        if (sending_.empty()) send();
        receive();
    }

    // Closes, and tells every call.
    void fail(ClientErrorCode code, const std::string &reason) {
        auto dropped = drop();
        tell(dropped, code, reason);
    }

private:
    using Clock = std::chrono::steady_clock;
    struct OpenCall {
        ReplyHandler handler;
        Milliseconds timeout;
        Clock::time_point deadline;  // of the next reply
    };

    struct Dropped {
        Connected connected;
        std::deque<OpenCall> calls;
    };

    Dropped drop() {
        ++round_;
        open_ = false;
        error_code ignored;
        socket_.close(ignored);
        timer_.cancel();
        waiting_.clear();
        splitter_ = MessageSplitter(max_reply);
        return {std::exchange(connected_, nullptr), std::exchange(calls_, {})};
    }

    static void tell(Dropped &dropped, ClientErrorCode code, const std::string &reason) {
        if (dropped.connected) dropped.connected(std::unexpected(ClientError{code, reason}));
        for (auto &call : dropped.calls) {
            // The one whose handler runs now is told by take().
            if (call.handler) (void)call.handler(std::unexpected(ClientError{code, reason}));
            // Only the oldest was too late; the others went down with it.
            if (code == ClientErrorCode::timed_out) code = ClientErrorCode::connection_lost;
        }
    }

    static std::string abstract_name(const Address &address) {
        const auto *bytes = reinterpret_cast<const char *>(address.data()) + offsetof(sockaddr_un, sun_path);
        return {bytes, address.size() - offsetof(sockaddr_un, sun_path)};
    }

    // The replies come in order, so only the oldest call's time counts.
    void watch_time() {
        timer_.cancel();
        if (calls_.empty() || calls_.front().deadline == Clock::time_point::max()) return;
        timer_.expires_at(calls_.front().deadline);
        timer_.async_wait([self = shared_from_this(), round = round_](const error_code &error) {
            if (error || round != self->round_ || self->calls_.empty() || self->calls_.front().deadline > Clock::now()) return;
            self->fail(ClientErrorCode::timed_out, "no answer in time");
        });
    }

    void send() {
        sending_ = std::exchange(waiting_, {});
        asio::async_write(socket_, asio::buffer(sending_),
                          [self = shared_from_this(), round = round_](const error_code &error, std::size_t) {
                              self->sending_.clear();
                              if (round == self->round_ && error) return self->fail(self->code_of(error), error.message());
                              if (self->open_ && !self->waiting_.empty()) self->send();
                          });
    }

    // Only while a call is open: an idle connection keeps no event loop from ending.
    void receive() {
        if (calls_.empty() || std::exchange(receiving_, true)) return;
        socket_.async_read_some(asio::buffer(received_), [self = shared_from_this(), round = round_](const error_code &error,
                                                                                                     std::size_t size) {
            self->receiving_ = false;
            if (round != self->round_) return self->receive();
            if (error)
                return self->fail(self->code_of(error), error == asio::error::eof ? "the service closed the connection" : error.message());
            self->splitter_.feed({self->received_.data(), size});
            while (const auto message = self->splitter_.next()) {
                if (!self->take(*message) || round != self->round_) return;
            }
            if (self->splitter_.overflowed()) return self->fail(ClientErrorCode::protocol, "the answer is too long");
            self->splitter_.keep_rest();
            self->receive();
        });
    }

    // As the blocking client tells them apart (proto/varlink/client.cpp).
    [[nodiscard]] ClientErrorCode code_of(const error_code &error) const {
        const bool refused = made_ <= 1 && (error == asio::error::broken_pipe || error == asio::error::connection_reset);
        return refused ? ClientErrorCode::refused : ClientErrorCode::connection_lost;
    }

    // False: the connection has been closed.
    bool take(std::string_view message) {
        const auto reply = parse_reply(message, document_);
        if (!reply || calls_.empty()) {
            fail(ClientErrorCode::protocol, "the answer is not a Varlink reply");
            return false;
        }
        if (reply->continues) {
            calls_.front().deadline = Clock::time_point::max();
            watch_time();
            const auto round = round_;
            auto handler = std::move(calls_.front().handler);
            const bool goes_on = handler(*reply);
            if (round != round_) {
                if (goes_on) (void)handler(std::unexpected(ClientError{ClientErrorCode::connection_lost, "the connection was closed"}));
                return false;
            }
            if (goes_on) {
                // From here, so that a handler may take its time.
                calls_.front().handler = std::move(handler);
                calls_.front().deadline = deadline_after(calls_.front().timeout);
                watch_time();
                return true;
            }
            // The handler's end may be this connection's too: it must not come while the queue is being changed.
            calls_.pop_front();
            fail(ClientErrorCode::connection_lost, "the connection was closed");
            return false;
        }
        auto handler = std::move(calls_.front().handler);
        calls_.pop_front();
        watch_time();
        const auto round = round_;
        const bool stays = handler(*reply);
        if (!stays && round == round_) fail(ClientErrorCode::connection_lost, "the connection was closed");
        return stays;
    }

    asio::strand<asio::any_io_executor> strand_;
    asio::local::stream_protocol::socket socket_;
    asio::steady_timer timer_;
    Connected connected_;
    std::deque<OpenCall> calls_;
    std::string sending_;
    std::string waiting_;
    std::array<char, receive_size> received_{};
    MessageSplitter splitter_{max_reply};
    Document document_;
    std::uint64_t round_ = 0;  // of connections: what belongs to an earlier one is ignored
    bool open_ = false;
    std::size_t made_ = 0;  // calls since it is open
    bool receiving_ = false;
};

AsyncConnection::AsyncConnection(asio::any_io_executor executor) : state_(std::make_shared<State>(std::move(executor))) {}

AsyncConnection &AsyncConnection::operator=(AsyncConnection &&other) noexcept {
    if (this != &other) {
        if (state_) close();
        state_ = std::move(other.state_);
    }
    return *this;
}

AsyncConnection::~AsyncConnection() {
    if (state_) close();
}

void AsyncConnection::connect(const Address &address, Milliseconds timeout, Connected handler) {
    state_->run(
        [address, timeout, handler = std::move(handler)](State &state) mutable { state.connect(address, timeout, std::move(handler)); });
}

void AsyncConnection::call(std::string frame, Milliseconds timeout, ReplyHandler handler) {
    state_->run([frame = std::move(frame), timeout, handler = std::move(handler)](State &state) mutable {
        state.call(std::move(frame), timeout, std::move(handler));
    });
}

void AsyncConnection::close() {
    state_->run([](State &state) { state.fail(ClientErrorCode::connection_lost, "the connection was closed"); });
}

}  // namespace varlink
