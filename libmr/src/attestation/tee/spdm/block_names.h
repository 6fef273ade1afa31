// What a measurement block is called for people, in evidence, in io.mrd.Devices and as a register: "fw", and "fw2" where its index is 2. (Reference values have the
// longer names of spdm_block_type_text().)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mr::spdm {

// Of a type without the bit for raw; one that has no name is its number: "42".
std::string short_type(std::uint8_t type);
std::optional<std::uint8_t> type_from_short(std::string_view text);

// Of a short_type(): "fw2"; "type42-7".
std::string register_name(std::string_view short_type, std::uint8_t index);

}  // namespace mr::spdm
