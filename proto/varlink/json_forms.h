// JSON text in other forms than write_json's (json_writer.h), which escapes what JSON wants escaped and what is invisible (text.h).
#pragma once

#include <string>
#include <string_view>

namespace varlink {

// With quotes, as RFC 8785 (section 3.2.2.2) writes it, for what is hashed: the shortest escapes, and only where JSON wants one. The text must be UTF-8.
void write_canonical_json(std::string &out, std::string_view text);

// JSON of somebody else, with the same value, as write_json would have written its texts; a carriage return between values becomes a blank.
void append_visible_json(std::string &out, std::string_view json);

}  // namespace varlink
