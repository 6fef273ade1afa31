#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "proto/varlink/limits.h"
#include "proto/varlink/value.h"

namespace varlink {
namespace {

bool parses(std::string_view text) {
    Document document;
    return document.parse(text);
}

// The text as it is written again, or "broken".
std::string again(std::string_view text) {
    Document document;
    return document.parse(text) ? document.root().to_json() : "broken";
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Document, EveryKindOfValueIsRead) {
    Document document;
    ASSERT_TRUE(
        document.parse(R"({"null":null,"yes":true,"no":false,"int":-7,"number":2.5,"text":"a","list":[1,"two",[]],"object":{"a":{}}})"));
    const auto root = document.root();
    EXPECT_EQ(root.kind(), Kind::object);
    EXPECT_EQ(root.size(), 8U);
    EXPECT_EQ(root.find("null")->kind(), Kind::null);
    EXPECT_EQ(root.find("yes")->as_bool(), true);
    EXPECT_EQ(root.find("no")->as_bool(), false);
    EXPECT_EQ(root.find("int")->as_int(), -7);
    EXPECT_EQ(root.find("int")->as_number(), -7.0);
    EXPECT_EQ(root.find("number")->as_number(), 2.5);
    EXPECT_EQ(root.find("text")->as_string(), "a");
    const auto list = *root.find("list");
    EXPECT_EQ(list.kind(), Kind::array);
    ASSERT_EQ(list.size(), 3U);
    EXPECT_EQ(list.first()->as_int(), 1);
    EXPECT_EQ(list.first()->next()->as_string(), "two");
    EXPECT_EQ(list.first()->next()->next()->size(), 0U);
    EXPECT_FALSE(list.first()->next()->next()->next());
    EXPECT_EQ(root.find("object")->find("a")->kind(), Kind::object);
    EXPECT_FALSE(root.find("object")->find("b"));
}

TEST(Document, AValueIsNoOtherKind) {
    Document document;
    ASSERT_TRUE(document.parse(R"([null,true,1,1.5,"1",[],{}])"));
    int kinds = 0;
    for (auto value = document.root().first(); value; value = value->next()) {
        ++kinds;
        EXPECT_EQ(value->as_bool().has_value(), value->kind() == Kind::boolean);
        EXPECT_EQ(value->as_int().has_value(), value->kind() == Kind::integer);
        EXPECT_EQ(value->as_number().has_value(), value->kind() == Kind::integer || value->kind() == Kind::number);
        EXPECT_EQ(value->as_string().has_value(), value->kind() == Kind::string);
        EXPECT_EQ(value->size(), 0U);
        EXPECT_FALSE(value->first());
        EXPECT_FALSE(value->find("a"));
    }
    EXPECT_EQ(kinds, 7);
}

TEST(Document, IntegersStayWithinInt64) {
    Document document;
    ASSERT_TRUE(document.parse("[9223372036854775807,-9223372036854775808,9223372036854775808,-9223372036854775809,1.0,1e3]"));
    auto value = document.root().first();
    EXPECT_EQ(value->as_int(), INT64_MAX);
    value = value->next();
    EXPECT_EQ(value->as_int(), INT64_MIN);
    for (value = value->next(); value; value = value->next()) {
        EXPECT_EQ(value->kind(), Kind::number) << value->to_json();
        EXPECT_FALSE(value->as_int()) << value->to_json();
    }
}

TEST(Document, ANumberThatNoDoubleHoldsIsBroken) {
    EXPECT_FALSE(parses("1e999"));
    EXPECT_FALSE(parses("[-1e999]"));
    EXPECT_TRUE(parses("1e308"));
    EXPECT_TRUE(parses("1e-999"));
}

TEST(Document, WhatIsNotOneJsonValueIsBroken) {
    for (const std::string_view text :
         {"",      " ",          "{",        "}",       "{}{}",  "{},",    "[1,]",    "[1 2]",    "{\"a\"}", "{\"a\":}",
          "{a:1}", "{\"a\":1,}", "nul",      "truee",   "'a'",   "\"a",    "01",      "+1",       "1.",      ".5",
          "1e",    "NaN",        "Infinity", "// a\n1", "/**/1", "\"\n\"", "\"\\x\"", "\"\\u12\""}) {
        EXPECT_FALSE(parses(text)) << text;
    }
}

TEST(Document, AnEndTooEarlyIsBrokenAtEveryByte) {
    const std::string whole = R"({"a":[1,-2.5e3,true,null,"\u00e9\n\ud83d\ude00"],"b":{"c":{}}})";
    ASSERT_TRUE(parses(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(parses(whole.substr(0, size))) << size;
}

TEST(Document, DepthIsLimited) {
    EXPECT_TRUE(parses(nested(max_depth)));
    EXPECT_FALSE(parses(nested(max_depth + 1)));
    EXPECT_FALSE(parses(std::string(1'000'000, '[')));
    EXPECT_TRUE(parses("[" + nested(max_depth - 1) + "," + nested(max_depth - 1) + "]")) << "what is closed does not count";
}

TEST(Document, TheNumberOfValuesIsLimited) {
    const auto list = [](std::size_t values) {
        std::string text = "[0";
        for (std::size_t i = 2; i < values; ++i) text += ",0";
        return text + "]";
    };
    EXPECT_TRUE(parses(list(max_values)));
    EXPECT_FALSE(parses(list(max_values + 1)));
}

TEST(Document, AByteOrderMarkBeginsNoJson) {
    for (const std::string text : {"1", "{\"a\":1}", "{\"a\":1.5}"}) {
        EXPECT_TRUE(parses(text));
        EXPECT_FALSE(parses("\xEF\xBB\xBF" + text)) << text;
    }
    EXPECT_TRUE(parses("\"\xEF\xBB\xBF\"")) << "within a string it is a character";
}

TEST(Document, ANulByteInAStringIsBroken) {
    EXPECT_FALSE(parses(R"("a\u0000b")"));
    EXPECT_FALSE(parses(R"({"a\u0000":1})"));
    EXPECT_FALSE(parses(std::string("\"a\0b\"", 5)));
    EXPECT_FALSE(parses(std::string("1\0", 2)));
    EXPECT_TRUE(parses(R"("a\\u0000b")")) << "an escaped backslash and plain text";
}

TEST(Document, TextThatIsNotUtf8IsBroken) {
    for (const std::string_view text :
         {"\xff", "\xc3", "\xc0\xaf", "\xe2\x82", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\x80", "\xf0\x80\x80\xaf"}) {
        EXPECT_FALSE(parses("\"" + std::string(text) + "\"")) << testing::PrintToString(text);
        EXPECT_FALSE(parses("{\"" + std::string(text) + "\":1}")) << testing::PrintToString(text);
    }
    for (const std::string_view text : {"é", "€", "😀", "\xf4\x8f\xbf\xbd", "~"}) {
        EXPECT_EQ(again("\"" + std::string(text) + "\""), "\"" + std::string(text) + "\"");
    }
    EXPECT_EQ(again("\"\x7f\xf4\x8f\xbf\xbf\""), R"("\u007f\udbff\udfff")") << "text, though nobody sees it";
    EXPECT_FALSE(parses(R"("\ud800")")) << "half a surrogate pair";
    EXPECT_FALSE(parses(R"("\udc00")")) << "the other half";
    EXPECT_EQ(again(R"("\ud83d\ude00")"), "\"😀\"");
}

TEST(Document, MembersThatStandTwiceAreKeptInOrderAndTheFirstIsFound) {
    Document document;
    ASSERT_TRUE(document.parse(R"({"a":1,"b":2,"a":3,"":4})"));
    EXPECT_EQ(document.root().size(), 4U);
    EXPECT_EQ(document.root().find("a")->as_int(), 1);
    EXPECT_EQ(document.root().find("")->as_int(), 4);
    EXPECT_EQ(document.root().to_json(), R"({"a":1,"b":2,"a":3,"":4})");
}

TEST(Document, AnElementHasNoKeyEvenAfterAMember) {
    Document document;
    ASSERT_TRUE(document.parse(R"({"list":[1,{"inner":2},3],"after":4})"));
    const auto list = *document.root().find("list");
    EXPECT_EQ(list.key(), "list");
    EXPECT_EQ(list.first()->key(), "");
    EXPECT_EQ(list.first()->next()->key(), "");
    EXPECT_EQ(list.first()->next()->first()->key(), "inner");
    EXPECT_EQ(list.first()->next()->next()->key(), "");
    EXPECT_EQ(list.next()->key(), "after");
}

TEST(Document, TheTextIsWrittenAgainCompactly) {
    EXPECT_EQ(again(" { \"a\" : [ 1 , 2.50 , \"\\u0001\\t\\/\\\"\\\\\" ] , \"b\" : { } } "), R"({"a":[1,2.5,"\u0001\t/\"\\"],"b":{}})");
    EXPECT_EQ(again("-0"), "0");
    EXPECT_EQ(again("1e2"), "100.0");
}

TEST(Document, AnotherParseForgetsTheOneBefore) {
    Document document;
    ASSERT_TRUE(document.parse(R"({"a":"long text that is gone"})"));
    EXPECT_FALSE(document.parse("{"));
    ASSERT_TRUE(document.parse(R"({"b":2})"));
    EXPECT_EQ(document.root().to_json(), R"({"b":2})");
    document.trim();
    ASSERT_TRUE(document.parse("\"" + std::string(1'000'000, 'x') + "\""));
    document.trim();
    ASSERT_TRUE(document.parse("[true]"));
    EXPECT_EQ(document.root().to_json(), "[true]");
}

}  // namespace
}  // namespace varlink
