#include "libmr/src/attestation/tee/spdm/exchange.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace mr::spdm {
namespace {

constexpr std::size_t max_padding = 3;

// ERROR, param1.
enum class ErrorReply : std::uint8_t {
    busy = 0x03,
    large_response = 0x0F,
    version_mismatch = 0x41,
    not_ready = 0x42,
};
struct KnownError {
    std::uint8_t code;
    SpdmFault fault;
    const char *text;
};
constexpr std::array known_errors = {
    KnownError{0x01, SpdmFault::invalid_request, "the request is not valid"},
    KnownError{0x04, SpdmFault::unexpected_request, "the request is not one of this state: connect() first"},
    KnownError{0x05, SpdmFault::unspecified, "it failed, unspecified"},
    KnownError{0x07, SpdmFault::unsupported_request, "it does not know the request"},
    KnownError{0x0B, SpdmFault::session_required, "it answers this in a secured session only"},
    KnownError{0x0C, SpdmFault::reset_required, "it must be reset first"},
    KnownError{0x0D, SpdmFault::response_too_large, "its answer is longer than what was said can be taken"},
    KnownError{0x0E, SpdmFault::request_too_large, "the request is too long for it"},
    KnownError{0x10, SpdmFault::message_lost, "its chunked answer is lost: ask again"},
    KnownError{0x41, SpdmFault::version_mismatch, "the request is not of the version that was agreed on: connect() again"},
    KnownError{0x43, SpdmFault::request_resynch, "it has forgotten the connection: connect() again"},
    KnownError{0x44, SpdmFault::operation_failed, "it could not do what was asked"},
    KnownError{0xFF, SpdmFault::vendor_error, "an error of its vendor's own"},
};

std::unexpected<SpdmError> fault_of(const Header &error, std::uint8_t request) {
    const auto *const known = std::ranges::find(known_errors, error.param1, &KnownError::code);
    const bool is_known = known != known_errors.end();
    return fault(is_known ? known->fault : SpdmFault::other_error,
                 "the device answered " + code_text(request) + " with ERROR 0x" + to_hex(std::array{error.param1}) + ", data 0x" +
                     to_hex(std::array{error.param2}) + ": " + (is_known ? known->text : "a code that is not known, or may not come here"));
}

std::unexpected<SpdmError> wrong_chunk(const std::string &what) { return fault(SpdmFault::wrong_chunk, "CHUNK_RESPONSE: " + what); }

}  // namespace

std::expected<ByteView, SpdmError> Response::exact(const ByteReader &read) const {
    const auto rest = read.rest();
    const bool is_padding =
        may_be_padded && rest.size() <= max_padding && std::ranges::all_of(rest, [](std::uint8_t byte) { return byte == 0; });
    if (!rest.empty() && !is_padding)
        return fault(SpdmFault::malformed,
                     code_text(bytes[1]) + ": " + std::to_string(rest.size()) + " bytes behind it that do not belong to it");
    return bytes.first(bytes.size() - rest.size());
}

SpdmStep Exchange::send(Bytes wire) {
    wire_ = std::move(wire);
    return {.kind = SpdmStep::Kind::send, .message = wire_, .time = deadline_};
}

SpdmStep Exchange::wait(std::chrono::microseconds time, Bytes then) {
    wire_ = std::move(then);
    return {.kind = SpdmStep::Kind::wait, .time = time};
}

SpdmStep Exchange::begin(Bytes request, std::chrono::microseconds deadline) {
    request_ = std::move(request);
    deadline_ = deadline;
    busy_ = 0;
    not_ready_ = 0;
    assembly_.reset();
    return send(request_);
}

SpdmStep Exchange::resume() { return send(std::move(wire_)); }

// A version that is not known has no chunks, and is not asked for them.
SpdmVersion Exchange::version() const { return spdm_version_of(request_.front()).value_or(SpdmVersion::v1_1); }

std::expected<Exchange::Outcome, SpdmError> Exchange::reply(ByteView message) {
    const bool has_limit = version() >= SpdmVersion::v1_2;
    const std::size_t limit = has_limit ? std::min<std::size_t>(options_.data_transfer_size, max_spdm_message) : max_spdm_message;
    if (message.size() > limit + (options_.is_padded ? max_padding : 0))
        return fault(SpdmFault::too_large, "the answer has " + std::to_string(message.size()) + " bytes, above " + std::to_string(limit));
    ByteReader from(message);
    const auto header = read_header(from);
    if (!from.ok()) return fault(SpdmFault::malformed, "the answer ends inside its header");
    if (header.code == byte_of(Code::error)) return take_error(message);
    if (assembly_) return take_next_chunk(message);
    return Outcome{.response = {message, options_.is_padded}};
}

