// io.mrd.EventLog as structs (libmr/wire/registers.h says how).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libmr/wire/errors.h"
#include "libmr/wire/method.h"
#include "mr/event_content.h"
#include "mr/event_log.h"
#include "proto/varlink/fields.h"

template <>
struct varlink::EnumNames<mr::EventOrigin> {
    static constexpr std::array values{std::pair{mr::EventOrigin::firmware, "firmware"}, std::pair{mr::EventOrigin::service, "service"},
                                       std::pair{mr::EventOrigin::resync, "resync"}};
};
template <>
struct varlink::EnumNames<mr::Binding> {
    static constexpr std::array values{std::pair{mr::Binding::bound, "bound"}, std::pair{mr::Binding::described, "described"}};
};

namespace mr::wire {

using varlink::field;

struct Caller {
    std::int64_t uid = 0;
    std::int64_t gid = 0;
    std::int64_t pid = 0;
    std::optional<std::string_view> executable;
    std::optional<std::string_view> unit;
    std::optional<std::string_view> rule;
    std::optional<OnBehalfOf> on_behalf_of;
    static constexpr auto fields() {
        return std::tuple(field("uid", &Caller::uid), field("gid", &Caller::gid), field("pid", &Caller::pid),
                          field("executable", &Caller::executable), field("unit", &Caller::unit), field("rule", &Caller::rule),
                          field("onBehalfOf", &Caller::on_behalf_of));
    }
};

struct LogRecord {
    std::int64_t sequence = 0;
    std::string_view name;
    std::string_view digest;
    std::int64_t event_type = 0;
    std::optional<std::string_view> description;
    std::optional<std::string_view> data;
    Binding binding = Binding::described;
    std::optional<std::int64_t> time;
    std::optional<Caller> caller;
    std::optional<std::string_view> id;
    EventOrigin origin = EventOrigin::service;
    static constexpr auto fields() {
        return std::tuple(field("sequence", &LogRecord::sequence), field("name", &LogRecord::name), field("digest", &LogRecord::digest),
                          field("eventType", &LogRecord::event_type), field("description", &LogRecord::description),
                          field("data", &LogRecord::data), field("binding", &LogRecord::binding), field("time", &LogRecord::time),
                          field("caller", &LogRecord::caller), field("id", &LogRecord::id), field("origin", &LogRecord::origin));
    }
};

struct RecordsParameters {
    std::optional<std::int64_t> from;
    std::optional<bool> follow;
    std::optional<std::string_view> of_register;
    std::optional<OnBehalfOf> on_behalf_of;
    static constexpr auto fields() {
        return std::tuple(field("from", &RecordsParameters::from), field("follow", &RecordsParameters::follow),
                          field("register", &RecordsParameters::of_register), field("onBehalfOf", &RecordsParameters::on_behalf_of));
    }
};
struct RecordsReply {
    std::optional<LogRecord> record;
    static constexpr auto fields() { return std::tuple(field("record", &RecordsReply::record)); }
};

struct ExportParameters {
    std::string_view format;
    std::optional<std::string_view> of_register;
    std::optional<OnBehalfOf> on_behalf_of;
    static constexpr auto fields() {
        return std::tuple(field("format", &ExportParameters::format), field("register", &ExportParameters::of_register),
                          field("onBehalfOf", &ExportParameters::on_behalf_of));
    }
};
struct ExportReply {
    std::string_view chunk;
    static constexpr auto fields() { return std::tuple(field("chunk", &ExportReply::chunk)); }
};

struct Replayed {
    std::string_view name;
    std::string replayed;
    std::string actual;
    bool equal = false;
    bool ends_at_register = false;
    std::vector<std::int64_t> gaps;
    std::optional<bool> unbound;  // true, or left out
    static constexpr auto fields() {
        return std::tuple(field("name", &Replayed::name), field("replayed", &Replayed::replayed), field("actual", &Replayed::actual),
                          field("equal", &Replayed::equal), field("endsAtRegister", &Replayed::ends_at_register),
                          field("gaps", &Replayed::gaps), field("unbound", &Replayed::unbound));
    }
};
struct ReplayReply {
    std::vector<Replayed> registers;
    static constexpr auto fields() { return std::tuple(field("registers", &ReplayReply::registers)); }
};

struct RepairReply {
    std::string_view kept;
    static constexpr auto fields() { return std::tuple(field("kept", &RepairReply::kept)); }
};

struct UnknownFormat {
    static constexpr std::string_view name_in_interface = "UnknownFormat";
    std::string format;
    std::vector<std::string> known;
    static constexpr auto fields() { return std::tuple(field("format", &UnknownFormat::format), field("known", &UnknownFormat::known)); }
};

// ---- The methods

struct Records : Method<RecordsParameters, RecordsReply, JournalFailed> {
    static constexpr Description description{
        .name = "io.mrd.EventLog.Records", .operation = Operation::log_read, .replies = Replies::many, .connection = Connection::own};
    static constexpr auto subject = no_subject;
};

struct Export : Method<ExportParameters, ExportReply, UnknownFormat, NotSupported, JournalFailed> {
    static constexpr Description description{
        .name = "io.mrd.EventLog.Export", .operation = Operation::log_read, .replies = Replies::many, .connection = Connection::own};
    static constexpr auto subject = no_subject;
};

struct Replay : Method<varlink::NoParameters, ReplayReply, JournalFailed> {
    static constexpr Description description{
        .name = "io.mrd.EventLog.Replay", .operation = Operation::log_read, .connection = Connection::own};
    static constexpr auto subject = no_subject;
};

struct Repair : Method<varlink::NoParameters, RepairReply, JournalFailed> {
    static constexpr Description description{
        .name = "io.mrd.EventLog.Repair", .operation = Operation::repair, .effect = varlink::Effect::changes};
    static constexpr auto subject = no_subject;
};

using EventLogMethods = MethodList<Records, Export, Replay, Repair>;

}  // namespace mr::wire
