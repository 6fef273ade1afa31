// Any document as parameters: what decodes is encoded as text that decodes to the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/proto/everything.h"

namespace {

using varlink::test::Everything;
using varlink::test::json;

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    // A copy, so that a read beyond a value's text is a read beyond an allocation.
    const std::string text(reinterpret_cast<const char *>(data), size);
    varlink::Document document;
    if (!document.parse(text)) return 0;
    const auto strict = varlink::decode<Everything>(document.root());
    const auto tolerant = varlink::decode<Everything>(document.root(), true);
    require(!strict || tolerant);
    if (!tolerant) {
        require(document.root().kind() != varlink::Kind::object || !tolerant.error().name.empty() || document.root().find(""));
        return 0;
    }
    const auto written = json(*tolerant);
    if (strict) require(json(*strict) == written);
    varlink::Document again;
    require(again.parse(written));
    const auto read = varlink::decode<Everything>(again.root());
    require(read.has_value());
    require(json(*read) == written);
    return 0;
}
