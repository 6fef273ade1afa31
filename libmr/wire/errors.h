// The errors that several interfaces have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/varlink/fields.h"

namespace mr::wire {

using varlink::field;

// Bytes expected and given.
struct WrongLength {
    static constexpr std::string_view name_in_interface = "WrongLength";
    std::string name;
    std::int64_t expected = 0;
    std::int64_t actual = 0;
    static constexpr auto fields() {
        return std::tuple(field("name", &WrongLength::name), field("expected", &WrongLength::expected),
                          field("actual", &WrongLength::actual));
    }
};

struct JournalFailed {
    static constexpr std::string_view name_in_interface = "JournalFailed";
    std::string reason;
    static constexpr auto fields() { return std::tuple(field("reason", &JournalFailed::reason)); }
};

struct NotSupported {
    static constexpr std::string_view name_in_interface = "NotSupported";
    std::string provider;
    std::string what;
    static constexpr auto fields() { return std::tuple(field("provider", &NotSupported::provider), field("what", &NotSupported::what)); }
};

struct Busy {
    static constexpr std::string_view name_in_interface = "Busy";
    std::string limit;
    static constexpr auto fields() { return std::tuple(field("limit", &Busy::limit)); }
};

}  // namespace mr::wire
