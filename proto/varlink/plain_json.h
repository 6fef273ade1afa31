// The fast way through the JSON that nearly every message is (plain_scanner.h). Anything else, mistakes included, is left to the full parser, which alone decides
// what is broken. tests/proto/plain_json_test.cpp and tests/fuzz/document_fuzz.cpp hold the two against each other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/varlink/plain_scanner.h"

namespace varlink {

// Handler: null(), boolean(bool), integer(int64_t), text(string_view), key(string_view), start_object(), end_object(), start_array(),
// end_array(). Each returns false to end the parse; start_*() must, at some depth. Text and keys are views into what is parsed or into the parser, and valid
// until they return.
template <class Handler>
class PlainJson {
public:
    // False: not plain, not JSON, or ended by the handler, which may have been told a part.
    static bool parse(std::string_view text, Handler &handler) {
        PlainJson parser(text, handler);
        return parser.value() && parser.scanner_.at_end();
    }

private:
    PlainJson(std::string_view text, Handler &handler) : scanner_(text), handler_(handler) {}

    bool value() {
        if (scanner_.at_end()) return false;
        switch (scanner_.peek()) {
        case '{': return object();
        case '[': return array();
        case '"': {
            std::string_view text;
            return scanner_.take_string(text, unescaped_) && handler_.text(text);
        }
        case 't': return scanner_.take_word("true") && handler_.boolean(true);
        case 'f': return scanner_.take_word("false") && handler_.boolean(false);
        case 'n': return scanner_.take_word("null") && handler_.null();
        default: {
            std::int64_t value = 0;
            return scanner_.take_integer(value) && handler_.integer(value);
        }
        }
    }

    bool object() {
        if (!scanner_.take('{') || !handler_.start_object()) return false;
        if (scanner_.take('}')) return handler_.end_object();
        do {
            std::string_view key;
            if (!scanner_.take_string(key, unescaped_) || !handler_.key(key) || !scanner_.take(':') || !value()) return false;
        } while (scanner_.take(','));
        return scanner_.take('}') && handler_.end_object();
    }

    bool array() {
        if (!scanner_.take('[') || !handler_.start_array()) return false;
        if (scanner_.take(']')) return handler_.end_array();
        do {
            if (!value()) return false;
        } while (scanner_.take(','));
        return scanner_.take(']') && handler_.end_array();
    }

    PlainScanner scanner_;
    Handler &handler_;
    std::string unescaped_;
};

}  // namespace varlink
