// Bytes in, messages out, however the bytes are cut: each message ends with one NUL byte.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace varlink {

// Splits a byte stream into messages. What is complete in the bytes just received is handed out in place; only an unfinished rest is
// copied.
//
//     splitter.feed(received);
//     while (auto message = splitter.next()) ...
//     splitter.keep_rest();
//
// Between feed() and keep_rest() the fed bytes must stay alive, and so long the messages handed out do.
class MessageSplitter {
public:
    explicit MessageSplitter(std::size_t max_message) : max_message_(max_message) {}

    // Precondition: the last feed() was followed by keep_rest().
    void feed(std::string_view bytes) { fed_ = bytes; }

    // The next complete message, without its NUL byte.
    std::optional<std::string_view> next();

    // Is there a message among the bytes just fed, or do they make one too long? Precondition: before them there was none.
    [[nodiscard]] bool has_next() const { return fed_.contains('\0') || waiting() > max_message_; }

    // Keeps the bytes that next() has not handed out. Ends the life of the messages handed out.
    void keep_rest();

    // A message is longer than allowed: the stream cannot be followed any more.
    [[nodiscard]] bool overflowed() const { return overflowed_; }

    // Bytes of memory for what is kept.
    [[nodiscard]] std::size_t memory() const { return kept_.empty() ? 0 : kept_.capacity(); }

    // Bytes that were received and belong to no message handed out yet.
    [[nodiscard]] std::size_t waiting() const { return kept_.size() - kept_used_ + fed_.size(); }

private:
    std::size_t max_message_;
    std::string kept_;           // received earlier
    std::size_t kept_used_ = 0;  // of it, handed out
    std::size_t searched_ = 0;   // of kept_ from kept_used_ on, known to hold no NUL byte
    std::string_view fed_;       // received now, not yet handed out
    bool overflowed_ = false;
};

}  // namespace varlink
