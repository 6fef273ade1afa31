// What would end the connection is refused here: a text that is not UTF-8, and a call that is too long.
#pragma once

#include <algorithm>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "mr/bytes.h"
#include "mr/error.h"
#include "proto/varlink/fields.h"
#include "proto/varlink/limits.h"

namespace mr {

inline bool all_text(std::string_view value) { return is_text(value); }
inline bool all_text(const std::optional<std::string_view> &value) { return !value || is_text(*value); }
inline bool all_text(const std::optional<std::vector<std::string_view>> &values) {
    return !values || std::ranges::all_of(*values, [](std::string_view value) { return is_text(value); });
}
template <class T>
bool all_text(const T & /*no text*/) {
    return true;
}
template <varlink::Described T>
bool all_text(const std::optional<T> &value) {
    return !value || std::apply([&](const auto &...fields) { return (all_text((*value).*fields.member) && ...); }, T::fields());
}

// The parameters. Error: invalid_argument, naming the parameter.
template <varlink::Described Parameters>
std::expected<Parameters, Error> check_texts(const Parameters &parameters) {
    std::string_view bad;
    std::apply([&](const auto &...fields) { ((all_text(parameters.*fields.member) ? void() : void(bad = fields.name)), ...); },
               Parameters::fields());
    if (bad.empty()) return parameters;
    return std::unexpected(Error{ErrorCode::invalid_argument, std::string(bad) + " is not UTF-8 text without NUL bytes: give another"});
}

inline std::size_t text_size(std::string_view value) { return value.size(); }
inline std::size_t text_size(const std::optional<std::string_view> &value) { return value.value_or(std::string_view()).size(); }
inline std::size_t text_size(const std::optional<std::vector<std::string_view>> &values) {
    std::size_t size = 0;
    for (const auto value : values.value_or(std::vector<std::string_view>())) size += value.size();
    return size;
}
template <class T>
std::size_t text_size(const T & /*no text, or short ones*/) {
    return 0;
}

inline constexpr std::size_t rest_of_a_call = 4096;  // names, braces, short values
inline constexpr std::size_t most_of_a_call = varlink::Limits().max_message - rest_of_a_call;

// No method of mrd has use for more than it takes unless it is told otherwise (service.max_message). The parameters. Error: invalid_argument, naming the longest one.
template <varlink::Described Parameters>
std::expected<Parameters, Error> check_size(std::expected<Parameters, Error> parameters) {
    if (!parameters) return parameters;
    std::size_t all = 0;
    std::size_t most = 0;
    std::string_view longest;
    const auto add = [&](std::string_view name, std::size_t size) {
        all += size;
        if (size > most) longest = name;
        most = std::max(most, size);
    };
    std::apply([&](const auto &...fields) { (add(fields.name, text_size((*parameters).*fields.member)), ...); }, Parameters::fields());
    if (all <= most_of_a_call) return parameters;
    return std::unexpected(Error{ErrorCode::invalid_argument, std::string(longest) + " is " + std::to_string(most) +
                                                                  " bytes: all that a call says has at most " +
                                                                  std::to_string(most_of_a_call)});
}

}  // namespace mr
