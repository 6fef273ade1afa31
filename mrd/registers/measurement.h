// What an event may say, whichever interface it comes from: its limits, which data is mrd's alone to write, and the digests that extend the register.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/envelope.h"
#include "mr/event_log.h"
#include "mr/limits.h"
#include "mrd/journal/format.h"
#include "mrd/journal/one_or_more.h"

namespace mrd {

using mr::max_event_data;
using mr::max_event_id;

// The banks of one register: nearly always one.
template <class T>
using PerBank = journal::OneOrMore<T>;

// What the log says of an extend beside its digests.
struct EventDetails {
    journal::Origin origin = journal::Origin::service;
    std::uint32_t type = mr::ev_ipl;
    std::shared_ptr<const mr::EventCaller> caller = std::make_shared<const mr::EventCaller>();
    std::optional<std::string> id = {};
    std::optional<std::string> description = {};
    std::optional<mr::Bytes> data = {};
    bool creates = false;             // the virtual register that the event is of
    std::optional<uid_t> share = {};  // in whose turn it is done; nothing: in the caller's
};

// One event, ready to be extended.
struct Measurement {
    PerBank<mr::Digest> digests;
    EventDetails details;
};

// The register that an event is for.
struct MeasuredRegister {
    std::string envelope_name;  // kind and register, without bank
    PerBank<mr::HashAlgorithm> banks;
    bool log_only = false;  // takes nothing but envelopes, whatever was asked for
    bool carries = false;   // virtual registers: what it says has random bytes, so that nobody guesses what is hidden
    std::optional<mr::VirtualRegisterId> id =
        {};  // of a virtual one, in place of the name; its own hash is the first bank, then its carrier's
};

// What a client says of its event.
struct EventClaims {
    std::shared_ptr<const mr::EventCaller> caller;
    std::optional<std::int64_t> type = {};
    std::optional<std::string_view> description = {};
    std::optional<std::string_view> id = {};
};

// What is measured: one of both.
struct MeasuredContent {
    std::optional<mr::Bytes> data = {};
    std::optional<mr::ContentDigest> digest = {};
};

// The part of it that is not acceptable.
enum class EventPart : std::uint8_t {
    type,         // no u32, EV_NO_ACTION, which nobody replays, or an envelope's that is not EV_EVENT_TAG
    description,  // longer than mr::max_event_description
    id,           // empty, or longer than max_event_id
    data,         // none, longer than max_event_data, or bytes that only mrd may write: those of an envelope
    digest,       // of content: outside of an envelope, or beside data
};
// mr::Error: this OpenSSL does not offer a bank's hash.
using MeasurementError = std::variant<EventPart, mr::Error>;
using Measured = std::expected<Measurement, MeasurementError>;

mr::VirtualRegisterId new_virtual_register_id();

// A digest that the client made; `data` only goes to the log.
Measured measure_digest(const mr::Digest &digest, const EventClaims &claims, std::optional<mr::Bytes> data);

// Content, by its hash, or in an envelope with what is said of it.
Measured measure_content(const MeasuredRegister &reg, MeasuredContent content, const EventClaims &claims, bool wants_envelope);

// Makes a virtual register.
Measured measure_create(const MeasuredRegister &reg, mr::CreatedRegister created, std::shared_ptr<const mr::EventCaller> caller);

// Its last event.
Measured measure_close(const MeasuredRegister &reg, std::shared_ptr<const mr::EventCaller> caller);

// What mrd is and judges by, as it says it of itself (mr/self_measurement.h).
Measured measure_self(const MeasuredRegister &reg, std::string_view text, std::shared_ptr<const mr::EventCaller> caller);

// Somebody has accepted a device; what is said of it is in mr/device_acceptance.h.
Measured measure_acceptance(const MeasuredRegister &reg, std::string_view device, std::string_view text,
                            std::shared_ptr<const mr::EventCaller> caller);

// The register's last event of this boot.
Measured measure_cap(const MeasuredRegister &reg, std::shared_ptr<const mr::EventCaller> caller);

// Somebody else has extended the register: the log explains `expected`, it holds `found`. Of one bank.
Measured measure_resync(const MeasuredRegister &reg, mr::ByteView expected, mr::ByteView found,
                        std::shared_ptr<const mr::EventCaller> caller);

}  // namespace mrd
