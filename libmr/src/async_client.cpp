#include "mr/async_client.h"

#include <boost/asio/local/stream_protocol.hpp>

#include "libmr/src/transport_error.h"
#include "libmr/src/wire_values.h"
#include "proto/varlink/async_connection.h"

namespace mr {

struct AsyncClient::Connection {
    Connection(boost::asio::any_io_executor executor_, ClientOptions options_)
        : executor(std::move(executor_)), options(std::move(options_)), socket(socket_of(options)), transport(executor) {}

    [[nodiscard]] std::expected<varlink::Address, Error> address() const {
        auto parsed = varlink::Address::parse(socket);
        if (!parsed) return std::unexpected(Error{ErrorCode::invalid_argument, parsed.error()});
        return *parsed;
    }

    // One call, one reply.
    template <class WireReply, class T, class Parameters>
    void call(varlink::AsyncConnection &on, std::string_view method, const Parameters &parameters,
              std::move_only_function<void(std::expected<T, Error>)> done) const {
        std::string frame;
        varlink::write_call(frame, method, parameters);
        on.call(std::move(frame), options.call_timeout,
                [done = std::move(done), socket = socket](std::expected<varlink::Reply, varlink::ClientError> reply) mutable {
                    done(reply ? interpret<WireReply>(*reply)
                               : std::expected<T, Error>(std::unexpected(from_transport(reply.error(), socket))));
                    return true;
                });
    }

    // For a call that can take long. The call's handler keeps it alive; here it is known only to be closed with the client.
    std::shared_ptr<varlink::AsyncConnection> new_connection() {
        std::erase_if(own, [](const auto &connection) { return connection.expired(); });
        auto made = std::make_shared<varlink::AsyncConnection>(executor);
        own.push_back(made);
        return made;
    }

