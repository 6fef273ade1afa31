#include "mrd/providers/cca/cca_token.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

#include "libmr/src/cbor.h"

namespace mrd {
namespace {

using mr::cbor::Major;
using mr::cbor::Reader;

constexpr std::array<std::uint8_t, 3> tag_399 = {0xD9, 0x01, 0x8F};
constexpr std::array<std::uint8_t, 3> tag_907 = {0xD9, 0x03, 0x8B};
constexpr std::array<std::uint8_t, 1> tag_sign1 = {0xD2};
constexpr std::uint64_t realm_token = 44241;
constexpr std::uint64_t challenge = 10;
constexpr std::size_t challenge_size = 64;

// What is behind the tag. Nothing: it is not there.
std::optional<mr::ByteView> behind(mr::ByteView tag, mr::ByteView bytes) {
    if (bytes.size() < tag.size() || !std::ranges::equal(bytes.first(tag.size()), tag)) return std::nullopt;
    return bytes.subspan(tag.size());
}

// Goes over a value of any type that claims have. False: it is of another, or ends too early.
bool skip(Reader &reader, mr::ByteView all) {
    if (reader.at_end()) return false;
    switch (static_cast<Major>(all[reader.offset()] >> 5U)) {
    case Major::unsigned_integer: return reader.read_unsigned().has_value();
    case Major::bytes: return reader.read_bytes().has_value();
    case Major::text: return reader.read_text().has_value();
    case Major::array: {
        // Of measurements: no array is in another.
        const auto size = reader.read_array();
        for (std::size_t i = 0; size && i < *size; ++i) {
            if (!reader.read_bytes()) return false;
        }
        return size.has_value();
    }
    default: return false;
    }
}

// The byte string that a map with numbers for keys has for this one; `in_record`: the second of an array, behind the number of its media type. Nothing: it has
// none, or is no such map.
std::optional<mr::ByteView> bytes_of(mr::ByteView map, std::uint64_t key, bool in_record = false) {
    Reader reader(map);
    const auto pairs = reader.read_map();
    for (std::size_t i = 0; pairs && i < *pairs; ++i) {
        const auto found = reader.read_unsigned();
        if (!found) return std::nullopt;
        if (in_record && (reader.read_array() != std::size_t{2} || !reader.read_unsigned())) return std::nullopt;
        if (*found == key) {
            const auto bytes = reader.read_bytes();
            return bytes ? std::optional(*bytes) : std::nullopt;
        }
        if (!skip(reader, map)) return std::nullopt;
    }
    return std::nullopt;
}

std::optional<mr::ByteView> payload_of(mr::ByteView sign1) {
    const auto signed_part = behind(tag_sign1, sign1);
    if (!signed_part) return std::nullopt;
    Reader reader(*signed_part);
    if (reader.read_array() != std::size_t{4} || !reader.read_bytes() || reader.read_map() != std::size_t{0}) return std::nullopt;
    const auto payload = reader.read_bytes();
    return payload ? std::optional(*payload) : std::nullopt;
}

}  // namespace

std::expected<std::array<std::uint8_t, 64>, std::string> read_cca_challenge(mr::ByteView token) {
    const auto plain = behind(tag_399, token);
    const auto records = behind(tag_907, token);
    const auto realm = plain ? bytes_of(*plain, realm_token) : records ? bytes_of(*records, realm_token, true) : std::nullopt;
    if (!realm) return std::unexpected("this is no token of Arm's CCA: it has no realm token");
    const auto claims = payload_of(*realm);
    const auto found = claims ? bytes_of(*claims, challenge) : std::nullopt;
    if (!found || found->size() != challenge_size) return std::unexpected("the realm token has no challenge of 64 bytes");
    std::array<std::uint8_t, 64> read{};
    std::ranges::copy(*found, read.begin());
    return read;
}

}  // namespace mrd
