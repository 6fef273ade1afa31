#include "mrd/providers/cca/cca_token.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "libmr/src/cbor.h"
#include "mr/cca_token.h"

namespace mrd {
namespace {

using mr::cbor::Reader;

constexpr std::uint64_t tag_sign1 = 18;  // RFC 9052
constexpr std::uint64_t realm_token = 44241;
constexpr std::uint64_t challenge = 10;

// The byte string that a map has for this key; `in_record`: the second of an array, behind the number of its media type. Nothing: it has none, or is no map. Keys of other
// types, and what is behind them, are passed over: what else a token may say is its verifier's to judge.
std::optional<mr::ByteView> bytes_of(Reader reader, std::uint64_t key, bool in_record = false) {
    const auto pairs = reader.read_map();
    for (std::size_t i = 0; pairs && i < *pairs; ++i) {
        const bool is_number = reader.next() == mr::cbor::Major::unsigned_integer;
        const auto found = is_number ? reader.read_unsigned() : std::uint64_t{};
        if (!found || (!is_number && !reader.read_item())) return std::nullopt;
        if (!is_number || *found != key) {
            if (!reader.read_item()) return std::nullopt;
            continue;
        }
        if (in_record && (reader.read_array() != std::size_t{2} || !reader.read_unsigned())) return std::nullopt;
        const auto bytes = reader.read_bytes();
        return bytes ? std::optional(*bytes) : std::nullopt;
    }
    return std::nullopt;
}

std::optional<mr::ByteView> payload_of(mr::ByteView sign1) {
    Reader reader(sign1);
    if (reader.read_tag() != tag_sign1 || reader.read_array() != std::size_t{4} || !reader.read_bytes() ||
        reader.next() != mr::cbor::Major::map || !reader.read_item())
        return std::nullopt;
    const auto payload = reader.read_bytes();
    return payload ? std::optional(*payload) : std::nullopt;
}

}  // namespace

std::expected<std::array<std::uint8_t, 64>, std::string> read_cca_challenge(mr::ByteView token) {
    Reader reader(token);
    const auto tag = reader.read_tag();
    const bool is_token = tag == mr::cca_token_tag || tag == mr::cca_records_tag;
    const auto realm = is_token ? bytes_of(reader, realm_token, tag == mr::cca_records_tag) : std::nullopt;
    if (!realm) return std::unexpected("this is no token of Arm's CCA: it has no realm token");
    const auto claims = payload_of(*realm);
    const auto found = claims ? bytes_of(Reader(*claims), challenge) : std::nullopt;
    if (!found || found->size() != mr::cca_challenge_size) return std::unexpected("the realm token has no challenge of 64 bytes");
    std::array<std::uint8_t, 64> read{};
    std::ranges::copy(*found, read.begin());
    return read;
}

}  // namespace mrd
