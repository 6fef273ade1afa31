// The tokens of the JSON that nearly every message is made of: strings in ASCII, whose escapes are of one letter, and integers of up to 18 digits. What is
// anything else is not taken, mistakes included: it is left to the full parser.
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

// Each take_*() is false where something else comes next, and has then taken a part of it or nothing.
class PlainScanner {
public:
    explicit PlainScanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

    // Skips space.
    bool at_end() {
        skip_space();
        return at_ == end_;
    }

    // Skips space. Precondition: at_end() is false.
    char peek() {
        skip_space();
        return *at_;
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

    // With its quotation marks, and without escapes: a view into what is scanned.
    bool take_string(std::string_view &text) { return take('"') && take_rest_of_string(text); }

    // With its quotation marks and escapes of one letter: where it has any, a view into `unescaped`.
    bool take_string(std::string_view &text, std::string &unescaped) {
        return take('"') && (take_rest_of_string(text) || take_escaped_rest(text, unescaped));
    }

    bool take_boolean(bool &value) {
        skip_space();
        value = take_word("true");
        return value || take_word("false");
    }

    // Without fraction and exponent: where one follows, what comes after a value does not.
    bool take_integer(std::int64_t &value) {
        constexpr std::ptrdiff_t max_digits = 18;  // always within int64
        const bool negative = take('-');
        const auto *const digits = at_;
        value = 0;
        while (at_ != end_ && *at_ >= '0' && *at_ <= '9' && at_ - digits < max_digits) value = value * 10 + (*at_++ - '0');
        if (at_ == digits || (*digits == '0' && (at_ - digits > 1 || negative))) return false;
        if (negative) value = -value;
        return true;
    }

private:
    void skip_space() {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
    }

    // False: nothing is taken.
    bool take_rest_of_string(std::string_view &text) {
        const auto *const close = static_cast<const char *>(std::memchr(at_, '"', static_cast<std::size_t>(end_ - at_)));
        if (close == nullptr) return false;
        const std::string_view rest(at_, static_cast<std::size_t>(close - at_));
        if (!is_plain_text(rest)) return false;
        text = rest;
        at_ = close + 1;
        return true;
    }

    // \u is not taken: what it may and may not say is the full parser's.
    bool take_escaped_rest(std::string_view &text, std::string &unescaped) {
        unescaped.clear();
        for (;;) {
            const auto *const begin = at_;
            while (at_ != end_ && is_plain(*at_)) ++at_;
            unescaped.append(begin, at_);
            if (at_ == end_) return false;
            if (*at_ == '"') break;
            if (*at_ != '\\') return false;
            if (++at_ == end_) return false;
            const auto escaped = meaning_of_escape(*at_++);
            if (escaped == '\0') return false;
            unescaped += escaped;
        }
        ++at_;
        text = unescaped;
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

    const char *at_;
    const char *end_;
};

}  // namespace varlink
