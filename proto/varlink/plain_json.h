// The fast way through the JSON that nearly every message is: strings in ASCII, whose escapes are of one letter, and integers of up to 18 digits. Anything
// else, mistakes included, is left to the full parser, which alone decides what is broken. tests/proto/plain_json_test.cpp and tests/fuzz/document_fuzz.cpp
// hold the two against each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace varlink {

// Is the character ASCII, printable, and neither a quotation mark nor a backslash? Without a branch.
constexpr bool is_plain(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (static_cast<unsigned>(byte < 0x20) | static_cast<unsigned>(byte >= 0x7F) | static_cast<unsigned>(byte == '"') |
            static_cast<unsigned>(byte == '\\')) == 0;
}

// Is every character? The sum is of bytes, so that it becomes vector instructions.
inline bool is_plain_text(std::string_view text) {
    unsigned char bad = 0;
    for (const char c : text) bad = static_cast<unsigned char>(bad | static_cast<unsigned char>(!is_plain(c)));
    return bad == 0;
}

// Handler: null(), boolean(bool), integer(int64_t), text(string_view), key(string_view), start_object(), end_object(), start_array(),
// end_array(). Each returns false to end the parse; start_*() must, at some depth. Text and keys are views into what is parsed or into the parser, and valid
// until they return.
template <class Handler>
class PlainJson {
public:
    // False: not plain, not JSON, or ended by the handler, which may have been told a part.
    static bool parse(std::string_view text, Handler &handler) {
        PlainJson parser(text, handler);
        return parser.value() && parser.at_end();
    }

private:
    PlainJson(std::string_view text, Handler &handler) : at_(text.data()), end_(text.data() + text.size()), handler_(handler) {}

    bool at_end() {
        skip_space();
        return at_ == end_;
    }

    void skip_space() {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
    }

    // Skips space, and the character if it comes next.
    bool take(char c) {
        skip_space();
        if (at_ == end_ || *at_ != c) return false;
        ++at_;
        return true;
    }

    bool take_word(std::string_view word) {
        if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word)) return false;
        at_ += word.size();
        return true;
    }

    // After the opening quotation mark.
    bool take_string(std::string_view &text) {
        const auto *const close = static_cast<const char *>(std::memchr(at_, '"', static_cast<std::size_t>(end_ - at_)));
        if (close == nullptr) return false;
        text = {at_, static_cast<std::size_t>(close - at_)};
        if (!is_plain_text(text)) return take_escaped_string(text);
        at_ = close + 1;
        return true;
    }

    // Likewise. \u is not taken: what it may and may not say is the full parser's.
    bool take_escaped_string(std::string_view &text) {
        unescaped_.clear();
        for (;;) {
            const auto *const begin = at_;
            while (at_ != end_ && is_plain(*at_)) ++at_;
            unescaped_.append(begin, at_);
            if (at_ == end_) return false;
            if (*at_ == '"') break;
            if (*at_++ != '\\' || at_ == end_) return false;
            const auto escaped = meaning_of_escape(*at_++);
            if (escaped == '\0') return false;
            unescaped_ += escaped;
        }
        ++at_;
        text = unescaped_;
        return true;
    }

    // NUL: none of one letter.
    static constexpr char meaning_of_escape(char letter) {
        switch (letter) {
        case '"':
        case '\\':
        case '/': return letter;
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        default: return '\0';
        }
    }

    bool value() {
        skip_space();
        if (at_ == end_) return false;
        switch (*at_) {
        case '{': ++at_; return object();
        case '[': ++at_; return array();
        case '"': {
            ++at_;
            std::string_view text;
            return take_string(text) && handler_.text(text);
        }
        case 't': return take_word("true") && handler_.boolean(true);
        case 'f': return take_word("false") && handler_.boolean(false);
        case 'n': return take_word("null") && handler_.null();
        default: return integer();
        }
    }

    bool object() {
        if (!handler_.start_object()) return false;
        if (take('}')) return handler_.end_object();
        do {
            std::string_view key;
            if (!take('"') || !take_string(key) || !handler_.key(key) || !take(':') || !value()) return false;
        } while (take(','));
        return take('}') && handler_.end_object();
    }

    bool array() {
        if (!handler_.start_array()) return false;
        if (take(']')) return handler_.end_array();
        do {
            if (!value()) return false;
        } while (take(','));
        return take(']') && handler_.end_array();
    }

    // Without fraction and exponent: where one follows, what comes after a value does not.
    bool integer() {
        constexpr std::ptrdiff_t max_digits = 18;  // always within int64
        const bool negative = *at_ == '-';
        if (negative) ++at_;
        const auto *const digits = at_;
        std::int64_t value = 0;
        while (at_ != end_ && *at_ >= '0' && *at_ <= '9' && at_ - digits < max_digits) value = value * 10 + (*at_++ - '0');
        if (at_ == digits || (*digits == '0' && (at_ - digits > 1 || negative))) return false;
        return handler_.integer(negative ? -value : value);
    }

    const char *at_;
    const char *end_;
    Handler &handler_;
    std::string unescaped_;
};

}  // namespace varlink
