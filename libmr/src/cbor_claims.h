// Maps of CBOR whose keys are numbers, as tokens (RFC 8392) and manifests have them: claims that are known are read, others are passed over.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libmr/src/cbor.h"
#include "mr/bytes.h"

namespace mr::cbor {

// What is wrong, for the first thing that is: a part of a sentence.
using Wrong = std::expected<void, std::string>;

inline std::unexpected<std::string> wrong(std::string what) { return std::unexpected(std::move(what)); }

// A map of at most `max_claims`. Each whose key is a number is given to `read`, which says whether it knows the key, and then has read the value. Others are passed over; each
// key may be there once.
template <typename ReadClaim>
Wrong read_claims(Reader &reader, std::size_t max_claims, ReadClaim &&read) {
    const auto in_place = [&](std::string_view what) {
        return wrong("byte " + std::to_string(reader.offset()) + ": " + std::string(what));
    };
    const auto pairs = reader.read_map();
    if (!pairs) return in_place(pairs.error());
    if (*pairs > max_claims) return in_place("a map has more than " + std::to_string(max_claims) + " keys");
    std::vector<ByteView> keys;
    for (std::size_t i = 0; i < *pairs; ++i) {
        const auto major = reader.next();
        if (major != Major::unsigned_integer && major != Major::negative_integer && major != Major::text)
            return in_place("a number or a text is wanted here, as a key");
        auto ahead = reader;
        const auto key = ahead.read_item();
        if (!key) return in_place(key.error());
        if (std::ranges::any_of(keys, [&](ByteView other) { return std::ranges::equal(other, *key); }))
            return in_place("this key is there twice");
        keys.push_back(*key);
        if (major != Major::text) {
            const auto number = reader.read_integer();
            if (!number) return in_place(number.error());
            auto known = read(*number);
            if (!known)
                return wrong("claim " + std::to_string(*number) + " (" + "before byte " + std::to_string(reader.offset()) +
                             "): " + known.error());
            if (*known) continue;
        } else {
            reader = ahead;
        }
        if (const auto value = reader.read_item(); !value) return in_place(value.error());
    }
    return {};
}

// Of one claim: whether it is known, or what is wrong with it.
using Claim = std::expected<bool, std::string>;

inline Claim take_bytes(Reader &reader, ByteView &to, std::initializer_list<std::size_t> sizes = {}) {
    const auto bytes = reader.read_bytes();
    if (!bytes) return wrong(std::string(bytes.error()));
    if (sizes.size() != 0 && std::ranges::find(sizes, bytes->size()) == sizes.end())
        return wrong("it has " + std::to_string(bytes->size()) + " bytes, which none of its kind has");
    to = *bytes;
    return true;
}
inline Claim take_text(Reader &reader, std::string_view &to) {
    const auto text = reader.read_text();
    if (!text) return wrong(std::string(text.error()));
    to = *text;
    return true;
}
inline Claim take_number(Reader &reader, std::uint64_t &to) {
    const auto number = reader.read_unsigned();
    if (!number) return wrong(std::string(number.error()));
    to = *number;
    return true;
}

// What has to be there: a number is written down when its claim comes.
class Required {
public:
    explicit Required(std::initializer_list<std::int64_t> keys) : missing_(keys) {}
    void see(std::int64_t key) { std::erase(missing_, key); }
    [[nodiscard]] Wrong check(std::string_view whose) const {
        if (missing_.empty()) return {};
        return wrong("claim " + std::to_string(missing_.front()) + " of " + std::string(whose) + " is missing");
    }

private:
    std::vector<std::int64_t> missing_;
};

}  // namespace mr::cbor
