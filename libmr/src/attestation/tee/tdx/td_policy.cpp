// What reference values say for TDs alone.
#include <utility>

#include "libmr/src/attestation/choice.h"
#include "libmr/src/attestation/malformed.h"
#include "libmr/src/attestation/policy_object.h"
#include "libmr/src/attestation/tee/tdx/tdx.h"
#include "mr/verify_quote.h"

namespace mr {
namespace {

using varlink::field;

struct PolicyFields {
    std::optional<std::int64_t> minimum_tcb_evaluation;
    std::optional<Choice> sept_ve_disable_unset;
    policy::Values service_tds;
    policy::Values ppids;
    static constexpr auto fields() {
        return std::tuple(field("minimumTcbEvaluationDataNumber", &PolicyFields::minimum_tcb_evaluation),
                          field("septVeDisableUnset", &PolicyFields::sept_ve_disable_unset),
                          field("serviceTds", &PolicyFields::service_tds), field("ppids", &PolicyFields::ppids));
    }
};

std::string what_is_wanted(std::string_view member) {
    if (member == "minimumTcbEvaluationDataNumber") return "a number";
    if (member == "serviceTds" || member == "ppids") return "an array of values in hex";
    return "\"accept\" or \"refuse\"";
}

}  // namespace

std::expected<TdPolicy, Error> parse_td_policy(std::string_view json) {
    varlink::Document document;
    const auto fields = policy::read_object<PolicyFields>(document, json, "TDs", what_is_wanted);
    if (!fields) return std::unexpected(fields.error());
    TdPolicy made{.accept_no_sept_ve_disable = fields->sept_ve_disable_unset == Choice::accept};
    if (fields->minimum_tcb_evaluation && *fields->minimum_tcb_evaluation < 0)
        return attestation::malformed("the member minimumTcbEvaluationDataNumber is negative");
    made.minimum_tcb_evaluation = fields->minimum_tcb_evaluation;
    if (auto read = policy::read_values_into(made.accepted_ppids, "ppids", fields->ppids); !read)
        return std::unexpected(std::move(read.error()));
    if (auto read = policy::read_values_into(made.accepted_service_tds, "serviceTds", fields->service_tds, policy::Empty::allowed); !read)
        return std::unexpected(std::move(read.error()));
    return made;
}

std::vector<std::string> tdx::policy_members() {
    std::vector<std::string> names;
    policy::list_members<PolicyFields>(names);
    return names;
}

}  // namespace mr
