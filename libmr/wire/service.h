// io.mrd.Service as structs; as libmr/wire/registers.h.
#pragma once

#include <optional>
#include <string_view>

#include "libmr/wire/method.h"
#include "proto/varlink/fields.h"

namespace mr::wire::service {

using varlink::field;

struct MetricsReply {
    std::string_view text;
    static constexpr auto fields() { return std::tuple(field("text", &MetricsReply::text)); }
};

struct LogLevelParameters {
    std::optional<std::string_view> level;
    static constexpr auto fields() { return std::tuple(field("level", &LogLevelParameters::level)); }
};
struct LogLevelReply {
    std::string_view level;
    static constexpr auto fields() { return std::tuple(field("level", &LogLevelReply::level)); }
};

struct Metrics : Method<varlink::NoParameters, MetricsReply> {
    static constexpr Description description{.name = "io.mrd.Service.Metrics", .operation = Operation::status};
    static constexpr auto subject = no_subject;
};

// Who may repair may have mrd tell less, too.
struct LogLevel : Method<LogLevelParameters, LogLevelReply> {
    static constexpr Description description{
        .name = "io.mrd.Service.LogLevel", .operation = Operation::repair, .effect = varlink::Effect::changes};
    static constexpr auto subject = no_subject;
};

using ServiceMethods = MethodList<Metrics, LogLevel>;

}  // namespace mr::wire::service
