#include "proto/varlink/plain_call.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "proto/varlink/message.h"
#include "tests/proto/mutated.h"

namespace varlink {
namespace {

struct Parameters {
    std::string_view name;
    std::string text;
    std::int64_t number = 0;
    bool flag = false;
    std::optional<std::string_view> note;
    std::optional<std::int64_t> count;
    std::optional<bool> perhaps;
    std::optional<std::vector<std::string_view>> names;
    static constexpr auto fields() {
        return std::tuple(field("name", &Parameters::name), field("text", &Parameters::text), field("number", &Parameters::number),
                          field("flag", &Parameters::flag), field("note", &Parameters::note), field("count", &Parameters::count),
                          field("perhaps", &Parameters::perhaps), field("names", &Parameters::names));
    }
    bool operator==(const Parameters &) const = default;
};
struct Nested {
    std::vector<std::string_view> names;
    static constexpr auto fields() { return std::tuple(field("names", &Nested::names)); }
};
static_assert(PlainShape<Parameters> && PlainShape<NoParameters> && !PlainShape<Nested>);

std::optional<Parameters> decode_plain(std::string_view message) {
    const auto call = begin_plain_call(message);
    return call && call->method == "a.b.C" ? end_plain_call<Parameters>(call->rest) : std::nullopt;
}

// True if the plain decoder took the call.
bool agrees_on_call(const std::string &message) {
    const auto plain = decode_plain(message);
    if (!plain) return false;
    Document document;
    const auto call = parse_call(message, document);
    EXPECT_TRUE(call && call->method == "a.b.C" && call->parameters && !call->oneway && !call->more && !call->upgrade) << message;
    if (!call || !call->parameters) return true;
    const auto full = decode<Parameters>(*call->parameters);
    EXPECT_TRUE(full) << message;
    if (full) {
        EXPECT_EQ(*full, *plain) << message;
    }
    return true;
}

std::string call_of(std::string_view parameters) { return R"({"method":"a.b.C","parameters":)" + std::string(parameters) + "}"; }

const std::string required = R"("name":"tdx/rtmr3","text":"","number":-7,"flag":true)";
const std::vector<std::string> seed_calls = {
    call_of("{" + required + "}"),
    call_of("{" + required + R"(,"note":"x","count":0,"perhaps":false})"),
    call_of(R"({"perhaps":true,"flag":false,"count":123456789012345678,"number":1,"note":"","text":"a b","name":"n"})"),
    " { \"method\" :\t\"a.b.C\" , \"parameters\" : { " + required + " } }\n",
};

TEST(PlainCall, IsWhatOrdinaryClientsSendInAnyOrder) {
    for (const auto &seed : seed_calls) EXPECT_TRUE(agrees_on_call(seed)) << seed;
    const auto message = call_of("{}");
    const auto empty = begin_plain_call(message);
    ASSERT_TRUE(empty);
    EXPECT_TRUE(end_plain_call<NoParameters>(empty->rest));
    EXPECT_FALSE(end_plain_call<Parameters>(empty->rest));
}

TEST(PlainCall, LeavesTheRestToTheParser) {
    for (const auto &message : std::vector<std::string>{
             "",
             "{}",
             R"({"method":"a.b.C"})",
             R"({"method":"a.b.C","parameters":null})",
             R"({"parameters":{)" + required + R"(},"method":"a.b.C"})",
             R"({"method":"a.b.C","parameters":{)" + required + R"(},"more":false})",
             R"({"method":"a.b.C","oneway":true,"parameters":{)" + required + "}}",
             call_of("{" + required),
             call_of("{" + required + "},"),
             call_of("{" + required + "}}"),
             call_of("{" + required + ",}"),
             call_of("{" + required + R"(,"unknown":1})"),
             call_of("{" + required + R"(,"name":"twice"})"),
             call_of("{" + required + R"(,"note":null})"),
             call_of("{" + required + R"(,"note":1})"),
             call_of("{" + required + R"(,"note":"\n"})"),
             call_of("{" + required + ",\"note\":\"\xc3\xa9\"}"),
             call_of("{" + required + R"(,"count":1.5})"),
             call_of("{" + required + R"(,"count":"1"})"),
             call_of("{" + required + R"(,"count":1234567890123456789})"),
             call_of("{" + required + R"(,"perhaps":1})"),
             call_of("{" + required + R"(,"perhaps":truefalse})"),
             call_of("{" + required + R"(,"names":["a"]})"),
             call_of("{" + required + R"(,"names":[]})"),
             call_of("{" + required + R"(,"names":null})"),
             call_of("{" + required + R"(,"names":"a"})"),
             call_of(R"({"name":"x","text":"","number":1})"),
             call_of("{" + required + "}") + "x",
             call_of("[]"),
         }) {
        EXPECT_FALSE(decode_plain(message)) << message;
    }
}

TEST(PlainCall, WhateverItTakesTheParserUnderstandsTheSame) {
    constexpr std::string_view bytes = "{}[]\",:\\ \t\n-+.0123456789eEtrufalsn\x01\x7f\xc3";
    std::mt19937 random(384);  // NOLINT(cert-msc51-cpp,cert-msc32-c): the same at each run
    std::size_t taken = 0;
    for (int i = 0; i < 60'000; ++i) {
        taken += agrees_on_call(mutated(seed_calls, bytes, 2, random)) ? 1U : 0U;
        if (HasFailure()) return;
    }
    // The mutations are of use only if a good part is still taken.
    EXPECT_GT(taken, 3'000U);
}

}  // namespace
}  // namespace varlink
