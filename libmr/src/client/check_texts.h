// A text that is not UTF-8 would end the connection: it is refused here.
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

}  // namespace mr
