#include "mrd/registers/measurement.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>
#include <utility>

#include "mr/device_acceptance.h"
#include "mr/self_measurement.h"

namespace mrd {

namespace {

// Rules may name the type of each envelope that is made here.
consteval bool is_known_type(std::string_view type) { return std::ranges::find(mr::envelope_types, type) != mr::envelope_types.end(); }
static_assert(is_known_type(mr::self_envelope_type) && is_known_type(mr::device_envelope_type));

std::unexpected<EventPart> refuse(EventPart part) { return std::unexpected(part); }

std::expected<EventDetails, EventPart> details_of(const EventClaims &claims, std::uint32_t default_type) {
    const auto type = claims.type.value_or(default_type);
    if (type < 0 || type > std::numeric_limits<std::uint32_t>::max() || type == mr::ev_no_action) return refuse(EventPart::type);
    if (claims.description && claims.description->size() > mr::max_event_description) return refuse(EventPart::description);
    if (claims.id && (claims.id->empty() || claims.id->size() > max_event_id)) return refuse(EventPart::id);
    const auto owned = [](const std::optional<std::string_view> &text) { return text ? std::optional<std::string>(*text) : std::nullopt; };
    return EventDetails{.type = static_cast<std::uint32_t>(type),
                        .caller = claims.caller,
                        .id = owned(claims.id),
                        .description = owned(claims.description)};
}

template <class Hash>
Measured measured(const MeasuredRegister &reg, EventDetails details, const Hash &hash) {
    Measurement measurement{.digests = {}, .details = std::move(details)};
    for (const auto algorithm : reg.banks) {
        auto digest = hash(algorithm);
        if (!digest) return std::unexpected(MeasurementError(std::move(digest.error())));
        measurement.digests.push_back(*digest);
    }
    return measurement;
}

Measured in_envelope(const MeasuredRegister &reg, std::string type, mr::EnvelopeBody body, EventDetails details) {
    mr::Envelope envelope{.header = {.type = std::move(type)}, .body = std::move(body)};
    if (reg.id) {
        envelope.header.id = reg.id;
    } else {
        envelope.header.register_name = reg.envelope_name;
    }
    details.data = mr::encode_envelope(envelope);
    if (details.data->size() > max_event_data) return refuse(EventPart::data);
    return measured(reg, std::move(details), [&](mr::HashAlgorithm bank) { return mr::envelope_digest(envelope, bank); });
}

mr::EnvelopeSalt new_salt() {
    mr::EnvelopeSalt salt;
    // So few bytes it gives whole, or not at all where the kernel has no such call.
    if (::getrandom(salt.data(), salt.size(), 0) != static_cast<ssize_t>(salt.size()))
        throw std::system_error(errno, std::generic_category(), "getrandom");
    return salt;
}

}  // namespace

mr::VirtualRegisterId new_virtual_register_id() { return new_salt(); }

Measured measure_digest(const mr::Digest &digest, const EventClaims &claims, std::optional<mr::Bytes> data) {
    auto details = details_of(claims, mr::ev_ipl);
    if (!details) return refuse(details.error());
    if (data && (data->size() > max_event_data || mr::envelope_form(*data))) return refuse(EventPart::data);
    details->data = std::move(data);
    return Measurement{.digests = {digest}, .details = std::move(*details)};
}

Measured measure_content(const MeasuredRegister &reg, MeasuredContent content, const EventClaims &claims, bool wants_envelope) {
    const bool has_envelope = wants_envelope || reg.log_only;
    auto details = details_of(claims, has_envelope ? mr::ev_event_tag : mr::ev_ipl);
    if (!details) return refuse(details.error());
    if (content.digest && (!has_envelope || content.data)) return refuse(EventPart::digest);
    if (!content.digest && (!content.data || content.data->size() > max_event_data)) return refuse(EventPart::data);
    if (has_envelope) {
        // An envelope is a tagged event and cannot be of another type.
        if (details->type != mr::ev_event_tag) return refuse(EventPart::type);
        mr::EnvelopeBody body{.description = details->description, .data = std::move(content.data), .digest = content.digest};
        if (reg.carries || reg.id) body.salt = new_salt();
        return in_envelope(reg, "measure", std::move(body), std::move(*details));
    }
    // Only mrd says what an envelope says. Inside of one it is content like any other.
    if (mr::envelope_form(*content.data)) return refuse(EventPart::data);
    details->data = std::move(content.data);
    const mr::ByteView data = *details->data;  // which stays where it is when details move
    return measured(reg, std::move(*details), [data](mr::HashAlgorithm bank) { return mr::hash(bank, data); });
}

Measured measure_create(const MeasuredRegister &reg, mr::CreatedRegister created, std::shared_ptr<const mr::EventCaller> caller) {
    auto description = created.name + " is created";
    return in_envelope(reg, std::string(mr::create_envelope_type), {.salt = new_salt(), .created = std::move(created)},
                       {.type = mr::ev_event_tag, .caller = std::move(caller), .description = std::move(description), .creates = true});
}

Measured measure_close(const MeasuredRegister &reg, std::shared_ptr<const mr::EventCaller> caller) {
    return in_envelope(reg, std::string(mr::close_envelope_type), {.salt = new_salt()},
                       {.origin = journal::Origin::close, .type = mr::ev_event_tag, .caller = std::move(caller), .description = "closed"});
}

namespace {

// What mrd itself has to say.
Measured measure_own(const MeasuredRegister &reg, std::string_view type, const std::string &description, std::string_view text,
                     std::shared_ptr<const mr::EventCaller> caller) {
    const auto bytes = mr::as_bytes(text);
    mr::EnvelopeBody body{.description = description, .data = mr::Bytes(bytes.begin(), bytes.end())};
    if (reg.carries) body.salt = new_salt();
    return in_envelope(reg, std::string(type), std::move(body),
                       {.type = mr::ev_event_tag, .caller = std::move(caller), .description = description});
}

}  // namespace

Measured measure_self(const MeasuredRegister &reg, std::string_view text, std::shared_ptr<const mr::EventCaller> caller) {
    return measure_own(reg, mr::self_envelope_type, "mrd", text, std::move(caller));
}

Measured measure_acceptance(const MeasuredRegister &reg, std::string_view device, std::string_view text,
                            std::shared_ptr<const mr::EventCaller> caller) {
    return measure_own(reg, mr::device_envelope_type, std::string(device) + " is accepted", text, std::move(caller));
}

Measured measure_cap(const MeasuredRegister &reg, std::shared_ptr<const mr::EventCaller> caller) {
    return in_envelope(reg, "cap", {},
                       {.origin = journal::Origin::cap, .type = mr::ev_event_tag, .caller = std::move(caller), .description = "capped"});
}

Measured measure_resync(const MeasuredRegister &reg, mr::ByteView expected, mr::ByteView found,
                        std::shared_ptr<const mr::EventCaller> caller) {
    return in_envelope(reg, "resync",
                       {.expected = mr::Bytes(expected.begin(), expected.end()), .found = mr::Bytes(found.begin(), found.end())},
                       {.origin = journal::Origin::resync, .type = mr::ev_event_tag, .caller = std::move(caller)});
}

}  // namespace mrd
