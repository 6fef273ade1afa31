// What an event's digest binds, looked at once for all rules of the reference values.
//
// A rule is decided by the hashed bytes alone. The log chooses an event's type, its framing, its description and which data stands there; whatever it
// chooses, a digest has one preimage, and that is either known, and then says what the event is, or it is not, and then the event may be anything.
#pragma once

#include <optional>
#include <string_view>

#include "mr/envelope.h"
#include "mr/event_content.h"
#include "mr/reference_values.h"

namespace mr::attestation {

// What an event that satisfies a rule rests on, beside the register: who could have stated it otherwise.
enum class Domain : std::uint8_t {
    digest,    // what was extended: nobody
    content,   // the hashed bytes, which are all that the rule asks for: nobody
    envelope,  // mrd's own word, where the register takes nothing else; else also that of whoever may extend it by digest
    dstack,    // name and payload in dstack's form: any content that is measured there can have it
};

// A rule, with what is computed of it once for all events.
struct PreparedRule {
    explicit PreparedRule(const EventRule &rule_);

    const EventRule &rule;
    std::optional<Digest> hash_of_data;  // SHA-384
};

class EventContent {
public:
    // The event must outlive it.
    explicit EventContent(const Event &event);

    [[nodiscard]] EventRule::Match match(const PreparedRule &prepared) const;

    // Precondition: match(rule) is yes.
    [[nodiscard]] Domain domain(const EventRule &rule) const;

private:
    using Match = EventRule::Match;

    [[nodiscard]] Match match_digest(const Digest &digest) const;
    [[nodiscard]] Match match_data(const PreparedRule &prepared) const;
    [[nodiscard]] Match match_description(std::string_view description) const;
    // Of the content that an envelope holds, or holds the digest of.
    [[nodiscard]] Match match_content_digest(HashAlgorithm algorithm, const Digest &digest) const;

    // The preimage of the digest is in the log.
    [[nodiscard]] bool is_known() const { return envelope_ || !hashed().empty(); }
    [[nodiscard]] ByteView hashed() const { return binding_.hashed(); }

    std::optional<ByteView> digest_;  // SHA-384; none: the event extends no register of a quote
    std::string_view register_;       // common_name()
    RecomputedBinding binding_;       // of what is no envelope
    std::optional<EnvelopeBody> envelope_;
};

}  // namespace mr::attestation
