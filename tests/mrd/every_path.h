// Plays a test once for every path through its choices, from its beginning: for what cannot be copied, or is short.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace mrd {

class Choices {
public:
    // One of 0 ... count - 1. Precondition: what was chosen before on this path decides which question comes.
    std::size_t choose(std::size_t count) {
        if (next_ == path_.size()) path_.emplace_back(0, count);
        return path_[next_++].first;
    }
    bool yes() { return choose(2) == 1; }

    // To the next path. False: there is none.
    bool advance() {
        next_ = 0;
        while (!path_.empty() && path_.back().first + 1 == path_.back().second) path_.pop_back();
        if (path_.empty()) return false;
        ++path_.back().first;
        return true;
    }

    // "0 2 1": what was chosen on this path, for a message.
    [[nodiscard]] std::string text() const {
        std::string text;
        for (const auto &[choice, count] : path_) text += (text.empty() ? "" : " ") + std::to_string(choice);
        return text;
    }

private:
    std::vector<std::pair<std::size_t, std::size_t>> path_;  // chosen, of so many
    std::size_t next_ = 0;
};

// play(Choices &). Returns the number of paths.
template <class Play>
std::size_t for_every_path(const Play &play) {
    Choices choices;
    std::size_t paths = 0;
    do {
        play(choices);
        ++paths;
    } while (choices.advance());
    return paths;
}

}  // namespace mrd
