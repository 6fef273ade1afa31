// Events and logs of the tests' own making.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/envelope.h"
#include "mr/event_log.h"
#include "tests/event_log/event_bytes.h"

namespace mr {

using test::bytes_of;

// An event that owns its bytes, so that it can be kept and changed.
struct OwnedEvent {
    std::uint64_t sequence = 0;
    std::uint32_t index = no_index;
    std::string name = {};
    std::uint32_t type = ev_ipl;
    std::vector<std::pair<std::uint16_t, Bytes>> digests = {};
    std::optional<Bytes> data = {};
    EventOrigin origin = EventOrigin::firmware;
    std::optional<std::string> description = {};

    static OwnedEvent of(const Event &event) {
        OwnedEvent owned{
            .sequence = event.sequence, .index = event.index, .name = std::string(event.name), .type = event.type, .origin = event.origin};
        for (const auto &digest : event.digests) {
            owned.digests.emplace_back(digest.algorithm_id, Bytes(digest.value.begin(), digest.value.end()));
        }
        if (event.data) owned.data.emplace(event.data->begin(), event.data->end());
        if (event.description) owned.description.emplace(*event.description);
        return owned;
    }

    // Valid as long as this is neither changed nor moved.
    [[nodiscard]] Event view() const {
        Event event;
        event.sequence = sequence;
        event.index = index;
        event.name = name;
        event.type = type;
        for (const auto &[id, value] : digests) {
            event.digests.push_back({id, value});
        }
        if (data) event.data = *data;
        event.origin = origin;
        if (description) event.description = *description;
        return event;
    }
};

// The digests are those of the data: such an event is bound by its register.
inline OwnedEvent measured(std::string name, Bytes data, std::initializer_list<HashAlgorithm> banks = {HashAlgorithm::sha384},
                           std::uint32_t type = ev_ipl) {
    OwnedEvent event{.index = tcg_index(name).value_or(no_index), .name = std::move(name), .type = type};
    for (const HashAlgorithm bank : banks) {
        const auto digest = hash(bank, data).value();
        event.digests.emplace_back(tcg_id(bank), Bytes(digest.bytes().begin(), digest.bytes().end()));
    }
    event.data = std::move(data);
    return event;
}
inline OwnedEvent measured(std::string name, std::string_view text, std::initializer_list<HashAlgorithm> banks = {HashAlgorithm::sha384}) {
    return measured(std::move(name), bytes_of(text), banks);
}

// How an envelope names the register that a log calls so.
inline std::string envelope_name(std::string_view name) {
    const auto common = common_name(name);
    return (common.starts_with("pcr") ? "tpm/" : "tdx/") + std::string(common);
}

// The digests are those of the envelope.
inline OwnedEvent enveloped(std::string name, const Envelope &envelope,
                            std::initializer_list<HashAlgorithm> banks = {HashAlgorithm::sha384}) {
    OwnedEvent event{.index = tcg_index(name).value_or(no_index), .name = std::move(name), .type = ev_event_tag};
    for (const HashAlgorithm bank : banks) {
        const auto digest = envelope_digest(envelope, bank).value();
        event.digests.emplace_back(tcg_id(bank), Bytes(digest.bytes().begin(), digest.bytes().end()));
    }
    event.data = encode_envelope(envelope);
    return event;
}
// What mrd measures in an envelope.
inline OwnedEvent enveloped(const std::string &name, EnvelopeBody body,
                            std::initializer_list<HashAlgorithm> banks = {HashAlgorithm::sha384}) {
    return enveloped(name, Envelope{.header = {.type = "measure", .register_name = envelope_name(name)}, .body = std::move(body)}, banks);
}

// What mrd measures where it finds a register changed by somebody else.
inline Envelope resync_envelope(std::string_view name, ByteView expected, ByteView found) {
    return {.header = {.type = "resync", .register_name = envelope_name(name)},
            .body = {.expected = Bytes(expected.begin(), expected.end()), .found = Bytes(found.begin(), found.end())}};
}
inline OwnedEvent resync(const std::string &name, ByteView expected, ByteView found, HashAlgorithm bank = HashAlgorithm::sha384) {
    auto event = enveloped(name, resync_envelope(name, expected, found), {bank});
    event.origin = EventOrigin::resync;
    return event;
}

// All events of a log; fails the test where it cannot be read.
inline std::vector<OwnedEvent> read_all(EventLogReader &reader) {
    std::vector<OwnedEvent> events;
    Event event;
    for (;;) {
        const auto more = reader.next(event);
        if (!more) {
            ADD_FAILURE() << more.error().message;
            return events;
        }
        if (!*more) return events;
        events.push_back(OwnedEvent::of(event));
    }
}

// Applies them all; fails the test where one cannot be applied.
inline void apply_all(Replay &replay, const std::vector<OwnedEvent> &events) {
    for (const auto &event : events) {
        const auto done = replay.apply(event.view());
        if (!done) ADD_FAILURE() << done.error().message;
    }
}

inline TcgHeader header_of(std::initializer_list<HashAlgorithm> banks, std::uint32_t index = 0) {
    TcgHeader header;
    header.index = index;
    for (const HashAlgorithm bank : banks) {
        header.algorithms.push_back({tcg_id(bank), static_cast<std::uint16_t>(digest_size(bank))});
    }
    return header;
}

inline Bytes tcg_log(const TcgHeader &header, const std::vector<OwnedEvent> &events) {
    Bytes log;
    append_tcg_header(log, header);
    for (const auto &event : events) {
        append_tcg_event(log, event.view());
    }
    return log;
}

// ---- Values

inline Digest filled(std::uint8_t byte, HashAlgorithm algorithm = HashAlgorithm::sha384) {
    return Digest(Bytes(digest_size(algorithm), byte));
}

// What a register holds after the events' digests in one bank, computed the plain way.
inline Digest extended(Digest value, const std::vector<OwnedEvent> &events, HashAlgorithm bank = HashAlgorithm::sha384) {
    for (const auto &event : events) {
        for (const auto &[id, digest] : event.digests) {
            if (id == tcg_id(bank)) value = *extend(bank, value.bytes(), digest);
        }
    }
    return value;
}

inline std::string value_in(const Replay &replay, std::string_view name) {
    const auto *found = replay.find(name);
    return found == nullptr ? "no such register" : to_hex(found->value.bytes());
}
inline std::string hex_of(const Digest &digest) { return to_hex(digest.bytes()); }

inline OwnedEvent by_service(OwnedEvent event) {
    event.origin = EventOrigin::service;
    return event;
}

}  // namespace mr
