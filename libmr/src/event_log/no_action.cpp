// EV_NO_ACTION: what a log says beside what was extended (PC Client Platform Firmware Profile, section 10.4.5).
#include <algorithm>
#include <string>
#include <string_view>

#include "libmr/src/event_log/byte_reader.h"
#include "libmr/src/event_log/content_decoders.h"
#include "libmr/src/event_log/guid.h"
#include "libmr/src/event_log/realm_records.h"

namespace mr::event_log {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t signature_size = 16;

// Where reference values are to be found: kind u32, length u32, bytes.
void write_locator(ContentWriter &out, ByteReader &reader) {
    const std::uint32_t kind = reader.u32();
    const ByteView locator = reader.take(reader.u32());
    if (!reader.ok()) return out.add_malformed("a locator of reference values that ends early");
    if (kind == 1) {
        out.add_bytes("reference values at", locator);
    } else if (kind == 3 && locator.size() > guid_size) {
        out.add("reference values in variable",
                printable_utf16(locator.subspan(guid_size)) + " of " + guid_name_or_text(locator.first(guid_size)));
    } else {
        out.add_hex(kind == 0   ? "reference values"
                    : kind == 2 ? "reference values at device path"
                                : "reference values, unknown kind",
                    locator);
    }
}

// SP800-155 Event, and Event2 and Event3, which add to it.
void write_reference_manifest(ContentWriter &out, ByteView data, char version) {
    ByteReader reader(data);
    reader.take(signature_size);
    const std::uint32_t vendor = reader.u32();
    const ByteView manifest = reader.take(guid_size);
    if (!reader.ok()) return write_malformed(out, "an SP800-155 event that ends early", data);
    out.add_number("platform manufacturer id", vendor);
    out.add("reference manifest", guid_text(manifest));
    if (version == '\0') return;
    const auto sized_text = [&](std::string_view name) {
        const ByteView text = reader.take(reader.u8());
        if (reader.ok() && !trim_nuls(text).empty()) out.add_bytes(name, text);
    };
    sized_text("platform manufacturer");
    sized_text("platform model");
    sized_text("platform version");
    sized_text("firmware manufacturer");
    out.add_number("firmware manufacturer id", reader.u32());
    sized_text("firmware version");
    if (!reader.ok()) return out.add_malformed("the event ends early");
    if (version == '3') write_locator(out, reader);
}

// VM VERSION
void write_realm(ContentWriter &out, ByteView data) {
    ByteReader reader(data);
    reader.take(signature_size);
    const ByteView name = reader.take(vm_name_size);
    const ByteView version = reader.take(vm_version_text_size);
    if (!reader.ok()) return write_malformed(out, "a VM VERSION that ends early", data);
    // Nothing but NULs is a text without a character.
    const auto add_text = [&out](std::string_view what, ByteView text) {
        if (trim_nuls(text).empty()) return out.add(what, "");
        out.add_bytes(what, text);
    };
    add_text("name", name);
    add_text("version", version);
    if (std::ranges::find(vm_version_sizes, data.size()) == vm_version_sizes.end()) return out.add_bytes("data", reader.rest());
    const bool is_new = data.size() == new_vm_version_size;
    if (is_new) {
        out.add_hexadecimal("log", reader.u64());
        out.add_number("log bytes", reader.u64());
    }
    out.add_number("memory bytes", reader.u64());
    out.add_number("processors", reader.u32());
    if (is_new) return;
    if (data.size() == padded_vm_version_size) reader.take(vm_padding);
    out.add_hexadecimal("flags", reader.u64());
}

}  // namespace

void write_no_action(ContentWriter &out, ByteView data) {
    if (data.size() < signature_size) return data.empty() ? void() : out.add_bytes("data", data);
    const ByteView signature = data.first(signature_size);
    const auto begins_with = [&](std::string_view text) { return std::ranges::equal(signature.first(text.size()), as_bytes(text)); };
    out.add_bytes("signature", signature);
    if (begins_with("StartupLocality\0"sv)) {
        return data.size() == signature_size + 1
                   ? out.add_number("locality", data[signature_size])
                   : write_malformed(out, "a StartupLocality of another length", data.subspan(signature_size));
    }
    if (begins_with("SP800-155 Event"sv)) return write_reference_manifest(out, data, static_cast<char>(signature.back()));
    if (begins_with(vm_version_signature)) return write_realm(out, data);
    if (data.size() > signature_size) out.add_bytes("data", data.subspan(signature_size));
}

}  // namespace mr::event_log
