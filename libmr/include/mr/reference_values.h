// Reference values: what a relying party expects of a machine, and what it is willing to accept. A JSON file; docs/verification.md has a commented example.
//
//   format "mrd-reference-values", version 1; description: text, for people
//   tcb                 array of Intel's TCB statuses that are accepted ["UpToDate"]; naming it makes the TCB required even without collateral
//   debug, septVeDisableUnset, simulatedRoots, gaps    "accept" or "refuse" ["refuse"; simulatedRoots: left to whoever names the trust anchors]
//   serviceTds          array of 48 bytes, hex: service TDs that are accepted beside none
//   uncoveredRegisters  array of names: "rtmr2"; registers that others extend too, so that no log leads to them
//   maximumAgeSeconds   of evidence, by the guest's clock: what makes it fresh is the nonce
//   registers           object: name -> array of allowed values, hex. Names: mrtd, mrconfigid, mrowner, mrownerconfig, mr_seam, rtmr0 ... rtmr3
//   requiredEvents, forbiddenEvents    arrays of objects
//     name              what it is, for the verdict's reason
//     register          "rtmr3"; may be absent: any
//     and of these at least one, all of which must match:
//     digest            hex, SHA-384: what was extended
//     data, text        base64, or text; of dstack's events only together with their name as description: the bytes that the event's digest binds (mr/event_content.h), never what is only described; their SHA-384 is
//                       looked for too, so that leaving the data out of the log hides nothing
//     description       text of an envelope (mr/envelope.h) whose digest binds it, or the name of dstack's event
//     dataDigest        hex: the digest that such an envelope holds of its content
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/error.h"
#include "mr/event_log.h"
#include "mr/verify_quote.h"

namespace mr {

inline constexpr std::size_t max_reference_values_size = std::size_t{4} << 20;  // bytes of the file
inline constexpr std::size_t max_event_rules = 4096;                            // required and forbidden ones together

struct EventRule {
    std::string name;
    std::string register_name = {};  // common_name(); empty: any
    std::optional<Digest> digest = {};
    std::optional<Bytes> data = {};
    std::optional<Digest> hash_of_data = {};  // SHA-384, set together with it
    std::optional<std::string> description = {};
    std::optional<Digest> data_digest = {};

    // What the rule says of an event, by its SHA-384 digest and what that binds. cannot_tell: the rule asks for content, and the log does not have what was
    // hashed, so that it may be that content. An event that is not measured, or has no such digest, does not match.
    enum class Match : std::uint8_t { no, yes, cannot_tell };
    [[nodiscard]] Match match(const Event &event) const;
    [[nodiscard]] bool matches(const Event &event) const { return match(event) == Match::yes; }
    friend bool operator==(const EventRule &, const EventRule &) = default;
};

struct ReferenceValues {
    QuotePolicy quote;
    bool tcb_required = false;  // they name a TCB: its lack cannot be waived
    bool accept_gaps = false;
    std::vector<std::string> uncovered_registers = {};
    std::optional<std::int64_t> maximum_age_seconds = {};
    std::map<std::string, std::vector<Bytes>, std::less<>> registers = {};
    std::vector<EventRule> required_events = {};
    std::vector<EventRule> forbidden_events = {};

    // Do they demand anything of what runs? What is only forbidden, or accepted, leaves all else open.
    [[nodiscard]] bool say_what_runs() const { return !registers.empty() || !required_events.empty(); }
};

// Error: malformed, naming the member. Unknown members are refused: a misspelt demand must not be passed over.
std::expected<ReferenceValues, Error> parse_reference_values(std::string_view json);

}  // namespace mr
