// What a description of a method consists of. Each method of mrd has one, beside its parameters and reply (libmr/wire/registers.h, event_log.h,
// attestation.h): the server, both clients, mrctl and the check of the interface file are made from it. docs/methods.md says how one is added.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <tuple>

#include "mr/on_behalf_of.h"
#include "proto/varlink/effect.h"
#include "proto/varlink/fields.h"
#include "proto/varlink/message.h"

namespace mr::wire {

// What the caller of a method asks for, whichever interface it is of: what access is about (mrd/access/access.h).
enum class Operation : std::uint8_t {
    list,  // what there is
    read,
    extend,
    measure,
    write,
    cap,
    create,
    close,
    watch,
    status,
    log_read,
    report,
    verify_report,
    quote,
    evidence,
    collateral,
    repair,
    accept,  // a device
    access,  // what one may do
};
inline constexpr std::size_t operations = static_cast<std::size_t>(Operation::access) + 1;

enum class Replies : std::uint8_t {
    one,
    many,  // the call needs "more"
};

// Replies come in the order of the calls: what takes long goes over a connection of its own, where it holds up nothing.
enum class Connection : std::uint8_t { shared, own };

struct Description {
    std::string_view name;  // "io.mrd.Registers.Extend"
    Operation operation;
    varlink::Effect effect = varlink::Effect::reads;
    Replies replies = Replies::one;
    Connection connection = Connection::shared;

    [[nodiscard]] constexpr std::string_view interface() const { return name.substr(0, name.rfind('.')); }
    [[nodiscard]] constexpr std::string_view method() const { return name.substr(name.rfind('.') + 1); }
};

// For whom a program makes a call that somebody else has asked it for. A method that may be called so has the parameter `on_behalf_of`, an optional of this:
// "onBehalfOf: ?OnBehalfOf" in the interface file.
struct OnBehalfOf : mr::OnBehalfOf {
    static constexpr auto fields() {
        using Number = std::int64_t;  // the members are the base's: to be said, for it is not deduced
        return std::tuple(varlink::field<OnBehalfOf, Number>("uid", &OnBehalfOf::uid),
                          varlink::field<OnBehalfOf, Number>("gid", &OnBehalfOf::gid),
                          varlink::field<OnBehalfOf, Number>("pid", &OnBehalfOf::pid));
    }
};

// ---- The types of a description

template <class... Errors>
struct ErrorList {
    template <class Error>
    static constexpr bool has = (std::same_as<Error, Errors> || ...);
};

// A description begins with this. It adds `description`, and `subject`: the parameter that names the register, the registers or the provider, or no_subject.
template <class ParametersType, class ReplyType, class... ErrorTypes>
struct Method {
    using Parameters = ParametersType;
    using Reply = ReplyType;
    using Errors = ErrorList<ErrorTypes...>;
};

struct NoSubject {};
inline constexpr NoSubject no_subject;

template <class T>
concept DescribedMethod = varlink::Described<typename T::Parameters> && varlink::Described<typename T::Reply> && requires {
    typename T::Errors;
    { T::description } -> std::convertible_to<const Description &>;
    T::subject;
};

// The methods of an interface: closed, so that who handles them all cannot forget one.
template <DescribedMethod... Methods>
struct MethodList {
    static constexpr std::size_t size = sizeof...(Methods);
};

// ---- Errors. Interfaces have some in common: each gives them its own name.

template <class Method, class Error>
inline constexpr auto error_name_text = [] {
    constexpr auto interface = Method::description.interface();
    std::array<char, interface.size() + 1 + Error::name_in_interface.size()> text{};
    auto *at = std::ranges::copy(interface, text.begin()).out;
    *at++ = '.';
    std::ranges::copy(Error::name_in_interface, at);
    return text;
}();

// "io.mrd.Registers.Busy"
template <class Method, class Error>
inline constexpr std::string_view error_name{error_name_text<Method, Error>.data(), error_name_text<Method, Error>.size()};

}  // namespace mr::wire
