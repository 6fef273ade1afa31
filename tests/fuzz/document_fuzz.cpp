// Any text: the document is what nlohmann's parser makes of it, or is refused where that refuses it or a limit does; what parses is written as text that parses to
// the same.
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "proto/varlink/limits.h"
#include "proto/varlink/value.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void tell_number(std::string &told, double number) {
    std::array<char, 32> digits{};
    told.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
    told += "f ";
}

// What is in a text by nlohmann's parser alone, within the limits; members in their order.
class Reference : public nlohmann::json_sax<nlohmann::json> {
public:
    std::string told;

    bool null() override { return value("null "); }
    bool boolean(bool value_) override { return value(value_ ? "true " : "false "); }
    bool number_integer(number_integer_t number) override { return value(std::to_string(number) + ' '); }
    bool number_unsigned(number_unsigned_t number) override {
        if (number <= static_cast<number_unsigned_t>(INT64_MAX)) return value(std::to_string(number) + ' ');
        return number_float(static_cast<double>(number), {});
    }
    bool number_float(number_float_t number, const string_t & /*text*/) override {
        tell_number(told, number);
        return ++values_ <= varlink::max_values;
    }
    bool string(string_t &text) override { return text.find('\0') == std::string::npos && value('"' + text + "\" "); }
    bool binary(binary_t & /*bytes*/) override { return false; }
    bool start_object(std::size_t /*elements*/) override { return ++depth_ <= varlink::max_depth && value("{ "); }
    bool key(string_t &text) override {
        told += text + "= ";
        return text.find('\0') == std::string::npos;
    }
    bool end_object() override { return end("} "); }
    bool start_array(std::size_t /*elements*/) override { return ++depth_ <= varlink::max_depth && value("[ "); }
    bool end_array() override { return end("] "); }
    bool parse_error(std::size_t /*at*/, const std::string & /*token*/, const nlohmann::detail::exception & /*error*/) override {
        return false;
    }

private:
    bool value(const std::string &text) {
        told += text;
        return ++values_ <= varlink::max_values;
    }
    bool end(std::string_view text) {
        --depth_;
        told += text;
        return true;
    }
    std::size_t values_ = 0;
    std::size_t depth_ = 0;
};

std::optional<std::string> reference(std::string_view text) {
    // It takes a NUL byte for the text's end, and passes over a byte-order mark.
    if (text.find('\0') != std::string_view::npos || text.starts_with("\xEF\xBB\xBF")) return std::nullopt;
    Reference reference;
    if (!nlohmann::json::sax_parse(text.begin(), text.end(), &reference)) return std::nullopt;
    return std::move(reference.told);
}

// In the reference's words.
void tell(std::string &told, const varlink::Value &value) {
    using varlink::Kind;
    switch (value.kind()) {
    case Kind::null: told += "null "; return;
    case Kind::boolean: told += *value.as_bool() ? "true " : "false "; return;
    case Kind::integer: told += std::to_string(*value.as_int()) + ' '; return;
    case Kind::number: tell_number(told, *value.as_number()); return;
    case Kind::string: told.append(1, '"').append(*value.as_string()).append("\" "); return;
    case Kind::array:
    case Kind::object: break;
    }
    const bool is_object = value.kind() == Kind::object;
    told += is_object ? "{ " : "[ ";
    for (auto child = value.first(); child; child = child->next()) {
        if (is_object) told.append(child->key()).append("= ");
        tell(told, *child);
    }
    told += is_object ? "} " : "] ";
}

// Walks over all values, asking each for everything; the number of values.
std::size_t walk(const varlink::Value &value, std::size_t depth) {
    using varlink::Kind;
    const auto kind = value.kind();
    require(value.as_bool().has_value() == (kind == Kind::boolean));
    require(value.as_int().has_value() == (kind == Kind::integer));
    require(value.as_number().has_value() == (kind == Kind::integer || kind == Kind::number));
    require(value.as_string().has_value() == (kind == Kind::string));
    if (kind == Kind::string) require(value.as_string()->find('\0') == std::string_view::npos);
    const bool is_container = kind == Kind::array || kind == Kind::object;
    require(is_container || value.size() == 0);
    require(!is_container || depth < varlink::max_depth);
    std::size_t children = 0;
    std::size_t values = 1;
    for (auto child = value.first(); child; child = child->next()) {
        ++children;
        if (kind == Kind::object) require(value.find(child->key()).has_value());
        values += walk(*child, depth + 1);
        // Looking for each of many members would cost the square of their number.
        if (kind == Kind::object && children > 100) break;
    }
    require(children == value.size() || children > 100);
    return values;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    varlink::Document document;
    const auto expected = reference(text);
    require(document.parse(text) == expected.has_value());
    if (!expected) return 0;
    std::string told;
    tell(told, document.root());
    require(told == *expected);
    require(walk(document.root(), 0) <= varlink::max_values);
    const auto written = document.root().to_json();
    varlink::Document again;
    require(again.parse(written));
    require(again.root().to_json() == written);
    // The same document is as good as a new one.
    require(document.parse(written));
    require(document.root().to_json() == written);
    return 0;
}
