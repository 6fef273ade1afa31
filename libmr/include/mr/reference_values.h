// Reference values: what a relying party expects of a machine, and what it is willing to accept. A JSON file; docs/verification.md has a commented example. In mr::verify.
//
//   format "mrd-reference-values", version 1; description: text, for people
//   roles               object: role, called as no register of a known kind -> array of names of registers, not empty: in each part the first that is there, none behind the first that a part of `parts` has
//   measuredRoles       "accept" or "refuse" ["refuse"]: the roles that mrd's configuration gives, as selfMeasurement proves, go before these
//   parts               array of { name, kind }: parts that must be in the evidence; others may be there too, and what must run has to be said of them as well
//   tcb                 array of the statuses that are accepted of a platform's TCB, as its maker names them, not empty: these and no others
//                       [those that are up to date]; naming it makes the TCB required even without collateral
//   acceptedGaps        array of { register, found }: gaps that are accepted where they are the register's first event; found: hex, what it held
//   virtualRegisters    array of names ("virtual/build"), or objects: registers of which nothing is hidden, each on one of logOnlyRegisters
//     name              of the one that is not closed
//     owner             uid whose it is [any]
//     values            array of what it may hold, hex, by its own hash [any]
//   logOnlyRegisters    array of names: registers that take nothing but envelopes, so that what an envelope says there is mrd's word
//   debug, simulatedRoots, gaps    "accept" or "refuse" ["refuse"; simulatedRoots: left to whoever names the trust anchors]; gaps written as "refuse" wants a log
//   uncoveredRegisters  array of names: "rtmr2"; registers that others extend too, so that no log leads to them
//   maximumAgeSeconds   of evidence, by the guest's clock: what makes it fresh is the nonce
//   registers           object: name -> array of allowed values, hex
//   a kind ("tdx")      object: what is said for this kind alone, as its reader knows it (mr/verify_quote.h, mr/verify_cca.h)
//   requiredEvents, forbiddenEvents    arrays of rules: each of the one has an event in every part that it means, none of the other in any
//   closedRegisters     array of objects: registers that hold what is listed and nothing else
//     register          whose
//     after             a rule: only what follows the first event of it is meant, and there must be one [from the register's begin]
//     order             "listed" or "any" ["listed"]
//     events            array of rules, each of one event; may be empty
//   selfMeasurement     object: what mrd has to be, as it measures itself; every event of it since the register's last gap, and at least one
//     register          into which
//     binary            array of digests of the program
//     configuration     array of digests of the configuration file, as it was parsed at the start and at a reload; "none": there was no file
//     access            array of digests of the access rules as they are judged [any: they follow from the configuration, and the machine's users and groups]
//     options           array of arrays of texts: the command line's options [[[]]: none]
//                       each digest is SHA-384, hex, or "sha384:HEX"
//     roles             object: role -> register, or "none", exactly as the configuration gives them; {}: it gives none [any]
//   alternatives        array of objects: of each, one of its sets must hold as a whole
//     name              for the verdict's reason
//     sets              array of objects, not empty: name, and of registers, requiredEvents, forbiddenEvents, closedRegisters and selfMeasurement at least one
//
//   a rule: an object
//     name              what it is, for the verdict's reason
//     register          "rtmr3"; may be absent: any that a quote signs. A closed register's rules have none
//     optional          true or false [false]: that event of a closed register need not be there. Of no other rule
//     and of these at least one, all of which must match:
//     digest            of what was measured, be it what was extended or the content of an envelope (mr/envelope.h)
//     eventDigest       what was extended, and nothing else
//     data, text        base64, or text in UTF-8, with or without the NUL that ends it: the bytes that were hashed, or an envelope's content, also where only their
//                       digest is in the log. Of dstack's events only together with their name as description
//     description       text of an envelope, or the name of dstack's event
//     dataDigest        of an envelope's content
//     envelopeType      of an envelope: "measure", "cap"
//                       each digest is hex, of 32 (SHA-256), 48 (SHA-384) or 64 bytes (SHA-512), or "ALGORITHM:HEX"
//
// A register is named as its kind names it, which mr/claims.h has ("mrtd", "rtmr3"): that of every part, or of one, with the part's name or kind before it
// ("tdx/rtmr3"). A part's name means something only if `parts` says of which kind it is. Rules, closed registers and virtualRegisters may name a virtual register
// ("virtual/build", mr/virtual_registers.h): its events are those behind its create, none of which may be unknown.
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
#include "mr/tee.h"

