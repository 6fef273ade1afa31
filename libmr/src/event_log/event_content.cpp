#include "mr/event_content.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libmr/src/event_log/byte_reader.h"
#include "libmr/src/event_log/content_decoders.h"
#include "libmr/src/event_log/guid.h"
#include "libmr/src/event_log/loader_text.h"
#include "libmr/src/event_log/printable.h"
#include "libmr/src/event_log/realm_records.h"
#include "libmr/src/event_log/thread_hasher.h"
#include "libmr/src/event_log/types.h"
#include "mr/envelope.h"

namespace mr::event_log {
namespace {

void write_separator(ContentWriter &out, ByteView data) {
    if (data.size() != 4) return write_malformed(out, "a separator of another length than 4", data);
    switch (little_endian<std::uint32_t>(data)) {
    case 0:
    case 0xFFFFFFFF: out.add("separator", "normal"); break;
    case 1: out.add("separator", "error"); break;
    default: out.add("separator", "unknown");
    }
    out.add_hex("value", data);
}

void write_loader_text(ContentWriter &out, ByteView data) {
    const auto loader = read_loader_text(data);
    if (!loader) return out.add_bytes("text", data);
    out.add_bytes(loader->what, loader->text);
    if (loader->surplus.size() > 1) out.add_hex("bytes after the text", loader->surplus);
}

// Google Compute Engine says here which technology keeps the machine's memory from it: a signature of 16 bytes, then one byte.
void write_nonhost_info(ContentWriter &out, ByteView data) {
    using namespace std::string_view_literals;
    const ByteView signature = as_bytes("GCE NonHostInfo\0"sv);
    if (data.size() <= signature.size() || !std::ranges::equal(data.first(signature.size()), signature)) return out.add_bytes("data", data);
    out.add("information", "GCE NonHostInfo");
    constexpr std::string_view technologies[] = {"none", "SEV", "SEV-ES", "TDX", "SEV-SNP"};
    const std::uint8_t technology = data[signature.size()];
    out.add("memory encryption", technology < std::size(technologies) ? std::string(technologies[technology]) : std::to_string(technology));
    const ByteView rest = data.subspan(signature.size() + 1);
    if (!trim_nuls(rest).empty()) out.add_hex("rest", rest);
}

// EV_S_CRTM_VERSION: UTF-16 text or a GUID.
void write_version(ContentWriter &out, ByteView data) {
    if (!looks_like_utf16(data) && data.size() == guid_size) return out.add("version", guid_name_or_text(data));
    out.add_bytes("version", data);
}

// td-shim's structure, or a name alone.
void write_platform_config(ContentWriter &out, ByteView data) {
    ByteReader reader(data);
    const ByteView name = reader.take(td_shim_name_size);
    const std::uint32_t size = reader.u32();
    if (!reader.ok() || reader.rest().size() != size || !looks_like_utf8(name)) return out.add_bytes("configuration", data);
    out.add_bytes("configuration", name);
    out.add_number("bytes", size);
    out.add_bytes("content", reader.rest());
}

// EV_POST_CODE and EV_POST_CODE2: the name of what was measured, or where it was, or both.
void write_post_code(ContentWriter &out, ByteView data) {
    if (looks_like_utf8(data)) return out.add_bytes("code", data);
    is_described_blob(data) ? write_described_blob(out, data) : write_firmware_blob(out, data);
}

// False: the data is no envelope, or not a bound one, and is shown by the event's type.
bool write_envelope(ContentWriter &out, const Event &event) {
    if (!envelope_form(*event.data)) return false;
    // All of an event's digests have to agree, so any one that can be recomputed will do.
    const auto known = std::ranges::find_if(event.digests, [](const EventDigest &digest) {
        const auto algorithm = hash_algorithm_from_tcg(digest.algorithm_id);
        return algorithm && thread_hasher(*algorithm) != nullptr;
    });
    auto envelope = known != event.digests.end()
                        ? bound_envelope(event, *known)
                        : std::unexpected(Error{ErrorCode::malformed, "without a digest nothing binds an envelope"});
    if (!envelope && known != event.digests.end()) {
        if (auto carried = carried_envelope(event, *known)) envelope = std::move(carried);
    }
    if (envelope) {
        write_bound_envelope(out, *envelope);
    } else {
        out.add("unbound", printable(envelope.error().message));
    }
    return envelope.has_value();
}

void write_content(ContentWriter &out, const Event &event, bool in_realms_log) {
    if (write_envelope(out, event)) return;
    const ByteView data = *event.data;
    switch (event.type) {
    case ev_no_action: return write_no_action(out, data);
    case ev_separator: return write_separator(out, data);
    case ev_action:
    case ev_efi_action: return out.add_bytes("action", data);
    case ev_event_tag: return write_tagged_events(out, data, in_realms_log);
    case ev_s_crtm_version: return write_version(out, data);
    case ev_platform_config_flags: return write_platform_config(out, data);
    case ev_ipl: return write_loader_text(out, data);
    case ev_nonhost_info: return write_nonhost_info(out, data);
    case ev_post_code:
    case ev_post_code2: return write_post_code(out, data);
    case ev_dstack: return out.add_bytes("payload", data);
    case ev_efi_variable_driver_config:
    case ev_efi_variable_boot:
    case ev_efi_variable_boot2:
    case ev_efi_variable_authority: return write_efi_variable(out, data);
    case ev_efi_boot_services_application:
    case ev_efi_boot_services_driver:
    case ev_efi_runtime_services_driver: return write_image_load(out, data);
    case ev_efi_gpt_event:
    case ev_efi_gpt_event2: return write_partition_table(out, data);
    case ev_efi_platform_firmware_blob: return write_firmware_blob(out, data);
    case ev_efi_platform_firmware_blob2: return write_described_blob(out, data);
    case ev_efi_handoff_tables: return write_tables(out, data);
    case ev_efi_handoff_tables2: return write_described_tables(out, data);
    default: return out.add_bytes("data", data);
    }
}

// The first `characters` of UTF-8.
std::string_view first_characters(std::string_view text, std::size_t characters) {
    std::size_t at = 0;
    for (; at < text.size(); ++at) {
        const bool is_start = (static_cast<std::uint8_t>(text[at]) & 0xC0U) != 0x80U;
        if (is_start && characters-- == 0) break;
    }
    return text.substr(0, at);
}

}  // namespace
}  // namespace mr::event_log

namespace mr {

bool begins_realms_log(const Event &event) {
    const auto signature = as_bytes(event_log::vm_version_signature);
    return event.type == ev_no_action && event.data && event.data->size() >= signature.size() &&
           std::ranges::equal(event.data->first(signature.size()), signature);
}

std::vector<ContentField> decode_content(const Event &event, bool in_realms_log) {
    event_log::ContentWriter out;
    if (event.type == event_log::ev_dstack && event.description) out.add("event", event_log::printable(*event.description));
    if (!event.data) {
        out.add("data", "(not in the log)");
    } else if (event.data->empty()) {
        out.add("data", "(empty)");
    } else {
        event_log::write_content(out, event, in_realms_log);
    }
    return out.take();
}

std::string summarize_content(const Event &event, std::size_t width) {
    std::string line;
    for (const ContentField &field : decode_content(event)) {
        if (!line.empty()) line += "; ";
        line.append(field.name).append(": ").append(field.value);
    }
    const auto shown = event_log::first_characters(line, width);
    if (shown.size() == line.size()) return line;
    if (width == 0) return "";
    return std::string(event_log::first_characters(line, width - 1)) + "…";
}

}  // namespace mr
