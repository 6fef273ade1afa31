#include "proto/varlink/fields.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <string>

#include "proto/varlink/json_forms.h"
#include "tests/proto/everything.h"

namespace varlink {
namespace {

using test::Colour;
using test::Everything;
using test::Inner;
using test::json;

struct Small {
    std::int64_t number = 0;
    std::optional<std::string> text;
    std::optional<Inner> inner;
    std::optional<Colour> colour;
    std::optional<std::vector<std::int64_t>> list;
    std::optional<std::map<std::string, bool>> map;
    std::optional<RawJson> raw;
    std::optional<double> real;
    static constexpr auto fields() {
        return std::tuple(field("number", &Small::number), field("text", &Small::text), field("inner", &Small::inner),
                          field("colour", &Small::colour), field("list", &Small::list), field("map", &Small::map),
                          field("raw", &Small::raw), field("real", &Small::real));
    }
};

// What the text decodes to, written again; or which field is bad.
template <Described T = Small>
std::string decoded(std::string_view text, bool tolerant = false) {
    Document document;
    if (!document.parse(text)) return "broken";
    const auto value = decode<T>(document.root(), tolerant);
    return value ? json(*value) : "bad: " + value.error().name;
}

TEST(Decode, AnUnknownFieldIsNamed) {
    EXPECT_EQ(decoded(R"({"number":1,"nmber":2})"), "bad: nmber");
    EXPECT_EQ(decoded<NoParameters>(R"({"any":null})"), "bad: any");
    EXPECT_EQ(decoded(R"({"number":1,"Number":2})"), "bad: Number") << "names differ in case";
}

TEST(Decode, AMissingFieldIsNamed) {
    EXPECT_EQ(decoded("{}"), "bad: number");
    EXPECT_EQ(decoded(R"({"text":"a"})"), "bad: number");
}

TEST(Decode, AFieldGivenTwiceIsNamed) {
    EXPECT_EQ(decoded(R"({"number":1,"text":"a","number":1})"), "bad: number");
    EXPECT_EQ(decoded(R"({"number":1,"text":null,"text":null})"), "bad: text");
}

TEST(Decode, AMistypedFieldIsNamed) {
    for (const std::string_view wrong : {"null", "true", "1.5", "1.0", "\"1\"", "[1]", "{}", "9223372036854775808"}) {
        EXPECT_EQ(decoded(R"({"number":)" + std::string(wrong) + "}"), "bad: number") << wrong;
    }
    for (const std::string_view wrong :
         {R"("text":1)", R"("inner":[])", R"("inner":{"first":"1"})", R"("inner":{})", R"("colour":0)", R"("list":{})", R"("list":[1,"2"])",
          R"("list":[null])", R"("map":[])", R"("map":{"a":1})", R"("map":{"a":true,"a":true})", R"("raw":[])", R"("raw":"{}")",
          R"("real":"1")", R"("real":true)"}) {
        const auto name = std::string(wrong.substr(1, wrong.find('"', 1) - 1));
        EXPECT_EQ(decoded(R"({"number":1,)" + std::string(wrong) + "}"), "bad: " + name) << wrong;
    }
}

TEST(Decode, WhatIsNoObjectIsRefused) {
    for (const std::string_view text : {"null", "1", "[]", "\"number\""}) EXPECT_EQ(decoded(text), "bad: ");
}

TEST(Decode, AnOptionalFieldMayBeAbsentOrNull) {
    EXPECT_EQ(decoded(R"({"number":1})"), R"({"number":1})");
    EXPECT_EQ(decoded(R"({"number":1,"text":null,"inner":null,"colour":null,"list":null,"map":null,"raw":null,"real":null})"),
              R"({"number":1})");
}

TEST(Decode, EmptyIsNotAbsent) {
    EXPECT_EQ(decoded(R"({"number":1,"text":"","list":[],"map":{},"raw":{}})"), R"({"number":1,"text":"","list":[],"map":{},"raw":{}})");
}

TEST(Decode, AnEnumIsOneOfItsNames) {
    EXPECT_EQ(decoded(R"({"number":1,"colour":"dark_green"})"), R"({"number":1,"colour":"dark_green"})");
    for (const std::string_view wrong : {"\"\"", "\"blue\"", "\"RED\"", "\"red \"", "\"dark-green\""}) {
        EXPECT_EQ(decoded(R"({"number":1,"colour":)" + std::string(wrong) + "}"), "bad: colour") << wrong;
    }
}

TEST(Decode, AFloatMayComeAsAnInteger) {
    EXPECT_EQ(decoded(R"({"number":1,"real":1})"), R"({"number":1,"real":1})");
    EXPECT_EQ(decoded(R"({"number":1,"real":1.0})"), R"({"number":1,"real":1})");
    EXPECT_EQ(decoded(R"({"number":1,"real":-2.5e-3})"), R"({"number":1,"real":-0.0025})");
}

TEST(Decode, ANewerPeerMaySayMoreWhenThatIsTolerated) {
    EXPECT_EQ(decoded(R"({"new":{"a":[1]},"number":1})", true), R"({"number":1})");
    EXPECT_EQ(decoded(R"({"new":1,"number":"1"})", true), "bad: number");
    EXPECT_EQ(decoded(R"({"new":1})", true), "bad: number");
}

TEST(Decode, AStringViewIsAViewIntoTheDocument) {
    struct View {
        std::string_view text;
        static constexpr auto fields() { return std::tuple(field("text", &View::text)); }
    };
    Document document;
    ASSERT_TRUE(document.parse(R"({"text":"ab"})"));
    const auto view = decode<View>(document.root());
    ASSERT_TRUE(view);
    EXPECT_EQ(view->text.data(), document.root().find("text")->as_string()->data());
}

TEST(WriteJson, EscapesWhatJsonWantsEscapedAndWhatNobodySeesAndNothingElse) {
    std::string out;
    write_json(out, std::string_view("\x01\x1f\"\\/\b\f\n\r\t\x7f é😀\xC2\x9B\xE2\x80\xAE\xF3\xA0\x81\x81"));
    EXPECT_EQ(out, R"("\u0001\u001f\"\\/\b\f\n\r\t\u007f é😀\u009b\u202e\udb40\udc41")");
}

TEST(WriteJson, OfWhatIsHashedEscapesOnlyWhatJsonWantsEscaped) {
    std::string out;
    write_canonical_json(out, std::string_view("\x01\x1f\"\\/\b\f\n\r\t\x7f é😀\xC2\x9B\xE2\x80\xAE"));
    EXPECT_EQ(out, "\"\\u0001\\u001f\\\"\\\\/\\b\\f\\n\\r\\t\x7f é😀\xC2\x9B\xE2\x80\xAE\"");
}

TEST(WriteJson, WritesTheEndsOfInt64) {
    std::string out;
    write_json(out, INT64_MIN);
    out += ' ';
    write_json(out, INT64_MAX);
    EXPECT_EQ(out, "-9223372036854775808 9223372036854775807");
}

// ---- Round trip

class RandomEverything {
public:
    explicit RandomEverything(std::uint32_t seed) : random_(seed) {}

