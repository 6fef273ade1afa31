// io.mrd.Registers as structs: what mrd decodes and the client encodes, and the other way round; at the end one description for each method. Strings in parameters and replies are views:
// into the document they were decoded from, or of whoever fills them in to be encoded. Errors own theirs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libmr/wire/errors.h"
#include "libmr/wire/method.h"
#include "mr/registers.h"
#include "proto/varlink/fields.h"

template <>
struct varlink::EnumNames<mr::Owner> {
    static constexpr std::array values{std::pair{mr::Owner::owned, "owned"}, std::pair{mr::Owner::shared, "shared"},
                                       std::pair{mr::Owner::observed, "observed"}};
};

namespace mr::wire {

enum class Applied : std::uint8_t { no, unknown };
enum class ProviderPhase : std::uint8_t { starting, running, failed };

}  // namespace mr::wire

template <>
struct varlink::EnumNames<mr::wire::Applied> {
    static constexpr std::array values{std::pair{mr::wire::Applied::no, "no"}, std::pair{mr::wire::Applied::unknown, "unknown"}};
};
template <>
struct varlink::EnumNames<mr::wire::ProviderPhase> {
    static constexpr std::array values{std::pair{mr::wire::ProviderPhase::starting, "starting"},
                                       std::pair{mr::wire::ProviderPhase::running, "running"},
                                       std::pair{mr::wire::ProviderPhase::failed, "failed"}};
};

