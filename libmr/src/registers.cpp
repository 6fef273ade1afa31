#include "mr/registers.h"

#include <array>
#include <utility>

namespace mr {
namespace {

constexpr std::array<std::pair<char, Flag>, 5> letters_in_order = {{
    {'X', Flag::extensible},
    {'W', Flag::writable},
    {'R', Flag::readable},
    {'L', Flag::live},
    {'F', Flag::file},
}};

}  // namespace

std::string Flags::to_string() const {
    std::string letters;
    for (const auto &[letter, flag] : letters_in_order) {
        if (has(flag)) {
            letters += letter;
        }
    }
    return letters;
}

// Strict: each letter at most once and in the order to_string() gives, so that a set of flags has one spelling.
std::optional<Flags> Flags::from_string(std::string_view letters) {
    Flags flags;
    std::size_t at = 0;
    for (const auto &[letter, flag] : letters_in_order) {
        if (at < letters.size() && letters[at] == letter) {
            flags = flags | flag;
            ++at;
        }
    }
    if (at != letters.size()) {
        return std::nullopt;
    }
    return flags;
}

std::string_view to_string(Owner owner) {
    switch (owner) {
    case Owner::owned: return "owned";
    case Owner::shared: return "shared";
    case Owner::observed: return "observed";
    }
    return "unknown";
}

std::optional<Owner> owner_from(std::string_view name) {
    for (const Owner owner : {Owner::owned, Owner::shared, Owner::observed}) {
        if (name == to_string(owner)) {
            return owner;
        }
    }
    return std::nullopt;
}

}  // namespace mr
