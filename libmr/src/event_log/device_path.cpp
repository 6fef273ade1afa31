#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>

#include "libmr/src/event_log/byte_reader.h"
#include "libmr/src/event_log/efi.h"
#include "libmr/src/event_log/printable.h"

namespace mr::event_log {
namespace {

// Types and subtypes of nodes (UEFI 2.10, section 10.3).
constexpr unsigned hardware = 1;
constexpr unsigned acpi = 2;
constexpr unsigned messaging = 3;
constexpr unsigned media = 4;
constexpr unsigned bios_boot = 5;
constexpr unsigned end_of_path = 0x7F;
constexpr std::size_t node_header_size = 4;
constexpr std::uint8_t end_of_instance = 1;

constexpr unsigned node(unsigned type, unsigned subtype) { return type << 8 | subtype; }

// PNP ids as EISA numbers.
constexpr std::uint32_t eisa_pci_root = 0x0A0341D0;
constexpr std::uint32_t eisa_pcie_root = 0x0A0841D0;
constexpr std::uint32_t eisa_pnp = 0x41D0;  // in the lower half: "PNP"

std::string call(std::string_view name, std::initializer_list<std::string> arguments) {
    std::string text(name);
    text += '(';
    bool first = true;
    for (const std::string &argument : arguments) {
        if (!first) text += ',';
        first = false;
        text += argument;
    }
    return text + ')';
}

// The bytes as far as they can be shown, as all hexadecimal here.
std::string hex_start(ByteView bytes) { return to_hex(bytes.first(std::min(bytes.size(), max_content_text / 2))); }

std::string dotted(ByteView address) {
    std::string text;
    for (const std::uint8_t byte : address) {
        if (!text.empty()) text += '.';
        text += std::to_string(byte);
    }
    return text;
}

std::string acpi_device(ByteReader &reader) {
    const std::uint32_t hid = reader.u32();
    const std::string uid = hexadecimal(reader.u32());
    if (hid == eisa_pci_root) return call("PciRoot", {uid});
    if (hid == eisa_pcie_root) return call("PcieRoot", {uid});
    if ((hid & 0xFFFF) != eisa_pnp) return call("Acpi", {hexadecimal(hid), uid});
    const std::array<std::uint8_t, 2> product = {static_cast<std::uint8_t>(hid >> 24), static_cast<std::uint8_t>(hid >> 16)};
    return call("Acpi", {"PNP" + to_hex(product), uid});
}

std::string hard_drive(ByteReader &reader) {
    const std::uint32_t partition = reader.u32();
    const std::uint64_t start = reader.u64();
    const std::uint64_t size = reader.u64();
    const ByteView signature = reader.take(guid_size);
    reader.u8();  // the partition table's format: follows from the kind of signature
    const std::uint8_t signature_kind = reader.u8();
    if (!reader.ok()) return {};
    const bool is_gpt = signature_kind == 2;
    const bool is_mbr = signature_kind == 1;
    return call("HD", {std::to_string(partition),
                       is_gpt   ? "GPT"
                       : is_mbr ? "MBR"
                                : std::to_string(signature_kind),
                       is_gpt   ? guid_text(signature)
                       : is_mbr ? hexadecimal(little_endian<std::uint32_t>(signature))
                                : to_hex(signature),
                       hexadecimal(start), hexadecimal(size)});
}

std::string nvme(ByteReader &reader) {
    const std::uint32_t namespace_id = reader.u32();
    // Shown with the last byte first, as the specification says.
    std::string eui;
    for (std::uint64_t id = reader.u64(), i = 0; i < 8; ++i, id >>= 8) {
        const auto byte = static_cast<std::uint8_t>(id);
        eui.insert(0, (i < 7 ? "-" : "") + to_hex({&byte, 1}));
    }
    return call("NVMe", {hexadecimal(namespace_id), eui});
}

std::string with_guid(std::string_view name, ByteReader &reader) {
    const ByteView vendor = reader.take(guid_size);
    if (!reader.ok()) return {};
    if (reader.rest().empty()) return call(name, {guid_text(vendor)});
    return call(name, {guid_text(vendor), hex_start(reader.rest())});
}

// Arguments are read in the order in which they are written: within braces C++ evaluates from left to right.
std::string node_text(unsigned type, std::uint8_t subtype, ByteView content) {
    ByteReader reader(content);
    const auto hex8 = [&] { return hexadecimal(reader.u8()); };
    const auto hex16 = [&] { return hexadecimal(reader.u16()); };
    const auto hex32 = [&] { return hexadecimal(reader.u32()); };
    const auto hex64 = [&] { return hexadecimal(reader.u64()); };
    std::string text;
    switch (node(type, subtype)) {
    case node(hardware, 1): {
        const auto function = hex8();
        text = call("Pci", {hex8(), function});
        break;
    }
    case node(hardware, 3): text = call("MemoryMapped", {hex32(), hex64(), hex64()}); break;
    case node(hardware, 4): text = with_guid("VenHw", reader); break;
    case node(hardware, 5): text = call("Ctrl", {hex32()}); break;
    case node(acpi, 1): text = acpi_device(reader); break;
    case node(messaging, 1): text = call("Ata", {hex8(), hex8(), hex16()}); break;
    case node(messaging, 2): text = call("Scsi", {hex16(), hex16()}); break;
    case node(messaging, 5): text = call("USB", {hex8(), hex8()}); break;
    case node(messaging, 10): text = with_guid("VenMsg", reader); break;
    case node(messaging, 11): {
        // Of the field's 32 bytes an Ethernet address takes the first six.
        const ByteView address = reader.take(32);
        const std::uint8_t kind = reader.u8();
        text =
            call("MAC", {to_hex(address.first(kind <= 1 ? std::min<std::size_t>(6, address.size()) : address.size())), hexadecimal(kind)});
        break;
    }
    case node(messaging, 12): {
        const ByteView local = reader.take(4);
        text = call("IPv4", {dotted(reader.take(4)), dotted(local)});
        break;
    }
    case node(messaging, 13): {
        const ByteView local = reader.take(16);
        text = call("IPv6", {to_hex(reader.take(16)), to_hex(local)});
        break;
    }
    case node(messaging, 17): text = call("Unit", {hex8()}); break;
    case node(messaging, 18): text = call("Sata", {hex16(), hex16(), hex16()}); break;
    case node(messaging, 23): text = nvme(reader); break;
    case node(messaging, 24): return call("Uri", {printable(content)});
    case node(messaging, 26): text = call("SD", {hex8()}); break;
    case node(messaging, 29): text = call("eMMC", {hex8()}); break;
    case node(media, 1): text = hard_drive(reader); break;
    case node(media, 2): text = call("CDROM", {hex32(), hex64(), hex64()}); break;
    case node(media, 3): text = with_guid("VenMedia", reader); break;
    case node(media, 4): return printable_utf16(utf16_until_nul(content));
    case node(media, 5): text = with_guid("Media", reader); break;
    case node(media, 6): text = with_guid("FvFile", reader); break;
    case node(media, 7): text = with_guid("Fv", reader); break;
    case node(media, 8): {
        reader.u32();  // reserved
        text = call("Offset", {hex64(), hex64()});
        break;
    }
    case node(bios_boot, 1): {
        const auto device = hex16();
        reader.u16();  // status
        return call("BBS", {device, printable(until_nul(reader.rest()))});
    }
    default: break;
    }
    if (!text.empty() && reader.ok()) return text;
    return call("Path", {std::to_string(type), std::to_string(subtype), hex_start(content)});
}

}  // namespace

std::string device_path_text(ByteView bytes) {
    std::string text;
    bool separate = false;
    while (!bytes.empty() && text.size() < max_content_text) {
        ByteReader reader(bytes);
        const unsigned type = reader.u8();
        const std::uint8_t subtype = reader.u8();
        const std::uint16_t size = reader.u16();
        if (!reader.ok() || size < node_header_size || size > bytes.size()) return text + (separate ? "/" : "") + "(malformed)";
        const ByteView content = bytes.subspan(node_header_size, size - node_header_size);
        bytes = bytes.subspan(size);
        if (type == end_of_path) {
            if (subtype != end_of_instance) break;
            text += ',';
            separate = false;
            continue;
        }
        if (separate) text += '/';
        text += node_text(type, subtype, content);
        separate = true;
    }
    return text;
}

}  // namespace mr::event_log