namespace mr::wire {

using varlink::field;

struct Register {
    std::string_view name;
    std::optional<std::string_view> hash;
    std::int64_t size = 0;
    std::string flags;
    Owner owner = Owner::owned;
    bool capped = false;
    bool simulated = false;
    bool unbound = false;
    std::vector<std::string> roles;
    static constexpr auto fields() {
        return std::tuple(field("name", &Register::name), field("hash", &Register::hash), field("size", &Register::size),
                          field("flags", &Register::flags), field("owner", &Register::owner), field("capped", &Register::capped),
                          field("simulated", &Register::simulated), field("unbound", &Register::unbound), field("roles", &Register::roles));
    }
};

struct Reading {
    std::string_view name;
    std::string_view value;
    std::optional<std::int64_t> generation;
    bool refreshed = false;
    std::optional<bool> unbound = {};  // true, or left out
    static constexpr auto fields() {
        return std::tuple(field("name", &Reading::name), field("value", &Reading::value), field("generation", &Reading::generation),
                          field("refreshed", &Reading::refreshed), field("unbound", &Reading::unbound));
    }
};

struct ProviderState {
    std::string_view name;
    std::string_view type;
    ProviderPhase state = ProviderPhase::starting;
    std::optional<std::string_view> reason;
    bool simulated = false;
    bool unbound = false;
    static constexpr auto fields() {
        return std::tuple(field("name", &ProviderState::name), field("type", &ProviderState::type), field("state", &ProviderState::state),
                          field("reason", &ProviderState::reason), field("simulated", &ProviderState::simulated),
                          field("unbound", &ProviderState::unbound));
    }
};

struct Counters {
    std::string_view provider;
    std::int64_t reads = 0;
    std::int64_t cached_reads = 0;
    std::int64_t refreshes = 0;
    std::int64_t writes = 0;
    static constexpr auto fields() {
        return std::tuple(field("provider", &Counters::provider), field("reads", &Counters::reads),
                          field("cachedReads", &Counters::cached_reads), field("refreshes", &Counters::refreshes),
                          field("writes", &Counters::writes));
    }
};

// ---- Parameters and replies

struct ListParameters {
    std::optional<std::string_view> provider;
    std::optional<OnBehalfOf> on_behalf_of;
    static constexpr auto fields() {
        return std::tuple(field("provider", &ListParameters::provider), field("onBehalfOf", &ListParameters::on_behalf_of));
    }
};
struct ListReply {
    std::vector<Register> registers;
    static constexpr auto fields() { return std::tuple(field("registers", &ListReply::registers)); }
};

struct ReadParameters {
    std::string_view name;
    std::optional<bool> fresh;
    std::optional<std::int64_t> generation;
    std::optional<OnBehalfOf> on_behalf_of;
    static constexpr auto fields() {
        return std::tuple(field("name", &ReadParameters::name), field("fresh", &ReadParameters::fresh),
                          field("generation", &ReadParameters::generation), field("onBehalfOf", &ReadParameters::on_behalf_of));
    }
};
struct ReadReply {
    Reading reading;
    static constexpr auto fields() { return std::tuple(field("reading", &ReadReply::reading)); }
};

struct SnapshotParameters {
    std::optional<std::vector<std::string_view>> names;
    std::optional<bool> fresh;
    static constexpr auto fields() {
        return std::tuple(field("names", &SnapshotParameters::names), field("fresh", &SnapshotParameters::fresh));
    }
};
struct SnapshotReply {
    std::vector<Reading> readings;
    std::int64_t sequence = 0;
    static constexpr auto fields() {
        return std::tuple(field("readings", &SnapshotReply::readings), field("sequence", &SnapshotReply::sequence));
    }
};

struct ExtendParameters {
    std::string_view name;
    std::string_view digest;
    std::optional<std::int64_t> event_type;
    std::optional<std::string_view> description;
    std::optional<std::string_view> data;
    std::optional<std::string_view> id;
    std::optional<OnBehalfOf> on_behalf_of;
    static constexpr auto fields() {
        return std::tuple(field("name", &ExtendParameters::name), field("digest", &ExtendParameters::digest),
                          field("eventType", &ExtendParameters::event_type), field("description", &ExtendParameters::description),
                          field("data", &ExtendParameters::data), field("id", &ExtendParameters::id),
                          field("onBehalfOf", &ExtendParameters::on_behalf_of));
    }
};
struct ExtendReply {
    Reading reading;
    std::int64_t sequence = 0;
    static constexpr auto fields() {
        return std::tuple(field("reading", &ExtendReply::reading), field("sequence", &ExtendReply::sequence));
    }
};

struct MeasureParameters {
    std::string_view name;
    std::optional<std::string_view> data;
    std::optional<std::string_view> content_digest;
    std::optional<std::int64_t> event_type;
    std::optional<std::string_view> description;
    std::optional<bool> envelope;
    std::optional<std::string_view> id;
    std::optional<OnBehalfOf> on_behalf_of;
    static constexpr auto fields() {
        return std::tuple(field("name", &MeasureParameters::name), field("data", &MeasureParameters::data),
                          field("contentDigest", &MeasureParameters::content_digest), field("eventType", &MeasureParameters::event_type),
                          field("description", &MeasureParameters::description), field("envelope", &MeasureParameters::envelope),
                          field("id", &MeasureParameters::id), field("onBehalfOf", &MeasureParameters::on_behalf_of));
    }
};
struct MeasureReply {
    Reading reading;
    std::string_view digest;
    std::int64_t sequence = 0;
    static constexpr auto fields() {
        return std::tuple(field("reading", &MeasureReply::reading), field("digest", &MeasureReply::digest),
                          field("sequence", &MeasureReply::sequence));
    }
};

struct WriteParameters {
    std::string_view name;
    std::string_view value;
    std::optional<OnBehalfOf> on_behalf_of;
    static constexpr auto fields() {
        return std::tuple(field("name", &WriteParameters::name), field("value", &WriteParameters::value),
                          field("onBehalfOf", &WriteParameters::on_behalf_of));
    }
};
struct WriteReply {
    std::int64_t generation = 0;
    static constexpr auto fields() { return std::tuple(field("generation", &WriteReply::generation)); }
};

struct CapParameters {
    std::string_view name;
    static constexpr auto fields() { return std::tuple(field("name", &CapParameters::name)); }
};
struct CapReply {
    std::string_view name;
    std::int64_t sequence = 0;
    static constexpr auto fields() { return std::tuple(field("name", &CapReply::name), field("sequence", &CapReply::sequence)); }
};

struct CreateParameters {
    std::string_view name;
    std::string_view hash;
    std::string_view on;
    static constexpr auto fields() {
        return std::tuple(field("name", &CreateParameters::name), field("hash", &CreateParameters::hash),
                          field("on", &CreateParameters::on));
    }
};
struct CreateReply {
    Register created;
    std::string_view on;
    static constexpr auto fields() { return std::tuple(field("register", &CreateReply::created), field("on", &CreateReply::on)); }
};

struct CloseParameters {
    std::string_view name;
    static constexpr auto fields() { return std::tuple(field("name", &CloseParameters::name)); }
};
struct CloseReply {
    std::int64_t sequence = 0;
    static constexpr auto fields() { return std::tuple(field("sequence", &CloseReply::sequence)); }
};

struct ProvidersReply {
    std::vector<ProviderState> providers;
    static constexpr auto fields() { return std::tuple(field("providers", &ProvidersReply::providers)); }
};

struct Permission {
    std::string_view right;
    std::optional<std::vector<std::string>> registers;
    std::optional<std::string_view> rule;
    std::optional<std::string_view> why;
    std::optional<std::vector<std::string>> on;
    std::optional<std::int64_t> at_most;
    static constexpr auto fields() {
        return std::tuple(field("right", &Permission::right), field("registers", &Permission::registers), field("rule", &Permission::rule),
                          field("why", &Permission::why), field("on", &Permission::on), field("atMost", &Permission::at_most));
    }
};
struct AccessParameters {
    std::optional<std::int64_t> uid;
    std::optional<std::vector<std::int64_t>> groups;
    static constexpr auto fields() { return std::tuple(field("uid", &AccessParameters::uid), field("groups", &AccessParameters::groups)); }
};
struct AccessReply {
    std::int64_t uid = 0;
    std::vector<Permission> permissions;
    static constexpr auto fields() { return std::tuple(field("uid", &AccessReply::uid), field("permissions", &AccessReply::permissions)); }
};

struct StatisticsReply {
    std::vector<Counters> counters;
    static constexpr auto fields() { return std::tuple(field("counters", &StatisticsReply::counters)); }
};

struct StatusReply {
    varlink::RawJson status;
    static constexpr auto fields() { return std::tuple(field("status", &StatusReply::status)); }
};

struct WatchParameters {
    std::optional<std::vector<std::string_view>> names;
    static constexpr auto fields() { return std::tuple(field("names", &WatchParameters::names)); }
};
struct WatchReply {
    std::optional<Reading> reading;  // one of both
    std::optional<std::string_view> gone;
    std::int64_t sequence = 0;
    static constexpr auto fields() {
        return std::tuple(field("reading", &WatchReply::reading), field("gone", &WatchReply::gone),
                          field("sequence", &WatchReply::sequence));
    }
};

// ---- Errors

struct NoSuchRegister {
    static constexpr std::string_view name_in_interface = "NoSuchRegister";
    std::string name;
    std::vector<std::string> candidates;
    static constexpr auto fields() {
        return std::tuple(field("name", &NoSuchRegister::name), field("candidates", &NoSuchRegister::candidates));
    }
};

// The errors that say no more than which register.
template <class Tag>
struct RegisterRefusal {
    static constexpr std::string_view name_in_interface = Tag::name_in_interface;
    std::string name;
    static constexpr auto fields() { return std::tuple(field("name", &RegisterRefusal::name)); }
};
struct RegisterExistsTag {
    static constexpr std::string_view name_in_interface = "RegisterExists";
};
struct RegisterGoneTag {
    static constexpr std::string_view name_in_interface = "RegisterGone";
};
struct NotReadableTag {
    static constexpr std::string_view name_in_interface = "NotReadable";
};
struct NotWritableTag {
    static constexpr std::string_view name_in_interface = "NotWritable";
};
struct NotExtensibleTag {
    static constexpr std::string_view name_in_interface = "NotExtensible";
};
struct LogOnlyTag {
    static constexpr std::string_view name_in_interface = "LogOnly";
};
struct IndeterminateTag {
    static constexpr std::string_view name_in_interface = "Indeterminate";
};
using RegisterExists = RegisterRefusal<RegisterExistsTag>;
using RegisterGone = RegisterRefusal<RegisterGoneTag>;
using NotReadable = RegisterRefusal<NotReadableTag>;
using NotWritable = RegisterRefusal<NotWritableTag>;
using NotExtensible = RegisterRefusal<NotExtensibleTag>;
using LogOnly = RegisterRefusal<LogOnlyTag>;
using Indeterminate = RegisterRefusal<IndeterminateTag>;

struct NoRegisterForRole {
    static constexpr std::string_view name_in_interface = "NoRegisterForRole";
    std::string role;
    static constexpr auto fields() { return std::tuple(field("role", &NoRegisterForRole::role)); }
};

struct Capped {
    static constexpr std::string_view name_in_interface = "Capped";
    std::string name;
    std::int64_t sequence = 0;
    static constexpr auto fields() { return std::tuple(field("name", &Capped::name), field("sequence", &Capped::sequence)); }
};

struct GenerationMismatch {
    static constexpr std::string_view name_in_interface = "GenerationMismatch";
    std::int64_t expected = 0;
    std::int64_t actual = 0;
    static constexpr auto fields() {
        return std::tuple(field("expected", &GenerationMismatch::expected), field("actual", &GenerationMismatch::actual));
    }
};

struct DuplicateEvent {
    static constexpr std::string_view name_in_interface = "DuplicateEvent";
    std::string id;
    static constexpr auto fields() { return std::tuple(field("id", &DuplicateEvent::id)); }
};

struct JournalFull {
    static constexpr std::string_view name_in_interface = "JournalFull";
    std::int64_t limit = 0;
    std::optional<std::string> share;  // "bytes of uid 1000"
    static constexpr auto fields() { return std::tuple(field("limit", &JournalFull::limit), field("share", &JournalFull::share)); }
};

struct TooManyRegisters {
    static constexpr std::string_view name_in_interface = "TooManyRegisters";
    std::int64_t limit = 0;
    std::optional<std::string> share;  // "uid 1000"
    static constexpr auto fields() {
        return std::tuple(field("limit", &TooManyRegisters::limit), field("share", &TooManyRegisters::share));
    }
};

struct ProviderFailed {
    static constexpr std::string_view name_in_interface = "ProviderFailed";
    std::string provider;
    std::string reason;
    Applied applied = Applied::unknown;
    static constexpr auto fields() {
        return std::tuple(field("provider", &ProviderFailed::provider), field("reason", &ProviderFailed::reason),
                          field("applied", &ProviderFailed::applied));
    }
};

// ---- The methods

struct List : Method<ListParameters, ListReply, NoSuchRegister> {
    static constexpr Description description{.name = "io.mrd.Registers.List", .operation = Operation::list};
    static constexpr auto subject = &Parameters::provider;
};

struct Read : Method<ReadParameters, ReadReply, NoSuchRegister, RegisterGone, NoRegisterForRole, NotReadable, GenerationMismatch,
                     NotSupported, ProviderFailed> {
    static constexpr Description description{.name = "io.mrd.Registers.Read", .operation = Operation::read};
    static constexpr auto subject = &Parameters::name;
};

struct Snapshot : Method<SnapshotParameters, SnapshotReply, NoSuchRegister, RegisterGone, NoRegisterForRole, NotReadable, NotSupported,
                         ProviderFailed, Busy> {
    static constexpr Description description{.name = "io.mrd.Registers.Snapshot", .operation = Operation::read};
    static constexpr auto subject = &Parameters::names;
};

struct Extend : Method<ExtendParameters, ExtendReply, NoSuchRegister, RegisterGone, NoRegisterForRole, NotExtensible, LogOnly, Capped,
                       Indeterminate, WrongLength, DuplicateEvent, JournalFull, JournalFailed, ProviderFailed> {
    static constexpr Description description{
        .name = "io.mrd.Registers.Extend", .operation = Operation::extend, .effect = varlink::Effect::changes};
    static constexpr auto subject = &Parameters::name;
};

struct Measure : Method<MeasureParameters, MeasureReply, NoSuchRegister, RegisterGone, NoRegisterForRole, NotExtensible, Capped,
                        Indeterminate, DuplicateEvent, JournalFull, JournalFailed, ProviderFailed> {
    static constexpr Description description{
        .name = "io.mrd.Registers.Measure", .operation = Operation::measure, .effect = varlink::Effect::changes};
    static constexpr auto subject = &Parameters::name;
};

struct Write
    : Method<WriteParameters, WriteReply, NoSuchRegister, RegisterGone, NoRegisterForRole, NotWritable, WrongLength, ProviderFailed> {
    static constexpr Description description{
        .name = "io.mrd.Registers.Write", .operation = Operation::write, .effect = varlink::Effect::changes};
    static constexpr auto subject = &Parameters::name;
};

struct Cap : Method<CapParameters, CapReply, NoSuchRegister, RegisterGone, NoRegisterForRole, NotExtensible, Capped, Indeterminate,
                    NotSupported, JournalFull, JournalFailed, ProviderFailed> {
    static constexpr Description description{
        .name = "io.mrd.Registers.Cap", .operation = Operation::cap, .effect = varlink::Effect::changes};
    static constexpr auto subject = &Parameters::name;
};

struct Create : Method<CreateParameters, CreateReply, RegisterExists, TooManyRegisters, NoSuchRegister, RegisterGone, NoRegisterForRole,
                       NotExtensible, Capped, Indeterminate, NotSupported, Busy, JournalFull, JournalFailed, ProviderFailed> {
    static constexpr Description description{
        .name = "io.mrd.Registers.Create", .operation = Operation::create, .effect = varlink::Effect::changes};
    static constexpr auto subject = &Parameters::name;
};

struct Close : Method<CloseParameters, CloseReply, NoSuchRegister, RegisterGone, NotExtensible, Capped, Indeterminate, JournalFull,
                      JournalFailed, ProviderFailed> {
    static constexpr Description description{
        .name = "io.mrd.Registers.Close", .operation = Operation::close, .effect = varlink::Effect::changes};
    static constexpr auto subject = &Parameters::name;
};

struct Providers : Method<varlink::NoParameters, ProvidersReply> {
    static constexpr Description description{.name = "io.mrd.Registers.Providers", .operation = Operation::list};
    static constexpr auto subject = no_subject;
};

struct Statistics : Method<varlink::NoParameters, StatisticsReply> {
    static constexpr Description description{.name = "io.mrd.Registers.Statistics", .operation = Operation::status};
    static constexpr auto subject = no_subject;
};

struct Status : Method<varlink::NoParameters, StatusReply> {
    static constexpr Description description{.name = "io.mrd.Registers.Status", .operation = Operation::status};
    static constexpr auto subject = no_subject;
};

struct Access : Method<AccessParameters, AccessReply> {
    static constexpr Description description{.name = "io.mrd.Registers.Access", .operation = Operation::access};
    static constexpr auto subject = no_subject;
};

struct Watch : Method<WatchParameters, WatchReply, NoSuchRegister, RegisterGone, NoRegisterForRole, NotReadable, ProviderFailed, Busy> {
    static constexpr Description description{
        .name = "io.mrd.Registers.Watch", .operation = Operation::watch, .replies = Replies::many, .connection = Connection::own};
    static constexpr auto subject = &Parameters::names;
};

// A method that is not here does not exist: the server, the clients and the interface file are held against this list.
using RegistersMethods =
    MethodList<List, Read, Snapshot, Extend, Measure, Write, Cap, Create, Close, Providers, Statistics, Status, Access, Watch>;

}  // namespace mr::wire