    Everything next() {
        Everything made;
        made.flag = one_in(2);
        made.integer = integer();
        made.number = number();
        made.text = text();
        made.raw.text = R"({"a":[)" + std::to_string(integer()) + "]}";
        made.colour = colour();
        made.inner = inner();
        if (one_in(2)) made.maybe = integer();
        for (auto i = below(4); i > 0; --i) made.list.push_back(text());
        for (auto i = below(4); i > 0; --i) made.inners.push_back(one_in(3) ? std::nullopt : std::optional(inner()));
        for (auto i = below(4); i > 0; --i) made.map[text()] = integer();
        for (auto i = below(4); i > 0; --i) made.set[text()] = {};
        if (one_in(2)) {
            auto &deep = made.deep.emplace();
            for (auto i = below(3); i > 0; --i) {
                auto &element = deep.emplace_back();
                if (one_in(2)) element = {{text(), colour()}, {text(), colour()}};
            }
        }
        return made;
    }

private:
    std::uint32_t below(std::uint32_t end) { return static_cast<std::uint32_t>(random_() % end); }
    bool one_in(std::uint32_t n) { return below(n) == 0; }
    Colour colour() { return one_in(2) ? Colour::red : Colour::dark_green; }
    Inner inner() { return {integer(), one_in(2) ? std::nullopt : std::optional(text())}; }

