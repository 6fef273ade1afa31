// Reads a journal's records one after the other, and proves each by those before it: for a start all at once, and in steps for the check that follows one
// which began at a checkpoint.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "mrd/journal/append_file.h"
#include "mrd/journal/extends_together.h"
#include "mrd/journal/record_reader.h"
#include "mrd/journal/state.h"

namespace mrd::journal {

class Proof {
public:
    // From the record at `begin`, before which all adds up to `state`, to `end`. The file must outlive it.
    Proof(AppendFile &file, State state, std::uint64_t begin, std::uint64_t end)
        : state_(std::move(state)), reader_(file, begin, end), end_(end) {}

    enum class Step : std::uint8_t {
        more,        // all of these were good
        end,         // at the end, or where no intact record stands
        damaged,     // an intact record says what cannot be
        unreadable,  // the file cannot be read
    };
    // Goes on by so many bytes, or a record more.
    Step step(std::uint64_t bytes);

    // Each step proves its extends several at once. After one that is damaged, state() is that of a place behind the damage.
    void prove_extends_together() { together_.emplace(); }

    [[nodiscard]] State &state() { return state_; }
    [[nodiscard]] RecordReader &reader() { return reader_; }
    [[nodiscard]] std::uint64_t offset() const { return offset_; }           // of what is not proved yet
    [[nodiscard]] const std::optional<Mark> &last() const { return last_; }  // record that was good
    [[nodiscard]] bool is_at_end() const { return offset_ >= end_; }
    [[nodiscard]] const std::string &what() const { return what_; }        // is wrong, where it is damaged
    [[nodiscard]] const std::error_code &error() const { return error_; }  // where it is unreadable

private:
    Step read(std::uint64_t bytes);

    State state_;
    std::optional<ExtendsTogether> together_;
    RecordReader reader_;
    std::uint64_t offset_ = reader_.offset();
    std::uint64_t end_;
    std::optional<Mark> last_;
    std::string what_;
    std::error_code error_;
};

}  // namespace mrd::journal
