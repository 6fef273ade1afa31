// Reads a journal's records one after the other, and tells a torn tail from damage.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <system_error>

#include "mr/bytes.h"
#include "mrd/journal/append_file.h"
#include "mrd/journal/format.h"
#include "proto/varlink/release.h"

namespace mrd::journal {

class RecordReader {
public:
    // From the record at `begin` to `end`; the file must outlive the reader. `most_at_once`: bytes read at once, of which the first times take fewer: most journals are
    // short.
    RecordReader(AppendFile &file, std::uint64_t begin, std::uint64_t end, std::size_t most_at_once = std::size_t{1} << 18U)
        : file_(&file), position_(begin), end_(end), most_at_once_(most_at_once) {}

    struct Found {
        Head head;
        mr::ByteView bytes;  // of the whole record, until the next call
        std::uint64_t offset = 0;
    };
    // Nothing: no intact record stands at offset().
    std::expected<std::optional<Found>, std::error_code> next();

    [[nodiscard]] std::uint64_t offset() const { return position_; }
    [[nodiscard]] bool is_at_end() const { return position_ >= end_; }

    // It goes over checkpoints without a look at their bodies: for who looks for events.
    void pass_over_checkpoints() { passes_over_checkpoints_ = true; }

    // To a record that was found.
    void go_back(std::uint64_t offset) { position_ = offset; }

    // More was written.
    void set_end(std::uint64_t end) { end_ = end; }

    // Lets go of its memory until the next call. What was found is not valid any more.
    void rest() { varlink::release(buffer_); }

    // No record stands at offset(): goes on at the next place where an intact one does. False: there is none.
    std::expected<bool, std::error_code> skip_damage();

private:
    static constexpr std::size_t first_read = std::size_t{1} << 13U;

    // The bytes at the position, at least `size` of them unless the file ends before.
    std::expected<mr::ByteView, std::error_code> look(std::size_t size);

    AppendFile *file_;
    std::uint64_t position_;
    std::uint64_t end_;
    std::size_t most_at_once_;
    std::size_t next_read_ = first_read;
    mr::Bytes buffer_;
    std::uint64_t buffer_begin_ = 0;
    bool passes_over_checkpoints_ = false;
};

// Where the last byte that is not zero ends, from `begin` on; `begin` if there is none.
std::expected<std::uint64_t, std::error_code> end_of_data(AppendFile &file, std::uint64_t begin, std::uint64_t end);

}  // namespace mrd::journal
