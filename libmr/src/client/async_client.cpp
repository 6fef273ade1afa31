#include "mr/async_client.h"

#include <boost/asio/local/stream_protocol.hpp>
#include <vector>

#include "libmr/src/client/transport_error.h"
#include "proto/varlink/async_connection.h"

namespace mr {

struct AsyncClient::Connection {
    Connection(boost::asio::any_io_executor executor_, ClientOptions options_)
        : executor(std::move(executor_)), options(std::move(options_)), socket(socket_of(options)), transport(executor) {}

    [[nodiscard]] std::expected<varlink::Address, Error> address() const {
        auto parsed = varlink::Address::parse(socket);
        if (!parsed) return std::unexpected(Error{ErrorCode::invalid_argument, parsed.error()});
        if (options.trusted_servers) parsed->trust_only(*options.trusted_servers);
        return *parsed;
    }

    // For a call that can take long. The call's handler keeps it alive; here it is known only to be closed with the client.
    std::shared_ptr<varlink::AsyncConnection> new_connection() {
        std::erase_if(own, [](const auto &connection) { return connection.expired(); });
        auto made = std::make_shared<varlink::AsyncConnection>(executor);
        own.push_back(made);
        return made;
    }

    void close() {
        transport.close();
        for (const auto &connection : own) {
            if (const auto open = connection.lock()) open->close();
        }
    }

    boost::asio::any_io_executor executor;
    ClientOptions options;
    std::string socket;
    varlink::AsyncConnection transport;
    std::vector<std::weak_ptr<varlink::AsyncConnection>> own;
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
            done(std::unexpected(from_transport(connected.error(), socket)));
        });
}

void AsyncClient::perform(detail::Request request, Take take, Completion<void> done) {
    if (!request.frame) return done(std::unexpected(std::move(request.frame.error())));
    const auto where = connection_->address();
    if (!where) return done(std::unexpected(where.error()));
    const auto timeout = detail::time_for(connection_->options, request);
    // A connection of its own is kept by the handler of its replies, and closed after the last one.
    auto own = request.own_connection ? connection_->new_connection() : nullptr;
    auto handler = [own, socket = connection_->socket, take = std::move(take),
                    done = std::move(done)](std::expected<varlink::Reply, varlink::ClientError> reply) mutable {
        const bool is_shared = own == nullptr;
        if (!reply) {
            done(std::unexpected(from_transport(reply.error(), socket)));
            return false;
        }
        const auto more = take(&*reply);
        if (more && *more && reply->continues) return true;
        done(more ? Result<void>() : std::unexpected(more.error()));
        return is_shared;
    };
    if (!own) return connection_->transport.call(std::move(*request.frame), timeout, std::move(handler));
    auto &connection = *own;
    connection.connect(*where, connection_->options.connect_timeout,
                       [own = std::move(own), frame = std::move(*request.frame), timeout,
                        handler = std::move(handler)](std::expected<void, varlink::ClientError> connected) mutable {
                           if (connected) return own->call(std::move(frame), timeout, std::move(handler));
                           (void)handler(std::unexpected(connected.error()));
                       });
}

}  // namespace mr
