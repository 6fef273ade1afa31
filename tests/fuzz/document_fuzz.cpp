// Any text: what parses is written as text that parses to the same, and the limits hold.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "proto/varlink/limits.h"
#include "proto/varlink/value.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
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
    if (!document.parse(text)) return 0;
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
