// The answers that a connection's calls still have to get while the calls behind them run: what is answered meanwhile is kept, so that answers are in the order
// of the calls. No input or output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "proto/varlink/call_counters.h"

namespace varlink {

class OwedAnswers {
public:
    struct Call {
        bool oneway = false;               // wants none
        CallCounters *counters = nullptr;  // in which it is counted when it has its answer
        CallCounters::Clock::time_point began = {};
    };

    // One more, behind all others. Returns its number, never 0.
    std::uint64_t add(const Call &call);

    // Null: it has its answer, or was given up.
    [[nodiscard]] Call *find(std::uint64_t number);

    // Keeps what write(std::string &) appends: the answer of a call behind all that are owed. Precondition: not empty().
    template <class Write>
    void keep(const Write &write) {
        append(entries_.back().text, write);
    }

    // The call's answer, as write(std::string &) appends it: to `out`, with all that was kept behind it, as soon as no answer before it is owed. Precondition: find()
    // finds it.
    template <class Write>
    void answer(std::uint64_t number, const Write &write, std::string &out) {
        auto &entry = entries_[index_of(number)];
        entry.is_answered = true;
        if (&entry == &entries_[first_]) {
            write(out);
        } else {
            // Before what was answered behind it.
            std::string text;
            append(text, write);
            entry.text.insert(0, text);
        }
        give_in_order(out);
    }

    // It gets none, and so neither does any call behind it: their answers would be taken for its own. Precondition: find() finds it.
    void give_up_from(std::uint64_t number);

    // Nobody reads answers any more.
    void drop_texts();

    [[nodiscard]] bool empty() const { return entries_.empty(); }
    [[nodiscard]] std::size_t size() const { return entries_.size() - first_; }
    [[nodiscard]] std::size_t kept() const { return kept_; }  // bytes
    [[nodiscard]] std::size_t memory() const;

private:
    struct Entry {
        Call call;
        bool is_answered = false;
        std::string text = {};  // its answer, where those before it are owed, and what was answered behind it
    };

    template <class Write>
    void append(std::string &text, const Write &write) {
        const auto before = text.size();
        write(text);
        kept_ += text.size() - before;
    }
    [[nodiscard]] std::size_t index_of(std::uint64_t number) const {
        return entries_.size() - 1 - static_cast<std::size_t>(last_ - number);
    }
    void give_in_order(std::string &out);

    std::vector<Entry> entries_;  // those from first_ on; the others have gone
    std::size_t first_ = 0;
    std::uint64_t last_ = 0;  // the number of the last entry
    std::size_t kept_ = 0;
};

}  // namespace varlink
