#include "libmr/src/attestation/event_rules.h"

#include <algorithm>
#include <string>

#include "libmr/src/event_log/dstack_event.h"

namespace mr::attestation {

namespace {

using enum EventRule::Match;

// Bytes of NUL that may end a text.
constexpr std::size_t max_terminator = 2;

EventRule::Match yes_if(bool is_so) { return is_so ? yes : no; }

}  // namespace

PreparedRule::PreparedRule(const EventRule &rule) : rule_(rule) {
    if (!rule.data) return;
    auto text = *rule.data;
    for (std::size_t i = 0; i < max_terminator && !text.empty() && text.back() == 0; ++i) text.pop_back();
    if (text.empty()) text = *rule.data;
    // The zero bytes at its end may be a terminator, or half of UTF-16's last character.
    for (; text.size() <= rule.data->size() + max_terminator; text.push_back(0)) forms_.push_back(text);
}

bool PreparedRule::means(ByteView data) const {
    return std::ranges::any_of(forms_, [&](const Bytes &form) { return std::ranges::equal(form, data); });
}

bool PreparedRule::has_digest(HashAlgorithm algorithm, ByteView digest) const {
    const auto [known, is_new] = digests_.try_emplace(algorithm);
    if (is_new) {
        for (const auto &form : forms_) {
            if (const auto computed = hash(algorithm, form)) known->second.push_back(*computed);
        }
    }
    return std::ranges::any_of(known->second, [&](const Digest &one) { return std::ranges::equal(one.bytes(), digest); });
}

EventContent::EventContent(const Event &event, const EventRegister &reg) : algorithm_(reg.algorithm) {
    if (!is_measured(event)) return;
    const auto bank = std::ranges::find(event.digests, tcg_id(algorithm_), &EventDigest::algorithm_id);
    if (bank == event.digests.end()) return;
    digest_ = bank->value;
    if (reg.is_virtual) {
        if (auto carried = carried_envelope(event, *bank)) {
            is_of_register_ = true;
            header_ = std::move(carried->header);
            envelope_ = std::move(carried->body);
        }
        return;
    }
    if (auto bound = bound_envelope(event, *bank)) {
        // Redacted, its body may be any; of another kind's register, it is not mrd's word for this one.
        is_of_register_ = bound->header.register_name == std::string(reg.kind).append("/").append(reg.name);
        header_ = std::move(bound->header);
        if (is_of_register_) envelope_ = std::move(bound->body);
        return;
    }
    binding_ = recompute_binding(event, *bank);
}

const std::optional<Digest> &EventContent::digest_of(ByteView data, HashAlgorithm algorithm) const {
    const auto [known, is_new] = digests_.try_emplace(algorithm);
    if (is_new) {
        if (const auto computed = hash(algorithm, data)) known->second = *computed;
    }
    return known->second;
}

ByteView EventContent::data_digest() const {
    const auto &computed = digest_of(*envelope_->data, algorithm_);
    return computed ? computed->bytes() : ByteView();
}

EventRule::Match EventContent::match_content_digest(HashAlgorithm algorithm, const Digest &digest) const {
    if (envelope_->data) {
        const auto &computed = digest_of(*envelope_->data, algorithm);
        return computed ? yes_if(*computed == digest) : cannot_tell;
    }
    if (!envelope_->digest) return no;
    // The same content has another digest in another algorithm, and in SHA-1 many contents can have one.
    if (envelope_->digest->algorithm != algorithm || algorithm == HashAlgorithm::sha1) return cannot_tell;
    return yes_if(envelope_->digest->value == digest);
}

EventRule::Match EventContent::match_event_digest(const ContentDigest &digest) const {
    return digest.algorithm == algorithm_ ? yes_if(std::ranges::equal(digest.value.bytes(), *digest_)) : cannot_tell;
}

EventRule::Match EventContent::match_digest(const ContentDigest &digest) const {
    if (match_event_digest(digest) == yes) return yes;
    if (envelope_) return match_content_digest(digest.algorithm, digest.value);
    if (!is_known()) return cannot_tell;
    if (digest.algorithm == algorithm_) return no;
    const auto &computed = digest_of(hashed(), digest.algorithm);
    return computed ? yes_if(*computed == digest.value) : cannot_tell;
}

EventRule::Match EventContent::match_data(const PreparedRule &prepared) const {
    if (prepared.has_digest(algorithm_, *digest_)) return yes;
    if (envelope_) {
        if (envelope_->data) return yes_if(prepared.means(*envelope_->data));
        if (!envelope_->digest) return no;
        const auto &[algorithm, value] = *envelope_->digest;
        if (algorithm == HashAlgorithm::sha1) return cannot_tell;
        return yes_if(prepared.has_digest(algorithm, value.bytes()));
    }
    if (!is_known()) return cannot_tell;
    if (prepared.means(hashed())) return yes;
    if (const auto &name = prepared.rule().description) {
        const auto payload = event_log::dstack_payload(hashed(), *name);
        return yes_if(payload && prepared.means(*payload));
    }
    // Any text can have dstack's form: a payload without its name proves nothing, but it may be what is forbidden.
    const bool may_be =
        std::ranges::any_of(prepared.forms(), [this](const Bytes &form) { return event_log::is_of_dstack_payload(hashed(), form); });
    return may_be ? cannot_tell : no;
}

EventRule::Match EventContent::match_description(std::string_view description) const {
    if (envelope_) return yes_if(envelope_->description == description);
    if (!is_known()) return cannot_tell;
    return yes_if(event_log::dstack_payload(hashed(), description).has_value());
}

// The header is there where the envelope is redacted, too.
EventRule::Match EventContent::match_envelope_type(std::string_view type) const {
    if (is_of_register_) return yes_if(header_->type == type);
    return is_known() ? no : cannot_tell;
}

template <class Take>
void EventContent::each_member(const PreparedRule &prepared, Take take) const {
    const auto &rule = prepared.rule();
    if (rule.event_digest) take(match_event_digest(*rule.event_digest));
    if (rule.digest) take(match_digest(*rule.digest));
    if (rule.data) take(match_data(prepared));
    if (rule.description) take(match_description(*rule.description));
    if (rule.data_digest) {
        // Only an envelope holds its content's digest.
        const auto &wanted = *rule.data_digest;
        take(envelope_ ? match_content_digest(wanted.algorithm, wanted.value) : is_known() ? no : cannot_tell);
    }
    if (rule.envelope_type) take(match_envelope_type(*rule.envelope_type));
}

EventRule::Match EventContent::match(const PreparedRule &prepared) const {
    if (!digest_) return no;
    if (algorithm_ == HashAlgorithm::sha1) return cannot_tell;
    Match all = yes;
    each_member(prepared, [&all](Match one) { all = std::min(all, one); });
    return all;
}

bool EventContent::meets_part(const PreparedRule &prepared) const {
    if (!digest_ || algorithm_ == HashAlgorithm::sha1) return false;
    bool any = false;
    each_member(prepared, [&any](Match one) { any = any || one == yes; });
    return any;
}

Domain EventContent::domain(const EventRule &rule) const {
    const auto extended = [this](const std::optional<ContentDigest> &digest) { return digest && match_event_digest(*digest) == yes; };
    if (rule.envelope_type) return Domain::envelope;
    if (envelope_ && (rule.description || rule.data_digest || rule.data || !(extended(rule.digest) || extended(rule.event_digest))))
        return Domain::envelope;
    if (rule.description) return Domain::dstack;
    return rule.data ? Domain::content : Domain::digest;
}

}  // namespace mr::attestation
