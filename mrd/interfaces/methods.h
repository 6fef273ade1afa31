// How an interface is made of its methods' descriptions (libmr/wire/method.h): the only way to a method, and it leads through the gate.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "libmr/wire/interface_file.h"
#include "libmr/wire/method.h"
#include "mr/limits.h"
#include "mrd/access/caller.h"
#include "mrd/interfaces/kept_call.h"
#include "proto/varlink/service.h"

namespace mrd {

// Does `allows` hold for each register or provider that the call names? Of one that names none it is asked once, with an empty name.
template <class Method, class Allows>
bool for_each_subject(const typename Method::Parameters &parameters, const Allows &allows) {
    if constexpr (std::same_as<decltype(Method::subject), const mr::wire::NoSubject>) {
        return allows(std::string_view());
    } else {
        const auto &subject = parameters.*Method::subject;
        using Subject = std::remove_cvref_t<decltype(subject)>;
        if constexpr (std::same_as<Subject, std::string_view>) {
            return allows(subject);
        } else if constexpr (std::same_as<Subject, std::optional<std::string_view>>) {
            return allows(subject.value_or(std::string_view()));
        } else {
            // None at all is asked about too: no call passes unasked.
            return subject && !subject->empty() ? std::ranges::all_of(*subject, allows) : allows(std::string_view());
        }
    }
}

// The parameter that names several, if it has more than a call may: they are counted before each is judged.
template <class Method>
std::string_view too_many_subjects(const typename Method::Parameters &parameters) {
    std::string_view wrong;
    using Several = std::optional<std::vector<std::string_view>> Method::Parameters::*;
    if constexpr (std::convertible_to<decltype(Method::subject), Several>) {
        const auto &subject = parameters.*Method::subject;
        const auto look = [&wrong](const auto &field) {
            if constexpr (std::convertible_to<decltype(field.member), Several>) {
                if (field.member == Method::subject) wrong = field.name;
            }
        };
        if (subject && subject->size() > mr::max_names)
            std::apply([&look](const auto &...fields) { (look(fields), ...); }, Method::Parameters::fields());
    }
    return wrong;
}

// For whom the call is, where the method can be called so.
template <class Parameters>
std::optional<mr::OnBehalfOf> on_behalf_of(const Parameters &parameters) {
    if constexpr (requires { parameters.on_behalf_of; }) {
        return parameters.on_behalf_of;
    } else {
        return std::nullopt;
    }
}

// The right and the duty to answer one call of this method (varlink::Responder), with its reply or with one of its errors.
template <mr::wire::DescribedMethod Method>
class Answer {
public:
    explicit Answer(varlink::Responder responder) : responder_(std::move(responder)) {}

    void reply(const typename Method::Reply &reply) { responder_.reply(reply); }
    void stream(const typename Method::Reply &reply)
        requires(Method::description.replies == mr::wire::Replies::many)
    {
        responder_.stream(reply);
    }

    template <class Error>
    void fail(const Error &error) {
        static_assert(varlink::WireError<Error> || Method::Errors::template has<Error>,
                      "the method's description does not have this error");
        fail_with(error);
    }
    // One of the errors that a room has for all that is done in it: which of them a method can meet is for that room to know.
    template <class... Errors>
    void fail(const std::variant<Errors...> &error) {
        std::visit([this](const auto &one) { this->fail_with(one); }, error);
    }

    // The connection's next call may begin, before this one has its answer (varlink::Responder).
    void let_next_begin() { responder_.let_next_begin(); }

    [[nodiscard]] bool congested() const { return responder_.congested(); }
    void on_drained(std::function<void()> handler) { responder_.on_drained(std::move(handler)); }
    void on_closed(std::function<void()> handler) { responder_.on_closed(std::move(handler)); }
    // For a call that waits and changes nothing: it becomes true when nobody is there any more to have the answer. In the place of on_closed().
    std::shared_ptr<const bool> client_gone() {
        auto gone = std::make_shared<bool>(false);
        responder_.on_closed([gone] { *gone = true; });
        return gone;
    }

private:
    template <class Error>
    void fail_with(const Error &error) {
        if constexpr (varlink::WireError<Error>) {
            responder_.fail(error);  // of org.varlink.service
        } else {
            responder_.fail(mr::wire::error_name<Method, Error>, error);
        }
    }

