// Structs as JSON objects. A struct that goes over the wire names its members once:
//
//     struct ReadParameters {
//         std::string_view name;
//         std::optional<bool> fresh;
//         static constexpr auto fields() { return std::tuple(field("name", &ReadParameters::name), field("fresh", &ReadParameters::fresh)); }
//     };
//
// and can then be decoded and encoded. Members: bool, int64, double, string, string_view, RawJson, enum (with enum_names), optional, vector,
// map from string, and such structs. A string_view that was decoded is a view into the document.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <concepts>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "proto/varlink/json_writer.h"
#include "proto/varlink/value.h"

namespace varlink {

template <class Struct, class Member>
struct Field {
    std::string_view name;
    Member Struct::*member;
};

template <class Struct, class Member>
constexpr Field<Struct, Member> field(std::string_view name, Member Struct::*member) {
    return {name, member};
}

template <class T>
concept Described = requires { T::fields(); };

// An enum's values and their names on the wire: specialise with a static constexpr array `values` of pairs.
template <class T>
struct EnumNames;

template <class T>
concept NamedEnum = std::is_enum_v<T> && requires { EnumNames<T>::values; };

template <NamedEnum T>
constexpr std::string_view enum_name(T value) {
    for (const auto &[candidate, name] : EnumNames<T>::values) {
        if (candidate == value) return name;
    }
    return {};
}

// A member whose type is the interface's `object`: JSON text on the way out and on the way in.
struct RawJson {
    std::string text = "{}";
};

// ---- Encoding

template <Described T>
void write_json(std::string &out, const T &value);

template <class T>
void write_json(std::string &out, const std::vector<T> &values);
template <class T>
void write_json(std::string &out, const std::map<std::string, T> &values);

// Of an element; an optional member that has no value is left out.
template <class T>
void write_json(std::string &out, const std::optional<T> &value);

template <NamedEnum T>
void write_json(std::string &out, T value) {
    write_json(out, enum_name(value));
}

inline void write_json(std::string &out, const RawJson &value) { out += value.text; }

template <class T>
void write_json(std::string &out, const std::optional<T> &value) {
    if (value) {
        write_json(out, *value);
    } else {
        out += "null";
    }
}

template <class T>
void write_json(std::string &out, const std::vector<T> &values) {
    out += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (i > 0) out += ',';
        write_json(out, values[i]);
    }
    out += ']';
}

template <class T>
void write_json(std::string &out, const std::map<std::string, T> &values) {
    out += '{';
    bool rest = false;
    for (const auto &[key, value] : values) {
        if (rest) out += ',';
        rest = true;
        write_json(out, std::string_view(key));
        out += ':';
        write_json(out, value);
    }
    out += '}';
}

namespace detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

// What stands before a member's value: ,"name": in one piece. Names are plain words: no escapes.
template <Described T, std::size_t index>
inline constexpr auto key_text = [] {
    constexpr std::string_view name = std::get<index>(T::fields()).name;
    std::array<char, name.size() + 4> text{',', '"'};
    auto *at = std::ranges::copy(name, text.begin() + 2).out;
    *at++ = '"';
    *at = ':';
    return text;
}();

template <Described T, std::size_t index>
void write_field(std::string &out, bool &rest, const T &object) {
    const auto write = [&](const auto &value) {
        constexpr auto &key = key_text<T, index>;
        const std::size_t comma = rest ? 0 : 1;
        out.append(key.data() + comma, key.size() - comma);
        rest = true;
        write_json(out, value);
    };
    const auto &value = object.*(std::get<index>(T::fields()).member);
    if constexpr (is_optional<std::remove_cvref_t<decltype(value)>>) {
        if (value) write(*value);
    } else {
        write(value);
    }
}

}  // namespace detail

template <Described T>
void write_json(std::string &out, const T &value) {
    out += '{';
    [[maybe_unused]] bool rest = false;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (detail::write_field<T, I>(out, rest, value), ...);
    }(std::make_index_sequence<std::tuple_size_v<decltype(T::fields())>>());
    out += '}';
}

