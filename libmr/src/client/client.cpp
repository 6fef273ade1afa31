#include "mr/client.h"

#include <cstdlib>
#include <utility>

#include "libmr/src/client/transport_error.h"
#include "proto/varlink/client.h"

namespace mr {

namespace {

std::expected<varlink::ClientConnection, Error> open_connection(const ClientOptions &options) {
    const auto socket = socket_of(options);
    auto address = varlink::Address::parse(socket);
    if (!address) return std::unexpected(Error{ErrorCode::invalid_argument, address.error()});
    if (options.trusted_servers) address->trust_only(*options.trusted_servers);
    auto connection = varlink::ClientConnection::connect(*address, options.connect_timeout);
    if (!connection) return std::unexpected(from_transport(connection.error(), socket, false));
    return std::move(*connection);
}

}  // namespace

std::string socket_of(const ClientOptions &options) {
    if (!options.socket.empty()) return options.socket;
    const char *from_environment = std::getenv("MRD_SOCKET");  // NOLINT(concurrency-mt-unsafe): this library sets no variable
    return from_environment != nullptr && *from_environment != '\0' ? from_environment : std::string(default_socket);
}

std::chrono::milliseconds detail::time_for(const ClientOptions &client, const Request &request) {
    constexpr auto no_limit = std::chrono::milliseconds::max();
    return client.call_timeout > no_limit - request.extra_time ? no_limit : client.call_timeout + request.extra_time;
}

struct Client::Connection {
    varlink::ClientConnection transport;
};

Client::Client(ClientOptions options, std::unique_ptr<Connection> connection)
    : options_(std::move(options)), connection_(std::move(connection)) {}
Client::Client(Client &&) noexcept = default;
Client &Client::operator=(Client &&) noexcept = default;
Client::~Client() = default;

std::expected<Client, Error> Client::connect(ClientOptions options) {
    auto transport = open_connection(options);
    if (!transport) return std::unexpected(std::move(transport.error()));
    return Client(std::move(options), std::make_unique<Connection>(std::move(*transport)));
}

std::expected<void, Error> Client::reconnect() {
    connection_->transport.close();
    auto transport = open_connection(options_);
    if (!transport) return std::unexpected(std::move(transport.error()));
    connection_->transport = std::move(*transport);
    return {};
}

std::expected<void, Error> Client::perform(const detail::Request &request, const Take &take) {
    if (!request.frame) return std::unexpected(request.frame.error());
    std::optional<varlink::ClientConnection> own;
    if (request.own_connection) {
        auto opened = open_connection(options_);
        if (!opened) return std::unexpected(std::move(opened.error()));
        own.emplace(std::move(*opened));
    }
    auto &transport = own ? *own : connection_->transport;
    const auto failed = [&](const varlink::ClientError &error) {
        return std::unexpected(from_transport(error, socket_of(options_), request.asked.may_change));
    };
    if (auto sent = transport.send_frames(*request.frame, options_.call_timeout); !sent) return failed(sent.error());
    for (;;) {
        const auto reply = transport.receive(detail::time_for(options_, request));
        if (!reply) return failed(reply.error());
        if (reply->continues && !request.more) {
            transport.close();
            return failed(goes_on_unasked());
        }
        const auto more = take(*reply);
        if (!more) {
            if (more.error().code == ErrorCode::protocol) transport.close();
            return std::unexpected(more.error());
        }
        if (!*more || !reply->continues) return {};
    }
}

}  // namespace mr
