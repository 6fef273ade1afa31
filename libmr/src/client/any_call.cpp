// Calls of methods that this library has no description of.
#include <initializer_list>
#include <optional>
#include <utility>

#include "libmr/src/client/make_call.h"
#include "libmr/wire/attestation.h"
#include "libmr/wire/devices.h"
#include "libmr/wire/event_log.h"
#include "libmr/wire/registers.h"
#include "libmr/wire/service.h"
#include "mr/client.h"

namespace mr::calls {

namespace {

using Parsed = std::expected<varlink::RawJson, Error>;

// `asked`: of whose subject is told.
Parsed raw_parameters(std::string_view json, detail::Asked &asked) {
    varlink::Document document;
    if (!document.parse(json) || document.root().kind() != varlink::Kind::object) {
        return std::unexpected(Error{ErrorCode::invalid_argument, "the parameters are not a JSON object"});
    }
    const auto name = document.root().find("name");
    asked.subject = name ? name->as_string().value_or("") : "";
    return varlink::RawJson{document.root().to_json()};
}

// What would end the connection is refused here.
Parsed check_call(std::string_view method, std::string_view json) {
    if (method.empty() || !is_text(method))
        return std::unexpected(Error{ErrorCode::invalid_argument, "the method is not UTF-8 text without NUL bytes: give its whole name"});
    if (method.size() + json.size() > most_of_a_call)
        return std::unexpected(
            Error{ErrorCode::invalid_argument, "the method and its parameters have " + std::to_string(method.size() + json.size()) +
                                                   " bytes: all that a call says has at most " + std::to_string(most_of_a_call)});
    return varlink::RawJson{};
}

std::expected<RawReply, Error> raw_reply(const varlink::Reply &reply, const detail::Asked &asked) {
    if (!reply.error.empty()) return std::unexpected(detail::error_of(reply, asked));
    return RawReply{reply.parameters ? reply.parameters->to_json() : "{}"};
}

std::expected<std::optional<RawReply>, Error> raw_item(const varlink::Reply &reply, const detail::Asked &asked) {
    return raw_reply(reply, asked);
}

template <class... Methods>
void take_description(detail::Asked &asked, std::string_view name, wire::MethodList<Methods...> /*methods*/) {
    const auto take = [&asked](const auto &description) {
        asked.operation = description.operation;
        asked.may_change = description.effect == varlink::Effect::changes;
    };
    ((name == Methods::description.name ? take(Methods::description) : void()), ...);
}

detail::Asked asked_by(std::string_view name) {
    detail::Asked asked;
    take_description(asked, name, wire::RegistersMethods());
    take_description(asked, name, wire::EventLogMethods());
    take_description(asked, name, wire::attestation::AttestationMethods());
    take_description(asked, name, wire::devices::DevicesMethods());
    take_description(asked, name, wire::service::ServiceMethods());
    return asked;
}

template <class Made>
Made make(std::string_view method, std::string_view parameters_json, auto read, bool is_stream) {
    auto asked = asked_by(method);
    auto parameters = check_call(method, parameters_json);
    if (parameters) parameters = raw_parameters(parameters_json, asked);
    return detail::CallMaker::make_any<Made>(method, std::move(asked), std::move(parameters), read, is_stream);
}

}  // namespace

Call<RawReply> any(std::string_view method, std::string_view parameters_json) {
    return make<Call<RawReply>>(method, parameters_json, &raw_reply, false);
}

StreamCall<RawReply> any_stream(std::string_view method, std::string_view parameters_json) {
    return make<StreamCall<RawReply>>(method, parameters_json, &raw_item, true);
}

}  // namespace mr::calls
