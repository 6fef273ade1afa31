#include "mrd/daemon/metrics_http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mrd {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// The answer; "more": the request goes on.
std::string answer_to(std::string_view received) {
    return answer_http(received, [] { return std::string_view("mrd_up 1\n"); }).value_or("more");
}

TEST(MetricsHttp, AGetOfMetricsIsAnsweredWithThem) {
    constexpr std::string_view answer =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: 9\r\nConnection: close\r\n\r\nmrd_up "
        "1\n";
    EXPECT_EQ(answer_to("GET /metrics HTTP/1.1\r\nHost: localhost:9469\r\nAccept: text/plain;q=0.5\r\n\r\n"), answer);
    EXPECT_EQ(answer_to("GET /metrics?format=text HTTP/1.0\r\n\r\n"), answer);
    EXPECT_EQ(answer_to("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n"), answer) << "once";
}

// RFC 9112, 3.2.2: a server accepts it, though clients say it to proxies alone.
TEST(MetricsHttp, ATargetMayBeAWholeUri) {
    const auto whole = answer_to("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    for (const std::string target : {"http://localhost/metrics", "HTTP://[::1]:9469/metrics?format=text", "http://any.other/metrics"})
        EXPECT_EQ(answer_to("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n"), whole) << target;
    EXPECT_EQ(answer_to("HEAD http://localhost/metrics HTTP/1.1\r\nHost: x\r\n\r\n") + "mrd_up 1\n", whole);
    for (const std::string target : {"http://localhost", "http://localhost/", "http://localhost?/metrics", "http:///metrics",
                                     "http:/metrics", "http://localhost//metrics", "https://localhost/metrics", "localhost/metrics"})
        EXPECT_THAT(answer_to("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 404 Not Found\r\n")) << target;
}

TEST(MetricsHttp, AHeadIsAnsweredAsAGetWithoutTheBody) {
    const auto whole = answer_to("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(answer_to("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n") + "mrd_up 1\n", whole);
    const auto not_found = answer_to("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(not_found, StartsWith("HTTP/1.1 404 Not Found\r\n"));
    EXPECT_EQ(not_found + "ask for /metrics\n", answer_to("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
}

TEST(MetricsHttp, ARequestIsAnsweredWhenItIsWhole) {
    constexpr std::string_view request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (std::size_t size = 0; size < request.size(); ++size) EXPECT_EQ(answer_to(request.substr(0, size)), "more") << size;
    EXPECT_THAT(answer_to(request), StartsWith("HTTP/1.1 200 "));
}

TEST(MetricsHttp, NothingElseIsThere) {
    for (const std::string path : {"/", "/metrics/", "/metrics/../x", "/Metrics", "*", "//metrics"})
        EXPECT_THAT(answer_to("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 404 Not Found\r\n")) << path;
    for (const std::string method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "NONE"}) {
        EXPECT_THAT(answer_to(method + " /metrics HTTP/1.1\r\nHost: x\r\n\r\n"),
                    HasSubstr("HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\n"))
            << method;
    }
}

TEST(MetricsHttp, WhatIsNoRequestIsRefused) {
    for (const std::string wrong :
         {"nonsense", "GET /metrics", "GET  /metrics HTTP/1.1", "GET /metrics HTTP/1.1\r\nno header", "GET /metrics HTTP/9",
          "GET /metrics HTTP/1.1\r\nX\x01: y", "GET /metrics\nHTTP/1.1", "\x16\x03\x01", "{\"method\":\"io.mrd.Registers.List\"}"})
        EXPECT_THAT(answer_to(wrong + "\r\n\r\n"), StartsWith("HTTP/1.1 400 Bad Request\r\n")) << wrong;
}

TEST(MetricsHttp, ALongRequestIsRefusedAtItsLimit) {
    const std::string begin = "GET /metrics HTTP/1.1\r\nX: ";
    const std::string end = "\r\n\r\n";
    const auto of_size = [&](std::size_t size) { return begin + std::string(size - begin.size() - end.size(), 'a') + end; };
    EXPECT_THAT(answer_to(of_size(max_http_request)), StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(answer_to(of_size(max_http_request + 1)), StartsWith("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
    EXPECT_THAT(answer_to(of_size(max_http_request + 1).substr(0, max_http_request)), StartsWith("HTTP/1.1 431 "));
    EXPECT_EQ(answer_to(of_size(max_http_request + 1).substr(0, max_http_request - 1)), "more");
}

}  // namespace
}  // namespace mrd
