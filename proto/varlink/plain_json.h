// The fast way through the JSON that nearly every message is: strings without escapes and in ASCII, integers of up to 18 digits. Anything
// else, mistakes included, is left to the full parser, which alone decides what is broken. tests/proto/plain_json_test.cpp holds the two
// against each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace varlink {

// Is every character ASCII, printable, and neither a quotation mark nor a backslash? Without a branch for each, so that it becomes vector
// instructions.
inline bool is_plain_text(std::string_view text) {
    unsigned bad = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        bad |= static_cast<unsigned>(byte < 0x20) | static_cast<unsigned>(byte >= 0x7F) | static_cast<unsigned>(byte == '"') |
               static_cast<unsigned>(byte == '\\');
    }
    return bad == 0;
}

// Handler: null(), boolean(bool), integer(int64_t), text(string_view), key(string_view), start_object(), end_object(), start_array(),
// end_array(). Each returns false to end the parse; start_*() must, at some depth. Text and keys are views into what is parsed.
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
        at_ = close + 1;
        return is_plain_text(text);
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
};

}  // namespace varlink
