// Which device a leaf certificate says it is for: the subject alternative names that PCIe and DMTF give a place to.
#pragma once

#include <optional>
#include <string>

#include "mr/bytes.h"

namespace mrd::spdm {

struct Names {
    std::optional<std::string> pci =
        {};  // OtherName 2.23.147 (PCI-SIG): "Vendor=....:Device=....:CC=......:REV=..[:SSVID=....:SSID=....][:serial]"
    std::optional<std::string> dmtf = {};  // OtherName 1.3.6.1.4.1.412.274.1 (DSP0274): "maker:product:serial"
};

// Of a certificate in DER; what is not there, or not UTF-8 text of at most so many bytes, is left out.
inline constexpr std::size_t max_name = 512;
Names names_in(mr::ByteView leaf);

}  // namespace mrd::spdm
