// What reference values say for one kind of hardware alone: one JSON object, read strictly.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "libmr/src/attestation/malformed.h"
#include "libmr/src/attestation/nested_members.h"
#include "mr/bytes.h"
#include "mr/error.h"
#include "proto/varlink/fields.h"
#include "proto/varlink/value.h"

namespace mr::policy {

using attestation::malformed;

// The members, each once and none that is unknown, inside of objects too; views are into the document. `what_is_wanted` says of a member what its value is; `read_apart` is one that the
// fields do not have, for the caller to read. Error: malformed, naming the member.
template <varlink::Described Fields>
std::expected<Fields, Error> read_object(varlink::Document &document, std::string_view json, const std::string &hardware,
                                         std::string (*what_is_wanted)(std::string_view), std::string_view read_apart = {}) {
    if (!document.parse(json) || document.root().kind() != varlink::Kind::object)
        return malformed("what is said for " + hardware + " is not one JSON object");
    for (auto member = document.root().first(); member; member = member->next()) {
        const auto key = member->key();
        const bool known = std::apply([&](const auto &...each) { return ((each.name == key) || ...); }, Fields::fields());
        if (!known && (read_apart.empty() || key != read_apart)) return malformed("the member " + std::string(key) + " is unknown");
        // What is null says nothing, where its writer meant something: an unset variable of a template.
        if (member->kind() == varlink::Kind::null) return malformed("the member " + std::string(key) + " is null: leave it out");
    }
    if (const auto fault = nested_fault<Fields>(document.root()); !fault.empty()) return malformed("the member " + fault);
    auto fields = varlink::decode<Fields>(document.root(), !read_apart.empty());
    if (!fields)
        return malformed("the member " + fields.error().name + " is given twice, or is not " + what_is_wanted(fields.error().name));
    return std::move(*fields);
}

using Values = std::optional<std::vector<std::string_view>>;  // hex
enum class Empty : bool { refused, allowed };

// Of `size` bytes each. Error: malformed, naming the member: a list without any accepts nothing, where its writer meant something.
std::expected<std::vector<Bytes>, Error> read_values(std::string_view member, const Values &values, std::size_t size,
                                                     Empty empty = Empty::refused);

template <std::size_t size>
std::expected<void, Error> read_values_into(std::vector<std::array<std::uint8_t, size>> &to, std::string_view member, const Values &values,
                                            Empty empty = Empty::refused) {
    const auto read = read_values(member, values, size, empty);
    if (!read) return std::unexpected(read.error());
    for (const auto &value : *read) std::ranges::copy(value, to.emplace_back().begin());
    return {};
}

}  // namespace mr::policy
