// Any bytes: what decodes as an envelope, whole or redacted, encodes to the same bytes, has the tag, and has a digest that is not the plain hash of it.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/envelope.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void require_header(const mr::EnvelopeHeader &header) {
    require(!header.type.empty() && mr::is_text(header.type));
    require(header.id ? header.register_name.empty() : mr::is_envelope_register(header.register_name) && mr::is_text(header.register_name));
}

void take_whole(mr::ByteView bytes) {
    const auto envelope = mr::decode_envelope(bytes);
    if (!envelope) return;
    require(mr::envelope_form(bytes) == mr::EnvelopeForm::whole);
    require_header(envelope->header);
    require(!envelope->body.description || mr::is_text(*envelope->body.description));
    require(std::ranges::equal(mr::encode_envelope(*envelope), bytes));
    const auto digest = mr::envelope_digest(bytes, mr::HashAlgorithm::sha384);
    require(digest.has_value() && *digest != *mr::hash(mr::HashAlgorithm::sha384, bytes));
    const auto redacted = mr::redact_envelope(bytes, std::array{mr::HashAlgorithm::sha384});
    const bool is_never_redacted = envelope->header.type == "resync" || envelope->header.type == "cap";
    require(redacted.has_value() != is_never_redacted);
    require(!redacted || *mr::envelope_digest(*redacted, mr::HashAlgorithm::sha384) == *digest);
}

void take_redacted(mr::ByteView bytes) {
    const auto envelope = mr::decode_redacted_envelope(bytes);
    if (!envelope) return;
    require(mr::envelope_form(bytes) == mr::EnvelopeForm::redacted);
    require_header(envelope->header);
    require(!envelope->body_digests.empty());
    require(std::ranges::equal(mr::encode_redacted_envelope(*envelope), bytes));
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const mr::ByteView bytes(data, size);
    take_whole(bytes);
    take_redacted(bytes);
    return 0;
}
