// A device that speaks SPDM, as a provider: it is there while it answers and its certificates lead to a trusted root, and its measurement blocks are registers. mrd keeps
// the connection, and a thread of the provider's own looks whether it ends; what is asked of the device later runs on the provider's queue.
//
// Not what a TSM does: no secured session is opened, so that of the link's encryption and of an assigned interface nothing is known. docs/devices.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "mr/spdm_transport.h"
#include "mrd/opener/request.h"
#include "mrd/providers/provider.h"
#include "mrd/providers/spdm/address.h"
#include "mrd/providers/spdm/pci_function.h"

namespace mrd::spdm {

// Registers of one device that there have ever been: a device that goes on inventing blocks gets none for those beyond.
inline constexpr std::size_t max_registers = 512;
inline constexpr std::size_t max_register_size =
    4096;  // bytes of a block that is a register; a longer one is told by Describe and Evidence alone
inline constexpr std::size_t max_roots_size = std::size_t{1} << 20;  // bytes of the file

struct Options {
    std::string name;  // "spdm0"
    Address address;
    mr::SpdmTransport transport = mr::SpdmTransport::mctp;
    std::uint8_t slot = 0;                    // whose key signs
    std::filesystem::path roots;              // PEM or DER
    std::optional<PciFunction> pci_function;  // as the administrator says; nothing: he does not
    std::filesystem::path interface_report;   // of TDISP, which others put there; empty: there is none
};

opener::Places places_of(const Options &options);

// The device need not be there. Error: one sentence; the roots cannot be read.
std::expected<std::unique_ptr<Provider>, std::string> open(const Options &options);

}  // namespace mrd::spdm
