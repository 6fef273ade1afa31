// The calls of io.mrd.Registers: between what goes over the wire and what a client's user sees.
#include <utility>

#include "libmr/src/client/check_texts.h"
#include "libmr/src/client/make_call.h"
#include "libmr/wire/registers.h"
#include "mr/bytes.h"
#include "mr/client.h"
#include "mr/limits.h"

namespace mr {

using detail::make_call;
using detail::on_wire;
using detail::protocol_error;

namespace {

// ---- Replies

std::expected<Register, Error> register_from(const wire::Register &value) {
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
    result.unbound = value.unbound;
    result.roles = value.roles;
    return result;
}

std::expected<Reading, Error> reading_from(const wire::Reading &value) {
    auto bytes = from_hex(value.value);
    if (!bytes) return std::unexpected(protocol_error("the value"));
    return Reading{std::string(value.name), std::move(*bytes), value.generation, value.refreshed, value.unbound.value_or(false)};
}

std::expected<std::vector<Register>, Error> registers_of(const wire::ListReply &reply) {
    std::vector<Register> result;
    for (const auto &entry : reply.registers) {
        auto one = register_from(entry);
        if (!one) return std::unexpected(std::move(one.error()));
        result.push_back(std::move(*one));
    }
    return result;
}

std::expected<Reading, Error> reading_of(const wire::ReadReply &reply) { return reading_from(reply.reading); }

std::expected<Snapshot, Error> snapshot_of(const wire::SnapshotReply &reply) {
    Snapshot result{{}, reply.sequence};
    for (const auto &entry : reply.readings) {
        auto one = reading_from(entry);
        if (!one) return std::unexpected(std::move(one.error()));
        result.readings.push_back(std::move(*one));
    }
    return result;
}

std::expected<Extended, Error> extended_of(const wire::ExtendReply &reply) {
    auto reading = reading_from(reply.reading);
    if (!reading) return std::unexpected(std::move(reading.error()));
    return Extended{std::move(*reading), reply.sequence};
}

std::expected<Measured, Error> measured_of(const wire::MeasureReply &reply) {
    auto reading = reading_from(reply.reading);
    if (!reading) return std::unexpected(std::move(reading.error()));
    const auto digest = from_hex(reply.digest);
    if (!digest || digest->size() > max_digest_size) return std::unexpected(protocol_error("the digest"));
    return Measured{std::move(*reading), Digest(*digest), reply.sequence};
}

std::expected<std::int64_t, Error> generation_of(const wire::WriteReply &reply) { return reply.generation; }

std::expected<std::int64_t, Error> sequence_of(const wire::CapReply &reply) { return reply.sequence; }

std::expected<Register, Error> created_of(const wire::CreateReply &reply) { return register_from(reply.created); }

std::expected<std::int64_t, Error> closed_by(const wire::CloseReply &reply) { return reply.sequence; }

ProviderState::Phase phase_from(wire::ProviderPhase phase) {
    switch (phase) {
    case wire::ProviderPhase::starting: return ProviderState::Phase::starting;
    case wire::ProviderPhase::running: return ProviderState::Phase::running;
    case wire::ProviderPhase::failed: return ProviderState::Phase::failed;
    }
    return ProviderState::Phase::failed;
}

std::expected<std::vector<ProviderState>, Error> providers_of(const wire::ProvidersReply &reply) {
    std::vector<ProviderState> result;
    result.reserve(reply.providers.size());
    for (const auto &entry : reply.providers) {
        result.push_back({std::string(entry.name), std::string(entry.type), phase_from(entry.state),
                          entry.reason ? std::optional<std::string>(*entry.reason) : std::nullopt, entry.simulated, entry.unbound});
    }
    return result;
}

std::expected<Permissions, Error> permissions_of(const wire::AccessReply &reply) {
    Permissions result{.uid = reply.uid, .permissions = {}};
    result.permissions.reserve(reply.permissions.size());
    for (const auto &entry : reply.permissions) {
        result.permissions.push_back({std::string(entry.right), entry.registers,
                                      entry.rule ? std::optional<std::string>(*entry.rule) : std::nullopt,
                                      std::string(entry.why.value_or("")), entry.on, entry.at_most});
    }
    return result;
}

std::expected<std::vector<ProviderCounters>, Error> counters_of(const wire::StatisticsReply &reply) {
    std::vector<ProviderCounters> result;
    result.reserve(reply.counters.size());
    for (const auto &entry : reply.counters) {
        result.push_back({std::string(entry.provider), entry.reads, entry.cached_reads, entry.refreshes, entry.writes});
    }
    return result;
}

std::expected<RawReply, Error> status_of(const wire::StatusReply &reply) { return RawReply{reply.status.text}; }

std::expected<std::optional<Change>, Error> change_of(const wire::WatchReply &reply) {
    if (reply.reading.has_value() == reply.gone.has_value())
        return std::unexpected(protocol_error("a change is a reading or a register that is gone"));
    if (reply.gone) return Change{{std::string(*reply.gone), {}, {}, false}, true, reply.sequence};
    auto reading = reading_from(*reply.reading);
    if (!reading) return std::unexpected(std::move(reading.error()));
    return Change{std::move(*reading), false, reply.sequence};
}

// ---- Parameters

// Those that Extend and Measure share.
template <class Parameters>
Parameters event_parameters(std::string_view name, const EventOptions &event) {
    Parameters parameters;
    parameters.name = name;
    if (event.type) parameters.event_type = *event.type;
    parameters.description = event.description;
    parameters.id = event.id;
    parameters.on_behalf_of = on_wire(event.on_behalf_of);
    return parameters;
}

// The parameters, unless the data is too long for any event, and may be for a message. `misplaced`: what is wrong with the options.
template <class Parameters>
std::expected<Parameters, Error> check_event(const Parameters &parameters, std::size_t data, std::string_view misplaced) {
    std::string wrong(misplaced);
    if (data > max_event_data)
        wrong = "data has " + std::to_string(data) + " bytes: an event takes at most " + std::to_string(max_event_data);
    if (wrong.empty()) return check_texts(parameters);
    return std::unexpected(Error{ErrorCode::invalid_argument, std::move(wrong)});
}

std::string_view data_is_misplaced(const EventOptions &event) {
    return event.data ? "data in the options is extend()'s: what is measured is the event's data" : "";
}

std::optional<std::vector<std::string_view>> names_or_all(const std::vector<std::string> &names) {
    return names.empty() ? std::nullopt : std::optional(std::vector<std::string_view>(names.begin(), names.end()));
}

std::optional<bool> if_true(bool value) { return value ? std::optional(true) : std::nullopt; }

}  // namespace

std::string_view to_string(ProviderState::Phase phase) {
    switch (phase) {
    case ProviderState::Phase::starting: return "starting";
    case ProviderState::Phase::running: return "running";
    case ProviderState::Phase::failed: return "failed";
    }
    return "unknown";
}

namespace calls {

Call<std::vector<Register>> list(std::optional<std::string_view> provider, const std::optional<OnBehalfOf> &on_behalf_of) {
    return make_call<wire::List, &registers_of>(check_texts(wire::ListParameters{provider, on_wire(on_behalf_of)}));
}

Call<Reading> read(std::string_view name, const ReadOptions &options) {
    return make_call<wire::Read, &reading_of>(
        check_texts(wire::ReadParameters{name, if_true(options.fresh), options.generation, on_wire(options.on_behalf_of)}));
}

Call<Snapshot> snapshot(const std::vector<std::string> &names, bool fresh) {
    return make_call<wire::Snapshot, &snapshot_of>(check_texts(wire::SnapshotParameters{names_or_all(names), if_true(fresh)}));
}

Call<Extended> extend(std::string_view name, const Digest &digest, const EventOptions &event) {
    auto parameters = event_parameters<wire::ExtendParameters>(name, event);
    const auto hex = to_hex(digest.bytes());
    parameters.digest = hex;
    std::string data;
    if (event.data) {
        data = to_base64(*event.data);
        parameters.data = data;
    }
    const std::string_view misplaced = event.envelope ? "envelope is measure()'s: a digest is extended as it is" : "";
    return make_call<wire::Extend, &extended_of>(check_event(parameters, event.data ? event.data->size() : 0, misplaced));
}

Call<Measured> measure(std::string_view name, ByteView data, const EventOptions &event) {
    auto parameters = event_parameters<wire::MeasureParameters>(name, event);
    const auto text = to_base64(data);
    parameters.data = text;
    parameters.envelope = if_true(event.envelope);
    return make_call<wire::Measure, &measured_of>(check_event(parameters, data.size(), data_is_misplaced(event)));
}

Call<Measured> measure_digest(std::string_view name, const ContentDigest &content, const EventOptions &event) {
    auto parameters = event_parameters<wire::MeasureParameters>(name, event);
    const auto text = to_string(content);
    parameters.content_digest = text;
    parameters.envelope = true;
    return make_call<wire::Measure, &measured_of>(check_event(parameters, 0, data_is_misplaced(event)));
}

Call<std::int64_t> cap(std::string_view name) { return make_call<wire::Cap, &sequence_of>(check_texts(wire::CapParameters{name})); }

Call<std::int64_t> write(std::string_view name, ByteView value, const std::optional<OnBehalfOf> &on_behalf_of) {
    const auto hex = to_hex(value);
    return make_call<wire::Write, &generation_of>(check_texts(wire::WriteParameters{name, hex, on_wire(on_behalf_of)}));
}

Call<Register> create(std::string_view name, HashAlgorithm hash, std::string_view on) {
    return make_call<wire::Create, &created_of>(check_texts(wire::CreateParameters{name, to_string(hash), on}));
}

Call<std::int64_t> close(std::string_view name) { return make_call<wire::Close, &closed_by>(check_texts(wire::CloseParameters{name})); }

Call<std::vector<ProviderState>> providers() { return make_call<wire::Providers, &providers_of>({}); }

Call<std::vector<ProviderCounters>> statistics() { return make_call<wire::Statistics, &counters_of>({}); }

Call<RawReply> status() { return make_call<wire::Status, &status_of>({}); }

Call<Permissions> access(std::optional<std::int64_t> uid, const std::vector<std::int64_t> &groups) {
    return make_call<wire::Access, &permissions_of>(wire::AccessParameters{uid, uid ? std::optional(groups) : std::nullopt});
}

StreamCall<Change> watch(const std::vector<std::string> &names) {
    return make_call<wire::Watch, &change_of>(check_texts(wire::WatchParameters{names_or_all(names)}), varlink::no_timeout);
}

}  // namespace calls

namespace {

struct RegistersFunctions {
    static constexpr auto of(wire::List) { return &Client::list; }
    static constexpr auto of(wire::Read) { return &Client::read; }
    static constexpr auto of(wire::Snapshot) { return &Client::snapshot; }
    static constexpr auto of(wire::Extend) { return &Client::extend; }
    static constexpr auto of(wire::Measure) { return &Client::measure; }
    static constexpr auto of(wire::Write) { return &Client::write; }
    static constexpr auto of(wire::Cap) { return &Client::cap; }
    static constexpr auto of(wire::Create) { return &Client::create; }
    static constexpr auto of(wire::Close) { return &Client::close; }
    static constexpr auto of(wire::Providers) { return &Client::providers; }
    static constexpr auto of(wire::Statistics) { return &Client::statistics; }
    static constexpr auto of(wire::Status) { return &Client::status; }
    static constexpr auto of(wire::Access) { return &Client::access; }
    static constexpr auto of(wire::Watch) { return &calls::watch; }
};
static_assert(detail::has_all<RegistersFunctions>(wire::RegistersMethods()), "a method that no client can call");

}  // namespace

}  // namespace mr
