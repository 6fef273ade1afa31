// What the journal says when it cannot do something.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>

namespace mrd::journal {

// The size limit, or somebody's share of it, is reached.
struct Full {
    std::uint64_t limit = 0;
    std::optional<std::string> share = {};  // "bytes of uid 1000"; nothing: `limit` is the journal's, in bytes
};
struct Failed {
    std::string reason;  // a sentence
};
using Error = std::variant<Full, Failed>;

// For the log and for an error at start; clients get the error itself.
inline std::string text_of(const Error &error) {
    const auto *full = std::get_if<Full>(&error);
    if (full != nullptr && full->share) return "the journal takes no more than " + std::to_string(full->limit) + " " + *full->share;
    if (full != nullptr) return "the journal has reached its size limit of " + std::to_string(full->limit) + " bytes (journal.size_limit)";
    return std::get<Failed>(error).reason;
}

// "cannot write /run/mrd/state/journal: No space left on device".
inline std::string cannot(std::string_view what, const std::filesystem::path &path, const std::error_code &error) {
    return "cannot " + std::string(what) + " " + path.string() + ": " + error.message();
}

}  // namespace mrd::journal
