#include "mrd/daemon/metrics_http.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

namespace mrd {

namespace {

namespace http = boost::beast::http;

std::string answer(std::string_view status, std::string_view headers, std::string_view body) {
    std::string text = "HTTP/1.1 ";
    text.append(status).append("\r\n").append(headers).append("Content-Length: ").append(std::to_string(body.size()));
    return text.append("\r\nConnection: close\r\n\r\n").append(body);
}

std::string refusal(std::string_view status, std::string_view what_to_do, std::string_view headers = {}) {
    return answer(status, std::string(headers) + "Content-Type: text/plain\r\n", std::string(what_to_do) + "\n");
}

}  // namespace

std::optional<std::string> answer_http(std::string_view received, const std::function<std::string_view()> &metrics) {
    constexpr std::string_view end_of_request = "\r\n\r\n";
    const auto end = received.substr(0, max_http_request).find(end_of_request);
    if (end == std::string_view::npos && received.size() < max_http_request) return std::nullopt;
    if (end == std::string_view::npos)
        return refusal("431 Request Header Fields Too Large", "a request has at most " + std::to_string(max_http_request) + " bytes");
    const auto request = received.substr(0, end + end_of_request.size());
    http::request_parser<http::empty_body> parser;
    parser.header_limit(max_http_request);
    boost::system::error_code error;
    parser.put(boost::asio::buffer(request), error);
    if (!parser.is_header_done()) return refusal("400 Bad Request", "this is no request of HTTP/1.1");
    const auto target = parser.get().target();
    if (target.substr(0, target.find('?')) != "/metrics") return refusal("404 Not Found", "ask for /metrics");
    if (parser.get().method() != http::verb::get) return refusal("405 Method Not Allowed", "use GET", "Allow: GET\r\n");
    return answer("200 OK", "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n", metrics());
}

}  // namespace mrd
