#include "libmr/src/event_log/dstack_event.h"

#include <algorithm>
#include <string>

#include "libmr/src/event_log/byte_reader.h"
#include "libmr/src/event_log/types.h"
#include "proto/varlink/json_forms.h"
#include "proto/varlink/json_writer.h"

namespace mr::event_log {

namespace {

// What stands before a name and behind a payload.
constexpr std::size_t head_of_1 = sizeof(ev_dstack) + 1;
constexpr std::size_t head_of_2 = std::string_view(R"({"name":")").size();
constexpr std::size_t tail_of_2 = std::string_view(R"(","type":134217729})").size();

bool begins_with(ByteView bytes, ByteView head) {
    return bytes.size() >= head.size() && std::ranges::equal(bytes.first(head.size()), head);
}
bool ends_with(ByteView bytes, ByteView tail) { return bytes.size() >= tail.size() && std::ranges::equal(bytes.last(tail.size()), tail); }

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
    if (name.empty()) return std::nullopt;
    const auto first = dstack_preimage_1(name, {});
    if (begins_with(hashed, first)) return Bytes(hashed.begin() + static_cast<std::ptrdiff_t>(first.size()), hashed.end());
    const auto second = dstack_preimage_2(name, {});
    const auto head = ByteView(second).first(second.size() - tail_of_2);
    if (hashed.size() < second.size() || !begins_with(hashed, head)) return std::nullopt;
    const auto hex = hashed.subspan(head.size(), hashed.size() - second.size());
    auto payload = from_hex({reinterpret_cast<const char *>(hex.data()), hex.size()});
    // In the one form that it has.
    if (!payload || !std::ranges::equal(dstack_preimage_2(name, *payload), hashed)) return std::nullopt;
    return std::move(*payload);
}

bool is_of_dstack_payload(ByteView hashed, ByteView payload) {
    const auto first = dstack_preimage_1("", payload);
    const auto second = dstack_preimage_2("", payload);
    return (hashed.size() > first.size() && begins_with(hashed, ByteView(first).first(head_of_1)) &&
            ends_with(hashed, ByteView(first).subspan(head_of_1))) ||
           (hashed.size() > second.size() && begins_with(hashed, ByteView(second).first(head_of_2)) &&
            ends_with(hashed, ByteView(second).subspan(head_of_2)));
}

}  // namespace mr::event_log
