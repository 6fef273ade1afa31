// Finds the place in the log at which the registers held what a quote says: extends do not stop while a quote is made, so the log's end is not it.
//
// The quote was taken after event `first`, which had been settled before it was asked for, and the log goes on to some event that was settled after
// it came. Whatever the registers held meanwhile, they held between two events; at the first place from `first` on where the log leads to every signed
// value, the log explains the quote. Events in, a place out: no input or output of its own.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/digest.h"
#include "mr/event_log.h"

namespace mrd {

class EvidenceCut {
public:
    // A register that only mrd extends, and what the quote says of it.
    struct Signed {
        std::string name;  // "tdx/rtmr3"
        mr::Digest value;
    };

    EvidenceCut(std::uint64_t first, std::vector<Signed> registers) : first_(first), signed_(std::move(registers)) {}

    // What the log says of a register, before its events.
    void declare(const mr::LogRegister &known) { replay_.declare(known); }

    // The log up to here leads to every signed value.
    [[nodiscard]] bool found() const;

    // The next event. Not after found(). Error: a sentence.
    std::expected<void, std::string> apply(const mr::Event &event);

    [[nodiscard]] std::uint64_t sequence() const { return sequence_; }  // of the last event that was applied
    // What the events so far lead to. Nothing: the log does not know the register.
    [[nodiscard]] std::optional<mr::Digest> logged(std::string_view name) const;

private:
    std::uint64_t first_;
    std::vector<Signed> signed_;
    std::uint64_t sequence_ = 0;
    mr::Replay replay_{mr::ReplayNames::as_logged};
};

}  // namespace mrd
