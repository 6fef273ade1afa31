// The calls of io.mrd.EventLog: between what goes over the wire and what a client's user sees.
#include "libmr/wire/event_log.h"

#include <limits>
#include <utility>

#include "libmr/src/client/check_texts.h"
#include "libmr/src/client/make_call.h"
#include "mr/bytes.h"
#include "mr/client.h"

namespace mr {

using detail::make_call;
using detail::on_wire;
using detail::protocol_error;

namespace {

std::optional<std::string> owned(const std::optional<std::string_view> &text) {
    return text ? std::optional<std::string>(*text) : std::nullopt;
}

std::expected<std::optional<LogRecord>, Error> record_of(const wire::RecordsReply &reply) {
    if (!reply.record) return std::nullopt;
    const auto &wire = *reply.record;
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
            EventCaller{wire.caller->uid,         wire.caller->gid,         wire.caller->pid,         owned(wire.caller->executable),
                        owned(wire.caller->unit), owned(wire.caller->rule), wire.caller->on_behalf_of};
    }
    record.id = owned(wire.id);
    record.origin = wire.origin;
    return record;
}

std::expected<std::optional<Bytes>, Error> chunk_of(const wire::ExportReply &reply) {
    auto chunk = from_base64(reply.chunk);
    if (!chunk) return std::unexpected(protocol_error("the chunk"));
    return std::move(*chunk);
}

std::expected<std::vector<ReplayResult>, Error> replayed_of(const wire::ReplayReply &reply) {
    std::vector<ReplayResult> result;
    for (const auto &entry : reply.registers) {
        const auto replayed = from_hex(entry.replayed);
        const auto actual = from_hex(entry.actual);
        if (!replayed || !actual || replayed->size() > max_digest_size || actual->size() > max_digest_size)
            return std::unexpected(protocol_error("a register's value"));
        result.push_back({std::string(entry.name), Digest(*replayed), Digest(*actual), entry.equal, entry.ends_at_register, entry.gaps,
                          entry.unbound.value_or(false)});
    }
    return result;
}

std::expected<std::string, Error> kept_as_of(const wire::RepairReply &reply) { return std::string(reply.kept); }

}  // namespace

namespace calls {

StreamCall<LogRecord> records(std::int64_t from, bool follow, std::optional<std::string_view> of_register,
                              const std::optional<OnBehalfOf> &on_behalf_of) {
    return make_call<wire::Records, &record_of>(
        check_texts(wire::RecordsParameters{from, follow ? std::optional(true) : std::nullopt, of_register, on_wire(on_behalf_of)}),
        follow ? varlink::no_timeout : std::chrono::milliseconds(0));
}

StreamCall<Bytes> export_log(std::string_view format, std::optional<std::string_view> of_register,
                             const std::optional<OnBehalfOf> &on_behalf_of) {
    return make_call<wire::Export, &chunk_of>(check_texts(wire::ExportParameters{format, of_register, on_wire(on_behalf_of)}));
}

Call<std::vector<ReplayResult>> replay() { return make_call<wire::Replay, &replayed_of>({}); }

Call<std::string> repair() { return make_call<wire::Repair, &kept_as_of>({}); }

}  // namespace calls

namespace {

struct EventLogFunctions {
    static constexpr auto of(wire::Records) { return &calls::records; }
    static constexpr auto of(wire::Export) { return &calls::export_log; }
    static constexpr auto of(wire::Replay) { return &Client::replay; }
    static constexpr auto of(wire::Repair) { return &Client::repair; }
};
static_assert(detail::has_all<EventLogFunctions>(wire::EventLogMethods()), "a method that no client can call");

}  // namespace

}  // namespace mr