    std::int64_t integer() {
        // Every length, so both ends and the small numbers too.
        const auto value = static_cast<std::int64_t>(random_());
        return one_in(20) ? INT64_MIN : one_in(20) ? INT64_MAX : value >> below(64);
    }

    double number() {
        for (;;) {
            const auto value = std::bit_cast<double>(random_());
            if (std::isfinite(value)) return value;
        }
    }

    // Control characters, quotes, and code points of each length in UTF-8; no NUL and no surrogates.
    std::string text() {
        std::string made;
        for (auto i = below(12); i > 0; --i) {
            constexpr std::array<std::uint32_t, 5> ends = {0x20, 0x80, 0x800, 0x10000, 0x110000};
            auto point = 1 + below(ends.at(below(5)) - 1);
            if (point >= 0xD800 && point < 0xE000) point = '"';
            const auto byte = [&made](std::uint32_t value) { made += static_cast<char>(value); };
            if (point < 0x80) {
                byte(point);
            } else if (point < 0x800) {
                byte(0xC0U | point >> 6U), byte(0x80U | (point & 0x3FU));
            } else if (point < 0x10000) {
                byte(0xE0U | point >> 12U), byte(0x80U | (point >> 6U & 0x3FU)), byte(0x80U | (point & 0x3FU));
            } else {
                byte(0xF0U | point >> 18U), byte(0x80U | (point >> 12U & 0x3FU)), byte(0x80U | (point >> 6U & 0x3FU)),
                    byte(0x80U | (point & 0x3FU));
            }
        }
        return made;
    }

    std::mt19937_64 random_;
};

TEST(Fields, WhatIsEncodedDecodesToTheSame) {
    RandomEverything random(20261121);
    for (int round = 0; round < 2000; ++round) {
        const auto made = random.next();
        const auto text = json(made);
        Document document;
        ASSERT_TRUE(document.parse(text)) << text;
        const auto read = decode<Everything>(document.root());
        ASSERT_TRUE(read) << read.error().name << " in " << text;
        ASSERT_EQ(json(*read), text);
        // Not only the text: the values that it stands for.
        ASSERT_EQ(read->text, made.text);
        ASSERT_EQ(read->integer, made.integer);
        ASSERT_EQ(read->number, made.number);
        ASSERT_EQ(read->colour, made.colour);
        ASSERT_EQ(read->inner, made.inner);
        ASSERT_EQ(read->maybe, made.maybe);
        ASSERT_EQ(read->list, made.list);
        ASSERT_EQ(read->inners, made.inners);
        ASSERT_EQ(read->map, made.map);
        ASSERT_EQ(read->deep, made.deep);
        ASSERT_EQ(read->set.size(), made.set.size());
    }
}

TEST(Fields, TheDocumentWritesTheSameTextAsTheWriter) {
    RandomEverything random(7);
    for (int round = 0; round < 500; ++round) {
        auto made = random.next();
        made.number = 0.5;  // numbers have more than one shortest text
        const auto text = json(made);
        Document document;
        ASSERT_TRUE(document.parse(text));
        ASSERT_EQ(document.root().to_json(), text);
    }
}

}  // namespace
}  // namespace varlink
