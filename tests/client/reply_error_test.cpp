#include "libmr/src/client/reply_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mr {
namespace {

Error error_of(const std::string &reply) {
    varlink::Document document;
    const auto parsed = varlink::parse_reply(reply, document);
    EXPECT_TRUE(parsed) << reply;
    return parsed ? detail::error_of(*parsed, {}) : Error{};
}

TEST(ReplyError, ACallThatNamesNoProviderIsToldWhatThereIsToChooseFrom) {
    const auto message = [](const std::string &parameters) {
        const auto error = error_of(R"({"error":"io.mrd.Attestation.NoSuchProvider","parameters":)" + parameters + "}");
        EXPECT_EQ(error.code, ErrorCode::no_such_provider);
        return error.message;
    };
    EXPECT_EQ(message(R"({"name":"","candidates":[]})"),
              "NoSuchProvider: this mrd has no provider that can do it: `mrctl status` shows which ones it has, and why one does not run");
    EXPECT_EQ(message(R"({"name":"","candidates":["a","b"]})"),
              "NoSuchProvider (candidates [\"a\",\"b\"]): several providers could be meant: name one of the candidates");
    EXPECT_EQ(message(R"({"name":"c","candidates":["a"]})"),
              "NoSuchProvider (name c, candidates [\"a\"]): no provider has that name: name one of the candidates");
}

}  // namespace
}  // namespace mr
