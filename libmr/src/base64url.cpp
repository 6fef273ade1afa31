#include "libmr/src/base64url.h"

#include <algorithm>
#include <cstddef>

namespace mr {

void append_base64url(std::string &out, ByteView bytes) {
    const std::size_t before = out.size();
    append_base64(out, bytes);
    while (out.size() > before && out.back() == '=') out.pop_back();
    const auto text = std::span(out).subspan(before);
    std::ranges::replace(text, '+', '-');
    std::ranges::replace(text, '/', '_');
}

std::expected<Bytes, Error> from_base64url(std::string_view text) {
    if (text.find_first_of("+/=") != std::string_view::npos)
        return std::unexpected(Error{ErrorCode::invalid_argument, "base64url has '-' and '_' for '+' and '/', and no '='"});
    std::string standard(text);
    std::ranges::replace(standard, '-', '+');
    std::ranges::replace(standard, '_', '/');
    standard.append((4 - standard.size() % 4) % 4, '=');
    return from_base64(standard);
}

}  // namespace mr
