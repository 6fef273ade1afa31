// The calls of io.mrd.Service.
#include <string>

#include "libmr/src/client/check_texts.h"
#include "libmr/src/client/make_call.h"
#include "libmr/wire/service.h"
#include "mr/client.h"

namespace mr {

using detail::make_call;

namespace {

std::expected<std::string, Error> text_of(const wire::service::MetricsReply &reply) { return std::string(reply.text); }

std::expected<std::string, Error> level_of(const wire::service::LogLevelReply &reply) { return std::string(reply.level); }

}  // namespace

namespace calls {

Call<std::string> metrics() { return make_call<wire::service::Metrics, &text_of>({}); }

Call<std::string> log_level(std::optional<std::string_view> level) {
    return make_call<wire::service::LogLevel, &level_of>(check_texts(wire::service::LogLevelParameters{level}));
}

}  // namespace calls

namespace {

struct ServiceFunctions {
    static constexpr auto of(wire::service::Metrics) { return &Client::metrics; }
    static constexpr auto of(wire::service::LogLevel) { return &Client::log_level; }
};
static_assert(detail::has_all<ServiceFunctions>(wire::service::ServiceMethods()), "a method that no client can call");

}  // namespace

}  // namespace mr
