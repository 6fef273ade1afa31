// The messages of Intel's quote generation service (QGS), which makes a quote out of a TDREPORT. Version 1 of the protocol; only the quote is asked for.
//
//   frame:     size of the message u32, big-endian; the message, little-endian and packed:
//   header 16: major u16 = 1, minor u16, type u32, size of the whole message u32, error code u32 (0 in a request)
//   request:   header with type 0; size of the report u32, size of the list of ids u32; the report, the list
//   answer:    header with type 1; size of the id u32, size of the quote u32; the id of the quoting enclave, the quote. Of a failure both sizes are 0
//
// Source: qgs_msg_lib.h in Intel SGX/TDX DCAP, the quote generation library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>

#include "mr/bytes.h"
#include "mr/quote.h"

namespace mrd::tsm {

inline constexpr std::size_t qgs_frame_size = 4;      // of the frame's own field
inline constexpr std::size_t qgs_answer_head = 24;    // header and the two sizes
inline constexpr std::size_t max_qgs_id_size = 1024;  // a selected quoting enclave's; 16 in practice
inline constexpr std::size_t max_qgs_answer = qgs_answer_head + max_qgs_id_size + mr::max_quote_size;

// With its frame. No list of ids: any quoting enclave may answer.
mr::Bytes qgs_quote_request(mr::ByteView report);

// How many bytes of message follow the frame's field. Error: a size that no answer has, one sentence.
std::expected<std::size_t, std::string> qgs_answer_size(mr::ByteView frame);

// The service's refusal, or an answer that is none.
struct QgsError {
    bool refused = false;  // it answered with an error code
    std::string reason;    // one sentence
};
// The quote, of a message without its frame.
std::expected<mr::Bytes, QgsError> read_qgs_answer(mr::ByteView message);

}  // namespace mrd::tsm
