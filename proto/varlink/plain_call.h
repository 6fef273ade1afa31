// Calls whose parameters have a known shape, decoded straight from their text: nearly every call of nearly every client. What is written in any other way (an
// escape, a member that is unknown or null or an object or stands twice, "oneway", a mistake) is left to parse_call() and decode(), which alone decide what is
// refused and how. tests/proto/plain_call_test.cpp holds the two against each other.
#pragma once

#include <bitset>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "proto/varlink/fields.h"
#include "proto/varlink/plain_scanner.h"

namespace varlink {

struct PlainCall {
    std::string_view method;  // a view into the message
    PlainScanner rest;        // from the parameters on
};

// Of a message that has the method first, then the parameters, and nothing else. Nothing: it begins otherwise.
inline std::optional<PlainCall> begin_plain_call(std::string_view message) {
    PlainCall call{.method = {}, .rest = PlainScanner(message)};
    auto &scanner = call.rest;
    std::string_view key;
    if (!scanner.take('{') || !scanner.take_string(key) || key != "method" || !scanner.take(':') || !scanner.take_string(call.method) ||
        !scanner.take(',') || !scanner.take_string(key) || key != "parameters" || !scanner.take(':'))
        return std::nullopt;
    return call;
}

namespace detail {

inline bool take_plain(PlainScanner &scanner, std::string_view &value) { return scanner.take_string(value); }
inline bool take_plain(PlainScanner &scanner, std::int64_t &value) { return scanner.take_integer(value); }
inline bool take_plain(PlainScanner &scanner, bool &value) { return scanner.take_boolean(value); }
inline bool take_plain(PlainScanner &scanner, std::string &value) {
    std::string_view text;
    if (!scanner.take_string(text)) return false;
    value = text;
    return true;
}
template <class T>
inline constexpr bool is_plain_value =
    std::same_as<T, std::string_view> || std::same_as<T, std::string> || std::same_as<T, std::int64_t> || std::same_as<T, bool>;

template <class T>
bool take_plain([[maybe_unused]] PlainScanner &scanner, std::optional<T> &value) {
    if constexpr (is_plain_value<T>) {
        return take_plain(scanner, value.emplace());
    } else {
        return false;
    }
}

// What is not plain may be left out, if it is optional: a call that has it is the parser's.
template <class T>
inline constexpr bool is_plain_member = is_plain_value<T>;
template <class T>
inline constexpr bool is_plain_member<std::optional<T>> = true;

template <class Fields>
inline constexpr bool are_plain = false;
template <class Struct, class... Members>
inline constexpr bool are_plain<std::tuple<Field<Struct, Members>...>> = (is_plain_member<Members> && ...);  // NOLINT(misc-*)
template <>
inline constexpr bool are_plain<std::tuple<>> = true;

}  // namespace detail

// Each member is text, an integer or a boolean, or optional.
template <class T>
concept PlainShape = Described<T> && detail::are_plain<std::remove_const_t<decltype(T::fields())>>;

// The parameters, which end the call. Nothing: it is not plain, or not what the method takes.
template <PlainShape T>
std::optional<T> end_plain_call(PlainScanner scanner) {
    constexpr auto fields = T::fields();
    constexpr auto count = std::tuple_size_v<decltype(fields)>;
    std::optional<T> out(std::in_place);
    std::bitset<count == 0 ? 1 : count> seen;
    const auto take_member = [&] {
        std::string_view key;
        if (!scanner.take_string(key) || !scanner.take(':')) return false;
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            bool taken = false;
            [[maybe_unused]] const auto is_this = [&]<std::size_t Index>() {
                const auto &entry = std::get<Index>(fields);
                if (entry.name != key) return false;
                taken = !seen.test(Index) && detail::take_plain(scanner, (*out).*(entry.member));
                seen.set(Index);
                return true;
            };
            (void)(is_this.template operator()<I>() || ...);
            return taken;
        }(std::make_index_sequence<count>());
    };
    if (!scanner.take('{')) return std::nullopt;
    if (!scanner.take('}')) {
        do {
            if (!take_member()) return std::nullopt;
        } while (scanner.take(','));
        if (!scanner.take('}')) return std::nullopt;
    }
    const bool has_all = [&]<std::size_t... I>(std::index_sequence<I...>) {
        return ((seen.test(I) || detail::is_optional<std::remove_cvref_t<decltype((*out).*(std::get<I>(fields).member))>>) && ...);
    }(std::make_index_sequence<count>());
    return has_all && scanner.take('}') && scanner.at_end() ? std::move(out) : std::nullopt;
}

}  // namespace varlink
