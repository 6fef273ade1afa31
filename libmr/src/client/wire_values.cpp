#include "libmr/src/client/wire_values.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "mr/bytes.h"

namespace mr {

namespace {

struct KnownError {
    std::string_view name;
    ErrorCode code;
    std::string_view advice;  // what the caller can do
};

// By the part of the name after the interface: the interfaces share their errors' meaning.
constexpr std::array known_errors{
    KnownError{"NoSuchRegister", ErrorCode::no_such_register,
               "no register has that name, or each of the candidates has; `mrctl list` shows the names"},
    KnownError{"NoSuchProvider", ErrorCode::no_such_provider, "no provider has that name, or several could be meant: name one"},
    KnownError{"NotReadable", ErrorCode::not_readable, "the register cannot be read"},
    KnownError{"NotWritable", ErrorCode::not_writable, "the register cannot be written; registers with the flag X are extended instead"},
    KnownError{"NotExtensible", ErrorCode::not_extensible, "the register cannot be extended: it has no flag X, or is only observed"},
    KnownError{"LogOnly", ErrorCode::log_only, "the register takes no bare digest: use measure"},
    KnownError{"Capped", ErrorCode::capped, "the register is capped until the next boot"},
    KnownError{"Indeterminate", ErrorCode::indeterminate,
               "an earlier extend failed and may have happened, and the register cannot be reread: try again later"},
    KnownError{"WrongLength", ErrorCode::wrong_length, "the length is wrong"},
    KnownError{"GenerationMismatch", ErrorCode::generation_mismatch, "somebody else wrote reportdata: write and read again, or use report"},
    KnownError{"DuplicateEvent", ErrorCode::duplicate_event, "the event id was used before, with another digest"},
    KnownError{"JournalFull", ErrorCode::journal_full,
               "the journal has reached its size limit, or the caller's share of it; what is logged stays: raise journal.size_limit, and "
               "start mrd again"},
    KnownError{"LogTooLarge", ErrorCode::log_too_large, "evidence cannot carry a log of that size: take a quote, and export the log"},
    KnownError{"JournalFailed", ErrorCode::journal_failed, "the journal cannot be read or written"},
    KnownError{"ProviderFailed", ErrorCode::provider_failed, "the hardware failed"},
    KnownError{"QuoteTimeout", ErrorCode::quote_timeout,
               "there was no quote, or no evidence, within the deadline: try again, or give a longer one"},
    KnownError{"QuoteUnavailable", ErrorCode::quote_unavailable, "no quoting service answers now: try again later"},
    KnownError{"QuoteFailed", ErrorCode::quote_failed, "the quoting service refused the report"},
    KnownError{"QuoteInvalid", ErrorCode::quote_invalid, "what the quoting service gave is not the quote that was asked for"},
    KnownError{"UnknownFormat", ErrorCode::invalid_parameter, "give one of the known formats"},
    KnownError{"Busy", ErrorCode::busy, "a limit of mrd is reached: try again later"},
    KnownError{"NotSupported", ErrorCode::not_supported, "the provider cannot do this"},
    KnownError{"InvalidParameter", ErrorCode::invalid_parameter, "its form is wrong, it is too long, or this mrd does not take it"},
    KnownError{"PermissionDenied", ErrorCode::permission_denied, "the caller may not do this"},
    KnownError{"MethodNotImplemented", ErrorCode::method_not_implemented, "this mrd does not do that"},
    KnownError{"MethodNotFound", ErrorCode::method_not_implemented, "this mrd does not know that"},
    KnownError{"InterfaceNotFound", ErrorCode::method_not_implemented, "this mrd does not know that"},
};

// InvalidParameter has only the field's name. What mrd takes for each is in io.mrd.Registers and here.
struct FieldRule {
    std::string_view field;
    std::string_view rule;
};
constexpr std::array field_rules = {
    FieldRule{"contentDigest", "ALGORITHM:HEX, only with an envelope, and not beside data"},
    FieldRule{"data",
              "base64 of at most 65536 bytes, with an envelope its text included, and not beginning with an envelope's tag, which only mrd "
              "builds: "
              "measure it in an envelope"},
    FieldRule{"description", "text of at most 4096 bytes"},
    FieldRule{"digest", "hexadecimal"},
    FieldRule{"eventType", "from 0 to 4294967295, but not EV_NO_ACTION; with an envelope only EV_EVENT_TAG"},
    FieldRule{"id", "text of 1 to 128 bytes"},
    FieldRule{"names", "1 to 1024 names"},
};

// "expected 48, actual 32": the error's parameters, for people.
std::string detail_of(const varlink::Reply &reply) {
    std::string text;
    if (!reply.parameters) return text;
    for (auto member = reply.parameters->first(); member; member = member->next()) {
        if (member->kind() == varlink::Kind::null || (member->kind() == varlink::Kind::array && member->size() == 0)) continue;
        if (!text.empty()) text += ", ";
        text += std::string(member->key()) + " ";
        if (const auto string = member->as_string()) {
            text += *string;
        } else {
            text += member->to_json();
        }
    }
    return text;
}

std::optional<std::string> owned(const std::optional<std::string_view> &text) {
    return text ? std::optional<std::string>(*text) : std::nullopt;
}

}  // namespace

Error error_of(const varlink::Reply &reply) {
    const auto name = reply.error.substr(reply.error.rfind('.') + 1);
    Error error{ErrorCode::remote, "", std::string(reply.error), reply.parameters ? reply.parameters->to_json() : "{}"};
    std::string_view advice = "mrd refuses";
    for (const auto &known : known_errors) {
        if (known.name != name) continue;
        error.code = known.code;
        advice = known.advice;
    }
    if (name == "InvalidParameter" && reply.parameters) {
        const auto field = reply.parameters->find("parameter");
        const auto wrong = field ? field->as_string() : std::nullopt;
        const auto *const rule = std::ranges::find_if(field_rules, [&](const FieldRule &known) { return wrong && known.field == *wrong; });
        if (rule != field_rules.end()) advice = rule->rule;
    }
    const auto detail = detail_of(reply);
    error.message = std::string(name) + (detail.empty() ? "" : " (" + detail + ")") + ": " + std::string(advice);
    return error;
}

Error protocol_error(std::string_view what) {
    return {ErrorCode::protocol, "the answer is not what its interface says: " + std::string(what) + "; is this mrd of another version?"};
}

std::expected<Register, Error> from_wire(const wire::Register &value) {
    Register result;
    result.name = value.name;
    if (value.hash) {
        result.hash = hash_algorithm_from(*value.hash);
        if (!result.hash) return std::unexpected(protocol_error("the hash " + std::string(*value.hash)));
    }
    const auto flags = Flags::from_string(value.flags);
    if (!flags || value.size < 0) return std::unexpected(protocol_error("flags or size"));
    result.size = static_cast<std::size_t>(value.size);
    result.flags = *flags;
    result.owner = value.owner;
    result.capped = value.capped;
    result.simulated = value.simulated;
    return result;
}

std::expected<Reading, Error> from_wire(const wire::Reading &value) {
    auto bytes = from_hex(value.value);
    if (!bytes) return std::unexpected(protocol_error("the value"));
    return Reading{std::string(value.name), std::move(*bytes), value.generation, value.refreshed};
}

std::expected<std::vector<Register>, Error> from_wire(const wire::ListReply &value) {
    std::vector<Register> result;
    for (const auto &entry : value.registers) {
        auto one = from_wire(entry);
        if (!one) return std::unexpected(std::move(one.error()));
        result.push_back(std::move(*one));
    }
    return result;
}

std::expected<Reading, Error> from_wire(const wire::ReadReply &value) { return from_wire(value.reading); }

std::expected<Snapshot, Error> from_wire(const wire::SnapshotReply &value) {
    Snapshot result{{}, value.sequence};
    for (const auto &entry : value.readings) {
        auto one = from_wire(entry);
        if (!one) return std::unexpected(std::move(one.error()));
        result.readings.push_back(std::move(*one));
    }
    return result;
}

std::expected<Extended, Error> from_wire(const wire::ExtendReply &value) {
    auto reading = from_wire(value.reading);
    if (!reading) return std::unexpected(std::move(reading.error()));
    return Extended{std::move(*reading), value.sequence};
}

std::expected<Measured, Error> from_wire(const wire::MeasureReply &value) {
    auto reading = from_wire(value.reading);
    if (!reading) return std::unexpected(std::move(reading.error()));
    const auto digest = from_hex(value.digest);
    if (!digest || digest->size() > max_digest_size) return std::unexpected(protocol_error("the digest"));
    return Measured{std::move(*reading), Digest(*digest), value.sequence};
}

std::expected<std::int64_t, Error> from_wire(const wire::WriteReply &value) { return value.generation; }

std::expected<std::vector<ProviderCounters>, Error> from_wire(const wire::StatisticsReply &value) {
    std::vector<ProviderCounters> result;
    result.reserve(value.counters.size());
    for (const auto &entry : value.counters) {
        result.push_back({std::string(entry.provider), entry.reads, entry.cached_reads, entry.refreshes, entry.writes});
    }
    return result;
}

std::expected<RawReply, Error> from_wire(const wire::StatusReply &value) { return RawReply{value.status.text}; }

std::expected<std::int64_t, Error> from_wire(const wire::CapReply &value) { return value.sequence; }

std::expected<std::optional<LogRecord>, Error> from_wire(const wire::RecordsReply &value) {
    if (!value.record) return std::nullopt;
    const auto &wire = *value.record;
    LogRecord record;
    record.sequence = wire.sequence;
    record.name = wire.name;
    auto digest = from_hex(wire.digest);
    if (!digest) return std::unexpected(protocol_error("the digest"));
    record.digest = std::move(*digest);
    if (wire.event_type < 0 || wire.event_type > std::numeric_limits<std::uint32_t>::max())
        return std::unexpected(protocol_error("the event type"));
    record.type = static_cast<std::uint32_t>(wire.event_type);
    record.description = owned(wire.description);
    if (wire.data) {
        auto data = from_base64(*wire.data);
        if (!data) return std::unexpected(protocol_error("the data"));
        record.data = std::move(*data);
    }
    record.binding = wire.binding;
    record.time = wire.time;
    if (wire.caller) {
        record.caller =
            EventCaller{wire.caller->uid, wire.caller->gid, wire.caller->pid, owned(wire.caller->executable), owned(wire.caller->unit)};
    }
    record.id = owned(wire.id);
    record.origin = wire.origin;
    return record;
}

std::expected<Bytes, Error> from_wire(const wire::ExportReply &value) {
    auto chunk = from_base64(value.chunk);
    if (!chunk) return std::unexpected(protocol_error("the chunk"));
    return std::move(*chunk);
}

std::expected<std::vector<ReplayResult>, Error> from_wire(const wire::ReplayReply &value) {
    std::vector<ReplayResult> result;
    for (const auto &entry : value.registers) {
        const auto replayed = from_hex(entry.replayed);
        const auto actual = from_hex(entry.actual);
        if (!replayed || !actual || replayed->size() > max_digest_size || actual->size() > max_digest_size)
            return std::unexpected(protocol_error("a register's value"));
        result.push_back({std::string(entry.name), Digest(*replayed), Digest(*actual), entry.equal, entry.ends_at_register, entry.gaps});
    }
    return result;
}

std::expected<std::string, Error> from_wire(const wire::RepairReply &value) { return std::string(value.kept); }

std::expected<Report, Error> from_wire(const wire::attestation::ReportReply &value) {
    auto report = from_base64(value.report);
    if (!report) return std::unexpected(protocol_error("the report"));
    return Report{std::move(*report), std::string(value.provider), value.simulated};
}

std::expected<ReportVerdict, Error> from_wire(const wire::attestation::VerifyReportReply &value) {
    return ReportVerdict{value.genuine, std::string(value.reason.value_or(""))};
}

std::expected<Quoted, Error> from_wire(const wire::attestation::QuoteReply &value) {
    auto quote = from_base64(value.quote);
    if (!quote) return std::unexpected(protocol_error("the quote"));
    Quoted result{std::move(*quote), std::nullopt, std::string(value.format), std::string(value.provider), value.simulated};
    if (value.auxiliary) {
        auto auxiliary = from_base64(*value.auxiliary);
        if (!auxiliary) return std::unexpected(protocol_error("what stands beside the quote"));
        result.auxiliary = std::move(*auxiliary);
    }
    return result;
}

std::expected<Evidence, Error> from_wire(const wire::attestation::EvidenceReply &value) {
    return parse_evidence(as_bytes(value.evidence.text));
}

std::expected<SimulatedCollateral, Error> from_wire(const wire::attestation::CollateralReply &value) {
    return SimulatedCollateral{value.collateral.text, std::string(value.root)};
}

std::expected<void, Error> check_texts(std::string_view name, const EventOptions &event) {
    const auto refuse = [](std::string_view field) {
        return std::unexpected(
            Error{ErrorCode::invalid_argument, std::string(field) + " is not UTF-8 text without NUL bytes: give another"});
    };
    if (!is_text(name)) return refuse("the register's name");
    if (event.description && !is_text(*event.description)) return refuse("the description");
    if (event.id && !is_text(*event.id)) return refuse("the id");
    return {};
}

namespace {

// The parameters that Extend and Measure share.
template <class Parameters>
void set_event(Parameters &parameters, const EventOptions &event) {
    if (event.type) parameters.event_type = *event.type;
    if (event.description) parameters.description = *event.description;
    if (event.id) parameters.id = *event.id;
}

}  // namespace

wire::ExtendParameters extend_parameters(std::string_view name, const Digest &digest, const EventOptions &event,
                                         ParameterStorage &storage) {
    wire::ExtendParameters parameters;
    parameters.name = name;
    storage.digest = to_hex(digest.bytes());
    parameters.digest = storage.digest;
    set_event(parameters, event);
    if (event.data) {
        storage.data = to_base64(*event.data);
        parameters.data = storage.data;
    }
    return parameters;
}

wire::MeasureParameters measure_parameters(std::string_view name, ByteView data, const EventOptions &event, ParameterStorage &storage) {
    wire::MeasureParameters parameters;
    parameters.name = name;
    storage.data = to_base64(data);
    parameters.data = storage.data;
    set_event(parameters, event);
    if (event.envelope) parameters.envelope = true;
    return parameters;
}

wire::MeasureParameters measure_parameters(std::string_view name, const ContentDigest &content, const EventOptions &event,
                                           ParameterStorage &storage) {
    wire::MeasureParameters parameters;
    parameters.name = name;
    storage.data = to_string(content);
    parameters.content_digest = storage.data;
    set_event(parameters, event);
    parameters.envelope = true;
    return parameters;
}

wire::attestation::QuoteParameters quote_parameters(const ReportData &report_data, const QuoteOptions &options, std::string &hex) {
    hex = to_hex(report_data);
    wire::attestation::QuoteParameters parameters{hex, options.provider, options.privilege_level, std::nullopt};
    if (options.deadline) parameters.deadline_milliseconds = options.deadline->count();
    return parameters;
}

std::chrono::milliseconds quote_timeout(const ClientOptions &client, const QuoteOptions &options) {
    if (!options.deadline || client.call_timeout == std::chrono::milliseconds::max()) return client.call_timeout;
    // mrd refuses a longer one, so there is nothing to overflow.
    return client.call_timeout + std::min<std::chrono::milliseconds>(*options.deadline, std::chrono::hours(1));
}

wire::attestation::EvidenceParameters evidence_parameters(const ReportData &report_data, const QuoteOptions &options, std::string &hex) {
    const auto quote = quote_parameters(report_data, options, hex);
    return {quote.report_data, quote.provider, quote.deadline_milliseconds};
}

wire::ReadParameters read_parameters(std::string_view name, const ReadOptions &options) {
    return {name, options.fresh ? std::optional(true) : std::nullopt, options.generation};
}

wire::SnapshotParameters snapshot_parameters(const std::vector<std::string> &names, bool fresh) {
    wire::SnapshotParameters parameters;
    if (!names.empty()) parameters.names.emplace(names.begin(), names.end());
    if (fresh) parameters.fresh = true;
    return parameters;
}

}  // namespace mr
