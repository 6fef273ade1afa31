// Any event: what is shown of it is clean text within the limit, and what is said to be bound hashes to the digest.
// Input: the event's type (u32 little-endian), a byte that chooses what the digest is made of, the event's data.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/event_content.h"

namespace {

constexpr std::uint16_t sha256_id = 0x000B;

void require(bool holds) {
    if (!holds) std::abort();
}

void require_clean(std::string_view text) {
    require(mr::is_text(text));
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        require(byte >= 0x20 && byte != 0x7F);
        // U+0080 to U+009F are control characters too.
        require(byte != 0xC2 || static_cast<unsigned char>(text[i + 1]) >= 0xA0);
    }
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *input, std::size_t size) {
    if (size < 5) return 0;
    mr::Event event;
    event.type = input[0] | std::uint32_t{input[1]} << 8 | std::uint32_t{input[2]} << 16 | std::uint32_t{input[3]} << 24;
    const std::uint8_t choice = input[4];
    const mr::ByteView data(input + 5, size - 5);
    event.data = data;
    event.description = "name";

    for (const bool in_realms_log : {false, true}) {
        std::size_t shown = 0;
        for (const mr::ContentField &field : mr::decode_content(event, in_realms_log)) {
            require_clean(field.name);
            require_clean(field.value);
            shown += field.name.size() + field.value.size();
        }
        require(shown <= mr::max_content_text);
    }
    const std::size_t width = choice;
    const auto line = mr::summarize_content(event, width);
    require_clean(line);
    require(characters(line) <= width);

    const mr::ByteView hashed = data.subspan(std::min<std::size_t>(choice % 64, data.size()));
    const auto digest =
        mr::hash(mr::HashAlgorithm::sha256, hashed.first(hashed.size() - std::min<std::size_t>(choice / 64, hashed.size())));
    require(digest.has_value());
    const auto found = mr::recompute_binding(event, {.algorithm_id = sha256_id, .value = digest->bytes()});
    require((found.binding == mr::Binding::bound) == !found.rule.empty());
    require(found.covered.empty() ||
            (found.covered.data() >= data.data() && found.covered.data() + found.covered.size() <= data.data() + data.size()));
    const bool hashes_itself = found.rule == "data" || found.rule == "variable data" || found.rule == "tagged content" ||
                               found.rule == "data without its last byte" || found.rule.starts_with("text without") ||
                               found.rule == "configuration without header";
    require(!hashes_itself || *mr::hash(mr::HashAlgorithm::sha256, found.covered) == *digest);
    require(found.binding == mr::Binding::described || hashes_itself || found.rule.starts_with("text ") ||
            found.rule == "type, name and payload");
    return 0;
}
