#include "libmr/src/attestation/tee/spdm/block_names.h"

#include <array>

namespace mr::spdm {
namespace {

constexpr std::array<std::string_view, 11> names = {"rom",     "fw",  "hwconfig",   "fwconfig", "manifest",  "mode",
                                                    "version", "svn", "hashextend", "info",     "structured"};
constexpr unsigned types = 0x80;

}  // namespace

std::string short_type(std::uint8_t type) { return type < names.size() ? std::string(names.at(type)) : std::to_string(type); }

std::optional<std::uint8_t> type_from_short(std::string_view text) {
    for (unsigned type = 0; type < types; ++type) {
        if (short_type(static_cast<std::uint8_t>(type)) == text) return static_cast<std::uint8_t>(type);
    }
    return std::nullopt;
}

std::string register_name(std::string_view short_type, std::uint8_t index) {
    const bool is_number = !short_type.empty() && short_type.front() >= '0' && short_type.front() <= '9';
    return (is_number ? "type" + std::string(short_type) + "-" : std::string(short_type)) + std::to_string(index);
}

}  // namespace mr::spdm
