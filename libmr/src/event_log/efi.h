// Structures of UEFI and of the TCG's EFI events, taken apart without judging them. All integers little-endian; views point into the bytes given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "libmr/src/event_log/guid.h"
#include "mr/bytes.h"

namespace mr::event_log {

// UEFI_VARIABLE_DATA (PC Client Platform Firmware Profile, section 10.2.6): GUID, length of the name in characters u64, length of the data u64, name,
// data.
struct EfiVariable {
    ByteView vendor;  // a GUID
    ByteView name;    // UTF-16
    ByteView data;
    ByteView surplus;  // what follows the structure
};
std::optional<EfiVariable> read_efi_variable(ByteView bytes);

// An EFI_DEVICE_PATH_PROTOCOL as text (UEFI 2.10, section 10.6.1): "PciRoot(0x0)/Pci(0x1,0x1)/HD(1,GPT,...)/\EFI\BOOT\BOOTX64.EFI". Printable; where
// the bytes make no node it says so and ends. About max_content_text bytes at most, or that and one more node.
std::string device_path_text(ByteView bytes);

// An EFI_SIGNATURE_LIST (UEFI 2.10, section 32.4.1).
struct SignatureList {
    ByteView type;  // a GUID
    ByteView signatures;
    std::uint32_t signature_size = 0;  // of each: owner GUID and data; at least guid_size
};
// Takes the first list off `bytes`. Nothing where they hold none.
std::optional<SignatureList> take_signature_list(ByteView &bytes);

}  // namespace mr::event_log