    varlink::Responder responder_;
};

// Has the handler something to keep of a call of this method? A std::optional of what GatedCall takes.
template <class Handlers, class Method>
concept KeepsCalls = requires(Handlers &handlers, const typename Method::Parameters &parameters) { handlers.keep(Method(), parameters); };

namespace detail {

template <const std::string_view &file, class Method, class Handlers>
void add_method(varlink::Interface &interface, const std::shared_ptr<Gate> &gate, const std::shared_ptr<Handlers> &handlers) {
    using Parameters = typename Method::Parameters;
    static_assert(mr::wire::is_in_file<Method>(file), "the interface file does not have this method as it is described");
    static_assert(std::invocable<Handlers &, Method, const Caller &, const Parameters &, Answer<Method>>, "nobody handles this method");
    interface.add<Parameters>(
        Method::description.method(), Method::description.effect,
        [gate, handlers](const varlink::Request &request, const Parameters &parameters, varlink::Responder responder) {
            if constexpr (Method::description.replies == mr::wire::Replies::many) {
                if (!request.more) return responder.fail(varlink::ExpectedMore{});
            }
            if (const auto wrong = too_many_subjects<Method>(parameters); !wrong.empty())
                return responder.fail(varlink::InvalidParameter{std::string(wrong)});
            const auto other = on_behalf_of(parameters);
            if (const auto wrong = other ? wrong_id(*other) : std::string_view(); !wrong.empty())
                return responder.fail(varlink::InvalidParameter{std::string(wrong)});
            Caller caller(request.peer, *gate, other);
            const auto allows = [&](std::string_view subject) {
                if constexpr (requires { Method::in_parts; }) {
                    const auto may = [&](Operation part) { return caller.may(part, subject); };
                    if (Method::is_in_parts(parameters) && !may(Method::description.operation) &&
                        std::ranges::all_of(Method::in_parts, may))
                        return std::ranges::all_of(Method::in_parts, [&](Operation part) { return caller.passes(part, subject); });
                }
                return caller.passes(Method::description.operation, subject);
            };
            if (!for_each_subject<Method>(parameters, allows)) return responder.fail(varlink::PermissionDenied{});
            (*handlers)(Method(), caller, parameters, Answer<Method>(std::move(responder)));
        });
    if constexpr (KeepsCalls<Handlers, Method>) {
        static_assert(Method::description.effect == varlink::Effect::reads && Method::description.replies == mr::wire::Replies::one);
        interface.keep<Parameters>(Method::description.method(),
                                   [gate, handlers](const Parameters &parameters) -> std::unique_ptr<varlink::KeptCall> {
                                       // For whom it is asked is in its parameters, and the right is that one's too: it is judged anew each time.
                                       if (on_behalf_of(parameters)) return nullptr;
                                       auto kept = handlers->keep(Method(), parameters);
                                       if (!kept) return nullptr;
                                       using Kept = typename decltype(kept)::value_type;
                                       return std::make_unique<GatedCall<Method::description.operation, Kept>>(gate, std::move(*kept));
                                   });
    }
}

}  // namespace detail

// `file` is the interface file's text. `handlers` has for each method an operator()(Method, const Caller &, const Parameters &, Answer<Method>): the caller and
// the parameters are there only until it returns. It may have a keep(Method, const Parameters &) beside it (KeepsCalls).
template <const std::string_view &file, class Handlers, class... Methods>
varlink::Interface make_interface(mr::wire::MethodList<Methods...> methods, const std::shared_ptr<Gate> &gate,
                                  const std::shared_ptr<Handlers> &handlers) {
    static_assert(mr::wire::has_no_other_method(file, methods), "the interface file has a method that is not described");
    static_assert(mr::wire::has_no_other_error(file, methods), "the interface file has an error that no method gives");
    varlink::Interface interface(file);
    (detail::add_method<file, Methods>(interface, gate, handlers), ...);
    return interface;
}

}  // namespace mrd
