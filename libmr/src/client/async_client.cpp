#include "mr/async_client.h"

#include <algorithm>
#include <boost/asio/local/stream_protocol.hpp>
#include <mutex>
#include <vector>

#include "libmr/src/client/transport_error.h"
#include "proto/varlink/async_connection.h"

namespace mr {

// Of calls that can take long, a connection each. The client has them, not their handlers, which the connections have: so that all goes with the loop and the client. Calls end on
// the loop's threads.
class AsyncClient::OwnConnections {
public:
    using Own = std::shared_ptr<varlink::AsyncConnection>;

    Own make(const boost::asio::any_io_executor &executor) {
        auto made = std::make_shared<varlink::AsyncConnection>(executor);
        const std::scoped_lock lock(mutex_);
        open_.push_back(made);
        return made;
    }
    // What is closed tells its handler, which may come back here: never while the lock is held.
    void remove(const varlink::AsyncConnection *connection) {
        Own removed;
        const std::scoped_lock lock(mutex_);
        const auto found = std::ranges::find(open_, connection, &Own::get);
        if (found == open_.end()) return;
        removed.swap(*found);
        open_.erase(found);
    }
    void close() {
        std::vector<Own> open;
        {
            const std::scoped_lock lock(mutex_);
            open = open_;
        }
        for (const auto &connection : open) connection->close();
    }

private:
    std::mutex mutex_;
    std::vector<Own> open_;
};

struct AsyncClient::Connection {
    Connection(boost::asio::any_io_executor executor_, ClientOptions options_)
        : executor(std::move(executor_)), options(std::move(options_)), socket(socket_of(options)), transport(executor) {}

    [[nodiscard]] std::expected<varlink::Address, Error> address() const {
        auto parsed = varlink::Address::parse(socket);
        if (!parsed) return std::unexpected(Error{ErrorCode::invalid_argument, parsed.error()});
        if (options.trusted_servers) parsed->trust_only(*options.trusted_servers);
        return *parsed;
    }

    void close() {
        transport.close();
        own->close();
    }

    boost::asio::any_io_executor executor;
    ClientOptions options;
    std::string socket;
    varlink::AsyncConnection transport;
    std::shared_ptr<OwnConnections> own = std::make_shared<OwnConnections>();
};

AsyncClient::AsyncClient(boost::asio::any_io_executor executor, ClientOptions options)
    : connection_(std::make_unique<Connection>(std::move(executor), std::move(options))) {}
AsyncClient::AsyncClient(AsyncClient &&) noexcept = default;
AsyncClient &AsyncClient::operator=(AsyncClient &&other) noexcept {
    if (this != &other) {
        if (connection_) connection_->close();
        connection_ = std::move(other.connection_);
    }
    return *this;
}
AsyncClient::~AsyncClient() {
    if (connection_) connection_->close();
}

boost::asio::any_io_executor AsyncClient::executor() const { return connection_->executor; }

void AsyncClient::close() { connection_->close(); }

void AsyncClient::do_connect(Completion<void> done) {
    const auto address = connection_->address();
    if (!address) return done(std::unexpected(address.error()));
    connection_->transport.connect(
        *address, connection_->options.connect_timeout,
        [done = std::move(done), socket = connection_->socket](std::expected<void, varlink::ClientError> connected) mutable {
            if (connected) return done({});
            done(std::unexpected(from_transport(connected.error(), socket, false)));
        });
}

void AsyncClient::perform(detail::Request request, Take take, Completion<void> done) {
    if (!request.frame) return done(std::unexpected(std::move(request.frame.error())));
    const auto where = connection_->address();
    if (!where) return done(std::unexpected(where.error()));
    const auto timeout = detail::time_for(connection_->options, request);
    const auto own = request.own_connection ? connection_->own->make(connection_->executor) : nullptr;
    auto handler = [is_stream = request.more, may_change = request.asked.may_change, is_shared = own == nullptr,
                    socket = connection_->socket, take = std::move(take),
                    release =
                        [all = std::weak_ptr(connection_->own), connection = own.get()] {
                            if (const auto open = all.lock(); open && connection != nullptr) open->remove(connection);
                        },
                    done = std::move(done)](std::expected<varlink::Reply, varlink::ClientError> reply) mutable {
        const bool goes_on_wrongly = reply && reply->continues && !is_stream;
        if (goes_on_wrongly) reply = std::unexpected(goes_on_unasked());
        if (!reply) {
            done(std::unexpected(from_transport(reply.error(), socket, may_change)));
            release();
            return false;
        }
        const auto more = take(&*reply);
        if (more && *more && reply->continues) return true;
        const bool is_wrong = !more && more.error().code == ErrorCode::protocol;
        done(more ? Result<void>() : std::unexpected(more.error()));
        release();
        return is_shared && !is_wrong;
    };
    if (!own) return connection_->transport.call(std::move(*request.frame), timeout, std::move(handler));
    own->connect(*where, connection_->options.connect_timeout,
                 [own = std::weak_ptr(own), frame = std::move(*request.frame), timeout,
                  handler = std::move(handler)](std::expected<void, varlink::ClientError> connected) mutable {
                     const auto open = own.lock();
                     if (connected && open) return open->call(std::move(frame), timeout, std::move(handler));
                     if (connected)
                         connected =
                             std::unexpected(varlink::ClientError{varlink::ClientErrorCode::connection_lost, "the connection was closed"});
                     (void)handler(std::unexpected(connected.error()));
                 });
}

}  // namespace mr
