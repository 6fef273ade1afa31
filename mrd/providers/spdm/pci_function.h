// Which PCI function a device is, as the administrator says it and Linux writes it: segment, bus, device and function, "0000:3b:00.0".
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace mrd::spdm {

struct PciFunction {
    std::string text;  // with small letters, as Linux has it

    // Error: one sentence that says how it is written.
    static std::expected<PciFunction, std::string> parse(std::string_view text);
    friend bool operator==(const PciFunction &, const PciFunction &) = default;
};

}  // namespace mrd::spdm
