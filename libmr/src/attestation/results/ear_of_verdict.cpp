// What a verdict is in the words of AR4SI. docs/verification.md ("As EAR") has the same rules as a table.
#include <algorithm>
#include <array>
#include <span>

#include "libmr/src/base64url.h"
#include "mr/digest.h"
#include "mr/ear.h"
#include "mr/event_content.h"
#include "mr/verify_cca.h"
#include "mr/verify_quote.h"
#include "mr/verify_snp.h"
#include "mr/verify_spdm.h"

namespace mr {
namespace {

using Names = std::span<const std::string_view>;

// AR4SI, section 2.3. Those that stand for all claims:
constexpr std::int64_t affirming = 2;
constexpr std::int64_t warning = 32;
constexpr std::int64_t contraindicated = 96;
constexpr std::int64_t crypto_failed = 99;
// and those of one.
constexpr std::int64_t unrecognised = 97;  // hardware, instance-identity
constexpr std::int64_t approved_boot = 3;  // executables
constexpr std::int64_t unrecognised_executables = 33;

// What is signed is not what the key signed, or cannot be read.
constexpr std::array signatures{statement::quote_format,       statement::quote_signature, statement::qe_report_signature,
                                statement::platform_signature, statement::realm_key,       statement::realm_binding,
                                statement::report_hashes};
// Who made the platform nobody says, or it is none that is known.
constexpr std::array recognition{statement::certificate_chain, statement::certificates_valid, statement::root_is_hardware,
                                 statement::signing_key,       statement::cpu_product,        statement::hardware_id,
                                 statement::certificate_tcb,   statement::token_profiles,     statement::platform_lifecycle,
                                 statement::parts_distinct,    statement::device_identity};
// It is known, and not as it should be.
constexpr std::array platform_state{statement::not_revoked, statement::tcb,        statement::qe_identity,
                                    statement::qe_tcb,      statement::tdx_module, statement::tcb_order};
constexpr std::array configurations{
    statement::not_debug,       statement::sept_ve_disable, statement::td_attributes, statement::service_td,
    statement::guest_policy,    statement::migration_agent, statement::platform_info, statement::vmpl,
    statement::reserved_fields, statement::guest_svn,       statement::device_mode,   statement::signed_algorithms};
constexpr std::array what_runs{
    statement::register_values,  statement::required_events,   statement::forbidden_events,   statement::virtual_registers,
    statement::self_measurement, statement::alternatives,      statement::log_well_formed,    statement::log_replay,
    statement::history_complete, statement::registers_covered, statement::evidence_claims,    statement::device_claims,
    statement::value_freshness,  statement::measurement_log,   statement::reference_manifest, statement::measurement_blocks};
// Nothing runs but what the reference values list.
constexpr std::array closed{statement::closed_registers, statement::unlisted_blocks};

class Mapping {
public:
    explicit Mapping(const Verdict &verdict) : verdict_(verdict) {}

    [[nodiscard]] std::map<std::string, std::int64_t, std::less<>> vector() const {
        std::map<std::string, std::int64_t, std::less<>> vector;
        const bool is_broken = any(signatures, &Mapping::fails);
        const auto add = [&](std::string_view name, std::optional<std::int64_t> value) {
            if (is_broken) value = crypto_failed;
            if (value) vector.emplace(name, *value);
        };
        add(ear_claim::instance_identity, instance_identity());
        add(ear_claim::configuration, configuration());
        add(ear_claim::executables, executables());
        add(ear_claim::hardware, hardware());
        return vector;
    }

    [[nodiscard]] bool holds(std::string_view name) const { return is(name, Judgement::holds); }

private:
    [[nodiscard]] bool is(std::string_view name, Judgement result) const {
        const auto *const statement = verdict_.find(name);
        return statement != nullptr && statement->result == result;
    }
    [[nodiscard]] bool fails(std::string_view name) const { return is(name, Judgement::fails); }
    // Asked for, and not there.
    [[nodiscard]] bool is_missed(std::string_view name) const {
        const auto *const statement = verdict_.find(name);
        return statement != nullptr && statement->required && statement->result != Judgement::holds;
    }
    [[nodiscard]] bool is_refused(std::string_view name) const { return is_missed(name) && fails(name); }
    [[nodiscard]] bool any(Names names, bool (Mapping::*is_so)(std::string_view) const) const {
        return std::ranges::any_of(names, [&](std::string_view name) { return (this->*is_so)(name); });
    }

