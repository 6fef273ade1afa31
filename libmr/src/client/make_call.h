// Calls out of the methods' descriptions (libmr/wire/method.h).
#pragma once

#include <chrono>
#include <concepts>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "libmr/src/client/check_texts.h"
#include "libmr/src/client/reply_error.h"
#include "libmr/wire/method.h"
#include "mr/client.h"
#include "proto/varlink/client.h"
#include "proto/varlink/message.h"

namespace mr::detail {

// How a method's reply is read: by from(Reply), which gives std::expected<T, Error>, or of a stream std::expected<std::optional<T>, Error>.
template <wire::DescribedMethod Method, auto from>
auto read_reply(const varlink::Reply &reply, const Asked &asked) -> decltype(from(std::declval<const typename Method::Reply &>())) {
    if (!reply.error.empty()) return std::unexpected(error_of(reply, asked));
    if (!reply.parameters) return std::unexpected(protocol_error("a reply without parameters"));
    const auto decoded = varlink::decode<typename Method::Reply>(*reply.parameters, true);
    if (!decoded) return std::unexpected(protocol_error("the field " + decoded.error().name));
    return from(*decoded);
}

inline std::optional<wire::OnBehalfOf> on_wire(const std::optional<OnBehalfOf> &on_behalf_of) {
    return on_behalf_of ? std::optional(wire::OnBehalfOf{*on_behalf_of}) : std::nullopt;
}

struct CallMaker {
    template <wire::DescribedMethod Method, auto from>
    static auto make(std::expected<typename Method::Parameters, Error> parameters, std::chrono::milliseconds extra_time) {
        using Answer = typename decltype(from(std::declval<const typename Method::Reply &>()))::value_type;
        constexpr bool is_stream = Method::description.replies == wire::Replies::many;
        auto call = [] {
            if constexpr (is_stream) {
                StreamCall<typename Answer::value_type> made;
                made.item_ = &read_reply<Method, from>;
                return made;
            } else {
                Call<Answer> made;
                made.result_ = &read_reply<Method, from>;
                return made;
            }
        }();
        call.request_.own_connection = Method::description.connection == wire::Connection::own;
        call.request_.more = is_stream;
        call.request_.extra_time = extra_time;
        call.request_.asked.operation = Method::description.operation;
        call.request_.asked.may_change = Method::description.effect == varlink::Effect::changes;
        if (parameters) call.request_.asked.subject = subject_of<Method>(*parameters);
        call.request_.frame = frame_of(Method::description.name, check_size(std::move(parameters)), is_stream);
        return call;
    }

    template <class Call>
    static Call make_any(std::string_view method, Asked asked, std::expected<varlink::RawJson, Error> parameters, auto read,
                         bool is_stream) {
        Call call;
        call.request_.asked = std::move(asked);
        if constexpr (requires { call.item_; }) {
            call.item_ = read;
        } else {
            call.result_ = read;
        }
        call.request_.own_connection = call.request_.more = is_stream;
        if (is_stream) call.request_.extra_time = varlink::no_timeout;
        call.request_.frame = frame_of(method, parameters, is_stream);
        return call;
    }

private:
    // Where it is one.
    template <wire::DescribedMethod Method>
    static std::string_view subject_of(const typename Method::Parameters &parameters) {
        if constexpr (requires { parameters.of_register; }) {
            // Of a log, whose: no subject that rights are of.
            return parameters.of_register.value_or(std::string_view());
        } else if constexpr (std::same_as<decltype(Method::subject), const wire::NoSubject>) {
            return {};
        } else {
            const auto &subject = parameters.*Method::subject;
            using Subject = std::remove_cvref_t<decltype(subject)>;
            if constexpr (std::same_as<Subject, std::string_view>) return subject;
            if constexpr (std::same_as<Subject, std::optional<std::string_view>>) return subject.value_or(std::string_view());
            if constexpr (std::same_as<Subject, std::optional<std::vector<std::string_view>>>)
                return subject && subject->size() == 1 ? subject->front() : std::string_view();
        }
    }

    template <class Parameters>
    static std::expected<std::string, Error> frame_of(std::string_view method, const std::expected<Parameters, Error> &parameters,
                                                      bool more) {
        if (!parameters) return std::unexpected(parameters.error());
        std::string frame;
        varlink::write_call(frame, method, *parameters, more ? varlink::CallMode::more : varlink::CallMode::plain);
        return frame;
    }
};

// The one way to a call. `parameters` may be the error that an argument is.
template <wire::DescribedMethod Method, auto from>
auto make_call(std::expected<typename Method::Parameters, Error> parameters, std::chrono::milliseconds extra_time = {}) {
    return CallMaker::make<Method, from>(std::move(parameters), extra_time);
}

// Does every method of the list have its function of mr::Client? One that is forgotten does not compile.
template <class Functions, class... Methods>
constexpr bool has_all(wire::MethodList<Methods...>) {
    return (requires { Functions::of(Methods()); } && ...);
}

}  // namespace mr::detail
