// Between what goes over the wire and what libmr's callers see.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "libmr/wire/attestation.h"
#include "libmr/wire/event_log.h"
#include "libmr/wire/registers.h"
#include "mr/client.h"
#include "proto/varlink/message.h"

namespace mr {

// The error that an error reply says, with a sentence for people.
Error error_of(const varlink::Reply &reply);

// What a reply means that is not what its interface says.
Error protocol_error(std::string_view what);

std::expected<Register, Error> from_wire(const wire::Register &value);
std::expected<Reading, Error> from_wire(const wire::Reading &value);
std::expected<std::vector<Register>, Error> from_wire(const wire::ListReply &value);
std::expected<Reading, Error> from_wire(const wire::ReadReply &value);
std::expected<Snapshot, Error> from_wire(const wire::SnapshotReply &value);
std::expected<Extended, Error> from_wire(const wire::ExtendReply &value);
std::expected<Measured, Error> from_wire(const wire::MeasureReply &value);
std::expected<std::int64_t, Error> from_wire(const wire::WriteReply &value);
std::expected<std::vector<ProviderCounters>, Error> from_wire(const wire::StatisticsReply &value);
std::expected<RawReply, Error> from_wire(const wire::StatusReply &value);
std::expected<std::int64_t, Error> from_wire(const wire::CapReply &value);
std::expected<std::optional<LogRecord>, Error> from_wire(const wire::RecordsReply &value);
std::expected<Bytes, Error> from_wire(const wire::ExportReply &value);
std::expected<std::vector<ReplayResult>, Error> from_wire(const wire::ReplayReply &value);
std::expected<std::string, Error> from_wire(const wire::RepairReply &value);
std::expected<Report, Error> from_wire(const wire::attestation::ReportReply &value);
std::expected<Quoted, Error> from_wire(const wire::attestation::QuoteReply &value);
std::expected<Evidence, Error> from_wire(const wire::attestation::EvidenceReply &value);
std::expected<SimulatedCollateral, Error> from_wire(const wire::attestation::CollateralReply &value);
std::expected<ReportVerdict, Error> from_wire(const wire::attestation::VerifyReportReply &value);

// The reply as WireReply decodes it, or its error.
template <class WireReply>
auto interpret(const varlink::Reply &reply) -> decltype(from_wire(std::declval<WireReply>())) {
    if (!reply.error.empty()) return std::unexpected(error_of(reply));
    if (!reply.parameters) return std::unexpected(protocol_error("a reply without parameters"));
    const auto decoded = varlink::decode<WireReply>(*reply.parameters, true);
    if (!decoded) return std::unexpected(protocol_error("the field " + decoded.error().name));
    return from_wire(*decoded);
}

// Error: invalid_argument, naming the field. A text that is not UTF-8 would end the connection.
std::expected<void, Error> check_texts(std::string_view name, const EventOptions &event = {});

// ---- Parameters. `storage` keeps what the parameters are views of.

struct ParameterStorage {
    std::string digest;
    std::string data;
};
wire::ExtendParameters extend_parameters(std::string_view name, const Digest &digest, const EventOptions &event, ParameterStorage &storage);
wire::MeasureParameters measure_parameters(std::string_view name, ByteView data, const EventOptions &event, ParameterStorage &storage);
wire::MeasureParameters measure_parameters(std::string_view name, const ContentDigest &content, const EventOptions &event,
                                           ParameterStorage &storage);
// `hex` keeps the report data.
wire::attestation::QuoteParameters quote_parameters(const ReportData &report_data, const QuoteOptions &options, std::string &hex);
wire::attestation::EvidenceParameters evidence_parameters(const ReportData &report_data, const QuoteOptions &options, std::string &hex);
// How long to wait for the answer: mrd takes its deadline, and then has as long as any call.
std::chrono::milliseconds quote_timeout(const ClientOptions &client, const QuoteOptions &options);
wire::ReadParameters read_parameters(std::string_view name, const ReadOptions &options);
wire::SnapshotParameters snapshot_parameters(const std::vector<std::string> &names, bool fresh);

}  // namespace mr