    template <class WireReply, class T>
    void call_alone(std::string frame, std::chrono::milliseconds timeout, std::move_only_function<void(std::expected<T, Error>)> done);

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

void AsyncClient::do_list(const std::optional<std::string> &provider, Completion<std::vector<Register>> done) {
    connection_->call<wire::ListReply>(connection_->transport, "io.mrd.Registers.List", wire::ListParameters{provider}, std::move(done));
}

void AsyncClient::do_read(const std::string &name, const ReadOptions &options, Completion<Reading> done) {
    if (auto good = check_texts(name); !good) return done(std::unexpected(std::move(good.error())));
    connection_->call<wire::ReadReply>(connection_->transport, "io.mrd.Registers.Read", read_parameters(name, options), std::move(done));
}

void AsyncClient::do_snapshot(const std::vector<std::string> &names, bool fresh, Completion<Snapshot> done) {
    connection_->call<wire::SnapshotReply>(connection_->transport, "io.mrd.Registers.Snapshot", snapshot_parameters(names, fresh),
                                           std::move(done));
}

void AsyncClient::do_extend(const std::string &name, const Digest &digest, const EventOptions &event, Completion<Extended> done) {
    if (auto good = check_texts(name, event); !good) return done(std::unexpected(std::move(good.error())));
    ParameterStorage storage;
    connection_->call<wire::ExtendReply>(connection_->transport, "io.mrd.Registers.Extend", extend_parameters(name, digest, event, storage),
                                         std::move(done));
}

void AsyncClient::do_measure(const std::string &name, ByteView data, const EventOptions &event, Completion<Measured> done) {
    if (auto good = check_texts(name, event); !good) return done(std::unexpected(std::move(good.error())));
    ParameterStorage storage;
    connection_->call<wire::MeasureReply>(connection_->transport, "io.mrd.Registers.Measure",
                                          measure_parameters(name, data, event, storage), std::move(done));
}

void AsyncClient::do_write(const std::string &name, ByteView value, Completion<std::int64_t> done) {
    if (auto good = check_texts(name); !good) return done(std::unexpected(std::move(good.error())));
    const auto hex = to_hex(value);
    connection_->call<wire::WriteReply>(connection_->transport, "io.mrd.Registers.Write", wire::WriteParameters{name, hex},
                                        std::move(done));
}

void AsyncClient::do_seal(const std::string &name, Completion<std::int64_t> done) {
    if (auto good = check_texts(name); !good) return done(std::unexpected(std::move(good.error())));
    connection_->call<wire::SealReply>(connection_->transport, "io.mrd.Registers.Seal", wire::SealParameters{name}, std::move(done));
}

namespace {

// Connects, then goes on with the connection; the caller's next step keeps it alive.
template <class Next, class Failed>
void on_own_connection(std::shared_ptr<varlink::AsyncConnection> own, const varlink::Address &address, std::chrono::milliseconds timeout,
                       Next next, Failed failed) {
    auto &connection = *own;
    connection.connect(address, timeout,
                       [own = std::move(own), next = std::move(next),
                        failed = std::move(failed)](std::expected<void, varlink::ClientError> connected) mutable {
                           if (!connected) return failed(connected.error());
                           next(std::move(own));
                       });
}

}  // namespace

// One call and its reply, on a connection of its own.
template <class WireReply, class T>
void AsyncClient::Connection::call_alone(std::string frame, std::chrono::milliseconds timeout,
                                         std::move_only_function<void(std::expected<T, Error>)> done) {
    const auto to = address();
    if (!to) return done(std::unexpected(to.error()));
    const auto shared_done = std::make_shared<decltype(done)>(std::move(done));
    on_own_connection(
        new_connection(), *to, options.connect_timeout,
        [frame = std::move(frame), timeout, socket = socket, shared_done](std::shared_ptr<varlink::AsyncConnection> alone) mutable {
            auto &connection = *alone;
            connection.call(std::move(frame), timeout,
                            [shared_done, socket = std::move(socket),
                             alone = std::move(alone)](std::expected<varlink::Reply, varlink::ClientError> reply) {
                                (*shared_done)(reply ? interpret<WireReply>(*reply)
                                                     : std::expected<T, Error>(std::unexpected(from_transport(reply.error(), socket))));
                                return true;
                            });
        },
        [shared_done, socket = socket](const varlink::ClientError &error) {
            (*shared_done)(std::unexpected(from_transport(error, socket)));
        });
}

void AsyncClient::do_report(const ReportData &report_data, const std::optional<std::string> &provider, Completion<Report> done) {
    std::string frame;
    const auto hex = to_hex(report_data);
    varlink::write_call(frame, "io.mrd.Attestation.Report", wire::attestation::ReportParameters{hex, provider});
    connection_->call_alone<wire::attestation::ReportReply>(std::move(frame), connection_->options.call_timeout, std::move(done));
}

void AsyncClient::do_quote(const ReportData &report_data, const QuoteOptions &options, Completion<Quoted> done) {
    std::string frame;
    std::string hex;
    varlink::write_call(frame, "io.mrd.Attestation.Quote", quote_parameters(report_data, options, hex));
    connection_->call_alone<wire::attestation::QuoteReply>(std::move(frame), quote_timeout(connection_->options, options), std::move(done));
}

void AsyncClient::do_evidence(const ReportData &report_data, const QuoteOptions &options, Completion<Evidence> done) {
    std::string frame;
    std::string hex;
    varlink::write_call(frame, "io.mrd.Attestation.Evidence", evidence_parameters(report_data, options, hex));
    connection_->call_alone<wire::attestation::EvidenceReply>(std::move(frame), quote_timeout(connection_->options, options),
                                                              std::move(done));
}

void AsyncClient::do_watch(const std::vector<std::string> &names, Client::WatchHandler handler, Completion<void> done) {
    const auto address = connection_->address();
    if (!address) return done(std::unexpected(address.error()));
    wire::WatchParameters parameters;
    if (!names.empty()) parameters.names.emplace(names.begin(), names.end());
    std::string frame;
    varlink::write_call(frame, "io.mrd.Registers.Watch", parameters, varlink::CallMode::more);
    const auto shared_done = std::make_shared<Completion<void>>(std::move(done));
    on_own_connection(
        connection_->new_connection(), *address, connection_->options.connect_timeout,
        [frame = std::move(frame), timeout = connection_->options.call_timeout, socket = connection_->socket, handler = std::move(handler),
         shared_done](std::shared_ptr<varlink::AsyncConnection> own) mutable {
            auto &connection = *own;
            connection.call(std::move(frame), timeout,
                            [shared_done, socket = std::move(socket), handler = std::move(handler),
                             own = std::move(own)](std::expected<varlink::Reply, varlink::ClientError> reply) mutable {
                                if (!reply) {
                                    (*shared_done)(std::unexpected(from_transport(reply.error(), socket)));
                                    return false;
                                }
                                const auto changed = interpret<wire::WatchReply>(*reply);
                                if (!changed) {
                                    (*shared_done)(std::unexpected(changed.error()));
                                    return false;
                                }
                                if (handler(changed->reading, changed->sequence)) return true;
                                (*shared_done)({});
                                return false;
                            });
        },
        [shared_done, socket = connection_->socket](const varlink::ClientError &error) {
            (*shared_done)(std::unexpected(from_transport(error, socket)));
        });
}

}  // namespace mr