std::expected<Exchange::Outcome, SpdmError> Exchange::take_error(ByteView message) {
    ByteReader from(message);
    const auto error = read_header(from);
    // A device that does not know the request's version answers in one that it does know, and before it has agreed on one in the first.
    const bool may_be_first_version = request_[1] == byte_of(Code::get_capabilities) && error.version == version_1_0;
    if (error.version != request_.front() && !may_be_first_version && ErrorReply{error.param1} != ErrorReply::version_mismatch)
        return fault(SpdmFault::unexpected_response, "ERROR has another version in its header than the request");
    switch (ErrorReply{error.param1}) {
    case ErrorReply::busy:
        if (++busy_ > max_spdm_busy)
            return fault(SpdmFault::busy, "the device answered " + std::to_string(busy_) + " times that it is busy: try again later");
        // The same bytes again.
        return Outcome{.step = wait(options_.busy_time, std::move(wire_)), .is_busy = true};
    case ErrorReply::not_ready: return take_not_ready(from);
    case ErrorReply::large_response: return take_large_response(from);
    case ErrorReply::version_mismatch: break;
    }
    return fault_of(error, request_[1]);
}

std::expected<Exchange::Outcome, SpdmError> Exchange::take_not_ready(ByteReader from) {
    const auto exponent = from.u8();
    const auto request_code = from.u8();
    const auto token = from.u8();
    (void)from.u8();  // how often as long it may be asked
    if (!from.ok()) return malformed(Code::error, "RESPONSE_NOT_READY ends before its last field");
    if (request_code != request_[1])
        return fault(SpdmFault::unexpected_response, "RESPONSE_NOT_READY is of another request, " + code_text(request_code));
    constexpr unsigned most = 32;
    const std::chrono::microseconds time(std::int64_t{1} << std::min<unsigned>(exponent, most));
    if (++not_ready_ > max_spdm_not_ready || time > max_spdm_ready_time)
        return fault(SpdmFault::response_not_ready, "the device is not ready, and asks for more time than it is given");
    return Outcome{.step = wait(time, write_respond_if_ready(version(), request_code, token))};
}

std::expected<Exchange::Outcome, SpdmError> Exchange::take_large_response(ByteReader from) {
    const auto handle = from.u8();
    if (!from.ok()) return malformed(Code::error, "LARGE_RESPONSE ends before its handle");
    if (assembly_) return wrong_chunk("the device begins another long answer inside one");
    if (version() < SpdmVersion::v1_2 || (options_.flags & spdm_cap_chunk) == 0)
        return fault(SpdmFault::other_error, "the device answers in chunks, which were not said can be taken");
    assembly_.emplace(Assembly{.handle = handle});
    return Outcome{.step = send(write_chunk_get(version(), handle, 0))};
}

std::expected<Exchange::Outcome, SpdmError> Exchange::take_next_chunk(ByteView message) {
    ByteReader from(message);
    const auto chunk = take_chunk(from, version());
    if (!chunk) return std::unexpected(chunk.error());
    if (auto whole = Response{message, options_.is_padded}.exact(from); !whole) return std::unexpected(std::move(whole.error()));
    auto &assembly = *assembly_;
    if (chunk->handle != assembly.handle || chunk->number != assembly.next)
        return wrong_chunk("it is of another handle or number than was asked for");
    if (assembly.next == 0) {
        const auto limit = std::min<std::size_t>(options_.max_message_size, max_spdm_message);
        if (chunk->total > limit)
            return fault(SpdmFault::too_large,
                         "a chunked answer of " + std::to_string(chunk->total) + " bytes, above " + std::to_string(limit));
        assembly.total = chunk->total;
    }
    if (chunk->bytes.empty() || ++assembly.next > max_spdm_chunks)
        return fault(SpdmFault::no_progress, "a chunk is empty, or there are more than " + std::to_string(max_spdm_chunks));
    append(assembly.bytes, chunk->bytes);
    if (assembly.bytes.size() > assembly.total || chunk->is_last != (assembly.bytes.size() == assembly.total))
        return wrong_chunk("its bytes do not come out at the size of " + std::to_string(assembly.total) + " that the first one said");
    if (!chunk->is_last) return Outcome{.step = send(write_chunk_get(version(), assembly.handle, assembly.next))};
    if (assembly.bytes.size() < header_size || assembly.bytes[1] == byte_of(Code::error))
        return wrong_chunk("what they are put together to is no answer");
    return Outcome{.response = {assembly.bytes, false}};
}

}  // namespace mr::spdm
