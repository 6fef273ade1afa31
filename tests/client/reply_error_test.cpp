#include "libmr/src/client/reply_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "libmr/wire/method.h"
#include "mr/bound_report_data.h"

namespace mr {
namespace {

Error error_of(const std::string &reply, std::optional<wire::Operation> operation = {}) {
    varlink::Document document;
    const auto parsed = varlink::parse_reply(reply, document);
    EXPECT_TRUE(parsed) << reply;
    return parsed ? detail::error_of(*parsed, {.operation = operation}) : Error{};
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

TEST(ReplyError, AParameterThatIsWrongIsToldWhatIsTakenThere) {
    const auto rule = [](const std::string &field, wire::Operation operation) {
        const auto error =
            error_of(R"({"error":"org.varlink.service.InvalidParameter","parameters":{"parameter":")" + field + "\"}}", operation);
        EXPECT_EQ(error.code, ErrorCode::invalid_parameter);
        const std::string begin = "InvalidParameter (parameter " + field + "): ";
        EXPECT_TRUE(error.message.starts_with(begin)) << error.message;
        return error.message.substr(begin.size());
    };
    using enum wire::Operation;
    EXPECT_THAT(rule("name", create), ::testing::StartsWith("virtual/ and 1 to "));
    EXPECT_EQ(rule("name", read), "text: a name as `mrctl list` shows it") << "not what can be created";
    EXPECT_EQ(rule("format", log_read), "json, where the log of one register is asked for");
    EXPECT_EQ(rule("generation", read), "what a write of this register gave; one that is not written has none: leave it out");
    EXPECT_EQ(rule("level", status), "debug, info, warning or error");
    EXPECT_EQ(rule("from", log_read), "the number of an event, from 0");
    EXPECT_EQ(rule("uid", access), "from 0 to 4294967294");
    EXPECT_EQ(rule("onBehalfOf.uid", read), "from 0 to 4294967294");
    EXPECT_EQ(rule("onBehalfOf.gid", read), "from 0 to 4294967294");
    EXPECT_EQ(rule("onBehalfOf.pid", read), "from 1 to 2147483647");
    EXPECT_EQ(rule("groups", access), "beside a uid at most 1024, each from 0 to 4294967294");
    const std::string tag(bound_report_data_tag.begin(), bound_report_data_tag.end());
    for (const auto &[field, operation] : {std::pair("reportData", quote), std::pair("value", write)})
        EXPECT_THAT(rule(field, operation), ::testing::HasSubstr("do not end in \"" + tag + "\"")) << field;
}

TEST(ReplyError, ARegisterThatIsMeantByItsWholeNameAloneIsNotOneOfSeveral) {
    const auto message = [](const std::string &candidates) {
        return error_of(R"({"error":"io.mrd.Registers.NoSuchRegister","parameters":{"name":"x","candidates":)" + candidates + "}}",
                        wire::Operation::read)
            .message;
    };
    EXPECT_THAT(message(R"(["virtual/x"])"), ::testing::EndsWith(": the candidate goes by its whole name alone: give that"));
    EXPECT_THAT(message(R"(["a/x","b/x"])"), ::testing::EndsWith(": each of the candidates has that name: give the whole one"));
    EXPECT_THAT(message("[]"),
                ::testing::EndsWith(": no register has that name; `mrctl list` shows the names, and a virtual register of that "
                                    "name is called virtual/x"));
    EXPECT_THAT(error_of(R"({"error":"io.mrd.Registers.NoSuchRegister","parameters":{"name":"tdx/x"}})", wire::Operation::read).message,
                ::testing::EndsWith(": no register has that name; `mrctl list` shows the names"));
}

}  // namespace
}  // namespace mr