// ---- Decoding

// The name of the field that is unknown, missing, given twice or of the wrong type.
struct BadField {
    std::string name;
};

namespace detail {

template <class T>
bool read_value(Value value, T &out);

template <class T>
bool read_vector(Value value, std::vector<T> &out) {
    if (value.kind() != Kind::array) return false;
    out.reserve(value.size());
    for (auto element = value.first(); element; element = element->next()) {
        if (!read_value(*element, out.emplace_back())) return false;
    }
    return true;
}

template <class T>
bool read_map(Value value, std::map<std::string, T> &out) {
    if (value.kind() != Kind::object) return false;
    for (auto member = value.first(); member; member = member->next()) {
        const auto [entry, is_new] = out.try_emplace(std::string(member->key()));
        if (!is_new || !read_value(*member, entry->second)) return false;
    }
    return true;
}

}  // namespace detail

// Unknown members are refused unless `tolerant`, which is for replies: a newer peer may say more.
template <Described T>
std::expected<T, BadField> decode(Value object, bool tolerant = false) {
    T out{};
    constexpr auto fields = T::fields();
    constexpr auto count = std::tuple_size_v<decltype(fields)>;
    std::bitset<count == 0 ? 1 : count> seen;
    if (object.kind() != Kind::object) return std::unexpected(BadField{std::string(object.key())});
    for (auto member = object.first(); member; member = member->next()) {
        const auto key = member->key();
        bool known = false;
        bool good = true;
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            [[maybe_unused]] const auto try_one = [&]<std::size_t Index>() {
                const auto &entry = std::get<Index>(fields);
                if (entry.name != key) return false;
                known = true;
                if (seen.test(Index)) {
                    good = false;
                    return true;
                }
                seen.set(Index);
                good = detail::read_value(*member, out.*(entry.member));
                return true;
            };
            (void)(try_one.template operator()<I>() || ...);
        }(std::make_index_sequence<count>());
        if ((!known && !tolerant) || !good) return std::unexpected(BadField{std::string(key)});
    }
    std::optional<BadField> missing;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        [[maybe_unused]] const auto check_one = [&]<std::size_t Index>() {
            const auto &entry = std::get<Index>(fields);
            using Member = std::remove_cvref_t<decltype(out.*(entry.member))>;
            if (!detail::is_optional<Member> && !seen.test(Index) && !missing) missing = BadField{std::string(entry.name)};
        };
        (check_one.template operator()<I>(), ...);
    }(std::make_index_sequence<count>());
    if (missing) return std::unexpected(std::move(*missing));
    return out;
}

namespace detail {

template <class T>
bool read_value(Value value, T &out) {
    const auto take = [&out](auto read) {
        if (read) out = *read;
        return read.has_value();
    };
    if constexpr (std::same_as<T, bool>) {
        return take(value.as_bool());
    } else if constexpr (std::same_as<T, std::int64_t>) {
        return take(value.as_int());
    } else if constexpr (std::same_as<T, double>) {
        return take(value.as_number());
    } else if constexpr (std::same_as<T, std::string> || std::same_as<T, std::string_view>) {
        return take(value.as_string());
    } else if constexpr (std::same_as<T, RawJson>) {
        if (value.kind() != Kind::object) return false;
        out.text = value.to_json();
        return true;
    } else if constexpr (NamedEnum<T>) {
        for (const auto &[candidate, name] : EnumNames<T>::values) {
            if (value.as_string() == name) {
                out = candidate;
                return true;
            }
        }
        return false;
    } else if constexpr (is_optional<T>) {
        if (value.kind() == Kind::null) return true;
        return read_value(value, out.emplace());
    } else if constexpr (Described<T>) {
        auto decoded = decode<T>(value, true);
        if (decoded) out = std::move(*decoded);
        return decoded.has_value();
    } else if constexpr (requires { typename T::mapped_type; }) {
        return read_map(value, out);
    } else {
        return read_vector(value, out);
    }
}

}  // namespace detail

}  // namespace varlink
