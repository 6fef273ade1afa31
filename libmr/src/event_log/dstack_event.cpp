#include "libmr/src/event_log/dstack_event.h"

#include <string>

#include "libmr/src/event_log/byte_reader.h"
#include "libmr/src/event_log/types.h"
#include "proto/varlink/json_writer.h"

namespace mr::event_log {

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
    varlink::write_json(text, name);
    text += R"(,"payload":")";
    append_hex(text, payload);
    text += R"(","type":)";
    varlink::write_json(text, std::int64_t{ev_dstack});
    text += '}';
    return {text.begin(), text.end()};
}

}  // namespace mr::event_log
