#include <array>
#include <utility>

#include "mr/spdm.h"

namespace mr {
namespace {

constexpr std::array versions = {
    std::pair{SpdmVersion::v1_1, std::string_view("1.1")}, std::pair{SpdmVersion::v1_2, std::string_view("1.2")},
    std::pair{SpdmVersion::v1_3, std::string_view("1.3")}, std::pair{SpdmVersion::v1_4, std::string_view("1.4")}};

}  // namespace

std::string_view to_string(SpdmFault fault) {
    switch (fault) {
    case SpdmFault::invalid_request: return "invalid_request";
    case SpdmFault::busy: return "busy";
    case SpdmFault::unexpected_request: return "unexpected_request";
    case SpdmFault::unspecified: return "unspecified";
    case SpdmFault::unsupported_request: return "unsupported_request";
    case SpdmFault::session_required: return "session_required";
    case SpdmFault::reset_required: return "reset_required";
    case SpdmFault::response_too_large: return "response_too_large";
    case SpdmFault::request_too_large: return "request_too_large";
    case SpdmFault::message_lost: return "message_lost";
    case SpdmFault::version_mismatch: return "version_mismatch";
    case SpdmFault::response_not_ready: return "response_not_ready";
    case SpdmFault::request_resynch: return "request_resynch";
    case SpdmFault::operation_failed: return "operation_failed";
    case SpdmFault::vendor_error: return "vendor_error";
    case SpdmFault::other_error: return "other_error";
    case SpdmFault::timed_out: return "timed_out";
    case SpdmFault::disconnected: return "disconnected";
    case SpdmFault::transport: return "transport";
    case SpdmFault::malformed: return "malformed";
    case SpdmFault::unexpected_response: return "unexpected_response";
    case SpdmFault::too_large: return "too_large";
    case SpdmFault::no_common_version: return "no_common_version";
    case SpdmFault::illegal_capabilities: return "illegal_capabilities";
    case SpdmFault::no_common_algorithm: return "no_common_algorithm";
    case SpdmFault::not_capable: return "not_capable";
    case SpdmFault::no_such_slot: return "no_such_slot";
    case SpdmFault::wrong_chunk: return "wrong_chunk";
    case SpdmFault::no_progress: return "no_progress";
    case SpdmFault::wrong_measurements: return "wrong_measurements";
    case SpdmFault::wrong_context: return "wrong_context";
    case SpdmFault::wrong_nonce: return "wrong_nonce";
    case SpdmFault::bad_signature: return "bad_signature";
    case SpdmFault::log_mismatch: return "log_mismatch";
    case SpdmFault::malformed_chain: return "malformed_chain";
    case SpdmFault::wrong_chain_digest: return "wrong_chain_digest";
    case SpdmFault::wrong_root_hash: return "wrong_root_hash";
    case SpdmFault::broken_chain: return "broken_chain";
    case SpdmFault::untrusted_root: return "untrusted_root";
    case SpdmFault::not_in_validity: return "not_in_validity";
    case SpdmFault::no_chain: return "no_chain";
    case SpdmFault::no_randomness: return "no_randomness";
    case SpdmFault::misuse: return "misuse";
    }
    return "";
}

std::string_view to_string(SpdmVersion version) {
    for (const auto &[each, text] : versions) {
        if (each == version) return text;
    }
    return "";
}

std::optional<SpdmVersion> spdm_version_from(std::string_view text) {
    for (const auto &[each, name] : versions) {
        if (name == text) return each;
    }
    return std::nullopt;
}

std::optional<SpdmVersion> spdm_version_of(std::uint8_t header_byte) {
    for (const auto &[each, name] : versions) {
        if (static_cast<std::uint8_t>(each) == header_byte) return each;
    }
    return std::nullopt;
}

}  // namespace mr
