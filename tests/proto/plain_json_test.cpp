#include "proto/varlink/plain_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "proto/varlink/limits.h"
#include "tests/proto/mutated.h"

namespace {

// What a parser told, as text: the same for both parsers if they understood the same.
class Trace {
public:
    std::string told;

    bool null() { return tell("null "); }
    bool boolean(bool value) { return tell(value ? "true " : "false "); }
    bool integer(std::int64_t value) { return tell(std::to_string(value) + ' '); }
    bool text(std::string_view value) { return tell("\"" + std::string(value) + "\" "); }
    bool key(std::string_view value) { return tell(std::string(value) + "="); }
    bool start_object() { return ++depth_ <= varlink::max_depth && tell("{ "); }
    bool start_array() { return ++depth_ <= varlink::max_depth && tell("[ "); }
    bool end_object() { return --depth_, tell("} "); }
    bool end_array() { return --depth_, tell("] "); }

private:
    bool tell(const std::string &what) {
        told += what;
        return true;
    }
    std::size_t depth_ = 0;
};

// nlohmann's names for the same events.
class FullTrace : public nlohmann::json_sax<nlohmann::json> {
public:
    Trace trace;

    bool null() override { return trace.null(); }
    bool boolean(bool value) override { return trace.boolean(value); }
    bool number_integer(number_integer_t value) override { return trace.integer(value); }
    bool number_unsigned(number_unsigned_t value) override { return trace.integer(static_cast<std::int64_t>(value)); }
    bool number_float(number_float_t /*value*/, const string_t &text) override { return trace.text("number " + text); }
    bool string(string_t &value) override { return trace.text(value); }
    bool binary(binary_t & /*value*/) override { return false; }
    bool start_object(std::size_t /*elements*/) override { return trace.start_object(); }
    bool key(string_t &value) override { return trace.key(value); }
    bool end_object() override { return trace.end_object(); }
    bool start_array(std::size_t /*elements*/) override { return trace.start_array(); }
    bool end_array() override { return trace.end_array(); }
    bool parse_error(std::size_t /*at*/, const std::string & /*token*/, const nlohmann::detail::exception & /*error*/) override {
        return false;
    }
};

bool plain_accepts(std::string_view text, std::string *told = nullptr) {
    Trace trace;
    const auto accepted = varlink::PlainJson<Trace>::parse(text, trace);
    if (told != nullptr) *told = trace.told;
    return accepted;
}

// True if the plain parser took the text.
bool agrees_on_text(const std::string &text) {
    std::string told;
    if (!plain_accepts(text, &told)) return false;
    FullTrace full;
    EXPECT_TRUE(nlohmann::json::sax_parse(text, &full)) << text;
    EXPECT_EQ(told, full.trace.told) << text;
    return true;
}

const std::vector<std::string> seed_texts = {
    R"({"method":"io.mrd.Registers.Read","parameters":{"name":"tdx/rtmr3"}})",
    R"({ "parameters" : { "fresh" : true , "name" : "rtmr0" , "generation":-123456789012345678 } , "method":"io.mrd.Registers.Read" })",
    "\t{\"method\" : \"io.mrd.Registers.Extend\",\r\n\"parameters\":{\"name\":\"tdx/rtmr3\",\"digest\":\"00ff\",\"eventType\":0}}\n",
    R"({"method":"a.B","parameters":{},"more":false,"oneway":null,"list":[1,"x",[],{},[[true]],{"a":{"b":[null,0]}}]})",
    R"([])",
    R"("text")",
    R"(7)",
    R"({"a":"\"quoted\"\n\t\\\/","b\\c":"\b\f\r","d":"{\"e\":\"\\\"f\\\"\"}"})",
    R"({"a":"caf\u00e9 \"quoted\" \\ é","b":1.5,"c":1e3,"d":-0,"e":01,"f":18446744073709551615,"g":[1,],"h":tru})",
};

}  // namespace

TEST(PlainJson, TakesWhatOrdinaryClientsSend) {
    for (std::size_t i = 0; i + 1 < seed_texts.size(); ++i) EXPECT_TRUE(agrees_on_text(seed_texts[i])) << seed_texts[i];
}

TEST(PlainJson, LeavesTheRestToTheFullParser) {
    for (const std::string text : {"",
                                   " ",
                                   "{",
                                   "[1,]",
                                   "{,}",
                                   R"({"a"})",
                                   R"({"a":})",
                                   R"({"a":1,})",
                                   R"("\u0041")",
                                   R"("\x")",
                                   R"("\)",
                                   R"("\")",
                                   R"("\n)",
                                   R"({"\a":1})",
                                   "\"\\\n\"",
                                   "\"\\n\t\"",
                                   "\"\\n\x7f\"",
                                   "\"\\n\xc3\xa9\"",
                                   "\"\t\"",
                                   "\"\x7f\xc3\xa9\"",
                                   R"(")",
                                   "01",
                                   "-0",
                                   "-",
                                   "+1",
                                   "1.0",
                                   "1e2",
                                   "1234567890123456789",
                                   "tru",
                                   "nul",
                                   "truefalse",
                                   "{}{}",
                                   "{} x",
                                   "\xef\xbb\xbf{}",
                                   R"({"a" "b"})"}) {
        EXPECT_FALSE(plain_accepts(text)) << text;
    }
    EXPECT_FALSE(plain_accepts(std::string("{}\0", 3)));
    EXPECT_FALSE(plain_accepts(std::string("\"a\0b\"", 5)));
}

TEST(PlainJson, KnowsEveryEscapeOfOneLetterAndNoOther) {
    for (unsigned letter = 0; letter < 256; ++letter) {
        const auto text = std::string("\"a\\") + static_cast<char>(letter) + "b\"";
        EXPECT_EQ(agrees_on_text(text), std::string_view("\"\\/bfnrt").find(static_cast<char>(letter)) != std::string_view::npos) << letter;
    }
}

TEST(PlainJson, TakesAStringOfAnyLengthWithItsEscapesAnywhere) {
    for (std::size_t size = 0; size < 70; ++size) {
        for (std::size_t at = 0; at <= size; ++at) {
            auto text = std::string(size, 'x');
            text.insert(at, R"(\")");
            EXPECT_TRUE(agrees_on_text('"' + text + '"')) << text;
            EXPECT_TRUE(agrees_on_text("{\"" + text + "\":\"" + text + "\"}")) << text;
        }
    }
}

TEST(PlainJson, TheHandlerEndsTheParseWhereItIsTooDeep) {
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    EXPECT_TRUE(plain_accepts(nested(varlink::max_depth)));
    EXPECT_FALSE(plain_accepts(nested(varlink::max_depth + 1)));
}

TEST(PlainJson, WhateverItTakesTheFullParserUnderstandsTheSame) {
    constexpr std::string_view bytes = "{}[]\",:\\\\\\ /\t\n\r-+.0123456789eEtrufalsnb\x01\x7f\xc3\xa9";
    std::mt19937 random(384);  // NOLINT(cert-msc51-cpp,cert-msc32-c): the same at each run
    std::size_t taken = 0;
    for (int i = 0; i < 60'000; ++i) {
        taken += agrees_on_text(varlink::mutated(seed_texts, bytes, 3, random)) ? 1U : 0U;
        if (HasFailure()) return;
    }
    // The mutations are of use only if a good part is still taken.
    EXPECT_GT(taken, 5'000U);
}
