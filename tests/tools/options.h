// The command lines of the tools: "--name NUMBER" for each option, in any order.
#pragma once

#include <charconv>
#include <string_view>

namespace mrd {

template <class Number>
struct NumberOption {
    std::string_view name;  // "--seed"
    Number &value;
};
template <class Number>
NumberOption(std::string_view, Number &) -> NumberOption<Number>;

// False: wrong usage.
template <class... Numbers>
bool read_options(int argc, char **argv, NumberOption<Numbers>... options) {
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) return false;
        const std::string_view text = argv[i + 1];
        const auto is_this = [&](const auto &option) {
            if (option.name != argv[i]) return false;
            const auto end = std::from_chars(text.data(), text.data() + text.size(), option.value);
            return end.ec == std::errc() && end.ptr == text.data() + text.size();
        };
        if (!(is_this(options) || ...)) return false;
    }
    return true;
}

}  // namespace mrd
