#include "proto/varlink/json_writer.h"

#include <array>

#include "proto/varlink/plain_json.h"

namespace varlink {

namespace {

// What follows the backslash: 'u' stands for \u00XX, 0 for no escape. As RFC 8785, section 3.2.2.2, has them: there are digests of such text.
constexpr auto escapes = [] {
    std::array<char, 256> table{};
    for (std::size_t c = 0; c < 0x20; ++c) table.at(c) = 'u';
    table['\b'] = 'b';
    table['\f'] = 'f';
    table['"'] = '"';
    table['\\'] = '\\';
    table['\n'] = 'n';
    table['\r'] = 'r';
    table['\t'] = 't';
    return table;
}();

}  // namespace

void write_json(std::string &out, std::string_view text) {
    out += '"';
    if (is_plain_text(text)) {
        out += text;
        out += '"';
        return;
    }
    std::size_t plain = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        const char escape = escapes.at(c);
        if (escape == 0) continue;
        out.append(text, plain, i - plain);
        plain = i + 1;
        out += '\\';
        out += escape;
        if (escape == 'u') {
            constexpr std::string_view digits = "0123456789abcdef";
            out += "00";
            out += digits[c >> 4U];
            out += digits[c & 0xFU];
        }
    }
    out.append(text, plain);
    out += '"';
}

}  // namespace varlink