namespace mr {

inline constexpr std::size_t max_reference_values_size = std::size_t{4} << 20;  // bytes of the file
inline constexpr std::size_t max_event_rules = 4096;  // of all members and alternatives together; a closed register counts as one more
inline constexpr std::size_t max_reference_virtual_registers = 256;  // in virtualRegisters, and as many in rules
inline constexpr std::size_t max_reference_roles = 64;
inline constexpr std::size_t max_registers_of_role = 16;
inline constexpr std::size_t max_rule_sets = 256;  // of all alternatives together

struct EventRule {
    std::string name;
    std::string register_name = {};  // empty: any
    std::optional<ContentDigest> digest = {};
    std::optional<ContentDigest> event_digest = {};
    std::optional<Bytes> data = {};
    std::optional<std::string> description = {};
    std::optional<ContentDigest> data_digest = {};
    std::optional<std::string> envelope_type = {};
    bool optional = false;  // of a closed register's events

    // What the rule says of an event. cannot_tell: the log does not have what was hashed, or has its digest in another algorithm, so that it may be what the
    // rule means.
    enum class Match : std::uint8_t { no, cannot_tell, yes };
    friend bool operator==(const EventRule &, const EventRule &) = default;
};

struct AcceptedGap {
    std::string register_name;
    Digest found;
    friend bool operator==(const AcceptedGap &, const AcceptedGap &) = default;
};

struct ExpectedPart {
    std::string name;
    std::string kind;
    friend bool operator==(const ExpectedPart &, const ExpectedPart &) = default;
};

// Of a virtual register nothing may be hidden, and it has to be so.
struct VirtualRegisterRule {
    std::string name;                         // "virtual/build"
    std::optional<std::uint32_t> owner = {};  // uid; nothing: any
    std::vector<Bytes> values = {};           // that it may hold; empty: any
    friend bool operator==(const VirtualRegisterRule &, const VirtualRegisterRule &) = default;
};

enum class EventOrder : std::uint8_t { listed, any };

// A register that holds these events, each once, and no others.
struct ClosedRegister {
    std::string register_name;
    std::optional<EventRule> after = {};  // nothing: from the register's begin
    EventOrder order = EventOrder::listed;
    std::vector<EventRule> events = {};
    friend bool operator==(const ClosedRegister &, const ClosedRegister &) = default;
};

// What mrd may be, by what it measures of itself. Digests are "sha384:HEX".
struct SelfMeasurementRule {
    std::string register_name;
    std::vector<std::string> binaries = {};
    std::vector<std::string> configurations = {};  // "none": without a file
    std::vector<std::string> access = {};          // empty: any
    std::vector<std::vector<std::string>> options = {{}};
    std::optional<std::map<std::string, std::string>> roles = {};  // nothing: any
    friend bool operator==(const SelfMeasurementRule &, const SelfMeasurementRule &) = default;
};

// What registers must hold and events must be, or must not be, in their logs.
struct RuleSet {
    std::map<std::string, std::vector<Bytes>, std::less<>> registers = {};
    std::vector<EventRule> required_events = {};
    std::vector<EventRule> forbidden_events = {};
    std::vector<ClosedRegister> closed_registers = {};
    std::optional<SelfMeasurementRule> self_measurement = {};
    friend bool operator==(const RuleSet &, const RuleSet &) = default;
};

// One of the sets must hold as a whole.
struct Alternatives {
    struct Set : RuleSet {
        std::string name;
        friend bool operator==(const Set &, const Set &) = default;
    };
    std::string name;
    std::vector<Set> sets;
    friend bool operator==(const Alternatives &, const Alternatives &) = default;
};

struct ReferenceValues : RuleSet {
    std::vector<ExpectedPart> parts = {};
    std::map<std::string, std::vector<std::string>, std::less<>> roles = {};  // what the evidence's machine calls so does not count
    bool accept_measured_roles = false;                                       // but where it was measured, and self_measurement holds
    PlatformPolicy platform = {};
    bool tcb_required = false;  // they name a TCB: its lack cannot be waived
    bool accept_gaps = false;   // all of them
    // A log has to be there, for something was said of gaps, or of registers that it does not lead to: "gaps": "refuse", acceptedGaps or uncoveredRegisters.
    bool log_required = false;
    std::vector<AcceptedGap> accepted_gaps = {};
    std::vector<std::string> log_only_registers = {};
    std::vector<std::string> uncovered_registers = {};
    std::vector<VirtualRegisterRule> virtual_registers = {};
    std::optional<std::int64_t> maximum_age_seconds = {};
    std::vector<Alternatives> alternatives = {};
};

// Error: malformed, naming the member. Unknown members are refused: a misspelt demand must not be passed over. `tees`: the kinds that may have a member, and
// the statuses of whose TCBs there are.
std::expected<ReferenceValues, Error> parse_reference_values(std::string_view json, Tees tees = known_tees());

}  // namespace mr
