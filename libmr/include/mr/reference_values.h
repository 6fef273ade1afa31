// Reference values: what a relying party expects of a machine, and what it is willing to accept. A JSON file; docs/verification.md has a commented example.
//
//   format "mrd-reference-values", version 1; description: text, for people
//   tcb                 array of Intel's TCB statuses that are accepted, not empty; UpToDate always is ["UpToDate"]; naming it makes the TCB required even without collateral
//   acceptedGaps        array of { register, found }: gaps that are accepted where they are the register's first event; found: hex, what it held
//   logOnlyRegisters    array of names: registers that take nothing but envelopes, so that what an envelope says there is mrd's word
//   debug, septVeDisableUnset, simulatedRoots, gaps    "accept" or "refuse" ["refuse"; simulatedRoots: left to whoever names the trust anchors]
//   serviceTds          array of 48 bytes, hex: service TDs that are accepted beside none
//   uncoveredRegisters  array of names: "rtmr2"; registers that others extend too, so that no log leads to them
//   maximumAgeSeconds   of evidence, by the guest's clock: what makes it fresh is the nonce
//   registers           object: name -> array of allowed values, hex. Names: mrtd, mrconfigid, mrowner, mrownerconfig, mr_seam, rtmr0 ... rtmr3
//   requiredEvents, forbiddenEvents    arrays of objects
//     name              what it is, for the verdict's reason
//     register          "rtmr3"; may be absent: any
//     and of these at least one, all of which must match:
//     digest            hex, SHA-384: of what was measured, be it what was extended or the content of an envelope (mr/envelope.h)
//     eventDigest       hex, SHA-384: what was extended, and nothing else
//     data, text        base64, or text in UTF-8, with or without the NUL that ends it: the bytes that were hashed, or an envelope's content, also where only their
//                       digest is in the log. Of dstack's events only together with their name as description
//     description       text of an envelope, or the name of dstack's event
//     dataDigest        hex, of 32 (SHA-256), 48 (SHA-384) or 64 bytes (SHA-512), or "ALGORITHM:HEX": of an envelope's content
//
// Rules are decided by the hashed bytes alone, whatever the log says of an event. Nothing rests on SHA-1.
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
#include "mr/envelope.h"
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
    std::optional<Digest> event_digest = {};
    std::optional<Bytes> data = {};
    std::optional<std::string> description = {};
    std::optional<ContentDigest> data_digest = {};

    // What the rule says of an event, by its SHA-384 digest and what that binds. cannot_tell: the log does not have what was hashed, or has its digest in
    // another algorithm, so that it may be what the rule means. An event that is not measured, or has no such digest, does not match.
    enum class Match : std::uint8_t { no, cannot_tell, yes };
    [[nodiscard]] Match match(const Event &event) const;
    [[nodiscard]] bool matches(const Event &event) const { return match(event) == Match::yes; }
    friend bool operator==(const EventRule &, const EventRule &) = default;
};

struct AcceptedGap {
    std::string register_name;  // common_name()
    Digest found;
    friend bool operator==(const AcceptedGap &, const AcceptedGap &) = default;
};

struct ReferenceValues {
    QuotePolicy quote;
    bool tcb_required = false;  // they name a TCB: its lack cannot be waived
    bool accept_gaps = false;   // all of them
    std::vector<AcceptedGap> accepted_gaps = {};
    std::vector<std::string> log_only_registers = {};  // common_name()
    std::vector<std::string> uncovered_registers = {};
    std::optional<std::int64_t> maximum_age_seconds = {};
    std::map<std::string, std::vector<Bytes>, std::less<>> registers = {};
    std::vector<EventRule> required_events = {};
    std::vector<EventRule> forbidden_events = {};

    // Do they demand anything of what runs, by mrtd, an RTMR or an event? What is only forbidden, or accepted, and what the TD's owner only says of it, leaves
    // all else open.
    [[nodiscard]] bool say_what_runs() const;
};

// Error: malformed, naming the member. Unknown members are refused: a misspelt demand must not be passed over.
std::expected<ReferenceValues, Error> parse_reference_values(std::string_view json);

}  // namespace mr
