// UEFI GUIDs: their text form and the names people know them by.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "mr/bytes.h"

namespace mr::event_log {

inline constexpr std::size_t guid_size = 16;
using Guid = std::array<std::uint8_t, guid_size>;  // as in memory: the first three fields little-endian

// Which byte in memory each two digits of the text stand for.
inline constexpr std::array<std::size_t, guid_size> guid_text_order = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

// "8be4df61-93ca-11d2-aa0d-00e098032b8c" as in memory, at compile time; anything else does not compile.
consteval Guid guid(std::string_view text) {
    Guid bytes{};
    std::size_t at = 0;
    for (const std::size_t to : guid_text_order) {
        if (text.at(at) == '-') ++at;
        for (int i = 0; i < 2; ++i) {
            const std::size_t digit = std::string_view("0123456789abcdef").find(text.at(at++));
            if (digit == std::string_view::npos) throw "a GUID has lower-case hexadecimal digits";
            bytes[to] = static_cast<std::uint8_t>(std::size_t{bytes[to]} << 4 | digit);
        }
    }
    if (at != text.size()) throw "a GUID has 32 digits";
    return bytes;
}

inline constexpr Guid guid_global_variable = guid("8be4df61-93ca-11d2-aa0d-00e098032b8c");
inline constexpr Guid guid_image_security_database = guid("d719b2cb-3d3a-4596-a3bc-dad00e67656f");
inline constexpr Guid guid_shim = guid("605dab50-e046-4300-abb6-3dd810dd8b23");
inline constexpr Guid guid_cert_x509 = guid("a5c059a1-94e4-4aa7-87b5-ab155c2bf072");

bool is_guid(ByteView bytes, const Guid &expected);

// Lower-case text; shorter bytes give their hexadecimal form.
std::string guid_text(ByteView bytes);
// "EFI_GLOBAL_VARIABLE", "EFI system partition"; empty for one that is not known.
std::string_view guid_name(ByteView bytes);
// The name where there is one, else the text.
std::string guid_name_or_text(ByteView bytes);

}  // namespace mr::event_log
