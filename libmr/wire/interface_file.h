// Holds the descriptions of an interface's methods against its file (proto/interfaces/*.varlink): by the compiler, in a static_assert.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "libmr/wire/method.h"
#include "proto/varlink/fields.h"

namespace mr::wire {

// An interface file, read from some place on.
class InterfaceText {
public:
    constexpr explicit InterfaceText(std::string_view text) : rest_(text) {}

    // A name, a keyword, or one character. Empty: the end.
    constexpr std::string_view next() {
        skip();
        std::size_t size = 0;
        while (size < rest_.size() && is_name(rest_[size])) ++size;
        if (size == 0 && !rest_.empty()) size = 1;
        const auto word = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return word;
    }
    constexpr bool take(std::string_view word) {
        auto after = *this;
        if (after.next() != word) return false;
        *this = after;
        return true;
    }
    // Goes on behind the next "keyword name" that begins a line, as each definition does, and returns the name. Empty: there is none. Line by line, since compilers
    // bound the steps that an assertion takes.
    constexpr std::string_view next_definition(std::string_view keyword) {
        for (; !rest_.empty(); skip_line()) {
            auto after = *this;
            if (!rest_.starts_with(keyword) || after.next() != keyword) continue;
            const auto name = after.next();
            if (name == ":") continue;  // a field of that name
            *this = after;
            return name;
        }
        return {};
    }
    // Goes on behind "keyword name". False: it is not there.
    constexpr bool find(std::string_view keyword, std::string_view name) {
        for (auto found = next_definition(keyword); !found.empty(); found = next_definition(keyword)) {
            if (found == name) return true;
        }
        return false;
    }
    [[nodiscard]] constexpr std::size_t count(std::string_view keyword) const {
        std::size_t found = 0;
        for (auto at = *this; !at.next_definition(keyword).empty();) ++found;
        return found;
    }

private:
    static constexpr bool is_name(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    }
    constexpr void skip_line() {
        const auto end = rest_.find('\n');
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    }
    constexpr void skip() {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n' || rest_.front() == '#')) {
            const auto end = rest_.front() == '#' ? rest_.find('\n') : 0;
            rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
        }
    }

    std::string_view rest_;
};

namespace detail {

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_map = false;
template <class T>
inline constexpr bool is_map<std::map<std::string, T>> = true;

template <class Struct>
constexpr bool has_fields(InterfaceText &at, std::string_view file);

// Does the file, from `at` on, have this type?
template <class T>
constexpr bool has_type(InterfaceText &at, std::string_view file) {
    if constexpr (varlink::detail::is_optional<T>) {
        return at.take("?") && has_type<typename T::value_type>(at, file);
    } else if constexpr (is_vector<T>) {
        return at.take("[") && at.take("]") && has_type<typename T::value_type>(at, file);
    } else if constexpr (is_map<T>) {
        return at.take("[") && at.take("string") && at.take("]") && has_type<typename T::mapped_type>(at, file);
    } else if constexpr (std::same_as<T, bool>) {
        return at.take("bool");
    } else if constexpr (std::same_as<T, std::int64_t>) {
        return at.take("int");
    } else if constexpr (std::same_as<T, double>) {
        return at.take("float");
    } else if constexpr (std::same_as<T, std::string> || std::same_as<T, std::string_view>) {
        return at.take("string");
    } else if constexpr (std::same_as<T, varlink::RawJson>) {
        return at.take("object");
    } else {
        // Written out in its place, or a type of the file.
        auto named = at;
        const auto name = named.next();
        if (name != "(") {
            at = named;
            named = InterfaceText(file);
            if (!named.find("type", name)) return false;
        }
        auto &place = name == "(" ? at : named;
        if constexpr (varlink::NamedEnum<T>) {
            bool good = place.take("(");
            for (std::size_t i = 0; i < varlink::EnumNames<T>::values.size(); ++i)
                good = good && (i == 0 || place.take(",")) && place.take(varlink::EnumNames<T>::values[i].second);
            return good && place.take(")");
        } else {
            return has_fields<T>(place, file);
        }
    }
}

// "(name: type, ...)", in the struct's order.
template <class Struct>
constexpr bool has_fields(InterfaceText &at, std::string_view file) {
    bool good = at.take("(");
    bool first = true;
    std::apply(
        [&](const auto &...fields) {
            [[maybe_unused]] const auto has_field = [&]<class Member>(const varlink::Field<Struct, Member> &field) {
                good = good && (first || at.take(",")) && at.take(field.name) && at.take(":") && has_type<Member>(at, file);
                first = false;
            };
            (has_field(fields), ...);
        },
        Struct::fields());
    return good && at.take(")");
}

}  // namespace detail

// Is the method in the file as it is described, with each of its errors?
template <DescribedMethod Method>
constexpr bool is_in_file(std::string_view file) {
    InterfaceText at(file);
    if (!InterfaceText(file).find("interface", Method::description.interface()) || !at.find("method", Method::description.method()))
        return false;
    if (!detail::has_fields<typename Method::Parameters>(at, file) || !at.take("-") || !at.take(">") ||
        !detail::has_fields<typename Method::Reply>(at, file))
        return false;
    const auto has_errors = [file]<class... Errors>(ErrorList<Errors...>) {
        [[maybe_unused]] const auto has_error = [file]<class Error>() {
            InterfaceText error(file);
            return error.find("error", Error::name_in_interface) && detail::has_fields<Error>(error, file);
        };
        return (has_error.template operator()<Errors>() && ...);
    };
    return has_errors(typename Method::Errors());
}

// Has the file no method beside these?
template <DescribedMethod... Methods>
constexpr bool has_no_other_method(std::string_view file, MethodList<Methods...>) {
    return InterfaceText(file).count("method") == sizeof...(Methods);
}

// And no error that none of them gives?
template <DescribedMethod... Methods>
constexpr bool has_no_other_error(std::string_view file, MethodList<Methods...>) {
    InterfaceText at(file);
    for (auto name = at.next_definition("error"); !name.empty(); name = at.next_definition("error")) {
        const auto gives = [name]<class... Errors>(ErrorList<Errors...>) { return ((Errors::name_in_interface == name) || ...); };
        if (!(gives(typename Methods::Errors()) || ...)) return false;
    }
    return true;
}

}  // namespace mr::wire
