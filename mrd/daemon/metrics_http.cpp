#include "mrd/daemon/metrics_http.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

namespace mrd {

namespace {

namespace http = boost::beast::http;

std::string head(std::string_view status, std::string_view headers, std::string_view body) {
    std::string text = "HTTP/1.1 ";
    text.append(status).append("\r\n").append(headers).append("Content-Length: ").append(std::to_string(body.size()));
    return text.append("\r\nConnection: close\r\n\r\n");
}

std::string refusal(std::string_view status, std::string_view what_to_do, std::string_view headers = {}) {
    const auto body = std::string(what_to_do) + "\n";
    return head(status, std::string(headers) + "Content-Type: text/plain\r\n", body) + body;
}

// Of "/metrics?x", and of "http://host/metrics?x", by which who asks a proxy asks: a server takes it whatever the host is called. (RFC 9112, 3.2.2)
std::string_view path_of(std::string_view target) {
    constexpr std::string_view scheme = "http://";
    if (boost::beast::iequals(target.substr(0, scheme.size()), scheme)) {
        target.remove_prefix(scheme.size());
        const auto host = std::min(target.find_first_of("/?"), target.size());
        if (host == 0) return {};  // no such URI is valid (RFC 9110, 4.2.1)
        target.remove_prefix(host);
    }
    return target.substr(0, target.find('?'));
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
    const auto path = path_of({target.data(), target.size()});
    const auto method = parser.get().method();
    std::string answer;
    if (path != "/metrics") {
        answer = refusal("404 Not Found", "ask for /metrics");
    } else if (method != http::verb::get && method != http::verb::head) {
        answer = refusal("405 Method Not Allowed", "use GET or HEAD", "Allow: GET, HEAD\r\n");
    } else {
        const auto body = metrics();
        answer = head("200 OK", "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n", body).append(body);
    }
    // To HEAD as to GET, but for the body. (RFC 9110, 9.3.2)
    if (method == http::verb::head) answer.resize(answer.find(end_of_request) + end_of_request.size());
    return answer;
}

}  // namespace mrd
