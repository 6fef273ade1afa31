// Where in a JSON document its values are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace mr::event_log {

// Walks over JSON text that is known to be well formed, since a parsed document does not say where in the text its values are.
class Walker {
public:
    explicit Walker(std::string_view text) : text_(text), at_(std::min(text.find_first_of("[{"), text.size())) {}

    // Of the next value, member name or end of an array or object.
    std::size_t next_value() {
        at_ = std::min(text_.find_first_not_of(" \t\r\n,:", at_), text_.size());
        return at_;
    }
    // Behind the opening bracket of the value it stands at.
    void enter() { at_ = next_value() + 1; }
    // Behind the value or member name it stands at.
    void skip() {
        next_value();
        std::size_t depth = 0;
        do {
            const char c = character();
            if (c == '"') {
                skip_string();
                continue;
            }
            if (c == '{' || c == '[') ++depth;
            if (c == '}' || c == ']') --depth;
            ++at_;
        } while (depth > 0 && at_ < text_.size());
        // The rest of a number or word.
        at_ = std::min(text_.find_first_of(" \t\r\n,:]}", at_), text_.size());
    }

private:
    void skip_string() {
        for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
            if (text_[at_] == '\\') ++at_;
        }
        ++at_;
    }

    // NUL at the end, which is only reached if the text is not what it is known to be.
    [[nodiscard]] char character() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    std::string_view text_;
    std::size_t at_;
};

}  // namespace mr::event_log
