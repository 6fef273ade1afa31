// A struct with a member of every type that fields.h knows, for its test and its fuzz target.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "proto/varlink/fields.h"
#include "proto/varlink/message.h"

namespace varlink::test {

enum class Colour : std::uint8_t { red, dark_green };

}  // namespace varlink::test

template <>
struct varlink::EnumNames<varlink::test::Colour> {
    static constexpr auto values = std::to_array<std::pair<varlink::test::Colour, std::string_view>>(
        {{varlink::test::Colour::red, "red"}, {varlink::test::Colour::dark_green, "dark_green"}});
};

namespace varlink::test {

struct Inner {
    std::int64_t first = 0;
    std::optional<std::string> second;
    static constexpr auto fields() { return std::tuple(field("first", &Inner::first), field("second", &Inner::second)); }
    bool operator==(const Inner &) const = default;
};

struct Everything {
    bool flag = false;
    std::int64_t integer = 0;
    double number = 0;
    std::string text;
    RawJson raw;
    Colour colour = Colour::red;
    Inner inner;
    std::optional<std::int64_t> maybe;
    std::vector<std::string> list;
    std::vector<std::optional<Inner>> inners;
    std::map<std::string, std::int64_t> map;
    std::map<std::string, NoParameters> set;
    std::optional<std::vector<std::optional<std::map<std::string, Colour>>>> deep;

    static constexpr auto fields() {
        return std::tuple(field("flag", &Everything::flag), field("integer", &Everything::integer), field("number", &Everything::number),
                          field("text", &Everything::text), field("raw", &Everything::raw), field("colour", &Everything::colour),
                          field("inner", &Everything::inner), field("maybe", &Everything::maybe), field("list", &Everything::list),
                          field("inners", &Everything::inners), field("map", &Everything::map), field("set", &Everything::set),
                          field("deep", &Everything::deep));
    }
};

template <Described T>
std::string json(const T &value) {
    std::string text;
    write_json(text, value);
    return text;
}

}  // namespace varlink::test
