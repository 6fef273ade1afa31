#include "mrd/providers/spdm/pci_function.h"

#include <cstddef>
#include <utility>

namespace mrd::spdm {
namespace {

// 'h' is a hexadecimal digit, 'd' the device's first one of 5 bits, 'f' a function's.
constexpr std::string_view function_form = "hhhh:hh:dh.f";

bool fits(char form, char letter) {
    switch (form) {
    case 'h': return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f');
    case 'd': return letter == '0' || letter == '1';
    case 'f': return letter >= '0' && letter <= '7';
    default: return letter == form;
    }
}

}  // namespace

std::expected<PciFunction, std::string> PciFunction::parse(std::string_view text) {
    std::string function;
    for (const char letter : text) function += letter >= 'A' && letter <= 'F' ? static_cast<char>(letter - 'A' + 'a') : letter;
    bool is_one = function.size() == function_form.size();
    for (std::size_t i = 0; is_one && i < function.size(); ++i) is_one = fits(function_form[i], function[i]);
    if (is_one) return PciFunction{std::move(function)};
    return std::unexpected("\"" + std::string(text) +
                           "\" is no PCI function: give segment, bus, device and function as Linux has them, as \"0000:3b:00.0\"");
}

}  // namespace mrd::spdm
