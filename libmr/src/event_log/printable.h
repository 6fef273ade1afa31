// Bytes that nobody vouches for, as text for people: valid UTF-8 without invisible characters, whatever the bytes are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mr/bytes.h"
#include "mr/event_content.h"

namespace mr::event_log {

// Invisible characters (proto/varlink/text.h: control characters and all that leave no mark of their own or change how others are shown) and bytes that
// are not UTF-8 become \n, \x1b or \u{202e}; a
// backslash stays as it is, since paths are full of them. At most the first max_content_text bytes.
std::string printable(ByteView utf8);
std::string printable(std::string_view utf8);
// The same of little-endian UTF-16, without NULs at its end; an odd byte at the end is left out.
std::string printable_utf16(ByteView utf16);

// Without the NULs at its end.
ByteView trim_nuls(ByteView text);
// Up to its first NUL.
ByteView until_nul(ByteView text);
// UTF-16 up to its first NUL.
ByteView utf16_until_nul(ByteView text);

// Text as a person would type it, NULs at its end aside: printable() would change nothing but line feeds, tabs and kinds of blanks. Neither empty
// bytes nor white space alone.
bool looks_like_utf8(ByteView bytes);
// The same of UTF-16 that begins with ASCII; an odd zero byte at the end is allowed, since old loaders wrote half a NUL.
bool looks_like_utf16(ByteView bytes);

// 0x1f
std::string hexadecimal(std::uint64_t number);

// Collects the fields of one event within max_content_text bytes of names and values: what does not fit is cut, and the value says so.
class ContentWriter {
public:
    // The value must be printable.
    void add(std::string_view name, std::string_view value);
    void add_number(std::string_view name, std::uint64_t number) { add(name, std::to_string(number)); }
    void add_hexadecimal(std::string_view name, std::uint64_t number) { add(name, hexadecimal(number)); }
    void add_hex(std::string_view name, ByteView bytes);
    // As text if it is text, else in hexadecimal.
    void add_bytes(std::string_view name, ByteView bytes);
    // What is wrong with the data.
    void add_malformed(std::string_view what) { add("malformed", what); }

    // True when nothing more fits: a loop over many entries may stop.
    [[nodiscard]] bool full() const { return full_; }
    [[nodiscard]] std::vector<ContentField> take() { return std::move(fields_); }

private:
    std::vector<ContentField> fields_;
    std::size_t used_ = 0;
    bool full_ = false;
};

}  // namespace mr::event_log
