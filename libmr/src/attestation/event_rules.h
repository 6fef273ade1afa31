// What an event's digest binds, looked at once for all rules of the reference values.
//
// A rule is decided by the hashed bytes alone. The log chooses an event's type, its framing, its description and which data stands there; whatever it
// chooses, a digest has one preimage, and that is either known, and then says what the event is, or it is not, and then the event may be anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "mr/envelope.h"
#include "mr/event_content.h"
#include "mr/reference_values.h"

namespace mr::attestation {

// What an event that satisfies a rule rests on, beside the register: who could have stated it otherwise. The better ones first.
enum class Domain : std::uint8_t {
    digest,    // what was extended: nobody
    content,   // the hashed bytes, which are all that the rule asks for: nobody
    envelope,  // mrd's own word, where the register takes nothing else; else also that of whoever may extend it by digest
    dstack,    // name and payload in dstack's form: any content that is measured there can have it
};
inline constexpr std::size_t domains = 4;

// A rule, with what is computed of it once for all events.
class PreparedRule {
public:
    explicit PreparedRule(const EventRule &rule);

    [[nodiscard]] const EventRule &rule() const { return rule_; }

    // The forms of its data: a text is measured without the NUL that ends it, or with it, of one byte or, in UTF-16, of two.
    [[nodiscard]] const std::vector<Bytes> &forms() const { return forms_; }
    [[nodiscard]] bool means(ByteView data) const;
    // Is this the digest of one of the forms?
    [[nodiscard]] bool has_digest(HashAlgorithm algorithm, ByteView digest) const;

private:
    const EventRule &rule_;
    std::vector<Bytes> forms_;
    mutable std::map<HashAlgorithm, std::vector<Digest>> digests_;  // of the forms, as far as they were asked for
};

// The register that an event extends, as the quote's kind calls it.
struct EventRegister {
    std::string_view kind;  // "tdx"
    std::string_view name;  // "rtmr3"
    HashAlgorithm algorithm = HashAlgorithm::sha384;
    bool is_virtual = false;  // the event is known to be one of its own: algorithm and digest are those of what carries it
};

class EventContent {
public:
    // Event and register must outlive it.
    EventContent(const Event &event, const EventRegister &reg);

    // By its digest in the register's algorithm and what that binds; whether the rule means the register is the caller's question. An event that is not
    // measured, or has no such digest, does not match; SHA-1 proves nothing, one way or the other.
    [[nodiscard]] EventRule::Match match(const PreparedRule &prepared) const;

    // One of several members of the rule matches: it may be this event that was meant, changed.
    [[nodiscard]] bool meets_part(const PreparedRule &prepared) const;

    [[nodiscard]] bool is_envelope() const { return envelope_.has_value(); }
    // Of an envelope, of whatever register; null: it is none.
    [[nodiscard]] const EnvelopeHeader *header() const { return header_ ? &*header_ : nullptr; }
    // Of an envelope of the register that is not redacted; else null.
    [[nodiscard]] const EnvelopeBody *body() const { return envelope_ ? &*envelope_ : nullptr; }
    [[nodiscard]] bool is_of_register() const { return is_of_register_; }
    // The log has what was hashed, or of an envelope at least the header, of whatever register, and not by SHA-1; else the event may be any.
    [[nodiscard]] bool is_told() const {
        return algorithm_ != HashAlgorithm::sha1 && (header_.has_value() || binding_.binding == Binding::bound);
    }
    // Of what is no envelope; empty: the log does not have it.
    [[nodiscard]] ByteView hashed() const { return binding_.hashed(); }
    // What was extended; empty: the event does not extend the register.
    [[nodiscard]] ByteView digest() const { return digest_.value_or(ByteView()); }
    [[nodiscard]] HashAlgorithm algorithm() const { return algorithm_; }
    // Of the data that the envelope holds, in the register's algorithm; computed once. Precondition: body() has data.
    [[nodiscard]] ByteView data_digest() const;

    // Precondition: match(rule) is yes.
    [[nodiscard]] Domain domain(const EventRule &rule) const;

private:
    using Match = EventRule::Match;

    // What each member of the rule says of the event.
    template <class Take>
    void each_member(const PreparedRule &prepared, Take take) const;
    [[nodiscard]] Match match_event_digest(const ContentDigest &digest) const;
    [[nodiscard]] Match match_digest(const ContentDigest &digest) const;
    [[nodiscard]] Match match_data(const PreparedRule &prepared) const;
    [[nodiscard]] Match match_description(std::string_view description) const;
    [[nodiscard]] Match match_envelope_type(std::string_view type) const;
    // Of the content that an envelope holds, or holds the digest of.
    [[nodiscard]] Match match_content_digest(HashAlgorithm algorithm, const Digest &digest) const;

    // Of `data`, which is always the same. Nothing: this OpenSSL does not offer the algorithm.
    [[nodiscard]] const std::optional<Digest> &digest_of(ByteView data, HashAlgorithm algorithm) const;

    // The preimage of the digest is in the log.
    [[nodiscard]] bool is_known() const { return envelope_ || !hashed().empty(); }

    HashAlgorithm algorithm_;
    std::optional<ByteView> digest_;  // none: the event does not extend the register
    RecomputedBinding binding_;       // of what is no envelope
    std::optional<EnvelopeHeader> header_;
    bool is_of_register_ = false;  // the header names it
    std::optional<EnvelopeBody> envelope_;
    mutable std::map<HashAlgorithm, std::optional<Digest>>
        digests_;  // of the hashed bytes, or the envelope's data, as far as they were asked for
};

}  // namespace mr::attestation
