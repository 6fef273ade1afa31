#include <string>

#include "mr/envelope.h"

namespace mr {

std::string to_string(const ContentDigest &digest) {
    std::string text(to_string(digest.algorithm));
    text += ':';
    append_hex(text, digest.value.bytes());
    return text;
}

std::optional<ContentDigest> content_digest_from(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto algorithm = hash_algorithm_from(text.substr(0, colon));
    const auto value = from_hex(text.substr(colon + 1));
    if (!algorithm || !value || value->size() != digest_size(*algorithm)) return std::nullopt;
    return ContentDigest{.algorithm = *algorithm, .value = Digest(*value)};
}

}  // namespace mr
