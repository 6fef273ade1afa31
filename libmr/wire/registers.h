// io.mrd.Registers as structs: what mrd decodes and the client encodes, and the other way round. Strings in parameters and replies are views:
// into the document they were decoded from, or of whoever fills them in to be encoded. Errors own theirs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/registers.h"
#include "proto/varlink/fields.h"

template <>
struct varlink::EnumNames<mr::Owner> {
    static constexpr std::array values{std::pair{mr::Owner::owned, "owned"}, std::pair{mr::Owner::shared, "shared"},
                                       std::pair{mr::Owner::observed, "observed"}};
};

namespace mr::wire {

using varlink::field;

enum class Applied : std::uint8_t { no, unknown };

struct Register {
    std::string_view name;
    std::optional<std::string_view> hash;
    std::int64_t size = 0;
    std::string flags;
    Owner owner = Owner::owned;
    bool capped = false;
    bool simulated = false;
    static constexpr auto fields() {
        return std::tuple(field("name", &Register::name), field("hash", &Register::hash), field("size", &Register::size),
                          field("flags", &Register::flags), field("owner", &Register::owner), field("capped", &Register::capped),
                          field("simulated", &Register::simulated));
    }
};

struct Reading {
    std::string_view name;
    std::string_view value;
    std::optional<std::int64_t> generation;
    bool refreshed = false;
    static constexpr auto fields() {
        return std::tuple(field("name", &Reading::name), field("value", &Reading::value), field("generation", &Reading::generation),
                          field("refreshed", &Reading::refreshed));
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
    static constexpr auto fields() { return std::tuple(field("provider", &ListParameters::provider)); }
};
struct ListReply {
    std::vector<Register> registers;
    static constexpr auto fields() { return std::tuple(field("registers", &ListReply::registers)); }
};

struct ReadParameters {
    std::string_view name;
    std::optional<bool> fresh;
    std::optional<std::int64_t> generation;
    static constexpr auto fields() {
        return std::tuple(field("name", &ReadParameters::name), field("fresh", &ReadParameters::fresh),
                          field("generation", &ReadParameters::generation));
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
    static constexpr auto fields() {
        return std::tuple(field("name", &ExtendParameters::name), field("digest", &ExtendParameters::digest),
                          field("eventType", &ExtendParameters::event_type), field("description", &ExtendParameters::description),
                          field("data", &ExtendParameters::data), field("id", &ExtendParameters::id));
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
    static constexpr auto fields() {
        return std::tuple(field("name", &MeasureParameters::name), field("data", &MeasureParameters::data),
                          field("contentDigest", &MeasureParameters::content_digest), field("eventType", &MeasureParameters::event_type),
                          field("description", &MeasureParameters::description), field("envelope", &MeasureParameters::envelope),
                          field("id", &MeasureParameters::id));
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
    static constexpr auto fields() { return std::tuple(field("name", &WriteParameters::name), field("value", &WriteParameters::value)); }
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
    std::int64_t sequence = 0;
    static constexpr auto fields() { return std::tuple(field("sequence", &CapReply::sequence)); }
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
using WatchReply = ExtendReply;

// ---- Errors

struct NoSuchRegister {
    static constexpr std::string_view error_name = "io.mrd.Registers.NoSuchRegister";
    std::string name;
    std::vector<std::string> candidates;
    static constexpr auto fields() {
        return std::tuple(field("name", &NoSuchRegister::name), field("candidates", &NoSuchRegister::candidates));
    }
};

// The errors that say no more than which register.
template <class Tag>
struct RegisterRefusal {
    static constexpr std::string_view error_name = Tag::error_name;
    std::string name;
    static constexpr auto fields() { return std::tuple(field("name", &RegisterRefusal::name)); }
};
struct NotReadableTag {
    static constexpr std::string_view error_name = "io.mrd.Registers.NotReadable";
};
struct NotWritableTag {
    static constexpr std::string_view error_name = "io.mrd.Registers.NotWritable";
};
struct NotExtensibleTag {
    static constexpr std::string_view error_name = "io.mrd.Registers.NotExtensible";
};
struct LogOnlyTag {
    static constexpr std::string_view error_name = "io.mrd.Registers.LogOnly";
};
struct IndeterminateTag {
    static constexpr std::string_view error_name = "io.mrd.Registers.Indeterminate";
};
using NotReadable = RegisterRefusal<NotReadableTag>;
using NotWritable = RegisterRefusal<NotWritableTag>;
using NotExtensible = RegisterRefusal<NotExtensibleTag>;
using LogOnly = RegisterRefusal<LogOnlyTag>;
using Indeterminate = RegisterRefusal<IndeterminateTag>;

struct Capped {
    static constexpr std::string_view error_name = "io.mrd.Registers.Capped";
    std::string name;
    std::int64_t sequence = 0;
    static constexpr auto fields() { return std::tuple(field("name", &Capped::name), field("sequence", &Capped::sequence)); }
};

struct WrongLength {
    static constexpr std::string_view error_name = "io.mrd.Registers.WrongLength";
    std::string name;
    std::int64_t expected = 0;
    std::int64_t actual = 0;
    static constexpr auto fields() {
        return std::tuple(field("name", &WrongLength::name), field("expected", &WrongLength::expected),
                          field("actual", &WrongLength::actual));
    }
};

struct GenerationMismatch {
    static constexpr std::string_view error_name = "io.mrd.Registers.GenerationMismatch";
    std::int64_t expected = 0;
    std::int64_t actual = 0;
    static constexpr auto fields() {
        return std::tuple(field("expected", &GenerationMismatch::expected), field("actual", &GenerationMismatch::actual));
    }
};

struct DuplicateEvent {
    static constexpr std::string_view error_name = "io.mrd.Registers.DuplicateEvent";
    std::string id;
    static constexpr auto fields() { return std::tuple(field("id", &DuplicateEvent::id)); }
};

struct JournalFull {
    static constexpr std::string_view error_name = "io.mrd.Registers.JournalFull";
    std::int64_t limit = 0;
    std::optional<std::string> share;  // "bytes of uid 1000"
    static constexpr auto fields() { return std::tuple(field("limit", &JournalFull::limit), field("share", &JournalFull::share)); }
};

struct JournalFailed {
    static constexpr std::string_view error_name = "io.mrd.Registers.JournalFailed";
    std::string reason;
    static constexpr auto fields() { return std::tuple(field("reason", &JournalFailed::reason)); }
};

struct ProviderFailed {
    static constexpr std::string_view error_name = "io.mrd.Registers.ProviderFailed";
    std::string provider;
    std::string reason;
    Applied applied = Applied::unknown;
    static constexpr auto fields() {
        return std::tuple(field("provider", &ProviderFailed::provider), field("reason", &ProviderFailed::reason),
                          field("applied", &ProviderFailed::applied));
    }
};

struct Busy {
    static constexpr std::string_view error_name = "io.mrd.Registers.Busy";
    std::string limit;
    static constexpr auto fields() { return std::tuple(field("limit", &Busy::limit)); }
};

}  // namespace mr::wire

template <>
struct varlink::EnumNames<mr::wire::Applied> {
    static constexpr std::array values{std::pair{mr::wire::Applied::no, "no"}, std::pair{mr::wire::Applied::unknown, "unknown"}};
};
