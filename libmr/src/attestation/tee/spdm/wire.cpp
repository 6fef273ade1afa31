#include "libmr/src/attestation/tee/spdm/wire.h"

#include <array>
#include <string_view>

namespace mr::spdm {
namespace {

struct Name {
    Code code;
    std::string_view text;
};
constexpr std::array names = {
    Name{Code::digests, "DIGESTS"},
    Name{Code::certificate, "CERTIFICATE"},
    Name{Code::challenge_auth, "CHALLENGE_AUTH"},
    Name{Code::version, "VERSION"},
    Name{Code::chunk_response, "CHUNK_RESPONSE"},
    Name{Code::measurements, "MEASUREMENTS"},
    Name{Code::capabilities, "CAPABILITIES"},
    Name{Code::algorithms, "ALGORITHMS"},
    Name{Code::measurement_log, "MEASUREMENT_EXTENSION_LOG"},
    Name{Code::vendor_defined_response, "VENDOR_DEFINED_RESPONSE"},
    Name{Code::error, "ERROR"},
    Name{Code::get_digests, "GET_DIGESTS"},
    Name{Code::get_certificate, "GET_CERTIFICATE"},
    Name{Code::challenge, "CHALLENGE"},
    Name{Code::get_version, "GET_VERSION"},
    Name{Code::chunk_get, "CHUNK_GET"},
    Name{Code::get_measurements, "GET_MEASUREMENTS"},
    Name{Code::get_capabilities, "GET_CAPABILITIES"},
    Name{Code::negotiate_algorithms, "NEGOTIATE_ALGORITHMS"},
    Name{Code::get_measurement_log, "GET_MEASUREMENT_EXTENSION_LOG"},
    Name{Code::vendor_defined_request, "VENDOR_DEFINED_REQUEST"},
    Name{Code::respond_if_ready, "RESPOND_IF_READY"},
};

}  // namespace

std::string code_text(std::uint8_t code) {
    for (const auto &[each, text] : names) {
        if (byte_of(each) == code) return std::string(text);
    }
    return "message 0x" + to_hex(std::array{code});
}

Bytes write_header(std::uint8_t version, Code code, std::uint8_t param1, std::uint8_t param2) {
    return {version, byte_of(code), param1, param2};
}

std::expected<Header, SpdmError> expect_header(ByteReader &from, std::uint8_t version, Code code) {
    const auto header = read_header(from);
    if (!from.ok()) return malformed(code, "it ends inside its header");
    if (header.code != byte_of(code))
        return fault(SpdmFault::unexpected_response,
                     "there is " + code_text(header.code) + " where " + code_text(byte_of(code)) + " should be");
    if (header.version != version)
        return fault(SpdmFault::unexpected_response, code_text(header.code) + " has version 0x" + to_hex(std::array{header.version}) +
                                                         " in its header where 0x" + to_hex(std::array{version}) + " was agreed on");
    return header;
}

}  // namespace mr::spdm
