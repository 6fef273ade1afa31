// What people write for a verifier is read strictly, also inside its objects: a decoder takes what is inside one as a newer peer's (fields.h), and would pass over a
// member whose name is wrong.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "proto/varlink/fields.h"
#include "proto/varlink/value.h"

namespace mr::policy {

template <class T>
struct Holds {
    static constexpr bool objects = varlink::Described<T>;
    using Element = T;
};
template <class T>
struct Holds<std::optional<T>> : Holds<T> {};
template <class T>
struct Holds<std::vector<T>> : Holds<T> {};
template <class T>
struct Holds<std::map<std::string, T>> : Holds<T> {};

template <varlink::Described Object>
std::string fault_of_object(varlink::Value object, const std::string &path);

// Of the objects in the value of a member that is read as `Member`, the first fault: "blocks[0].svn is unknown; there are index, type". Empty: none.
template <class Member>
std::string fault_inside(varlink::Value value, const std::string &path) {
    if constexpr (Holds<Member>::objects) {
        using Element = typename Holds<Member>::Element;
        if constexpr (std::is_same_v<Member, Element>) {
            return fault_of_object<Element>(value, path);
        } else if constexpr (std::is_same_v<Member, std::optional<Element>>) {
            return fault_of_object<Element>(value, path);
        } else if constexpr (varlink::detail::is_optional<Member>) {
            return fault_inside<typename Member::value_type>(value, path);
        } else if constexpr (requires { typename Member::mapped_type; }) {
            if (value.kind() != varlink::Kind::object) return path + " is not an object";
            for (auto each = value.first(); each; each = each->next()) {
                if (auto fault = fault_inside<typename Member::mapped_type>(*each, path + "." + std::string(each->key())); !fault.empty())
                    return fault;
            }
        } else {
            if (value.kind() != varlink::Kind::array) return path + " is not an array";
            std::size_t number = 0;
            for (auto each = value.first(); each; each = each->next()) {
                const auto at = std::string(path).append("[").append(std::to_string(number++)).append("]");
                if (auto fault = fault_inside<typename Member::value_type>(*each, at); !fault.empty()) return fault;
            }
        }
    }
    return {};
}

template <varlink::Described Object>
std::string fault_of_object(varlink::Value object, const std::string &path) {
    if (object.kind() != varlink::Kind::object) return path + " is not an object";
    std::set<std::string_view> seen;
    for (auto member = object.first(); member; member = member->next()) {
        const auto at = path + "." + std::string(member->key());
        std::string known;
        std::string fault;
        bool is_known = false;
        const auto try_one = [&](const auto &field) {
            known.append(known.empty() ? "" : ", ").append(field.name);
            if (field.name != member->key()) return;
            is_known = true;
            using Member = std::remove_cvref_t<decltype(std::declval<Object>().*(field.member))>;
            if constexpr (Holds<Member>::objects) {
                fault = fault_inside<Member>(*member, at);
            } else if (Member value{}; !varlink::detail::read_value(*member, value)) {
                fault = at + " is not of the form that is wanted";
            }
        };
        std::apply([&](const auto &...each) { (try_one(each), ...); }, Object::fields());
        if (!is_known) return at + " is unknown; there are " + known;
        // What is null says nothing, where its writer meant something.
        if (member->kind() == varlink::Kind::null) return at + " is null: leave it out";
        if (!seen.insert(member->key()).second) return at + " is given twice";
        if (!fault.empty()) return fault;
    }
    std::string missing;
    const auto check_one = [&](const auto &field) {
        using Member = std::remove_cvref_t<decltype(std::declval<Object>().*(field.member))>;
        if (!varlink::detail::is_optional<Member> && missing.empty() && !seen.contains(field.name))
            missing = path + "." + std::string(field.name) + " is missing";
    };
    std::apply([&](const auto &...each) { (check_one(each), ...); }, Object::fields());
    return missing;
}

// Of all members of `object` that `Fields` has, and of nothing that is not inside one of them.
template <varlink::Described Fields>
std::string nested_fault(varlink::Value object) {
    for (auto member = object.first(); member; member = member->next()) {
        std::string fault;
        const auto try_one = [&](const auto &field) {
            using Member = std::remove_cvref_t<decltype(std::declval<Fields>().*(field.member))>;
            if (field.name == member->key()) fault = fault_inside<Member>(*member, std::string(field.name));
        };
        std::apply([&](const auto &...each) { (try_one(each), ...); }, Fields::fields());
        if (!fault.empty()) return fault;
    }
    return {};
}

// Adds the name of each member of `Fields`, and behind it those in its objects: "blocks", "blocks.index". `before` stands before each.
template <varlink::Described Fields>
void list_members(std::vector<std::string> &names, const std::string &before = {}) {
    const auto add_one = [&](const auto &field) {
        using Member = std::remove_cvref_t<decltype(std::declval<Fields>().*(field.member))>;
        const auto name = before + std::string(field.name);
        names.push_back(name);
        if constexpr (Holds<Member>::objects) list_members<typename Holds<Member>::Element>(names, name + ".");
    };
    std::apply([&](const auto &...each) { (add_one(each), ...); }, Fields::fields());
}

}  // namespace mr::policy
