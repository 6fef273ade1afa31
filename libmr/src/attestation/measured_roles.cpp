#include "libmr/src/attestation/measured_roles.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "libmr/src/attestation/rule_set_reader.h"
#include "libmr/src/attestation/signed_register.h"
#include "mr/event_content.h"
#include "mr/event_log.h"
#include "mr/self_measurement.h"
#include "proto/varlink/fields.h"
#include "proto/varlink/value.h"

namespace mr::attestation {
namespace {

using RoleMap = std::map<std::string, std::string>;

constexpr std::string_view no_register = "none";

struct SaidRoles {
    std::optional<RoleMap> roles;
    static constexpr auto fields() { return std::tuple(varlink::field("roles", &SaidRoles::roles)); }
};

// Nothing: the event is no self-measurement whose content its digest binds.
std::optional<RoleMap> roles_said_by(const Event &event) {
    for (const auto &digest : event.digests) {
        const auto bound = bound_envelope(event, digest);
        if (!bound || bound->header.type != self_envelope_type || !bound->body || !bound->body->data) continue;
        const auto &data = *bound->body->data;
        varlink::Document document;
        if (!document.parse(std::string_view(reinterpret_cast<const char *>(data.data()), data.size()))) continue;
        if (auto said = varlink::decode<SaidRoles>(document.root(), true)) return std::move(said->roles).value_or(RoleMap());
    }
    return std::nullopt;
}

// Of the last self-measurement in one of these registers.
RoleMap roles_in(std::span<const ByteView> logs, const std::vector<std::string> &registers) {
    RoleMap last;
    for (const auto log : logs) {
        auto reader = EventLogReader::open(log);
        if (!reader) continue;
        Event event;
        for (;;) {
            const auto more = reader->next(event);
            if (!more || !*more) break;
            const auto is_of = [&](const std::string &name) {
                return without_provider_and_bank(name) == without_provider_and_bank(event.name);
            };
            if (std::ranges::none_of(registers, is_of)) continue;
            if (auto said = roles_said_by(event)) last = std::move(*said);
        }
    }
    return last;
}

bool may_be_role(const std::string &role, const std::string &reg, std::span<const Claims> claims) {
    const auto is_a_registers = [&](const Claims &each) { return each.find(role) != nullptr; };
    return is_register_name(role) && !role.contains('/') && wrong_signed_name(reg).empty() && std::ranges::none_of(claims, is_a_registers);
}

}  // namespace

ReferenceValues with_measured_roles(ReferenceValues reference, std::span<const ByteView> logs, std::span<const Claims> claims) {
    reference.accept_measured_roles = false;
    if (!reference.self_measurement) return reference;
    auto &rule = *reference.self_measurement;
    const auto own = reference.roles.find(rule.register_name);
    if (!rule.roles) rule.roles = roles_in(logs, own == reference.roles.end() ? std::vector{rule.register_name} : own->second);
    for (const auto &[role, reg] : *rule.roles) {
        // The register of the self-measurement is the reference values' word, or nothing would hold what is measured there.
        if (role == rule.register_name || !may_be_role(role, reg, claims)) continue;
        reference.roles.erase(role);
        if (reg != no_register && reference.roles.size() < max_reference_roles) reference.roles.emplace(role, std::vector{reg});
    }
    return reference;
}

}  // namespace mr::attestation
