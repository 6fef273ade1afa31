#include "mrd/providers/sim/quote_buffer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

namespace mrd::sim {
namespace {

static_assert(quote_buffer_size % quote_buffer_alignment == 0);
// The fields are the machine's own integers.
static_assert(std::endian::native == std::endian::little);

constexpr std::size_t version_at = 0;
constexpr std::size_t status_at = 8;
constexpr std::size_t in_len_at = 16;
constexpr std::size_t out_len_at = 20;

}  // namespace

QuoteBuffer::QuoteBuffer() : bytes_(static_cast<std::uint8_t *>(std::aligned_alloc(quote_buffer_alignment, quote_buffer_size))) {
    if (!bytes_) throw std::bad_alloc();
    std::memset(bytes_.get(), 0, quote_buffer_size);
}

void QuoteBuffer::Free::operator()(std::uint8_t *bytes) const { std::free(bytes); }  // NOLINT(cppcoreguidelines-no-malloc)

template <class T>
std::atomic_ref<T> QuoteBuffer::at(std::size_t offset) const {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): aligned, and nothing else than this type is ever there
    return std::atomic_ref<T>(*reinterpret_cast<T *>(bytes_.get() + offset));
}

void QuoteBuffer::fill(mr::ByteView report) {
    at<std::uint64_t>(version_at).store(quote_buffer_version, std::memory_order_relaxed);
    at<std::uint32_t>(in_len_at).store(static_cast<std::uint32_t>(report.size()), std::memory_order_relaxed);
    at<std::uint32_t>(out_len_at).store(0, std::memory_order_relaxed);
    std::ranges::copy(report, bytes_.get() + quote_buffer_header_size);
    at<std::uint64_t>(status_at).store(quote_success, std::memory_order_release);
}

std::uint64_t QuoteBuffer::status() const { return at<std::uint64_t>(status_at).load(std::memory_order_acquire); }

std::uint32_t QuoteBuffer::out_len() const { return at<std::uint32_t>(out_len_at).load(std::memory_order_relaxed); }

std::uint64_t QuoteBuffer::version() const { return at<std::uint64_t>(version_at).load(std::memory_order_relaxed); }

std::uint32_t QuoteBuffer::in_len() const { return at<std::uint32_t>(in_len_at).load(std::memory_order_relaxed); }

void QuoteBuffer::set_status(std::uint64_t status) { at<std::uint64_t>(status_at).store(status, std::memory_order_release); }

void QuoteBuffer::put(mr::ByteView data, std::uint32_t out_len) {
    std::ranges::copy(data, bytes_.get() + quote_buffer_header_size);
    set_out_len(out_len);
}

void QuoteBuffer::set_out_len(std::uint32_t out_len) const { at<std::uint32_t>(out_len_at).store(out_len, std::memory_order_relaxed); }

std::optional<std::expected<mr::Bytes, QuoteFailure>> collect_quote(const QuoteBuffer &buffer) {
    using Cause = QuoteFailure::Cause;
    const auto status = buffer.status();
    if (status == quote_in_flight) return std::nullopt;
    if (status == quote_unavailable) return no_quote(Cause::unavailable, "the quoting service is not available");
    if (status != quote_success) {
        std::array<std::uint8_t, sizeof(status)> bytes{};
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(status >> (56 - 8 * i));
        return no_quote(Cause::failed, mr::to_hex(bytes));
    }
    // Looked at once: this value is bounded, and this value is what is copied.
    const std::size_t size = buffer.out_len();
    if (size == 0) return no_quote(Cause::invalid, "the quoting service says that it succeeded, and gives no quote");
    if (size > quote_buffer_capacity) {
        return no_quote(Cause::invalid, "the quoting service gives " + std::to_string(size) + " bytes in a buffer of " +
                                            std::to_string(quote_buffer_capacity));
    }
    const auto data = buffer.data().first(size);
    mr::Bytes quote(data.begin(), data.end());
    // Not used as a length: a host that writes to a buffer which it has given back may have changed the data too.
    if (buffer.out_len() != size) return no_quote(Cause::invalid, "the host changed the quote's length while it was read");
    return quote;
}

QuoteBuffer *QuoteBuffers::take() {
    const auto own = std::ranges::find_if(buffers_, [](const auto &buffer) { return buffer->status() != quote_in_flight; });
    if (own != buffers_.end()) return own->get();
    if (buffers_.size() > max_abandoned_buffers) return nullptr;
    return buffers_.emplace_back(make_()).get();
}

}  // namespace mrd::sim
