// Any bytes: what decodes as an envelope encodes to the same bytes, and has the tag.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mr/bytes.h"
#include "mr/envelope.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const mr::ByteView bytes(data, size);
    const auto envelope = mr::decode_envelope(bytes);
    if (!envelope) return 0;
    require(mr::is_envelope(bytes));
    require(mr::is_text(envelope->type));
    require(!envelope->description || mr::is_text(*envelope->description));
    const mr::Bytes encoded = mr::encode_envelope(*envelope);
    require(std::ranges::equal(encoded, bytes));
    return 0;
}
