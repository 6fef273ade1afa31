// What reference values say for the interface of a device.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libmr/src/attestation/choice.h"
#include "libmr/src/attestation/malformed.h"
#include "libmr/src/attestation/policy_object.h"
#include "mr/envelope.h"
#include "mr/tdisp.h"

namespace mr {
namespace {

using attestation::malformed;
using varlink::field;

struct PolicyFields {
    std::optional<Choice> non_tee_ranges;
    std::optional<Choice> updatable_ranges;
    std::optional<Choice> update_after_lock;
    std::optional<Choice> ats;
    std::optional<Choice> prs;
    std::optional<std::vector<std::string>> states;
    std::optional<std::string> digest;
    static constexpr auto fields() {
        return std::tuple(field("nonTeeRanges", &PolicyFields::non_tee_ranges), field("updatableRanges", &PolicyFields::updatable_ranges),
                          field("updateAfterLock", &PolicyFields::update_after_lock), field("ats", &PolicyFields::ats),
                          field("prs", &PolicyFields::prs), field("states", &PolicyFields::states), field("digest", &PolicyFields::digest));
    }
};

std::string what_is_wanted(std::string_view member) {
    if (member == "states") return "an array of states, as [\"RUN\"]";
    return member == "digest" ? "a text, as \"sha384:HEX\"" : "\"accept\" or \"refuse\"";
}

}  // namespace

std::expected<TdispPolicy, Error> parse_tdisp_policy(std::string_view json) {
    varlink::Document document;
    const auto fields = policy::read_object<PolicyFields>(document, json, "an interface", &what_is_wanted);
    if (!fields) return std::unexpected(fields.error());
    TdispPolicy policy;
    for (const auto &[choice, to] : {std::pair{&fields->non_tee_ranges, &policy.accept_non_tee_ranges},
                                     std::pair{&fields->updatable_ranges, &policy.accept_updatable_ranges},
                                     std::pair{&fields->update_after_lock, &policy.accept_update_after_lock},
                                     std::pair{&fields->ats, &policy.accept_ats}, std::pair{&fields->prs, &policy.accept_prs}})
        *to = *choice == Choice::accept;
    if (fields->states) {
        policy.states.clear();
        for (const auto &name : *fields->states) {
            const auto state = tdisp_state_from(name);
            if (!state)
                return malformed("the member states: " + name + " is none; there are CONFIG_UNLOCKED, CONFIG_LOCKED, RUN and ERROR");
            policy.states.push_back(*state);
        }
        if (policy.states.empty()) return malformed("the member states is empty: name those that are accepted, or leave it out");
    }
    if (fields->digest) {
        const auto digest = content_digest_from(*fields->digest);
        if (!digest || digest->algorithm != HashAlgorithm::sha384) return malformed("the member digest is not \"sha384:HEX\"");
        std::ranges::copy(digest->value.bytes(), policy.digest.emplace().begin());
    }
    return policy;
}

}  // namespace mr
