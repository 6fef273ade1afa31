#include "mr/client.h"

#include <cstdlib>
#include <utility>

#include "libmr/src/client/transport_error.h"
#include "libmr/src/client/wire_values.h"
#include "proto/varlink/client.h"

namespace mr {

namespace {

std::expected<varlink::ClientConnection, Error> open_connection(const ClientOptions &options) {
    const auto socket = socket_of(options);
    const auto address = varlink::Address::parse(socket);
    if (!address) return std::unexpected(Error{ErrorCode::invalid_argument, address.error()});
    auto connection = varlink::ClientConnection::connect(*address, options.connect_timeout);
    if (!connection) return std::unexpected(from_transport(connection.error(), socket));
    return std::move(*connection);
}

}  // namespace

std::string socket_of(const ClientOptions &options) {
    if (!options.socket.empty()) return options.socket;
    const char *from_environment = std::getenv("MRD_SOCKET");  // NOLINT(concurrency-mt-unsafe): this library sets no variable
    return from_environment != nullptr && *from_environment != '\0' ? from_environment : std::string(default_socket);
}

struct Client::Connection {
    varlink::ClientConnection transport;

    template <class WireReply, class Parameters>
    auto call(const ClientOptions &options, std::string_view method, const Parameters &parameters)
        -> decltype(interpret<WireReply>(varlink::Reply())) {
        const auto reply = transport.call(method, parameters, options.call_timeout);
        if (!reply) return std::unexpected(from_transport(reply.error(), socket_of(options)));
        return interpret<WireReply>(*reply);
    }
};

namespace {

// On a connection of its own: a quote takes as long as the quoting service does.
template <class WireReply, class Connection, class Parameters>
auto call_alone(ClientOptions client, std::string_view method, const Parameters &parameters, const QuoteOptions &options)
    -> decltype(interpret<WireReply>(varlink::Reply())) {
    auto transport = open_connection(client);
    if (!transport) return std::unexpected(std::move(transport.error()));
    Connection own{std::move(*transport)};
    client.call_timeout = quote_timeout(client, options);
    return own.template call<WireReply>(client, method, parameters);
}

}  // namespace

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

std::expected<std::vector<Register>, Error> Client::list(std::optional<std::string_view> provider) {
    return connection_->call<wire::ListReply>(options_, "io.mrd.Registers.List", wire::ListParameters{provider});
}

std::expected<Reading, Error> Client::read(std::string_view name, const ReadOptions &options) {
    if (auto good = check_texts(name); !good) return std::unexpected(std::move(good.error()));
    return connection_->call<wire::ReadReply>(options_, "io.mrd.Registers.Read", read_parameters(name, options));
}

std::expected<Snapshot, Error> Client::snapshot(const std::vector<std::string> &names, bool fresh) {
    return connection_->call<wire::SnapshotReply>(options_, "io.mrd.Registers.Snapshot", snapshot_parameters(names, fresh));
}

std::expected<Extended, Error> Client::extend(std::string_view name, const Digest &digest, const EventOptions &event) {
    if (auto good = check_texts(name, event); !good) return std::unexpected(std::move(good.error()));
    ParameterStorage storage;
    return connection_->call<wire::ExtendReply>(options_, "io.mrd.Registers.Extend", extend_parameters(name, digest, event, storage));
}

std::expected<Measured, Error> Client::measure_digest(std::string_view name, const ContentDigest &content, const EventOptions &event) {
    if (auto good = check_texts(name, event); !good) return std::unexpected(std::move(good.error()));
    ParameterStorage storage;
    return connection_->call<wire::MeasureReply>(options_, "io.mrd.Registers.Measure", measure_parameters(name, content, event, storage));
}

std::expected<Measured, Error> Client::measure(std::string_view name, ByteView data, const EventOptions &event) {
    if (auto good = check_texts(name, event); !good) return std::unexpected(std::move(good.error()));
    ParameterStorage storage;
    return connection_->call<wire::MeasureReply>(options_, "io.mrd.Registers.Measure", measure_parameters(name, data, event, storage));
}

std::expected<std::int64_t, Error> Client::write(std::string_view name, ByteView value) {
    if (auto good = check_texts(name); !good) return std::unexpected(std::move(good.error()));
    const auto hex = to_hex(value);
    return connection_->call<wire::WriteReply>(options_, "io.mrd.Registers.Write", wire::WriteParameters{name, hex});
}

std::expected<Report, Error> Client::report(const ReportData &report_data, std::optional<std::string_view> provider) {
    if (auto good = report_data_from(report_data); !good) return std::unexpected(std::move(good.error()));
    const auto hex = to_hex(report_data);
    return connection_->call<wire::attestation::ReportReply>(options_, "io.mrd.Attestation.Report",
                                                             wire::attestation::ReportParameters{hex, provider});
}

std::expected<ReportVerdict, Error> Client::verify_report(ByteView report) {
    const auto text = to_base64(report);
    return connection_->call<wire::attestation::VerifyReportReply>(options_, "io.mrd.Attestation.VerifyReport",
                                                                   wire::attestation::VerifyReportParameters{text});
}

std::expected<Quoted, Error> Client::quote(const ReportData &report_data, const QuoteOptions &options) {
    if (auto good = report_data_from(report_data); !good) return std::unexpected(std::move(good.error()));
    std::string hex;
    return call_alone<wire::attestation::QuoteReply, Connection>(options_, "io.mrd.Attestation.Quote",
                                                                 quote_parameters(report_data, options, hex), options);
}

std::expected<Evidence, Error> Client::evidence(const ReportData &report_data, const QuoteOptions &options) {
    if (auto good = report_data_from(report_data); !good) return std::unexpected(std::move(good.error()));
    std::string hex;
    return call_alone<wire::attestation::EvidenceReply, Connection>(options_, "io.mrd.Attestation.Evidence",
                                                                    evidence_parameters(report_data, options, hex), options);
}

std::expected<SimulatedCollateral, Error> Client::collateral() {
    return connection_->call<wire::attestation::CollateralReply>(options_, "io.mrd.Attestation.Collateral", varlink::NoParameters{});
}

std::expected<std::vector<ProviderCounters>, Error> Client::statistics() {
    return connection_->call<wire::StatisticsReply>(options_, "io.mrd.Registers.Statistics", varlink::NoParameters{});
}

std::expected<RawReply, Error> Client::status() {
    return connection_->call<wire::StatusReply>(options_, "io.mrd.Registers.Status", varlink::NoParameters{});
}

// A call with several replies, on a connection of its own. `timeout`: for each reply. The handler says whether it wants more.
template <class Parameters, class Handler>
std::expected<void, Error> Client::stream(std::string_view method, const Parameters &parameters, std::chrono::milliseconds timeout,
                                          const Handler &handler) {
    auto transport = open_connection(options_);
    if (!transport) return std::unexpected(std::move(transport.error()));
    const auto socket = socket_of(options_);
    if (auto sent = transport->send(method, parameters, options_.call_timeout, varlink::CallMode::more); !sent) {
        return std::unexpected(from_transport(sent.error(), socket));
    }
    for (;;) {
        const auto reply = transport->receive(timeout);
        if (!reply) return std::unexpected(from_transport(reply.error(), socket));
        const std::expected<bool, Error> more = handler(*reply);
        if (!more) return std::unexpected(more.error());
        if (!*more || !reply->continues) return {};
    }
}

namespace {

// Gives the handler what each reply means.
template <class WireReply, class Handler>
auto interpreted(const Handler &handler) {
    return [&handler](const varlink::Reply &reply) -> std::expected<bool, Error> {
        const auto value = interpret<WireReply>(reply);
        if (!value) return std::unexpected(value.error());
        return handler(*value);
    };
}

}  // namespace

std::expected<void, Error> Client::watch(const std::vector<std::string> &names, const WatchHandler &handler) {
    wire::WatchParameters parameters;
    if (!names.empty()) parameters.names.emplace(names.begin(), names.end());
    const auto each = [&handler](const Extended &changed) { return handler(changed.reading, changed.sequence); };
    return stream("io.mrd.Registers.Watch", parameters, varlink::no_timeout, interpreted<wire::WatchReply>(each));
}

std::expected<std::int64_t, Error> Client::cap(std::string_view name) {
    if (auto good = check_texts(name); !good) return std::unexpected(std::move(good.error()));
    return connection_->call<wire::CapReply>(options_, "io.mrd.Registers.Cap", wire::CapParameters{name});
}

std::expected<void, Error> Client::records(std::int64_t from, bool follow, const RecordHandler &handler) {
    const wire::RecordsParameters parameters{from, follow ? std::optional(true) : std::nullopt};
    const auto each = [&handler](const std::optional<LogRecord> &record) { return !record || handler(*record); };
    return stream("io.mrd.EventLog.Records", parameters, follow ? varlink::no_timeout : options_.call_timeout,
                  interpreted<wire::RecordsReply>(each));
}

std::expected<void, Error> Client::export_log(std::string_view format, const ChunkHandler &handler) {
    const auto each = [&handler](const Bytes &chunk) { return handler(chunk); };
    return stream("io.mrd.EventLog.Export", wire::ExportParameters{format}, options_.call_timeout, interpreted<wire::ExportReply>(each));
}

std::expected<std::vector<ReplayResult>, Error> Client::replay() {
    return connection_->call<wire::ReplayReply>(options_, "io.mrd.EventLog.Replay", varlink::NoParameters{});
}

std::expected<std::string, Error> Client::repair() {
    return connection_->call<wire::RepairReply>(options_, "io.mrd.EventLog.Repair", varlink::NoParameters{});
}

namespace {

std::expected<varlink::RawJson, Error> raw_parameters(std::string_view json) {
    varlink::Document document;
    if (!document.parse(json) || document.root().kind() != varlink::Kind::object) {
        return std::unexpected(Error{ErrorCode::invalid_argument, "the parameters are not a JSON object"});
    }
    return varlink::RawJson{document.root().to_json()};
}

std::expected<RawReply, Error> raw_reply(const varlink::Reply &reply) {
    if (!reply.error.empty()) return std::unexpected(error_of(reply));
    return RawReply{reply.parameters ? reply.parameters->to_json() : "{}"};
}

}  // namespace

std::expected<void, Error> Client::stream_calls(std::string_view method, std::string_view parameters_json, const RawHandler &handler) {
    const auto parameters = raw_parameters(parameters_json);
    if (!parameters) return std::unexpected(parameters.error());
    return stream(method, *parameters, varlink::no_timeout, [&handler](const varlink::Reply &reply) -> std::expected<bool, Error> {
        const auto raw = raw_reply(reply);
        if (!raw) return std::unexpected(raw.error());
        return handler(*raw);
    });
}

std::expected<RawReply, Error> Client::call(std::string_view method, std::string_view parameters_json) {
    const auto parameters = raw_parameters(parameters_json);
    if (!parameters) return std::unexpected(parameters.error());
    const auto reply = connection_->transport.call(method, *parameters, options_.call_timeout);
    if (!reply) return std::unexpected(from_transport(reply.error(), socket_of(options_)));
    return raw_reply(*reply);
}

}  // namespace mr
