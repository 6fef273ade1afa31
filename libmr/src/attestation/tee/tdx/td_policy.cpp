// What reference values say for TDs alone.
#include <algorithm>
#include <array>
#include <utility>

#include "libmr/src/attestation/choice.h"
#include "mr/verify_quote.h"
#include "proto/varlink/fields.h"

namespace mr {
namespace {

using varlink::field;

struct PolicyFields {
    std::optional<std::int64_t> minimum_tcb_evaluation;
    std::optional<Choice> sept_ve_disable_unset;
    std::optional<std::vector<std::string_view>> service_tds;
    std::optional<std::vector<std::string_view>> ppids;
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

std::unexpected<Error> malformed(std::string message) { return std::unexpected(Error{ErrorCode::malformed, std::move(message)}); }

template <std::size_t size>
std::expected<void, Error> read_values(std::string_view member, const std::optional<std::vector<std::string_view>> &values,
                                       std::vector<std::array<std::uint8_t, size>> &to) {
    for (const auto hex : values.value_or(std::vector<std::string_view>())) {
        const auto value = from_hex(hex);
        if (!value || value->size() != size)
            return malformed("a value of " + std::string(member) + " is not " + std::to_string(size) + " bytes in hex");
        std::ranges::copy(*value, to.emplace_back().begin());
    }
    return {};
}

}  // namespace

std::expected<TdPolicy, Error> parse_td_policy(std::string_view json) {
    varlink::Document document;
    if (!document.parse(json) || document.root().kind() != varlink::Kind::object)
        return malformed("what is said for TDs is not one JSON object");
    for (auto member = document.root().first(); member; member = member->next()) {
        const bool known = std::apply([&](const auto &...each) { return ((each.name == member->key()) || ...); }, PolicyFields::fields());
        if (!known) return malformed("the member " + std::string(member->key()) + " is unknown");
        // What is null says nothing, where its writer meant something: an unset variable of a template.
        if (member->kind() == varlink::Kind::null) return malformed("the member " + std::string(member->key()) + " is null: leave it out");
    }
    const auto fields = varlink::decode<PolicyFields>(document.root());
    if (!fields)
        return malformed("the member " + fields.error().name + " is given twice, or is not " + what_is_wanted(fields.error().name));

    TdPolicy policy{.accept_no_sept_ve_disable = fields->sept_ve_disable_unset == Choice::accept};
    if (fields->minimum_tcb_evaluation && *fields->minimum_tcb_evaluation < 0)
        return malformed("the member minimumTcbEvaluationDataNumber is negative");
    policy.minimum_tcb_evaluation = fields->minimum_tcb_evaluation;
    if (fields->ppids && fields->ppids->empty())
        return malformed("the member ppids is empty: name the platforms that are accepted, or leave it out");
    if (auto read = read_values("serviceTds", fields->service_tds, policy.accepted_service_tds); !read)
        return std::unexpected(std::move(read.error()));
    if (auto read = read_values("ppids", fields->ppids, policy.accepted_ppids); !read) return std::unexpected(std::move(read.error()));
    return policy;
}

}  // namespace mr
