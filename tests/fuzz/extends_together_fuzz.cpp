// Any extends, right ones and wrong ones, hashed several at once: each value is the one that OpenSSL computes, and the first wrong one is named, as the journal's check names it that proves each alone.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "mr/digest.h"
#include "mrd/journal/extends_together.h"

namespace {

using namespace mrd::journal;
using sha384_lanes::Way;

void require(bool holds) {
    if (!holds) std::abort();
}

class Input {
public:
    Input(const std::uint8_t *data, std::size_t size) : rest_(data, size) {}
    [[nodiscard]] bool is_empty() const { return rest_.empty(); }
    std::uint8_t byte() {
        if (rest_.empty()) return 0;
        const auto first = rest_.front();
        rest_ = rest_.subspan(1);
        return first;
    }
    mr::Digest digest(std::size_t size) {
        std::array<std::uint8_t, mr::max_digest_size> bytes{};
        for (std::size_t i = 0; i < size; ++i) bytes.at(i) = byte();
        return mr::Digest(mr::ByteView(bytes).first(size));
    }

private:
    mr::ByteView rest_;
};

mr::Digest with_a_bit_changed(const mr::Digest &digest, std::uint8_t where) {
    std::array<std::uint8_t, mr::max_digest_size> bytes{};
    std::ranges::copy(digest.bytes(), bytes.begin());
    bytes.at(where % digest.size()) ^= static_cast<std::uint8_t>(1U << where % 8U);
    return mr::Digest(mr::ByteView(bytes).first(digest.size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    Input input(data, size);
    const auto way = static_cast<Way>(input.byte() % 3);
    if (way != Way::none && !sha384_lanes::is_available(way)) return 0;
    ExtendsTogether together(way);
    std::optional<ExtendsTogether::Wrong> expected;
    // An event each: what it is (bit 0: its value is wrong, bit 1: of another hash, bit 2: after the value of the one before), the digest, and where it is wrong.
    std::uint64_t intent = 0;
    mr::Digest held = mr::Digest::zero(mr::HashAlgorithm::sha384);
    while (!input.is_empty() && intent < 64) {
        const auto kind = input.byte();
        const auto algorithm = (kind & 2U) != 0 ? mr::HashAlgorithm::sha256 : mr::HashAlgorithm::sha384;
        const auto before = (kind & 4U) != 0 && algorithm == mr::HashAlgorithm::sha384 ? held : input.digest(mr::digest_size(algorithm));
        const auto digest = input.digest(mr::digest_size(algorithm));
        const auto right = *mr::extend(algorithm, before.bytes(), digest.bytes());
        const bool is_wrong = (kind & 1U) != 0;
        const auto after = is_wrong ? with_a_bit_changed(right, input.byte()) : right;
        if (algorithm == mr::HashAlgorithm::sha384) held = right;
        ++intent;
        together.stand_at(1000 * intent);
        const bool is_taken = together.add(intent, algorithm, before, digest, after);
        require(is_taken == (way != Way::none && algorithm == mr::HashAlgorithm::sha384));
        if (is_taken && is_wrong && !expected) expected = ExtendsTogether::Wrong{1000 * intent, intent};
    }
    const auto found = together.first_wrong();
    require(found.has_value() == expected.has_value());
    if (found) require(found->intent == expected->intent && found->offset == expected->offset);
    return 0;
}
