#include "proto/varlink/message.h"

#include <gtest/gtest.h>

#include <string>

#include "proto/varlink/limits.h"
#include "tests/proto/example_service.h"

namespace varlink {
namespace {

using test::frame;
using test::Number;
using test::Sorry;

struct Parsing {
    explicit Parsing(std::string_view text) : call(parse_call(text, document)) {}
    Document document;
    std::optional<Call> call;
};

TEST(Call, ParametersMayBeAbsentNullOrEmpty) {
    const Parsing absent(R"({"method":"a.b.C"})");
    ASSERT_TRUE(absent.call);
    EXPECT_EQ(absent.call->method, "a.b.C");
    EXPECT_FALSE(absent.call->parameters);
    const Parsing null(R"({"parameters":null,"method":"a.b.C"})");
    ASSERT_TRUE(null.call);
    EXPECT_FALSE(null.call->parameters);
    const Parsing empty(R"({"method":"a.b.C","parameters":{}})");
    ASSERT_TRUE(empty.call);
    ASSERT_TRUE(empty.call->parameters);
    EXPECT_EQ(empty.call->parameters->size(), 0U);
}

TEST(Call, AtMostOneOfOnewayMoreAndUpgradeIsTrue) {
    const auto modes = [](std::string_view flags) {
        const Parsing parsed(R"({"method":"a.b.C",)" + std::string(flags) + "}");
        if (!parsed.call) return std::string("broken");
        return std::string(parsed.call->oneway ? "oneway" : "") + (parsed.call->more ? "more" : "") +
               (parsed.call->upgrade ? "upgrade" : "");
    };
    EXPECT_EQ(modes(R"("oneway":true)"), "oneway");
    EXPECT_EQ(modes(R"("more":true)"), "more");
    EXPECT_EQ(modes(R"("upgrade":true)"), "upgrade");
    EXPECT_EQ(modes(R"("oneway":false,"more":true,"upgrade":false)"), "more");
    EXPECT_EQ(modes(R"("oneway":false,"more":false,"upgrade":false)"), "");
    EXPECT_EQ(modes(R"("oneway":true,"more":true)"), "broken");
    EXPECT_EQ(modes(R"("oneway":true,"upgrade":true)"), "broken");
    EXPECT_EQ(modes(R"("more":true,"upgrade":true)"), "broken");
}

TEST(Call, WhatIsNoCallIsBroken) {
    for (const std::string_view text : {"",
                                        "[]",
                                        "1",
                                        "null",
                                        "\"a\"",
                                        "{}",
                                        R"({"parameters":{}})",
                                        R"({"method":1})",
                                        R"({"method":null})",
                                        R"({"method":""})",
                                        R"({"method":"a.b.C","parameters":[]})",
                                        R"({"method":"a.b.C","parameters":"{}"})",
                                        R"({"method":"a.b.C","more":1})",
                                        R"({"method":"a.b.C","oneway":"true"})",
                                        R"({"method":"a.b.C","more":null})",
                                        R"({"method":"a.b.C","id":1})",
                                        R"({"method":"a.b.C","method":"a.b.C"})",
                                        R"({"method":"a.b.C","parameters":{},"parameters":{}})",
                                        R"({"method":"a.b.C"} x)",
                                        R"({"method":"a.b.C"}{"method":"a.b.C"})"}) {
        EXPECT_FALSE(Parsing(text).call) << text;
    }
}

TEST(Call, ThousandsOfMembersAreRefusedWithoutComparingThem) {
    std::string text = R"({"method":"a.b.C")";
    for (int i = 0; i < 60'000; ++i) text += ",\"k" + std::to_string(i) + "\":0";
    EXPECT_FALSE(Parsing(text + "}").call);
}

TEST(Call, HasFewValuesAndIsShortIfOnlyTheFullParserReadsIt) {
    const auto with = [](std::string_view parameter) { return R"({"method":"a.b.C","parameters":{"x":)" + std::string(parameter) + "}}"; };
    const auto list = [](std::size_t values, const std::string &value) {
        std::string text = "[" + value;
        for (std::size_t i = 1; i < values; ++i) text += "," + value;
        return text + "]";
    };
    constexpr std::size_t around = 4;  // the call, its method, its parameters and the list
    for (const std::string value : {"0", "0.5"}) {
        EXPECT_TRUE(Parsing(with(list(max_call_values - around, value))).call);
        EXPECT_FALSE(Parsing(with(list(max_call_values - around + 1, value))).call);
    }
    const auto text = [](std::size_t size, const std::string &character) {
        std::string made = "\"" + character;
        made.resize(size - 1, 'x');
        return made + "\"";
    };
    const auto envelope = with("").size();
    for (const std::string unusual : {"\\u00e9", "\xC3\xA9"}) {
        EXPECT_TRUE(Parsing(with(text(max_unusual_call - envelope, unusual))).call) << unusual;
        EXPECT_FALSE(Parsing(with(text(max_unusual_call - envelope + 1, unusual))).call) << unusual;
    }
    for (const std::string usual : {"x", "\\n", "\\\""}) EXPECT_TRUE(Parsing(with(text(1'000'000, usual))).call) << usual;
}

TEST(Reply, HasOnlyParametersContinuesAndError) {
    const auto parses = [](std::string_view text) {
        Document document;
        return parse_reply(text, document).has_value();
    };
    EXPECT_TRUE(parses("{}"));
    EXPECT_TRUE(parses(R"({"parameters":{}})"));
    EXPECT_TRUE(parses(R"({"parameters":null})")) << "others send it";
    EXPECT_TRUE(parses(R"({"parameters":{},"continues":true})"));
    EXPECT_TRUE(parses(R"({"parameters":{},"continues":false,"error":"a.b.C"})"));
    EXPECT_FALSE(parses(R"({"error":null})"));
    EXPECT_FALSE(parses(R"({"error":""})"));
    EXPECT_FALSE(parses(R"({"parameters":[]})"));
    EXPECT_FALSE(parses(R"({"continues":1})"));
    EXPECT_FALSE(parses(R"({"parameters":{},"id":1})"));
    EXPECT_FALSE(parses(R"({"parameters":{},"parameters":{}})"));
    EXPECT_FALSE(parses("[]"));
    EXPECT_FALSE(parses(""));
}

TEST(Reply, AnErrorIsAlwaysFinal) {
    Document document;
    EXPECT_FALSE(parse_reply(R"({"error":"a.b.C","continues":true})", document));
    const auto reply = parse_reply(R"({"error":"a.b.C","parameters":{"x":1}})", document);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->error, "a.b.C");
    EXPECT_FALSE(reply->continues);
    EXPECT_EQ(reply->parameters->to_json(), R"({"x":1})");
}

TEST(Message, OneJsonObjectAndOneNulByteBothWays) {
    std::string out;
    write_call(out, "a.b.C", Number{1});
    EXPECT_EQ(out, frame(R"({"method":"a.b.C","parameters":{"number":1}})"));
    out.clear();
    write_call(out, "a.b.C", NoParameters{}, CallMode::more);
    EXPECT_EQ(out, frame(R"({"method":"a.b.C","parameters":{},"more":true})"));
    out.clear();
    write_call(out, "a.b.C", RawJson{R"({"x":[1]})"}, CallMode::oneway);
    EXPECT_EQ(out, frame(R"({"method":"a.b.C","parameters":{"x":[1]},"oneway":true})"));
    out.clear();
    write_reply(out, Number{1});
    EXPECT_EQ(out, frame(R"({"parameters":{"number":1}})"));
    out.clear();
    write_reply(out, NoParameters{}, true);
    EXPECT_EQ(out, frame(R"({"parameters":{},"continues":true})"));
    out.clear();
    write_error(out, "a.b.C", Sorry{"\"no\""});
    EXPECT_EQ(out, frame(R"({"error":"a.b.C","parameters":{"reason":"\"no\""}})"));
}

TEST(Message, WhatIsWrittenIsParsed) {
    std::string out;
    write_call(out, "a.b.C", Number{-5}, CallMode::oneway);
    out.pop_back();
    const Parsing parsed(out);
    ASSERT_TRUE(parsed.call);
    EXPECT_TRUE(parsed.call->oneway);
    EXPECT_EQ(parsed.call->parameters->find("number")->as_int(), -5);
}

}  // namespace
}  // namespace varlink
