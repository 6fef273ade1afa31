#include "libmr/src/attestation/event_rules.h"

#include <algorithm>

#include "libmr/src/event_log/types.h"

namespace mr::attestation {

EventContent::EventContent(const Event &event) : event_(event) {
    if (!is_measured(event)) return;
    const auto bank = std::ranges::find(event.digests, tcg_id(HashAlgorithm::sha384), &EventDigest::algorithm_id);
    if (bank == event.digests.end()) return;
    digest_ = bank->value;
    binding_ = recompute_binding(event, *bank);
    if (binding_.binding != Binding::bound) return;
    if (auto envelope = bound_envelope(event, *bank)) {
        envelope_ = std::move(envelope->body);
        if (!envelope_) binding_ = {};  // redacted: what it says is not known
        return;
    }
    is_dstack_ = event.type == event_log::ev_dstack;
}

bool EventContent::has_data(const EventRule &rule) const {
    if (rule.hash_of_data && std::ranges::equal(rule.hash_of_data->bytes(), *digest_)) return true;
    if (binding_.binding != Binding::bound) return false;
    if (envelope_) {
        return envelope_->data == rule.data || (envelope_->digest && rule.hash_of_data && envelope_->digest->value == *rule.hash_of_data);
    }
    // What a log calls dstack's event may be any text with two colons in it: the payload alone says nothing, its name has to be asked for.
    if (is_dstack_ && !rule.description) return false;
    return std::ranges::equal(*rule.data, binding_.covered);
}

bool EventContent::has_description(const EventRule &rule) const {
    if (is_dstack_) return event_.description == *rule.description;
    return envelope_ && envelope_->description == rule.description;
}

bool EventContent::has_data_digest(const EventRule &rule) const {
    if (!envelope_) return false;
    if (envelope_->digest) return envelope_->digest->value == *rule.data_digest;
    const auto computed = envelope_->data ? hash(HashAlgorithm::sha384, *envelope_->data) : std::unexpected(Error{});
    return computed && *computed == *rule.data_digest;
}

EventRule::Match EventContent::match(const EventRule &rule) const {
    using enum EventRule::Match;
    if (!digest_) return no;
    if (!rule.register_name.empty() && common_name(event_.name) != rule.register_name) return no;
    if (rule.digest && !std::ranges::equal(rule.digest->bytes(), *digest_)) return no;
    const bool asks_for_content = rule.data || rule.description || rule.data_digest;
    if (!asks_for_content) return yes;
    const bool all =
        (!rule.data || has_data(rule)) && (!rule.description || has_description(rule)) && (!rule.data_digest || has_data_digest(rule));
    if (all) return yes;
    return binding_.binding == Binding::bound ? no : cannot_tell;
}

}  // namespace mr::attestation
