// What was looked for on this machine of one type of provider, and what became of it: for who has to do something about it.
#pragma once

#include <string>
#include <vector>

namespace mrd {

struct Sighting {
    bool found = false;     // enough of it that a provider can be made of it
    std::string name = {};  // what that is called; empty: as its type usually is
    // For each thing that a provider of the type can use, one clause: where it is, or why it is of no use and what to do.
    std::vector<std::string> clauses;

    [[nodiscard]] std::string text() const {
        std::string text;
        for (const auto &clause : clauses) text += (text.empty() ? "" : "; ") + clause;
        return text;
    }
};

// A type of hardware, as it was looked for.
struct Looked {
    std::string type;
    Sighting sighting;
};

}  // namespace mrd
