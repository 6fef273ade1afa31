#include <algorithm>
#include <string>

#include "libmr/src/event_log/byte_reader.h"
#include "libmr/src/event_log/content_decoders.h"
#include "libmr/src/event_log/efi.h"
#include "libmr/src/event_log/json_common.h"

namespace mr::event_log {
namespace {

constexpr std::size_t blob_size = 16;  // base u64, length u64

void write_blob(ContentWriter &out, ByteReader &reader) {
    out.add_hexadecimal("base", reader.u64());
    out.add_number("length", reader.u64());
}

// BootOrder and its like: numbers of Boot#### variables.
void write_order(ContentWriter &out, ByteView data) {
    std::string order;
    for (ByteReader reader(data); reader.rest().size() >= 2 && order.size() < max_content_text;) {
        const ByteView number = reader.take(2);
        const std::uint8_t as_written[] = {number[1], number[0]};
        order += (order.empty() ? "" : " ") + to_hex(as_written);
    }
    out.add("order", order);
    if (data.size() % 2 != 0) out.add_malformed("an odd number of bytes");
}

// EFI_LOAD_OPTION (UEFI 2.10, section 3.1.3): attributes u32, length of the device paths u16, description, device paths, optional data.
void write_load_option(ContentWriter &out, ByteView data) {
    ByteReader reader(data);
    const std::uint32_t attributes = reader.u32();
    const std::uint16_t paths_size = reader.u16();
    const ByteView description = utf16_until_nul(reader.rest());
    reader.take(description.size() + 2);
    const ByteView paths = reader.take(paths_size);
    if (!reader.ok()) return write_malformed(out, "an EFI_LOAD_OPTION that ends early", data);
    out.add("description", printable_utf16(description));
    out.add("device path", device_path_text(paths));
    constexpr std::uint32_t active = 1;
    out.add("active", (attributes & active) != 0 ? "yes" : "no");
    if (!reader.rest().empty()) out.add_bytes("optional data", reader.rest());
}

// PK, KEK, db, dbx and the like hold EFI_SIGNATURE_LISTs.
void write_signature_lists(ContentWriter &out, ByteView data) {
    std::size_t lists = 0;
    ByteView rest = data;
    std::string text;
    while (!rest.empty() && text.size() < max_content_text) {
        const auto list = take_signature_list(rest);
        if (!list) break;
        ++lists;
        const std::size_t count = list->signatures.size() / list->signature_size;
        text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + guid_name_or_text(list->type);
        if (is_guid(list->type, guid_cert_x509)) text += " of " + std::to_string(list->signature_size - guid_size) + " bytes";
    }
    out.add_number("signature lists", lists);
    if (!text.empty()) out.add("signatures", text);
    if (!rest.empty()) out.add_malformed("bytes that are no signature list");
}

// What EV_EFI_VARIABLE_AUTHORITY holds of db: one EFI_SIGNATURE_DATA.
void write_signature(ContentWriter &out, ByteView data) {
    if (data.size() < guid_size) return write_malformed(out, "a signature shorter than its owner's GUID", data);
    out.add("owner", guid_name_or_text(data.first(guid_size)));
    out.add_number("signature bytes", data.size() - guid_size);
}

// "Boot", "Driver" and the like, and four hexadecimal digits.
bool is_load_option(std::string_view name) {
    constexpr std::string_view kinds[] = {"Boot", "Driver", "SysPrep", "PlatformRecovery", "OsRecovery"};
    if (name.size() < 4) return false;
    const std::string_view digits = name.substr(name.size() - 4);
    return digits.find_first_not_of("0123456789ABCDEFabcdef") == std::string_view::npos &&
           std::ranges::find(kinds, name.substr(0, name.size() - 4)) != std::end(kinds);
}

bool is_order(std::string_view name) { return name == "BootOrder" || name == "DriverOrder" || name == "SysPrepOrder"; }

bool is_switch(std::string_view name) {
    constexpr std::string_view switches[] = {"SecureBoot", "SetupMode", "AuditMode", "DeployedMode"};
    return std::ranges::find(switches, name) != std::end(switches);
}

bool holds_signature_lists(const EfiVariable &variable, std::string_view name) {
    return is_guid(variable.vendor, guid_image_security_database) ||
           (is_guid(variable.vendor, guid_global_variable) && (name == "PK" || name == "KEK"));
}

void write_value(ContentWriter &out, const EfiVariable &variable, std::string_view name) {
    const ByteView data = variable.data;
    if (data.empty()) return out.add("value", "(empty)");
    const bool is_global = is_guid(variable.vendor, guid_global_variable);
    if (is_global && is_switch(name)) {
        const bool is_known = data.size() == 1 && data[0] <= 1;
        return is_known ? out.add("value", data[0] == 1 ? "enabled" : "disabled") : out.add_hex("value", data);
    }
    if (is_global && is_order(name)) return write_order(out, data);
    if (is_global && is_load_option(name)) return write_load_option(out, data);
    if (holds_signature_lists(variable, name)) {
        // One signature alone, when its list would have begun with a kind of signature.
        ByteView rest = data;
        return take_signature_list(rest) ? write_signature_lists(out, data) : write_signature(out, data);
    }
    // A certificate in DER.
    if (data.size() > 4 && data[0] == 0x30 && data[1] == 0x82)
        return out.add("value", "a certificate of " + std::to_string(data.size()) + " bytes");
    out.add_bytes("value", data);
}

void write_table_entries(ContentWriter &out, ByteReader &reader) {
    const std::uint64_t count = reader.u64();
    out.add_number("tables", count);
    constexpr std::size_t entry_size = guid_size + 8;
    for (std::uint64_t i = 0; i < count && reader.rest().size() >= entry_size && !out.full(); ++i) {
        const ByteView table = reader.take(guid_size);
        out.add(guid_name_or_text(table), hexadecimal(reader.u64()));
    }
    if (count > 0 && !reader.rest().empty()) return out.add_hex("rest", reader.rest());
}

}  // namespace

void write_malformed(ContentWriter &out, std::string_view what, ByteView data) {
    out.add_malformed(what);
    out.add_bytes("data", data);
}

void write_efi_variable(ContentWriter &out, ByteView data) {
    const auto variable = read_efi_variable(data);
    if (!variable) return write_malformed(out, "a UEFI_VARIABLE_DATA that ends early", data);
    const std::string name = printable_utf16(variable->name);
    out.add("variable", name);
    write_value(out, *variable, name);
    out.add("vendor", guid_name_or_text(variable->vendor));
    out.add_number("bytes", variable->data.size());
    if (!variable->surplus.empty()) out.add_hex("bytes after the structure", variable->surplus);
}

// UEFI_IMAGE_LOAD_EVENT (PC Client Platform Firmware Profile, section 10.2.3): location, length and link address, length of the device path, all
// u64, device path.
void write_image_load(ContentWriter &out, ByteView data) {
    ByteReader reader(data);
    const std::uint64_t location = reader.u64();
    const std::uint64_t length = reader.u64();
    const std::uint64_t link_address = reader.u64();
    const std::uint64_t path_size = reader.u64();
    const ByteView path = reader.take(path_size);
    if (!reader.ok()) return write_malformed(out, "a UEFI_IMAGE_LOAD_EVENT that ends early", data);
    const std::string text = device_path_text(path);
    out.add("device path", text.empty() ? "(none)" : text);
    out.add_number("length", length);
    out.add_hexadecimal("location", location);
    out.add_hexadecimal("link address", link_address);
    if (!reader.rest().empty()) out.add_hex("bytes after the structure", reader.rest());
}

// UEFI_GPT_DATA (PC Client Platform Firmware Profile, section 10.2.4): the header of the partition table (UEFI 2.10, section 5.3.2), the number of
// partitions u64, their entries.
void write_partition_table(ContentWriter &out, ByteView data) {
    ByteReader reader(data);
    const bool has_signature = as_text(reader.take(8)) == "EFI PART";
    reader.take(48);  // revision, sizes, checksum, places of the table itself and of what it describes
    const ByteView disk = reader.take(guid_size);
    reader.take(12);  // where the entries are, and how many
    const std::uint32_t entry_size = reader.u32();
    reader.u32();  // the entries' checksum
    const std::uint64_t count = reader.u64();
    constexpr std::uint32_t least_entry_size = 128;
    if (!reader.ok() || !has_signature || entry_size < least_entry_size) return write_malformed(out, "no UEFI_GPT_DATA", data);
    out.add("disk", guid_text(disk));
    out.add_number("partitions", count);
    for (std::uint64_t i = 0; i < count && !out.full(); ++i) {
        ByteReader entry(reader.take(entry_size));
        if (!reader.ok()) return out.add_malformed("fewer partitions than their number says");
        const ByteView type = entry.take(guid_size);
        const ByteView id = entry.take(guid_size);
        const std::uint64_t first = entry.u64();
        const std::uint64_t last = entry.u64();
        entry.u64();  // attributes
        const std::string name = printable_utf16(utf16_until_nul(entry.take(72)));
        out.add("partition", (name.empty() ? "" : name + ", ") + guid_name_or_text(type) + ", " + guid_text(id) + ", blocks " +
                                 std::to_string(first) + " to " + std::to_string(last));
    }
}

void write_firmware_blob(ContentWriter &out, ByteView data) {
    if (data.size() != blob_size) return write_malformed(out, "not the 16 bytes of base and length", data);
    ByteReader reader(data);
    write_blob(out, reader);
}

bool is_described_blob(ByteView data) { return !data.empty() && data.size() == 1 + std::size_t{data[0]} + blob_size; }

void write_described_blob(ContentWriter &out, ByteView data) {
    if (!is_described_blob(data)) return write_malformed(out, "not a description, base and length", data);
    ByteReader reader(data);
    out.add_bytes("description", reader.take(reader.u8()));
    write_blob(out, reader);
}

void write_tables(ContentWriter &out, ByteView data) {
    ByteReader reader(data);
    if (data.size() < 8) return write_malformed(out, "shorter than the number of tables", data);
    write_table_entries(out, reader);
}

void write_described_tables(ContentWriter &out, ByteView data) {
    ByteReader reader(data);
    const ByteView description = reader.take(reader.u8());
    if (!reader.ok() || reader.rest().size() < 8)
        return write_malformed(out, "a description that leaves no room for the number of tables", data);
    out.add_bytes("description", description);
    write_table_entries(out, reader);
}

}  // namespace mr::event_log
