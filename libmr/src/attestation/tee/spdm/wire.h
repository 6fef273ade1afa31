// What all messages of SPDM have in common: the header's codes, and how a message that cannot be read is told of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <utility>

#include "libmr/src/event_log/byte_reader.h"
#include "mr/bytes.h"
#include "mr/spdm.h"

namespace mr::spdm {

using event_log::append_little_endian;
using event_log::ByteReader;
using event_log::little_endian;

// Requests have bit 7, and what answers a request is its code without it; but for ERROR.
enum class Code : std::uint8_t {
    digests = 0x01,
    certificate = 0x02,
    challenge_auth = 0x03,
    version = 0x04,
    chunk_response = 0x06,
    measurements = 0x60,
    capabilities = 0x61,
    algorithms = 0x63,
    measurement_log = 0x6F,
    vendor_defined_response = 0x7E,
    error = 0x7F,
    get_digests = 0x81,
    get_certificate = 0x82,
    challenge = 0x83,
    get_version = 0x84,
    chunk_get = 0x86,
    get_measurements = 0xE0,
    get_capabilities = 0xE1,
    negotiate_algorithms = 0xE3,
    get_measurement_log = 0xEF,
    vendor_defined_request = 0xFE,
    respond_if_ready = 0xFF,
};
constexpr std::uint8_t byte_of(Code code) { return static_cast<std::uint8_t>(code); }
constexpr std::uint8_t byte_of(SpdmVersion version) { return static_cast<std::uint8_t>(version); }

// "MEASUREMENTS"; of one that is not known "message 0x7B".
std::string code_text(std::uint8_t code);

inline constexpr std::size_t header_size = 4;
inline constexpr std::uint8_t raw_bit = 0x80;      // of a block's type: the value is no digest
inline constexpr std::uint8_t version_1_0 = 0x10;  // of GET_VERSION and VERSION, whatever is agreed on then

struct Header {
    std::uint8_t version = 0;
    std::uint8_t code = 0;
    std::uint8_t param1 = 0;
    std::uint8_t param2 = 0;
};
inline Header read_header(ByteReader &from) { return {from.u8(), from.u8(), from.u8(), from.u8()}; }
Bytes write_header(std::uint8_t version, Code code, std::uint8_t param1 = 0, std::uint8_t param2 = 0);

// Version and code are these. Error: malformed, unexpected_response.
std::expected<Header, SpdmError> expect_header(ByteReader &from, std::uint8_t version, Code code);

inline std::unexpected<SpdmError> fault(SpdmFault fault, std::string message) {
    return std::unexpected(SpdmError{fault, std::move(message)});
}
// "MEASUREMENTS: the record ends before its last block"
inline std::unexpected<SpdmError> malformed(Code code, const std::string &what) {
    return fault(SpdmFault::malformed, code_text(byte_of(code)) + ": " + what);
}

// The first bytes as a fixed field. Precondition: there are as many.
template <typename Array>
Array array_of(ByteView bytes) {
    Array array{};
    for (std::size_t i = 0; i < array.size() && i < bytes.size(); ++i) array[i] = bytes[i];
    return array;
}
inline Bytes owned(ByteView bytes) { return {bytes.begin(), bytes.end()}; }
inline void append(Bytes &to, ByteView bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

}  // namespace mr::spdm
