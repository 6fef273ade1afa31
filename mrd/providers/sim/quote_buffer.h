// The buffer that a TD shares with its host to ask for a quote (TDG.VP.VMCALL<GetQuote>), and what the TD does with it.
//
// Source: Intel TDX Guest-Hypervisor Communication Interface 1.5, "TDG.VP.VMCALL<GetQuote>". Little-endian; a multiple of 4 KiB:
//
//   offset size field
//        0    8 version = 1
//        8    8 status: 0 success; in flight, error and service unavailable as below
//       16    4 in_len: bytes of data that the TD gives, 1024
//       20    4 out_len: bytes of data that the host gives
//       24      data: the TDREPORT, then in its place the quote
//
// While the status says "in flight" the buffer is the host's, however long that takes: a TD that has given up must not use it for anything else.
// Whatever the host writes may change at any time and may be any value. The notification is shared with others: it says that there may be
// something new, not that this request is done.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "mr/bytes.h"
#include "mrd/providers/provider.h"

namespace mrd::sim {

inline constexpr std::size_t quote_buffer_size = std::size_t{128} * 1024;  // bytes, as Linux 7.0 has it
inline constexpr std::size_t quote_buffer_alignment = 4096;
inline constexpr std::size_t quote_buffer_header_size = 24;
inline constexpr std::size_t quote_buffer_capacity = quote_buffer_size - quote_buffer_header_size;
inline constexpr std::uint64_t quote_buffer_version = 1;

inline constexpr std::uint64_t quote_success = 0;
inline constexpr std::uint64_t quote_in_flight = 0xFFFF'FFFF'FFFF'FFFF;
inline constexpr std::uint64_t quote_error = 0x8000'0000'0000'0000;
inline constexpr std::uint64_t quote_unavailable = 0x8000'0000'0000'0001;

class QuoteBuffer {
public:
    QuoteBuffer();
    QuoteBuffer(const QuoteBuffer &) = delete;
    QuoteBuffer &operator=(const QuoteBuffer &) = delete;
    virtual ~QuoteBuffer() = default;

    // ---- The TD's side

    // Precondition: the status is not "in flight"; the report fits.
    void fill(mr::ByteView report);
    // What was written before the status is seen after it.
    [[nodiscard]] std::uint64_t status() const;
    // Every call looks anew.
    [[nodiscard]] virtual std::uint32_t out_len() const;
    [[nodiscard]] mr::ByteView data() const { return {bytes_.get() + quote_buffer_header_size, quote_buffer_capacity}; }

    // ---- The host's side

    [[nodiscard]] std::uint64_t version() const;
    [[nodiscard]] std::uint32_t in_len() const;
    void set_status(std::uint64_t status);
    // Data and out_len; the status is set apart. Precondition: the data fits.
    void put(mr::ByteView data, std::uint32_t out_len);

protected:
    // The host writes to what the TD only sees.
    void set_out_len(std::uint32_t out_len) const;

private:
    struct Free {
        void operator()(std::uint8_t *bytes) const;
    };
    template <class T>
    [[nodiscard]] std::atomic_ref<T> at(std::size_t offset) const;

    std::unique_ptr<std::uint8_t[], Free> bytes_;  // NOLINT(modernize-avoid-c-arrays): of a size and an alignment
};

// What a notification, or a look without one, means for the request in this buffer. Nothing: it is still in flight. Otherwise the bytes that the
// host gives for a quote, or why there are none.
std::optional<std::expected<mr::Bytes, QuoteFailure>> collect_quote(const QuoteBuffer &buffer);

// Buffers whose request gave up and which the host still has. When there are more, no further request is made.
inline constexpr std::size_t max_abandoned_buffers = 4;

// The TD's buffers. Not for two threads at once.
class QuoteBuffers {
public:
    explicit QuoteBuffers(std::function<std::unique_ptr<QuoteBuffer>()> make) : make_(std::move(make)) {}

    // One that is not the host's. Null: the host has all there may be.
    QuoteBuffer *take();

private:
    std::function<std::unique_ptr<QuoteBuffer>()> make_;
    std::vector<std::unique_ptr<QuoteBuffer>> buffers_;  // all there are, one in use included
};

}  // namespace mrd::sim
