// Texts that are nearly ones that a parser takes.
#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace varlink {

// One of `seeds`, changed at up to `most` places: another byte of `bytes` there, one more, some fewer, or a piece of the text again. Not empty.
inline std::string mutated(const std::vector<std::string> &seeds, std::string_view bytes, std::size_t most, std::mt19937 &random) {
    const auto below = [&random](std::size_t end) { return random() % end; };
    auto text = seeds[below(seeds.size())];
    for (auto changes = 1 + below(most); changes > 0; --changes) {
        const auto at = below(text.size());
        switch (below(4)) {
        case 0: text[at] = bytes[below(bytes.size())]; break;
        case 1: text.insert(at, 1, bytes[below(bytes.size())]); break;
        case 2: text.erase(at, 1 + below(4)); break;
        default: text.insert(at, text.substr(below(text.size()), below(20))); break;
        }
        if (text.empty()) text = " ";
    }
    return text;
}

}  // namespace varlink
