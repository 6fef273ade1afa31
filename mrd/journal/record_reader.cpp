#include "mrd/journal/record_reader.h"

#include <algorithm>
#include <cstring>

namespace mrd::journal {

namespace {

// Compares the bytes with themselves one further on, which the C library does many at a time. Precondition: not empty.
bool is_zero(mr::ByteView bytes) { return bytes.front() == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0; }

}  // namespace

std::expected<mr::ByteView, std::error_code> RecordReader::look(std::size_t size) {
    if (position_ >= end_) return mr::ByteView();
    size = static_cast<std::size_t>(std::min<std::uint64_t>(size, end_ - position_));
    const bool is_buffered = position_ >= buffer_begin_ && position_ + size <= buffer_begin_ + buffer_.size();
    if (!is_buffered) {
        buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(std::max(size, next_read_), end_ - position_)));
        next_read_ = std::min(2 * next_read_, most_at_once_);
        buffer_begin_ = position_;
        std::size_t filled = 0;
        while (filled < buffer_.size()) {
            const auto count = file_->read(buffer_begin_ + filled, std::span(buffer_).subspan(filled));
            if (!count) {
                buffer_.clear();
                return std::unexpected(count.error());
            }
            if (*count == 0) break;
            filled += *count;
        }
        buffer_.resize(filled);
    }
    return mr::ByteView(buffer_).subspan(static_cast<std::size_t>(position_ - buffer_begin_));
}

std::expected<std::optional<RecordReader::Found>, std::error_code> RecordReader::next() {
    for (;;) {
        auto bytes = look(record_head_size);
        if (!bytes) return std::unexpected(bytes.error());
        if (bytes->size() < record_head_size) return std::nullopt;
        const auto head = decode_head(*bytes, position_);
        if (!head) return std::nullopt;
        const auto size = head->record_size();
        if (passes_over_checkpoints_ && head->is_checkpoint() && size <= end_ - position_) {
            position_ += size;
            continue;
        }
        bytes = look(size);
        if (!bytes) return std::unexpected(bytes.error());
        if (bytes->size() < size || !body_is_intact(*head, bytes->first(size))) return std::nullopt;
        const Found found{*head, bytes->first(size), position_};
        position_ += size;
        return found;
    }
}

std::expected<bool, std::error_code> RecordReader::skip_damage() {
    const auto begin = position_;
    for (position_ += record_alignment; position_ < end_; position_ += record_alignment) {
        const auto found = next();
        if (!found) return std::unexpected(found.error());
        if (!*found) continue;
        position_ = (*found)->offset;
        return true;
    }
    position_ = begin;
    return false;
}

std::expected<std::uint64_t, std::error_code> end_of_data(AppendFile &file, std::uint64_t begin, std::uint64_t end) {
    mr::Bytes piece(static_cast<std::size_t>(std::min<std::uint64_t>(end - std::min(begin, end), std::uint64_t{1} << 14U)));
    auto last = begin;
    for (auto at = begin; at < end;) {
        const auto count = file.read(at, std::span(piece).first(static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), end - at))));
        if (!count) return std::unexpected(count.error());
        if (*count == 0) break;
        const auto bytes = mr::ByteView(piece).first(*count);
        at += *count;
        if (is_zero(bytes)) continue;
        const auto found = std::find_if(bytes.rbegin(), bytes.rend(), [](std::uint8_t byte) { return byte != 0; });
        last = at - *count + static_cast<std::uint64_t>(bytes.rend() - found);
    }
    return last;
}

}  // namespace mrd::journal
