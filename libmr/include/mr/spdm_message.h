// In mr::verify. One message of SPDM by itself, to be explained to people. What a message means rests on those before it: which hash and which signature were agreed on it
// does not say, so that their sizes are taken from where it ends; and nothing of it is judged but its form.
//
// Source: DMTF DSP0274, Security Protocol and Data Model Specification, versions 1.1.3 to 1.4.0 ("Messages" and "Message details").
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "mr/bytes.h"
#include "mr/spdm.h"

namespace mr {

struct SpdmMessageField {
    std::string name;
    std::string value;  // bytes hexadecimal; what a device says in text is none
};

struct SpdmMessage {
    std::uint8_t version = 0;  // of its header, 0x12 is 1.2; that of GET_VERSION and VERSION is 0x10
    std::string name = {};     // "GET_MEASUREMENTS"
    bool is_request = false;
    std::vector<SpdmMessageField> fields = {};
    std::optional<SpdmCapabilities> capabilities = {};  // of GET_CAPABILITIES and CAPABILITIES
    std::vector<SpdmBlock> blocks = {};                 // of MEASUREMENTS
    Bytes log = {};                                     // of MEASUREMENT_EXTENSION_LOG, where it is the log's last portion
};

// Does it begin as one, also as MCTP or a data object of DOE carries it? Cheap.
bool begins_spdm_message(ByteView bytes);
// Of messages that open and keep a secured session nothing but the name is read. Error: malformed, naming the field; transport; too_large.
std::expected<SpdmMessage, SpdmError> explain_spdm_message(ByteView bytes);

// "IANA CBOR", "0x0091": whose a structured manifest is, and what a vendor's message is of (DSP0274, "Registry or standards body ID").
std::string spdm_standards_body_text(std::uint16_t id);

// The head of a block of the type structured_manifest: id u8, vendor size u8, vendor, body (DSP0274 1.3, "Standards body or vendor-defined header").
struct SpdmStructuredManifest {
    std::uint8_t standards_body = 0;
    ByteView vendor;
    ByteView body;
};
// Nothing: it ends within its head.
std::optional<SpdmStructuredManifest> spdm_structured_manifest(ByteView value);

}  // namespace mr
