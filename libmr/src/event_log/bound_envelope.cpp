#include <algorithm>
#include <utility>

#include "mr/envelope.h"
#include "mr/event_content.h"

namespace mr {
namespace {

std::unexpected<Error> refuse_envelope(std::string what) { return std::unexpected(Error{ErrorCode::malformed, std::move(what)}); }

// "rtmr3" of "tdx/rtmr3" and "rtmr3", "block1" of "spdm0/block1:sha384".
std::string_view without_provider_and_bank(std::string_view name) {
    if (const auto slash = name.find('/'); slash != std::string_view::npos) name.remove_prefix(slash + 1);
    const auto colon = name.rfind(':');
    return colon != std::string_view::npos && hash_algorithm_from(name.substr(colon + 1)) ? name.substr(0, colon) : name;
}

// All digests that can be recomputed have to agree: else the log could have another event's digest in one bank.
template <class Decoded>
std::expected<void, Error> check_digests(const Decoded &envelope, const Event &event, const EventDigest &digest) {
    const auto follows = [&](const EventDigest &one) -> std::expected<bool, Error> {
        const auto algorithm = hash_algorithm_from_tcg(one.algorithm_id);
        if (!algorithm) return std::unexpected(Error{ErrorCode::not_supported, "the digest's algorithm is not known"});
        const auto computed = envelope_digest(envelope, *algorithm);
        if (!computed) return std::unexpected(computed.error());
        return std::ranges::equal(computed->bytes(), one.value);
    };
    const auto own = follows(digest);
    if (!own) return std::unexpected(own.error());
    bool agree = *own;
    for (const EventDigest &other : event.digests) {
        if (!agree) break;
        if (other.algorithm_id == digest.algorithm_id && std::ranges::equal(other.value, digest.value)) continue;
        const auto also = follows(other);
        if (!also && also.error().code == ErrorCode::not_supported) continue;
        agree = also && *also;
    }
    if (!agree) return refuse_envelope("the digest is not this envelope's");
    return {};
}

std::expected<BoundEnvelope, Error> read_whole(const Event &event, const EventDigest &digest) {
    auto envelope = decode_envelope(*event.data);
    if (!envelope) return std::unexpected(std::move(envelope.error()));
    if (auto checked = check_digests(*envelope, event, digest); !checked) return std::unexpected(std::move(checked.error()));
    return BoundEnvelope{.header = std::move(envelope->header), .body = std::move(envelope->body)};
}

std::expected<BoundEnvelope, Error> read_redacted(const Event &event, const EventDigest &digest) {
    auto envelope = decode_redacted_envelope(*event.data);
    if (!envelope) return std::unexpected(std::move(envelope.error()));
    if (auto checked = check_digests(*envelope, event, digest); !checked) return std::unexpected(std::move(checked.error()));
    return BoundEnvelope{.header = std::move(envelope->header), .body = std::nullopt};
}

std::expected<BoundEnvelope, Error> read_bound(const Event &event, const EventDigest &digest) {
    const auto form = event.data ? envelope_form(*event.data) : std::nullopt;
    if (!form) return refuse_envelope("the data is no envelope");
    if (*form == EnvelopeForm::version_1) return refuse_envelope("an envelope of version 1 says nothing");
    if (!is_measured(event)) return refuse_envelope("the event extends no register");
    return *form == EnvelopeForm::whole ? read_whole(event, digest) : read_redacted(event, digest);
}

}  // namespace

bool names_register(const EnvelopeHeader &header, std::string_view name) {
    return !header.id && without_provider_and_bank(header.register_name) == without_provider_and_bank(name);
}

std::expected<BoundEnvelope, Error> bound_envelope(const Event &event, const EventDigest &digest) {
    auto bound = read_bound(event, digest);
    if (bound && !names_register(bound->header, event.name)) return refuse_envelope("the envelope names another register");
    return bound;
}

std::expected<BoundEnvelope, Error> carried_envelope(const Event &event, const EventDigest &digest) {
    auto bound = read_bound(event, digest);
    if (bound && !bound->header.id) return refuse_envelope("the envelope names a register, and no virtual one");
    return bound;
}

std::optional<ResyncValues> resync_values(const BoundEnvelope &envelope, std::size_t size) {
    if (envelope.header.type != "resync" || !envelope.body) return std::nullopt;
    const auto &expected = envelope.body->expected;
    const auto &found = envelope.body->found;
    if (!expected || !found || expected->size() != size || found->size() != size) return std::nullopt;
    return ResyncValues{.expected = Digest(*expected), .found = Digest(*found)};
}

}  // namespace mr
