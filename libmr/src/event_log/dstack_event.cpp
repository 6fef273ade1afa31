#include "libmr/src/event_log/dstack_event.h"

#include <algorithm>
#include <array>
#include <string>

#include "libmr/src/event_log/byte_reader.h"
#include "libmr/src/event_log/types.h"
#include "proto/varlink/json_forms.h"
#include "proto/varlink/json_writer.h"

namespace mr::event_log {

namespace {

// What stands before a name, between name and payload, and behind a payload.
constexpr std::array<std::uint8_t, 5> head_1 = {0x01, 0x00, 0x00, 0x08, ':'};
constexpr std::string_view head_2 = R"({"name":")";
constexpr std::string_view middle_2 = R"(","payload":")";
constexpr std::string_view tail_2 = R"(","type":134217729})";
static_assert(ev_dstack == 0x08000001 && ev_dstack == 134217729);

bool begins_with(ByteView bytes, ByteView head) {
    return bytes.size() >= head.size() && std::ranges::equal(bytes.first(head.size()), head);
}
bool ends_with(ByteView bytes, ByteView tail) { return bytes.size() >= tail.size() && std::ranges::equal(bytes.last(tail.size()), tail); }

bool is_hex_of(ByteView text, ByteView bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    if (text.size() != 2 * bytes.size()) return false;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto high = static_cast<std::uint8_t>(digits[bytes[i] >> 4U]);
        const auto low = static_cast<std::uint8_t>(digits[bytes[i] & 0xFU]);
        if (text[2 * i] != high || text[2 * i + 1] != low) return false;
    }
    return true;
}

}  // namespace

Bytes dstack_preimage_1(std::string_view name, ByteView payload) {
    Bytes hashed;
    hashed.reserve(sizeof(ev_dstack) + name.size() + payload.size() + 2);
    append_little_endian(hashed, ev_dstack);
    hashed.push_back(':');
    hashed.insert(hashed.end(), name.begin(), name.end());
    hashed.push_back(':');
    hashed.insert(hashed.end(), payload.begin(), payload.end());
    return hashed;
}

Bytes dstack_preimage_2(std::string_view name, ByteView payload) {
    std::string text = R"({"name":)";
    varlink::write_canonical_json(text, name);
    text += R"(,"payload":")";
    append_hex(text, payload);
    text += R"(","type":)";
    varlink::write_json(text, std::int64_t{ev_dstack});
    text += '}';
    return {text.begin(), text.end()};
}

std::optional<Bytes> dstack_payload(ByteView hashed, std::string_view name) {
    if (name.empty() || hashed.size() < name.size()) return std::nullopt;
    const auto first = dstack_preimage_1(name, {});
    if (begins_with(hashed, first)) return Bytes(hashed.begin() + static_cast<std::ptrdiff_t>(first.size()), hashed.end());
    if (!begins_with(hashed, as_bytes(head_2))) return std::nullopt;
    const auto second = dstack_preimage_2(name, {});
    const auto head = ByteView(second).first(second.size() - tail_2.size());
    if (hashed.size() < second.size() || !begins_with(hashed, head)) return std::nullopt;
    const auto hex = hashed.subspan(head.size(), hashed.size() - second.size());
    auto payload = from_hex({reinterpret_cast<const char *>(hex.data()), hex.size()});
    // In the one form that it has.
    if (!payload || !std::ranges::equal(dstack_preimage_2(name, *payload), hashed)) return std::nullopt;
    return std::move(*payload);
}

// In place, sizes first: a verifier asks of every event and every rule. An event has a name, so that something stands between head and payload.
bool is_of_dstack_payload(ByteView hashed, ByteView payload) {
    if (hashed.size() > head_1.size() + 1 + payload.size() && begins_with(hashed, head_1) && ends_with(hashed, payload) &&
        hashed[hashed.size() - payload.size() - 1] == ':')
        return true;
    const auto behind = middle_2.size() + 2 * payload.size() + tail_2.size();
    if (hashed.size() <= head_2.size() + behind || !begins_with(hashed, as_bytes(head_2)) || !ends_with(hashed, as_bytes(tail_2)))
        return false;
    const auto rest = hashed.last(behind).first(behind - tail_2.size());
    return begins_with(rest, as_bytes(middle_2)) && is_hex_of(rest.subspan(middle_2.size()), payload);
}

}  // namespace mr::event_log
