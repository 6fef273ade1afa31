// The messages of Intel's quote generation service (QGS), which makes a quote out of a TDREPORT, for who asks it and for who answers. Version 1 of the protocol.
//
//   frame:     size of the message u32, big-endian; the message, little-endian and packed:
//   header 16: major u16 = 1, minor u16, type u32, size of the whole message u32, error code u32 (0 in a request)
//
//   type                        behind the header
//   0 request of a quote        size of the report u32, size of the list of ids u32; the report, the ids (16 bytes each)
//   1 answer                    size of the id u32, size of the quote u32; the id of the quoting enclave that was chosen, the quote
//   2 request of collateral     size of the FMSPC u32, size of the CA's name u32; the FMSPC (6 bytes), "platform" or "processor"
//   3 answer                    major u16, minor u16 of the collateral, seven sizes u32; the parts, in the order of CollateralParts. To a request of minor version 0
//                               4 bytes of zero behind them
//   4 request of the platform   nothing
//   5 answer                    ISVSVN of the TD quoting enclave u16, of the PCE u16, size of the platform's id u32, size of the CPUSVN u32; the id, the CPUSVN, 4 bytes of zero
//
// Of a failure the answer is that of its type with all sizes 0, and nothing behind them. A request of the kind of old QEMUs is the 1024 bytes of a TDREPORT without a frame,
// and its answer the bare quote, or none.
//
// Source: qgs_msg_lib in Intel SGX/TDX DCAP, the quote generation library (bytes of zero that its size counts and its fields do not are in it, too), and its qgs_server.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <variant>

#include "mr/bytes.h"
#include "mr/quote.h"

namespace mrd::qgs {

inline constexpr std::size_t frame_size = 4;      // of the frame's own field
inline constexpr std::size_t answer_head = 24;    // header and the two sizes, of a quote's
inline constexpr std::size_t max_id_size = 1024;  // a selected quoting enclave's; 16 in practice
inline constexpr std::size_t max_answer = answer_head + max_id_size + mr::max_quote_size;
inline constexpr std::size_t max_request = 4096;  // with its frame; as Intel's service reads it

// ---- Who asks

// With its frame. No list of ids: any quoting enclave may answer.
mr::Bytes quote_request(mr::ByteView report);

// How many bytes of message follow the frame's field. Error: a size that no answer has, one sentence.
std::expected<std::size_t, std::string> answer_size(mr::ByteView frame);

// The service's refusal, or an answer that is none.
struct Refusal {
    bool refused = false;  // it answered with an error code
    std::string reason;    // one sentence
};
// The quote, of a message without its frame.
std::expected<mr::Bytes, Refusal> read_quote_answer(mr::ByteView message);

// ---- Who answers

struct QuoteRequest {
    mr::ByteView report;  // of any size but 0
};
struct CollateralRequest {
    mr::ByteView fmspc;   // neither is empty
    mr::ByteView pck_ca;  // as it is: clients write the NUL that ends it, or not
    std::uint16_t minor = 0;
};
struct PlatformRequest {};
// The TDREPORT without a frame.
struct BareRequest {
    mr::ByteView report;  // 1024 bytes
};
enum class RequestType : std::uint32_t { quote = 0, collateral = 2, platform = 4 };
// Framed, and wrong: it is answered with an error.
struct WrongRequest {
    RequestType type;
    std::string reason;  // one sentence
};
using Request = std::variant<QuoteRequest, CollateralRequest, PlatformRequest, BareRequest, WrongRequest>;

// What has been received, from the connection's first byte on; what is behind the request is passed over. Views are of it. Nothing: the request goes on, and has at most
// max_request bytes. Error: this becomes no request that has an answer, one sentence.
std::expected<std::optional<Request>, std::string> read_request(mr::ByteView received);

// With their frames. Precondition: no part is empty, all parts together have less than 4 GiB.
mr::Bytes quote_answer(mr::ByteView quote);

// Of TDX, as Intel's library for collateral has them: each ends with a NUL, which its size counts.
struct CollateralParts {
    std::uint16_t major = 3;  // CRLs in DER
    std::uint16_t minor = 1;
    // Issuer chain of the PCK CRL (PEM), root CA CRL, PCK CRL, issuer chain of TCB info, TCB info (JSON), issuer chain of the QE identity, QE identity.
    std::array<std::string, 7> parts;
};
// `minor`: of the request.
mr::Bytes collateral_answer(const CollateralParts &collateral, std::uint16_t minor);

struct Platform {
    std::uint16_t tdqe_isv_svn = 0;
    std::uint16_t pce_isv_svn = 0;
    std::array<std::uint8_t, 16> id{};
    std::array<std::uint8_t, 16> cpu_svn{};
};
mr::Bytes platform_answer(const Platform &platform);

// "Unexpected error", the one code that Intel's service sends, whatever the reason.
mr::Bytes error_answer(RequestType type);

}  // namespace mrd::qgs
