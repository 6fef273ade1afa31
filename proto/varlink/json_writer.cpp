#include "proto/varlink/json_writer.h"

#include "proto/varlink/json_forms.h"
#include "proto/varlink/plain_json.h"
#include "proto/varlink/text.h"

namespace varlink {

namespace {

void append_unit(std::string &out, char32_t unit) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += "\\u";
    for (const unsigned shift : {12U, 8U, 4U, 0U}) out += digits[unit >> shift & 0xFU];
}

// Where it is beyond 16 bits, as two surrogates.
void append_code_point(std::string &out, char32_t c) {
    if (c < 0x10000) return append_unit(out, c);
    append_unit(out, 0xD800 + ((c - 0x10000) >> 10U));
    append_unit(out, 0xDC00 + (c & 0x3FFU));
}

// Calls escape(c) for each character that is not to stay as it is, and copies the others: every plain one is among them.
template <class IsKept, class Escape>
void append_escaped(std::string &out, std::string_view text, const IsKept &is_kept, const Escape &escape) {
    std::size_t copied = 0;
    for (std::size_t i = 0; i < text.size();) {
        if (is_plain(text[i])) {
            ++i;
            continue;
        }
        const auto [c, size] = first_character(text.substr(i));
        if (c && !is_kept(*c)) {
            out.append(text, copied, i - copied);
            escape(*c);
            copied = i + size;
        }
        i += size;
    }
    out.append(text, copied);
}

template <class IsEscaped>
void append_text(std::string &out, std::string_view text, const IsEscaped &is_escaped) {
    out += '"';
    if (is_plain_text(text)) {
        out += text;
    } else {
        append_escaped(
            out, text, [&](char32_t c) { return c != '"' && c != '\\' && !is_escaped(c); },
            [&out](char32_t c) {
                switch (c) {
                case '"': out += R"(\")"; break;
                case '\\': out += R"(\\)"; break;
                case '\b': out += R"(\b)"; break;
                case '\f': out += R"(\f)"; break;
                case '\n': out += R"(\n)"; break;
                case '\r': out += R"(\r)"; break;
                case '\t': out += R"(\t)"; break;
                default: append_code_point(out, c);
                }
            });
    }
    out += '"';
}

}  // namespace

void write_json(std::string &out, std::string_view text) {
    append_text(out, text, [](char32_t c) { return is_invisible(c); });
}

void write_canonical_json(std::string &out, std::string_view text) {
    append_text(out, text, [](char32_t c) { return c < 0x20; });
}

void append_visible_json(std::string &out, std::string_view json) {
    append_escaped(
        out, json, [](char32_t c) { return c == '\n' || c == '\t' || !is_invisible(c); },
        [&out](char32_t c) {
            if (c == '\r') {
                out += ' ';
            } else {
                append_code_point(out, c);
            }
        });
}

}  // namespace varlink
