// The table of certificates that a host gives beside a report.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "libmr/src/event_log/byte_reader.h"
#include "mr/snp_report.h"

namespace mr {
namespace {

constexpr std::size_t guid_size = 16;
constexpr std::size_t entry_size = guid_size + 4 + 4;
using Guid = std::array<std::uint8_t, guid_size>;

struct KnownEntry {
    Guid guid;  // in the order of its text, unlike UEFI's
    std::string_view name;
};
constexpr std::array known_entries = {
    KnownEntry{{0x63, 0xDA, 0x75, 0x8D, 0xE6, 0x64, 0x45, 0x64, 0xAD, 0xC5, 0xF4, 0xB9, 0x3B, 0xE8, 0xAC, 0xCD}, "VCEK"},
    KnownEntry{{0xA8, 0x07, 0x4B, 0xC2, 0xA2, 0x5A, 0x48, 0x3E, 0xAA, 0xE6, 0x39, 0xC0, 0x45, 0xA0, 0xB8, 0xA1}, "VLEK"},
    KnownEntry{{0x4A, 0xB7, 0xB3, 0x79, 0xBB, 0xAC, 0x4F, 0xE4, 0xA0, 0x2F, 0x05, 0xAE, 0xF3, 0x27, 0xC7, 0x82}, "ASK"},
    KnownEntry{{0xC0, 0xB4, 0x06, 0xA4, 0xA8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3F, 0xB6, 0x01, 0x4C, 0xD0, 0xAE}, "ARK"},
    KnownEntry{{0x92, 0xF8, 0x1B, 0xC3, 0x58, 0x11, 0x4D, 0x3D, 0x97, 0xFF, 0xD1, 0x9F, 0x88, 0xDC, 0x67, 0xEA}, "CRL"}};

const KnownEntry *find_entry(ByteView guid) {
    const auto *const found =
        std::ranges::find_if(known_entries, [&](const KnownEntry &each) { return std::ranges::equal(each.guid, guid); });
    return found == known_entries.end() ? nullptr : found;
}

std::string name_of(ByteView guid) {
    if (const auto *known = find_entry(guid)) return std::string(known->name);
    auto text = to_hex(guid);
    for (const std::size_t dash : {8U, 13U, 18U, 23U}) text.insert(dash, 1, '-');
    return text;
}

bool is_guid(const std::string &name) { return name.contains('-'); }

}  // namespace

// By its first entry: where that is not known, by its content's place, behind the entry that ends all and within the table. Text and DER have other numbers there.
bool is_snp_table(ByteView bytes) {
    if (bytes.size() < entry_size) return false;
    if (find_entry(bytes.first(guid_size)) != nullptr) return true;
    const std::size_t offset = event_log::little_endian<std::uint32_t>(bytes.subspan(guid_size));
    const std::size_t size = event_log::little_endian<std::uint32_t>(bytes.subspan(guid_size + 4));
    return offset >= 2 * entry_size && offset < bytes.size() && size > 0 && size <= bytes.size() - offset;
}

std::expected<std::vector<SnpTableEntry>, Error> decode_snp_table(ByteView table) {
    const auto malformed = [](std::string message) { return std::unexpected(Error{ErrorCode::malformed, std::move(message)}); };
    if (table.size() > max_snp_certificates_size)
        return malformed("the table of certificates has " + std::to_string(table.size()) +
                         " bytes: " + std::to_string(max_snp_certificates_size) + " are the most that are read");
    std::vector<SnpTableEntry> entries;
    std::size_t at = 0;
    for (;; at += entry_size) {
        if (table.size() - at < entry_size) return malformed("the table of certificates ends without the zero entry that ends its entries");
        const auto entry = table.subspan(at, entry_size);
        if (std::ranges::all_of(entry, [](std::uint8_t byte) { return byte == 0; })) break;
        if (entries.size() == max_snp_certificates)
            return malformed("the table of certificates has more than " + std::to_string(max_snp_certificates) + " entries");
        const std::size_t offset = event_log::little_endian<std::uint32_t>(entry.subspan(guid_size));
        const std::size_t size = event_log::little_endian<std::uint32_t>(entry.subspan(guid_size + 4));
        auto name = name_of(entry.first(guid_size));
        if (offset > table.size() || size > table.size() - offset || size == 0)
            return malformed("the table's entry " + name + " is empty or ends outside of the table: its offset is " +
                             std::to_string(offset) + ", its length " + std::to_string(size));
        if (!is_guid(name) && std::ranges::find(entries, name, &SnpTableEntry::name) != entries.end())
            return malformed("the table has the entry " + name + " twice");
        entries.push_back({.name = std::move(name), .offset = offset, .content = table.subspan(offset, size)});
    }
    for (const auto &entry : entries) {
        if (entry.offset < at + entry_size) return malformed("the table's entry " + entry.name + " begins within the entries");
    }
    return entries;
}

}  // namespace mr