    [[nodiscard]] std::optional<std::int64_t> instance_identity() const {
        if (holds(statement::platform_identity)) return affirming;
        return fails(statement::platform_identity) ? std::optional(unrecognised) : std::nullopt;
    }

    [[nodiscard]] std::optional<std::int64_t> hardware() const {
        if (any(recognition, &Mapping::fails)) return unrecognised;
        if (any(platform_state, &Mapping::fails)) return contraindicated;
        if (!holds(statement::root_is_hardware) || !holds(statement::tcb)) return std::nullopt;
        const bool is_best = std::ranges::all_of(verdict_.platforms(), [](const JudgedPlatform &each) {
            return each.tcb_status == to_string(TcbStatus::up_to_date) || each.tcb_status == cca_tcb_endorsed;
        });
        return is_best ? affirming : warning;
    }

    [[nodiscard]] std::optional<std::int64_t> configuration() const {
        if (any(configurations, &Mapping::is_refused)) return contraindicated;
        // It is left out: nobody has looked at it, as where nothing vouches for what the quote says of it. The verdict is negative all the same.
        if (any(configurations, &Mapping::is_missed)) return std::nullopt;
        if (any(configurations, &Mapping::fails)) return warning;
        return holds(statement::not_debug) ? std::optional(affirming) : std::nullopt;
    }

    [[nodiscard]] std::optional<std::int64_t> executables() const {
        if (!holds(statement::reference_values)) return std::nullopt;
        if (any(what_runs, &Mapping::is_missed)) return contraindicated;
        if (any(closed, &Mapping::is_missed)) return unrecognised_executables;
        if (any(what_runs, &Mapping::fails)) return warning;
        const auto is_open = [this](std::string_view name) { return verdict_.find(name) != nullptr && !holds(name); };
        return any(closed, &Mapping::holds) && std::ranges::none_of(closed, is_open) ? affirming : approved_boot;
    }

    const Verdict &verdict_;
};

// A relying party that sees no more than the result has to see this, too.
std::vector<std::string> unbound_registers(const Verdict &verdict) {
    std::vector<std::string> names;
    std::size_t size = 0;
    for (const auto &each : verdict.registers()) {
        if (!each.unbound) continue;
        auto name = printable_text(each.part.empty() ? each.name : each.part + "/" + each.name);
        size += name.size();
        if (size > max_unbound_registers_size) break;
        names.push_back(std::move(name));
    }
    if (size > max_unbound_registers_size || verdict.leaves_registers_out()) names.emplace_back(more_unbound_registers);
    return names;
}

}  // namespace

Ear ear_of(const Verdict &verdict, const EarOptions &options) {
    const Mapping mapping(verdict);
    Ear ear{.issued_at = options.time, .developer = "mrd", .build = options.build};
    auto &appraisal = ear.appraisals["cpu0"];
    appraisal.vector = mapping.vector();
    appraisal.unbound_registers = unbound_registers(verdict);
    for (const auto &[name, value] : appraisal.vector) appraisal.status = std::max(appraisal.status, ear_tier_of(value));
    // Who reads the status alone must not take for a yes what nobody has looked at.
    const bool is_whole = mapping.holds(statement::report_data) && appraisal.vector.contains(ear_claim::hardware) &&
                          appraisal.vector.contains(ear_claim::configuration) && appraisal.vector.contains(ear_claim::executables);
    if (appraisal.status == EarTier::affirming && !is_whole) appraisal.status = EarTier::none;
    if (!verdict.verified()) appraisal.status = EarTier::contraindicated;
    if (options.nonce && mapping.holds(statement::report_data)) append_base64url(ear.nonces.emplace_back(), *options.nonce);
    if (!options.reference) return ear;
    if (const auto digest = hash(HashAlgorithm::sha256, *options.reference))
        append_base64url(appraisal.policy_ids.emplace_back("ni:///sha-256;"), digest->bytes());
    return ear;
}

}  // namespace mr
