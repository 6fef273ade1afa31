// One request and its answer: BUSY, RESPONSE_NOT_READY and chunks are between them, and nobody else hears of that.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>

#include "libmr/src/attestation/tee/spdm/responses.h"
#include "libmr/src/attestation/tee/spdm/wire.h"
#include "mr/spdm_requester.h"

namespace mr::spdm {

// An answer that is whole. Where it came in one piece it may have padding behind it; the transport says whether.
struct Response {
    ByteView bytes;
    bool may_be_padded = false;

    // The message's own bytes, after all of it was read. Error: malformed, for anything behind it that is not padding.
    [[nodiscard]] std::expected<ByteView, SpdmError> exact(const ByteReader &read) const;
};

class Exchange {
public:
    explicit Exchange(const SpdmOptions &options) : options_(options) {}

    SpdmStep begin(Bytes request, std::chrono::microseconds deadline);

    // Either another step, or the answer, which is valid until the next call.
    struct Outcome {
        std::optional<SpdmStep> step = {};
        Response response = {};
        bool is_busy = false;  // the device has begun its transcripts anew
    };
    std::expected<Outcome, SpdmError> reply(ByteView message);
    SpdmStep resume();

private:
    SpdmStep send(Bytes wire);
    SpdmStep wait(std::chrono::microseconds time, Bytes then);
    std::expected<Outcome, SpdmError> take_error(ByteView message);
    std::expected<Outcome, SpdmError> take_not_ready(ByteReader from);
    std::expected<Outcome, SpdmError> take_large_response(ByteReader from);
    std::expected<Outcome, SpdmError> take_next_chunk(ByteView message);
    [[nodiscard]] SpdmVersion version() const;

    struct Assembly {
        std::uint8_t handle = 0;
        std::uint32_t next = 0;
        std::uint32_t total = 0;
        Bytes bytes = {};
    };

    const SpdmOptions &options_;
    Bytes request_;
    Bytes wire_;  // what is out now, or goes out after waiting: the request, or RESPOND_IF_READY or CHUNK_GET for it
    std::chrono::microseconds deadline_{};
    unsigned busy_ = 0;
    unsigned not_ready_ = 0;
    std::optional<Assembly> assembly_;
};

}  // namespace mr::spdm
