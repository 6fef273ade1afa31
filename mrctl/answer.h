// mrd's answer as JSON, for what the library's own functions leave out.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "libmr/wire/method.h"
#include "mr/client.h"

namespace mrctl {

// One object, as its interface says it.
template <mr::wire::DescribedMethod Method>
std::expected<std::string, mr::Error> answer_of(mr::Client &client, const typename Method::Parameters &parameters) {
    std::string text;
    varlink::write_json(text, parameters);
    auto reply = client.call(Method::description.name, text);
    if (!reply) return std::unexpected(reply.error());
    return std::move(reply->json);
}

}  // namespace mrctl
