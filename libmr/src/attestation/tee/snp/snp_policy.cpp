// What reference values say for guests of SEV-SNP alone.
#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "libmr/src/attestation/choice.h"
#include "libmr/src/attestation/malformed.h"
#include "libmr/src/attestation/policy_object.h"
#include "libmr/src/attestation/tee/snp/snp.h"
#include "mr/verify_snp.h"

namespace mr {
namespace {

using varlink::field;
using Names = std::optional<std::vector<std::string>>;

struct TcbFields {
    std::optional<std::int64_t> fmc;
    std::optional<std::int64_t> bootloader;
    std::optional<std::int64_t> tee;
    std::optional<std::int64_t> snp;
    std::optional<std::int64_t> microcode;
    static constexpr auto fields() {
        return std::tuple(field("fmc", &TcbFields::fmc), field("bootloader", &TcbFields::bootloader), field("tee", &TcbFields::tee),
                          field("snp", &TcbFields::snp), field("microcode", &TcbFields::microcode));
    }
};

struct PolicyFields {
    std::optional<std::map<std::string, TcbFields>> minimum_tcb;
    std::optional<Choice> vlek;
    std::optional<std::vector<std::int64_t>> vmpls;
    std::optional<Choice> migration_agent;
    Names policy_set;
    Names policy_clear;
    Names platform_set;
    Names platform_clear;
    policy::Values chip_ids;
    std::optional<std::int64_t> minimum_guest_svn;
    static constexpr auto fields() {
        return std::tuple(field("minimumTcb", &PolicyFields::minimum_tcb), field("vlek", &PolicyFields::vlek),
                          field("vmpls", &PolicyFields::vmpls), field("migrationAgent", &PolicyFields::migration_agent),
                          field("policySet", &PolicyFields::policy_set), field("policyClear", &PolicyFields::policy_clear),
                          field("platformSet", &PolicyFields::platform_set), field("platformClear", &PolicyFields::platform_clear),
                          field("chipIds", &PolicyFields::chip_ids), field("minimumGuestSvn", &PolicyFields::minimum_guest_svn));
    }
};

std::string what_is_wanted(std::string_view member) {
    if (member == "minimumTcb") return "an object of products, each an object of numbers: fmc, bootloader, tee, snp, microcode";
    if (member == "vlek" || member == "migrationAgent") return "\"accept\" or \"refuse\"";
    if (member == "vmpls") return "an array of numbers";
    if (member == "chipIds") return "an array of values in hex";
    return member == "minimumGuestSvn" ? "a number" : "an array of names of bits";
}

using attestation::malformed;

std::expected<SnpPolicy::MinimumTcb, Error> minimum_from(const TcbFields &fields, SnpProduct product) {
    SnpPolicy::MinimumTcb minimum;
    for (const auto &[name, from, to] :
         {std::tuple{"fmc", &fields.fmc, &minimum.fmc}, std::tuple{"bootloader", &fields.bootloader, &minimum.bootloader},
          std::tuple{"tee", &fields.tee, &minimum.tee}, std::tuple{"snp", &fields.snp, &minimum.snp},
          std::tuple{"microcode", &fields.microcode, &minimum.microcode}}) {
        if (!*from) continue;
        if (**from < 0 || **from > 0xFF) return malformed(std::string("the member minimumTcb: ") + name + " is not a number from 0 to 255");
        *to = static_cast<std::uint8_t>(**from);
    }
    if (minimum.fmc && product != SnpProduct::turin) return malformed("the member minimumTcb: only Turin has fmc");
    if (!minimum.fmc && !minimum.bootloader && !minimum.tee && !minimum.snp && !minimum.microcode)
        return malformed("the member minimumTcb: " + std::string(to_string(product)) + " has no component");
    return minimum;
}

std::expected<void, Error> read_minimum_tcb(const PolicyFields &fields, SnpPolicy &policy) {
    if (!fields.minimum_tcb) return {};
    if (fields.minimum_tcb->empty()) return malformed("the member minimumTcb is empty: name a product, or leave it out");
    for (const auto &[name, tcb] : *fields.minimum_tcb) {
        const auto product = snp_product_from(name);
        if (!product || to_string(*product) != name)
            return malformed("the member minimumTcb: " + name + " is no product; there are Milan, Genoa and Turin");
        auto minimum = minimum_from(tcb, *product);
        if (!minimum) return std::unexpected(std::move(minimum.error()));
        policy.minimum_tcb.emplace(*product, *minimum);
    }
    return {};
}

std::expected<void, Error> read_bits(std::string_view member, const Names &names, std::span<const NamedBit> known, std::uint64_t &to) {
    for (const auto &name : names.value_or(std::vector<std::string>())) {
        const auto bit = std::ranges::find(known, name, &NamedBit::name);
        if (bit == known.end()) {
            std::string all;
            for (const auto &each : known) all.append(all.empty() ? "" : ", ").append(each.name);
            return malformed("the member " + std::string(member) + ": " + name + " is no bit; there are " + all);
        }
        to |= std::uint64_t{1} << bit->number;
    }
    return {};
}

std::expected<void, Error> read_rest(const PolicyFields &fields, SnpPolicy &to) {
    if (fields.vmpls) {
        to.accepted_vmpls.clear();
        for (const auto level : *fields.vmpls) {
            if (level < 0 || level > std::int64_t{max_snp_vmpl}) return malformed("the member vmpls: a level is 0 to 3");
            to.accepted_vmpls.push_back(static_cast<std::uint32_t>(level));
        }
        if (to.accepted_vmpls.empty()) return malformed("the member vmpls is empty: name the levels that are accepted, or leave it out");
    }
    if (auto read = policy::read_values_into(to.accepted_chips, "chipIds", fields.chip_ids); !read) return read;
    if (!fields.minimum_guest_svn) return {};
    if (*fields.minimum_guest_svn < 0 || *fields.minimum_guest_svn > std::numeric_limits<std::uint32_t>::max())
        return malformed("the member minimumGuestSvn is not a number of 32 bits");
    to.minimum_guest_svn = static_cast<std::uint32_t>(*fields.minimum_guest_svn);
    return {};
}

}  // namespace

std::expected<SnpPolicy, Error> parse_snp_policy(std::string_view json) {
    varlink::Document document;
    const auto fields = policy::read_object<PolicyFields>(document, json, "SEV-SNP", what_is_wanted);
    if (!fields) return std::unexpected(fields.error());
    SnpPolicy made{.accept_vlek = fields->vlek == Choice::accept, .accept_migration_agent = fields->migration_agent == Choice::accept};
    for (const auto &[member, names, known, to] :
         {std::tuple{"policySet", &fields->policy_set, snp_policy_bits(), &made.policy.set},
          std::tuple{"policyClear", &fields->policy_clear, snp_policy_bits(), &made.policy.clear},
          std::tuple{"platformSet", &fields->platform_set, snp_platform_bits(), &made.platform.set},
          std::tuple{"platformClear", &fields->platform_clear, snp_platform_bits(), &made.platform.clear}}) {
        if (auto read = read_bits(member, *names, known, *to); !read) return std::unexpected(std::move(read.error()));
    }
    if (auto read = read_minimum_tcb(*fields, made); !read) return std::unexpected(std::move(read.error()));
    if (auto read = read_rest(*fields, made); !read) return std::unexpected(std::move(read.error()));
    return made;
}

std::vector<std::string> snp::policy_members() {
    std::vector<std::string> names;
    policy::list_members<PolicyFields>(names);
    return names;
}

}  // namespace mr
