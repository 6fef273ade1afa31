#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "libmr/src/attestation/tee/spdm/wire.h"
#include "mr/spdm_transport.h"
#include "mr/tdisp.h"

namespace mr {
namespace {

using spdm::byte_of;
using spdm::ByteReader;
using spdm::Code;

constexpr std::uint16_t standard_pci_sig = 3;
constexpr std::uint8_t vendor_id_size = 2;
constexpr std::uint16_t vendor_pci_sig = 1;

std::unexpected<Error> malformed_vendor_message(std::string what) {
    return std::unexpected(Error{ErrorCode::malformed, "vendor defined message: " + std::move(what)});
}
std::unexpected<Error> not_supported(std::string what) {
    return std::unexpected(Error{ErrorCode::not_supported, "vendor defined message: " + std::move(what)});
}

constexpr std::size_t doe_unit = 4;  // bytes

// What a DOE data object of SPDM carries, padding included. Nothing: it is none.
std::optional<ByteView> doe_content(ByteView bytes) {
    const auto object = parse_doe_object(bytes);
    if (!object || object->vendor != doe_vendor_pci_sig || object->type != doe_spdm) return std::nullopt;
    return object->content;
}

bool begins_vendor_defined(ByteView bytes) {
    constexpr std::uint8_t major_one = 0x1;
    return bytes.size() >= 2 && bytes[0] >> 4U == major_one &&
           (bytes[1] == byte_of(Code::vendor_defined_request) || bytes[1] == byte_of(Code::vendor_defined_response));
}

}  // namespace

bool begins_pci_message(ByteView bytes) { return begins_vendor_defined(doe_content(bytes).value_or(bytes)); }

std::expected<PciMessage, Error> decode_pci_message(ByteView message) {
    const auto carried = doe_content(message);
    const auto bytes = carried.value_or(message);
    if (!begins_vendor_defined(bytes)) return malformed_vendor_message("it begins as no request (0xfe) and no response (0x7e) of SPDM 1.x");
    ByteReader reader(bytes);
    PciMessage read{.spdm_version = reader.u8(), .is_response = reader.u8() == byte_of(Code::vendor_defined_response)};
    if (reader.u16() != 0) return malformed_vendor_message("param1 and param2 are reserved, and not zero");
    const auto standard = reader.u16();
    const auto id_size = reader.u8();
    if (!reader.ok()) return malformed_vendor_message("it ends within its head");
    if (standard != standard_pci_sig || id_size != vendor_id_size)
        return not_supported("the standard is " + std::to_string(standard) + " with a vendor id of " + std::to_string(id_size) +
                             " bytes: this library knows 3, the PCI-SIG, with 2");
    const auto vendor = reader.u16();
    const auto size = reader.u16();
    const auto payload = reader.take(size);
    if (!reader.ok()) return malformed_vendor_message("the payload has fewer bytes than its length says");
    if (vendor != vendor_pci_sig) return not_supported("the vendor is " + std::to_string(vendor) + ": this library knows 1, the PCI-SIG");
    const auto rest = reader.rest();
    const bool is_padding = carried && rest.size() < doe_unit && std::ranges::all_of(rest, [](std::uint8_t byte) { return byte == 0; });
    if (!rest.empty() && !is_padding) return malformed_vendor_message(std::to_string(rest.size()) + " bytes follow the payload");
    if (payload.empty()) return malformed_vendor_message("the payload has no protocol");
    if (payload.front() > std::to_underlying(PciProtocol::tdisp))
        return not_supported("the protocol is " + std::to_string(payload.front()) + ": this library knows 0, IDE_KM, and 1, TDISP");
    read.protocol = static_cast<PciProtocol>(payload.front());
    read.payload = payload.subspan(1);
    return read;
}

}  // namespace mr
