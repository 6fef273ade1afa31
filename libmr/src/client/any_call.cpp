// Calls of methods that this library has no description of.
#include "libmr/src/client/make_call.h"
#include "mr/client.h"

namespace mr::calls {

namespace {

std::expected<varlink::RawJson, Error> raw_parameters(std::string_view json) {
    varlink::Document document;
    if (!document.parse(json) || document.root().kind() != varlink::Kind::object) {
        return std::unexpected(Error{ErrorCode::invalid_argument, "the parameters are not a JSON object"});
    }
    return varlink::RawJson{document.root().to_json()};
}

std::expected<RawReply, Error> raw_reply(const varlink::Reply &reply) {
    if (!reply.error.empty()) return std::unexpected(detail::error_of(reply));
    return RawReply{reply.parameters ? reply.parameters->to_json() : "{}"};
}

std::expected<std::optional<RawReply>, Error> raw_item(const varlink::Reply &reply) { return raw_reply(reply); }

}  // namespace

Call<RawReply> any(std::string_view method, std::string_view parameters_json) {
    return detail::CallMaker::make_any<Call<RawReply>>(method, raw_parameters(parameters_json), &raw_reply, false);
}

StreamCall<RawReply> any_stream(std::string_view method, std::string_view parameters_json) {
    return detail::CallMaker::make_any<StreamCall<RawReply>>(method, raw_parameters(parameters_json), &raw_item, true);
}

}  // namespace mr::calls
