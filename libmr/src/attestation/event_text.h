// What an event is, by its hashed bytes, and what a rule means, for the reasons of a verdict: one line of printable text, of bounded length whatever a log has in it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libmr/src/attestation/event_rules.h"
#include "mr/event_log.h"
#include "mr/reference_values.h"

namespace mr::attestation {

// Bytes of a text that are shown. Of longer content, as of what is no text, the digest is.
inline constexpr std::size_t max_quoted_text = 64;

// "an envelope \"kernel\" with sha384:0a1b...", "\"console shell\"", "extended by sha384:0a1b..., of which the log does not have what was hashed"
std::string told(const EventContent &content);
// "digest sha384:0a1b... and description \"kernel\""
std::string told(const EventRule &rule);
// "event 12 of rtmr3"; `shown`: the register's name
std::string event_name(const Event &event, std::string_view shown);

// A name that a log has, cut where it is longer than those of registers are.
inline constexpr std::size_t max_logged_name = 128;  // bytes
std::string logged_name(std::string_view name);

// A reason is one sentence, whatever a hostile log makes of it: at most so many things are listed in it.
inline constexpr std::size_t max_listed = 16;
std::string listed(const std::vector<std::string> &texts);

// Names, each with its explanation in brackets as long as there is room for it: a printed reason ends after mr::max_content_text bytes.
inline constexpr std::size_t max_explained = 3072;  // bytes
using Explained = std::pair<std::string, std::string>;
std::string listed(const std::vector<Explained> &texts, std::size_t room = max_explained);

}  // namespace mr::attestation
