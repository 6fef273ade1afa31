// The HTTP that metrics are asked for by (RFC 9112): one request on a connection, GET /metrics and nothing else. Bytes in, bytes out.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mrd {

inline constexpr std::size_t max_http_request = 8192;  // bytes of its line and headers; Prometheus sends some hundred

// The whole answer to what has been received, from the connection's first byte on; `metrics` is asked for where they are wanted. Nothing: the request goes on.
std::optional<std::string> answer_http(std::string_view received, const std::function<std::string_view()> &metrics);

}  // namespace mrd
