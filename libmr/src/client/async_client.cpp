#include "mr/async_client.h"

#include <boost/asio/local/stream_protocol.hpp>

#include "libmr/src/client/transport_error.h"
#include "libmr/src/client/wire_values.h"
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

    template <class Parameters, class Each>
    void stream(std::string_view method, const Parameters &parameters, varlink::CallMode mode, std::chrono::milliseconds timeout, Each each,
                Completion<void> done);
    template <class WireReply, class T, class Parameters>
    void call_alone(std::string_view method, const Parameters &parameters, std::chrono::milliseconds timeout, Completion<T> done);

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

void AsyncClient::do_measure_digest(const std::string &name, const ContentDigest &content, const EventOptions &event,
                                    Completion<Measured> done) {
    if (auto good = check_texts(name, event); !good) return done(std::unexpected(std::move(good.error())));
    ParameterStorage storage;
    connection_->call<wire::MeasureReply>(connection_->transport, "io.mrd.Registers.Measure",
                                          measure_parameters(name, content, event, storage), std::move(done));
}

void AsyncClient::do_write(const std::string &name, ByteView value, Completion<std::int64_t> done) {
    if (auto good = check_texts(name); !good) return done(std::unexpected(std::move(good.error())));
    const auto hex = to_hex(value);
    connection_->call<wire::WriteReply>(connection_->transport, "io.mrd.Registers.Write", wire::WriteParameters{name, hex},
                                        std::move(done));
}

void AsyncClient::do_cap(const std::string &name, Completion<std::int64_t> done) {
    if (auto good = check_texts(name); !good) return done(std::unexpected(std::move(good.error())));
    connection_->call<wire::CapReply>(connection_->transport, "io.mrd.Registers.Cap", wire::CapParameters{name}, std::move(done));
}

// Any number of replies, on a connection of its own. `each` is given every reply and says whether it wants more; an error of its ends the operation.
template <class Parameters, class Each>
void AsyncClient::Connection::stream(std::string_view method, const Parameters &parameters, varlink::CallMode mode,
                                     std::chrono::milliseconds timeout, Each each, Completion<void> done) {
    const auto where = address();
    if (!where) return done(std::unexpected(where.error()));
    std::string frame;
    varlink::write_call(frame, method, parameters, mode);
    // The reply's handler keeps the connection alive.
    auto alone = new_connection();
    auto &connection = *alone;
    connection.connect(*where, options.connect_timeout,
                       [frame = std::move(frame), timeout, socket = socket, alone = std::move(alone), each = std::move(each),
                        done = std::move(done)](std::expected<void, varlink::ClientError> connected) mutable {
                           if (!connected) return done(std::unexpected(from_transport(connected.error(), socket)));
                           auto &on = *alone;
                           on.call(std::move(frame), timeout,
                                   [socket = std::move(socket), alone = std::move(alone), each = std::move(each),
                                    done = std::move(done)](std::expected<varlink::Reply, varlink::ClientError> reply) mutable {
                                       if (!reply) {
                                           done(std::unexpected(from_transport(reply.error(), socket)));
                                           return false;
                                       }
                                       const std::expected<bool, Error> more = each(*reply);
                                       if (more && *more && reply->continues) return true;
                                       done(more ? Result<void>() : std::unexpected(more.error()));
                                       return false;
                                   });
                       });
}

// One reply, on a connection of its own.
template <class WireReply, class T, class Parameters>
void AsyncClient::Connection::call_alone(std::string_view method, const Parameters &parameters, std::chrono::milliseconds timeout,
                                         Completion<T> done) {
    auto result = std::make_shared<Result<T>>();
    stream(
        method, parameters, varlink::CallMode::plain, timeout,
        [result](const varlink::Reply &reply) -> std::expected<bool, Error> {
            *result = interpret<WireReply>(reply);
            return false;
        },
        [result, done = std::move(done)](const Result<void> &ended) mutable {
            done(ended ? std::move(*result) : Result<T>(std::unexpected(ended.error())));
        });
}

namespace {

// Gives the handler what each reply means.
template <class WireReply, class Handler>
auto interpreted(Handler handler) {
    return [handler = std::move(handler)](const varlink::Reply &reply) mutable -> std::expected<bool, Error> {
        const auto value = interpret<WireReply>(reply);
        if (!value) return std::unexpected(value.error());
        return handler(*value);
    };
}

}  // namespace

void AsyncClient::do_report(const ReportData &report_data, const std::optional<std::string> &provider, Completion<Report> done) {
    if (auto good = report_data_from(report_data); !good) return done(std::unexpected(std::move(good.error())));
    const auto hex = to_hex(report_data);
    connection_->call_alone<wire::attestation::ReportReply>("io.mrd.Attestation.Report", wire::attestation::ReportParameters{hex, provider},
                                                            connection_->options.call_timeout, std::move(done));
}

void AsyncClient::do_quote(const ReportData &report_data, const QuoteOptions &options, Completion<Quoted> done) {
    if (auto good = report_data_from(report_data); !good) return done(std::unexpected(std::move(good.error())));
    std::string hex;
    connection_->call_alone<wire::attestation::QuoteReply>("io.mrd.Attestation.Quote", quote_parameters(report_data, options, hex),
                                                           quote_timeout(connection_->options, options), std::move(done));
}

void AsyncClient::do_evidence(const ReportData &report_data, const QuoteOptions &options, Completion<Evidence> done) {
    if (auto good = report_data_from(report_data); !good) return done(std::unexpected(std::move(good.error())));
    std::string hex;
    connection_->call_alone<wire::attestation::EvidenceReply>("io.mrd.Attestation.Evidence", evidence_parameters(report_data, options, hex),
                                                              quote_timeout(connection_->options, options), std::move(done));
}

void AsyncClient::do_replay(Completion<std::vector<ReplayResult>> done) {
    connection_->call_alone<wire::ReplayReply>("io.mrd.EventLog.Replay", varlink::NoParameters{}, connection_->options.call_timeout,
                                               std::move(done));
}

void AsyncClient::do_watch(const std::vector<std::string> &names, Client::WatchHandler handler, Completion<void> done) {
    wire::WatchParameters parameters;
    if (!names.empty()) parameters.names.emplace(names.begin(), names.end());
    connection_->stream("io.mrd.Registers.Watch", parameters, varlink::CallMode::more, connection_->options.call_timeout,
                        interpreted<wire::WatchReply>(
                            [handler = std::move(handler)](const Extended &changed) { return handler(changed.reading, changed.sequence); }),
                        std::move(done));
}

void AsyncClient::do_records(std::int64_t from, bool follow, Client::RecordHandler handler, Completion<void> done) {
    const wire::RecordsParameters parameters{from, follow ? std::optional(true) : std::nullopt};
    connection_->stream("io.mrd.EventLog.Records", parameters, varlink::CallMode::more,
                        follow ? varlink::no_timeout : connection_->options.call_timeout,
                        interpreted<wire::RecordsReply>(
                            [handler = std::move(handler)](const std::optional<LogRecord> &record) { return !record || handler(*record); }),
                        std::move(done));
}

void AsyncClient::do_export_log(const std::string &format, Client::ChunkHandler handler, Completion<void> done) {
    connection_->stream(
        "io.mrd.EventLog.Export", wire::ExportParameters{format}, varlink::CallMode::more, connection_->options.call_timeout,
        interpreted<wire::ExportReply>([handler = std::move(handler)](const Bytes &chunk) { return handler(chunk); }), std::move(done));
}

}  // namespace mr
