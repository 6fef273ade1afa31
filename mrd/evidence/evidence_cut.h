// Finds the places in the log at which the registers held what the quotes say: extends do not stop while quotes are made, so the log's end is not it.
//
// A quote was taken after event `first`, which had been settled before it was asked for, and the log goes on to some event that was settled after it came.
// Whatever the registers held meanwhile, they held between two events; at the first place from `first` on where the log leads to every value that the quote
// signs, the log explains the quote. Quotes of several providers are of several moments, and each has its own place: the log ends at the last of them.
// Events in, places out: no input or output of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mr/digest.h"
#include "mr/event_log.h"
#include "mr/registers.h"

namespace mrd {

class EvidenceCut {
public:
    struct Signed {
        std::string name;                    // "tdx/rtmr3"
        mr::Digest value;                    // in the quote
        mr::Owner owner = mr::Owner::owned;  // the log has to lead there only where nobody but mrd extends it
    };
    struct SignedQuote {
        std::uint64_t first = 0;  // the log's last event when it was asked for
        std::vector<Signed> registers = {};
    };

    // `known`: what the log says of its registers, before its events.
    EvidenceCut(std::vector<SignedQuote> quotes, std::span<const mr::LogRegister> known);

    // The log up to here explains every quote.
    [[nodiscard]] bool found() const { return found_ == quotes_.size(); }

    // The next event. Not after found(). Error: a sentence.
    std::expected<void, std::string> apply(const mr::Event &event);

    [[nodiscard]] std::uint64_t sequence() const { return sequence_; }  // of the last event that was applied
    // The last event that the quote shows. Nothing: the log does not explain it, so far.
    [[nodiscard]] std::optional<std::uint64_t> place(std::size_t quote) const { return quotes_[quote].place; }
    // What the log leads to at the quote's place, of a register of its; without a place, at the last event so far. Nothing: the log does not know the register.
    [[nodiscard]] std::optional<mr::Digest> logged(std::size_t quote, std::size_t reg) const;

private:
    struct Quote {
        SignedQuote is;
        std::optional<std::uint64_t> place = {};
        std::vector<std::optional<mr::Digest>> logged = {};  // there, of each register
    };

    void look();
    [[nodiscard]] std::optional<mr::Digest> leads_to(const Signed &reg) const;

    std::vector<Quote> quotes_;
    std::size_t found_ = 0;
    std::uint64_t sequence_ = 0;
    mr::Replay replay_{mr::ReplayNames::as_logged};
};

}  // namespace mrd
