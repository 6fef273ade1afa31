#include "mr/verify_snp.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "libmr/src/attestation/finding.h"
#include "libmr/src/attestation/pki/certificate_chain.h"
#include "libmr/src/attestation/pki/ecdsa.h"
#include "libmr/src/attestation/pki/validity.h"
#include "libmr/src/attestation/tee/snp/snp.h"
#include "libmr/src/attestation/tee/snp/snp_chain.h"

namespace mr {
namespace attestation {
namespace {

// Of the simulator's and the tests' certificates, so that nobody takes them for hardware's.
constexpr std::string_view simulators_organisation = "O=mrd simulation";

bool is_zero(ByteView bytes) {
    return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

// r and s as the report has them (72 bytes each, little-endian) to r || s of P-384, big-endian. Nothing: a number is too large for the curve.
std::optional<Bytes> signature_of(const SnpReport &report) {
    constexpr std::size_t half = p384_signature_size / 2;
    const auto number_size = report.signature.size() / 2;
    Bytes signature;
    for (const auto number : {report.signature.first(number_size), report.signature.last(number_size)}) {
        if (!is_zero(number.subspan(half))) return std::nullopt;
        signature.insert(signature.end(), number.rend() - half, number.rend());
    }
    return signature;
}

std::string hex_of(std::uint64_t bits) {
    Bytes bytes;
    for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(bits >> shift));
    return "0x" + to_hex(bytes);
}

// The names of its bits that should not be as they are; empty: none.
std::string unlike(std::uint64_t value, const SnpPolicy::Bits &wanted, std::span<const NamedBit> bits) {
    if (const auto lacking = wanted.set & ~value; lacking != 0)
        return "not set is what the reference values want set: " + bits_text(lacking, bits);
    if (const auto set = wanted.clear & value; set != 0) return "set is what the reference values want clear: " + bits_text(set, bits);
    return {};
}

// The reported TCB, which the key is made for, as the certificate has it.
SnpTcb tcb_of(const SnpKeyExtensions &key) {
    return {.fmc = key.fmc, .bootloader = key.bootloader, .tee = key.tee, .snp = key.snp, .microcode = key.microcode};
}

// What is not named may be any.
SnpTcb least_of(const SnpPolicy::MinimumTcb &minimum) {
    return {.fmc = minimum.fmc,
            .bootloader = minimum.bootloader.value_or(0),
            .tee = minimum.tee.value_or(0),
            .snp = minimum.snp.value_or(0),
            .microcode = minimum.microcode.value_or(0)};
}

// AMD 56860: the measurement is of what was loaded at the launch, by whoever started it. Host data and the ID block's keys are what he says besides.
Claims claims_of(const SnpReport &report) {
    Claims claims{
        .kind = std::string(snp_kind),
        .quote_format = "snp_report",
        .report_data = Bytes(report.report_data.begin(), report.report_data.end()),
        .registers =
            {{.name = "measurement", .value = Digest(report.measurement)},
             {.name = "host_data", .algorithm = HashAlgorithm::sha256, .value = Digest(report.host_data), .says_what_runs = false},
             {.name = "id_key_digest", .value = Digest(report.id_key_digest), .says_what_runs = false},
             {.name = "author_key_digest", .value = Digest(report.author_key_digest), .says_what_runs = false},
             {.name = "family_id", .value = Digest(report.family_id), .says_what_runs = false},
             {.name = "image_id", .value = Digest(report.image_id), .says_what_runs = false},
             {.name = "report_id", .algorithm = HashAlgorithm::sha256, .value = Digest(report.report_id), .says_what_runs = false}},
        .has_auxiliary = true};
    const bool is_debug = (report.policy >> snp_policy_debug & 1U) != 0;
    claims.debug = {.is = is_debug,
                    .reason = is_debug ? "the guest's policy " + hex_of(report.policy) + " lets the host debug it"
                                       : "the guest's policy lets nobody debug it"};
    return claims;
}

struct Policies {
    const PlatformPolicy &platform;
    const SnpPolicy &snp;

    [[nodiscard]] bool requires_tcb() const { return platform.tcb_required || !snp.minimum_tcb.empty(); }
};

// Of one report.
class ReportVerification {
public:
    ReportVerification(const TeeEvidence &evidence, const TrustAnchors &anchors, UnixTime time, const Policies &policies,
                       CertificatePool &pool, Verdict &verdict)
        : report_(decode_snp_report(evidence.quote)), anchors_(anchors), time_(time), policies_(policies), pool_(pool), verdict_(verdict) {
        pool_.begin();
        take_certificates(evidence);
    }

    std::optional<Claims> run() {
        add(statement::quote_format, check_format());
        if (report_) claims_ = claims_of(*report_);
        check_signatures();
        check_crls();
        check_agreement();
        check_guest();
        if (!policies_.snp.accepted_chips.empty()) add(statement::platform_identity, if_signed([&] { return check_chip(); }));
        if (policies_.snp.minimum_guest_svn) add(statement::guest_svn, if_signed([&] { return check_guest_svn(); }));
        if (!report_) return std::nullopt;
        judge_tcb();
        if (!is_signed_) claims_.debug = {.is = {}, .reason = unsigned_reason};
        return std::move(claims_);
    }

private:
    static constexpr auto unsigned_reason = "nothing vouches for the report";
    static constexpr auto unread = "the report cannot be read";

    void add(std::string_view name, Finding found, bool required = true) {
        verdict_.add({.name = std::string(name), .result = found.result, .required = required, .reason = std::move(found.reason)});
    }

    Finding if_signed(const std::function<Finding()> &check) const { return is_signed_ ? check() : not_judged(unsigned_reason); }
    // Report and certificate can be read: what they agree on is told whoever signed them.
    Finding if_both(const std::function<Finding()> &check) const {
        if (!report_) return not_judged(unread);
        return chain_.key ? check() : not_judged("the certificate of the report's key cannot be read");
    }

    void take_certificates(const TeeEvidence &evidence) {
        const auto take = [&](std::expected<SnpCertificates, Error> read, const std::string &where) {
            if (!read) {
                unread_certificates_ = where + ": " + read.error().message;
                return;
            }
            std::ranges::move(read->certificates, std::back_inserter(given_.certificates));
            std::ranges::move(read->crls, std::back_inserter(given_.crls));
        };
        if (evidence.auxiliary) take(read_snp_certificates(*evidence.auxiliary), "the certificates beside the report");
        if (evidence.collateral) take(parse_snp_collateral(*evidence.collateral), "the collateral");
    }

    [[nodiscard]] Finding check_format() const {
        if (!report_) return fails(report_.error().message);
        const auto product = report_->product();
        return holds("a report of SEV-SNP of version " + std::to_string(report_->version) +
                     (product ? ", made on " + std::string(to_string(*product)) : std::string()));
    }

    // From quote_signature to certificates_valid, and whose root it is.
    void check_signatures() {
        const bool wants_vlek = report_ && report_->signing_key() == static_cast<std::uint32_t>(SnpSigningKey::vlek);
        if (unread_certificates_.empty()) {
            chain_ = find_snp_chain(pool_, given_.certificates, wants_vlek, anchors_,
                                    [this](const Certificate &leaf) { return is_signed_by(leaf); });
        } else {
            chain_.defect = unread_certificates_;
        }
        auto signature = check_signature();
        const bool leads = chain_.defect.empty();
        is_signed_ = signature.good() && leads;
        add(statement::quote_signature, std::move(signature));
        add(statement::certificate_chain,
            leads ? holds("the " + std::string(chain_.leaf->common_name) + " leads over " + std::string(chain_.authority->common_name) +
                          " to the trust anchor " + std::string(chain_.root->common_name))
                  : fails(chain_.defect));
        const auto certificates = chain_.certificates();
        add(statement::certificates_valid,
            certificates.empty() ? not_judged("there is no certificate of the report's key") : check_validity(certificates, time_));
        if (chain_.leaf != nullptr) claims_.leaf_key = Bytes(chain_.leaf->key.begin(), chain_.leaf->key.end());
        // A VLEK is one of many chips: there only the report says which, where it does.
        if (chain_.key && !chain_.is_vlek) {
            claims_.hardware_ids.push_back(chain_.key->hardware_id);
        } else if (report_) {
            claims_.hardware_ids.emplace_back(report_->chip_id.begin(), report_->chip_id.end());
        }
        for (auto &id : claims_.hardware_ids) id.resize(std::size(decltype(report_->chip_id){}));
        claims_.hardware = {.is = {}, .reason = "the certificate chain does not hold"};
        if (chain_.root == nullptr) return;
        const bool is_amds = is_anchor(*chain_.root, amd_trust_anchors());
        const auto name = name_text(chain_.root->subject);
        if (is_amds) claims_.simulated = false;
        if (name.contains(simulators_organisation)) claims_.simulated = true;
        if (!is_amds) {
            claims_.hardware = {.is = false, .reason = "the root " + name + " is not one behind AMD's hardware"};
        } else if (leads) {
            claims_.hardware = {.is = true, .reason = "the root is one behind AMD's hardware"};
        }
    }

    [[nodiscard]] bool is_signed_by(const Certificate &leaf) {
        const auto signature = report_ ? signature_of(*report_) : std::nullopt;
        return signature && leaf.key_kind == KeyKind::p384 && pool_.signatures().verify(leaf.key, report_->signed_part, *signature);
    }

    [[nodiscard]] Finding check_signature() {
        if (!report_) return not_judged(unread);
        if (chain_.leaf == nullptr) return not_judged("there is no certificate of the report's key");
        if (report_->has_masked_key()) return fails("the platform signs no reports: its key is masked");
        if (!signature_of(*report_)) return fails("the signature's numbers are larger than P-384 has them");
        return judge(is_signed_by(*chain_.leaf), "the certificate's key signed the report",
                     "the signature is not one of the certificate's key over the report");
    }

    // The root's own: it lists the authorities. No key of reports is in one.
    void check_crls() {
        std::vector<Crl> of_root;
        bool is_readable = true;
        for (const auto &der : given_.crls) {
            auto crl = parse_crl(der);
            is_readable = is_readable && crl;
            if (crl && chain_.root != nullptr && std::ranges::equal(crl->issuer, chain_.root->subject)) of_root.push_back(std::move(*crl));
        }
        const bool required = !given_.crls.empty() || policies_.requires_tcb();
        const auto none = [&](Finding found) {
            for (const auto name : {statement::crl_signatures, statement::crls_current, statement::not_revoked}) add(name, found, required);
        };
        if (!is_readable) return none(fails("a CRL that is given cannot be read"));
        if (!chain_.defect.empty()) return none(not_judged("the certificate chain does not hold"));
        if (of_root.empty()) {
            const auto reason =
                "there is no CRL by " + std::string(chain_.root->common_name) + ", neither as collateral nor beside the certificates";
            return none(required ? fails(reason) : not_judged(reason));
        }
        const auto is_good = [&](const Crl &crl) {
            const auto &root = *chain_.root;
            const bool names_key =
                !crl.authority_key_id || (root.subject_key_id && std::ranges::equal(*crl.authority_key_id, *root.subject_key_id));
            return names_key && root.may(usage_crl_sign) &&
                   is_signed(pool_.signatures(), root, crl.algorithm, crl.signed_part, crl.signature);
        };
        if (!std::ranges::all_of(of_root, is_good)) {
            add(statement::crl_signatures, fails("the CRL is not signed by " + std::string(chain_.root->common_name)));
            add(statement::crls_current, not_judged("the CRL's signature does not hold"));
            return add(statement::not_revoked, not_judged("the CRL's signature does not hold"));
        }
        add(statement::crl_signatures, holds(std::string(chain_.root->common_name) + " signed its CRL"));
        auto current = not_judged("");
        for (const auto &crl : of_root) {
            current = check_current("the CRL of " + std::string(chain_.root->common_name), crl.this_update, crl.next_update, time_);
            if (!current.good()) break;
        }
        add(statement::crls_current, std::move(current));
        add(statement::not_revoked, check_revocation(of_root));
    }

    [[nodiscard]] Finding check_revocation(const std::vector<Crl> &crls) const {
        for (const auto *certificate : {chain_.authority, chain_.root}) {
            if (std::ranges::any_of(crls, [&](const Crl &crl) { return crl.revokes(certificate->serial); }))
                return fails("the certificate " + name_text(certificate->subject) + " with serial number " + to_hex(certificate->serial) +
                             " is revoked");
        }
        return holds("no CRL names one of the certificates");
    }

    // What certificate and report have to agree on.
    void check_agreement() {
        add(statement::signing_key, if_both([&] { return check_key(); }));
        add(statement::cpu_product, if_both([&] { return check_product(); }));
        const bool names_chip = !chain_.is_vlek && (!report_ || !is_zero(report_->chip_id));
        add(statement::hardware_id, if_both([&] { return check_hardware_id(); }), names_chip);
        add(statement::certificate_tcb, if_both([&] { return check_certificate_tcb(); }));
    }

    [[nodiscard]] Finding check_key() const {
        const auto key = report_->signing_key();
        const auto wanted = chain_.is_vlek ? SnpSigningKey::vlek : SnpSigningKey::vcek;
        const std::string name(chain_.leaf->common_name);
        if (key != static_cast<std::uint32_t>(wanted))
            return fails("the certificate is a " + name + ", and the report is signed by " +
                         (key == static_cast<std::uint32_t>(SnpSigningKey::vcek)   ? "a VCEK"
                          : key == static_cast<std::uint32_t>(SnpSigningKey::vlek) ? "a VLEK"
                                                                                   : "no key that is known"));
        if (chain_.is_vlek && !policies_.snp.accept_vlek)
            return fails("the report is signed by a key of the cloud provider " + chain_.key->csp_id +
                         " (VLEK), which the reference values do not accept");
        return holds("the report is signed by a " + name + ", and so says its certificate");
    }

    // Of the report; version 2 has no CPUID, and then it is the certificate's.
    [[nodiscard]] std::optional<SnpProduct> product() const {
        constexpr std::uint32_t has_cpuid = 3;
        return report_->version < has_cpuid ? snp_product_from(chain_.key->product_name) : report_->product();
    }

    [[nodiscard]] Finding check_product() const {
        const auto own = product();
        if (!own)
            return fails(report_->version < 3 ? "the certificate's product " + chain_.key->product_name + " is not known"
                                              : "the processor of family " + std::to_string(report_->family) + ", model " +
                                                    std::to_string(report_->model) + " is none that is known");
        const std::string name(to_string(*own));
        if (snp_product_from(chain_.key->product_name) != own)
            return fails("the processor is a " + name + ", and the certificate is for " + chain_.key->product_name);
        if (chain_.product && chain_.product != own)
            return fails("the processor is a " + name + ", and the certificate's issuer is of " + std::string(to_string(*chain_.product)));
        return holds("certificate, issuer and processor are of " + name);
    }

    [[nodiscard]] Finding check_hardware_id() const {
        const auto &id = chain_.key->hardware_id;
        if (chain_.is_vlek) return not_judged("a VLEK names no chip: nothing says which one it is");
        if (is_zero(report_->chip_id)) return not_judged("the platform masks its chip id: the report says not which chip it is");
        const ByteView chip = report_->chip_id;
        const bool good = id.size() <= chip.size() && id.size() == (product() == SnpProduct::turin ? 8U : 64U) &&
                          std::ranges::equal(chip.first(id.size()), id) && is_zero(chip.subspan(id.size()));
        return judge(good, "the certificate's hardware id is the report's chip id",
                     "the certificate is for the chip " + to_hex(id) + ", the report is of " + to_hex(chip));
    }

    [[nodiscard]] Finding check_certificate_tcb() const {
        const auto own = product();
        if (!own) return not_judged("the processor is not known, and so not what its TCB means");
        const auto reported = snp_tcb_of(report_->reported_tcb, *own);
        const auto certified = tcb_of(*chain_.key);
        return judge(reported == certified, "the certificate is for the reported TCB: " + to_string(reported),
                     "the certificate is for another TCB, " + to_string(certified) + ", than is reported: " + to_string(reported));
    }

    // What the report says of the guest, and of the platform that runs it.
    void check_guest() {
        add(statement::tcb_order, if_signed([&] { return check_tcb_order(); }));
        add(statement::guest_policy, if_signed([&] { return check_policy(); }));
        add(statement::migration_agent, if_signed([&] { return check_migration_agent(); }));
        add(statement::platform_info, if_signed([&] { return check_platform(); }));
        add(statement::vmpl, if_signed([&] { return check_vmpl(); }));
        // Told whoever signed it: what is behind the signature nobody has.
        add(statement::reserved_fields, report_ ? check_reserved() : not_judged(unread));
    }

    [[nodiscard]] Finding check_tcb_order() const {
        if (!chain_.key || !product()) return not_judged("the processor is not known, and so not what its TCB means");
        const auto reported = snp_tcb_of(report_->reported_tcb, *product());
        const auto committed = snp_tcb_of(report_->committed_tcb, *product());
        const auto current = snp_tcb_of(report_->current_tcb, *product());
        if (const auto below = committed.below(reported)) return fails("of the committed TCB " + *below + " of the reported one");
        if (const auto below = current.below(committed)) return fails("of the current TCB " + *below + " of the committed one");
        return holds("the reported TCB is not above the committed one, nor that above the current one");
    }

    [[nodiscard]] Finding check_policy() const {
        const auto policy = report_->policy;
        constexpr std::uint64_t must_be_one = 1U << 17U;
        constexpr std::uint64_t abi_version = 0xFFFF;
        const auto known = known_bits(snp_policy_bits()) | abi_version;
        const auto text = "the guest's policy " + hex_of(policy);
        if ((policy & must_be_one) == 0) return fails(text + " lacks bit 17, which has to be one");
        if ((policy & ~known) != 0) return fails(text + " has bits that are reserved: " + hex_of(policy & ~known));
        if (auto wrong = unlike(policy, policies_.snp.policy, snp_policy_bits()); !wrong.empty()) return fails(text + ": " + wrong);
        return holds(text + ": " + bits_text(policy & ~abi_version, snp_policy_bits()));
    }

    [[nodiscard]] Finding check_migration_agent() const {
        const bool may_have = (report_->policy >> snp_policy_migration_agent & 1U) != 0;
        const bool has = !std::ranges::all_of(report_->report_id_ma, [](std::uint8_t byte) { return byte == 0xFF; });
        if (!may_have && !has) return holds("no migration agent is bound to the guest, and none may be");
        return judge(policies_.snp.accept_migration_agent, "the reference values accept a migration agent",
                     has ? "the migration agent " + to_hex(report_->report_id_ma) + " is bound to the guest"
                         : "a migration agent may be bound to the guest");
    }

    [[nodiscard]] Finding check_platform() const {
        const auto info = report_->platform_info;
        const auto known = known_bits(snp_platform_bits());
        const auto text = "the platform info " + hex_of(info);
        if ((info & ~known) != 0) return fails(text + " has bits that are reserved: " + hex_of(info & ~known));
        if (auto wrong = unlike(info, policies_.snp.platform, snp_platform_bits()); !wrong.empty()) return fails(text + ": " + wrong);
        return holds(text + ": " + bits_text(info, snp_platform_bits()));
    }

    [[nodiscard]] Finding check_vmpl() const {
        if (report_->vmpl > max_snp_vmpl) return fails("the report was made for the host, and for no guest");
        const auto &accepted = policies_.snp.accepted_vmpls;
        const auto text = "the report is for privilege level " + std::to_string(report_->vmpl);
        return judge(std::ranges::find(accepted, report_->vmpl) != accepted.end(), text,
                     text + ", which the reference values do not accept");
    }

    [[nodiscard]] Finding check_reserved() const {
        auto found = report_->nonzero_reserved;
        if (const auto own = chain_.key ? product() : report_->product()) {
            for (const auto &[name, tcb] : {std::pair{"current", &report_->current_tcb}, std::pair{"reported", &report_->reported_tcb},
                                            std::pair{"committed", &report_->committed_tcb}, std::pair{"launch", &report_->launch_tcb}}) {
                if (has_reserved_bytes(*tcb, *own)) found.push_back(std::string(name) + " TCB");
            }
        }
        std::string all;
        for (const auto &each : found) all.append(all.empty() ? "" : ", ").append(each);
        return judge(found.empty(), "what is reserved is zero", "not zero is what is reserved: " + all);
    }

    // The key is the chip's own, also where the report masks its id.
    [[nodiscard]] Finding check_chip() const {
        if (chain_.is_vlek) return fails("a VLEK names no chip: it may be any of the cloud provider's");
        std::array<std::uint8_t, 64> chip{};
        std::ranges::copy(chain_.key->hardware_id, chip.begin());
        const auto &named = policies_.snp.accepted_chips;
        return judge(std::ranges::find(named, chip) != named.end(), "the chip " + to_hex(chip) + " is one that the reference values name",
                     "the chip is " + to_hex(chip) + ", expected was " + to_hex(named.front()) +
                         (named.size() > 1 ? " or another of the " + std::to_string(named.size()) + " that are named" : ""));
    }

    [[nodiscard]] Finding check_guest_svn() const {
        const auto least = *policies_.snp.minimum_guest_svn;
        const auto text = "the guest's security version is " + std::to_string(report_->guest_svn);
        return judge(report_->guest_svn >= least, text, text + ", and at least " + std::to_string(least) + " is asked for");
    }

    void judge_tcb() {
        auto &tcb = claims_.tcb;
        tcb.is_asked_for = policies_.requires_tcb();
        if (!is_signed_ || !product()) {
            tcb.reason = is_signed_ ? "the processor is not known, and so not what its TCB means" : unsigned_reason;
            return;
        }
        const std::string name(to_string(*product()));
        const auto minimum = policies_.snp.minimum_tcb.find(*product());
        if (minimum == policies_.snp.minimum_tcb.end()) {
            tcb.failed = tcb.is_asked_for;
            tcb.reason = "the reference values have no minimumTcb of " + name + ", and nothing else says which TCB is up to date";
            return;
        }
        const auto least = least_of(minimum->second);
        const auto reported = snp_tcb_of(report_->reported_tcb, *product());
        const auto below = reported.below(least);
        const auto launched_below = snp_tcb_of(report_->launch_tcb, *product()).below(least);
        tcb.is_up_to_date = !below && !launched_below;
        tcb.status = tcb.reported = tcb.is_up_to_date ? snp_up_to_date : snp_below_minimum;
        tcb.reason = below ? "of the reported TCB of " + name + " " + *below
                     : launched_below
                         ? "of the TCB of " + name + " that the guest was launched under " + *launched_below
                         : "the reported TCB of " + name + " is " + to_string(reported) + ", and nothing of it is below what is asked for";
    }

    std::expected<SnpReport, Error> report_;
    const TrustAnchors &anchors_;
    UnixTime time_;
    Policies policies_;
    CertificatePool &pool_;
    Verdict &verdict_;
    SnpCertificates given_;
    std::string unread_certificates_;  // why; empty: they were read
    SnpChain chain_;
    bool is_signed_ = false;  // by a key that leads to a trust anchor
    Claims claims_;
};

class SnpJudge final : public TeeJudge {
public:
    SnpJudge(const TrustAnchors &anchors, PlatformPolicy policy, SnpPolicy snp)
        : anchors_(anchors), policy_(std::move(policy)), snp_policy_(std::move(snp)) {}

    std::optional<Claims> judge(const TeeEvidence &evidence, UnixTime time, Verdict &verdict) override {
        return ReportVerification(evidence, anchors_, time, {policy_, snp_policy_}, pool_, verdict).run();
    }

private:
    const TrustAnchors &anchors_;
    PlatformPolicy policy_;
    SnpPolicy snp_policy_;
    CertificatePool pool_;
};

class Snp final : public Tee {
public:
    [[nodiscard]] std::string_view kind() const override { return snp_kind; }

    // A TDREPORT is smaller, and its first byte another. A report of a version that is not known is one all the same.
    [[nodiscard]] bool begins_quote(ByteView quote) const override {
        return quote.size() == snp_report_size && quote[0] >= 2 && quote[0] < 0x10 && is_zero(quote.subspan(1, 3));
    }

    [[nodiscard]] std::expected<Claims, Error> read(ByteView quote) const override {
        const auto report = decode_snp_report(quote);
        if (!report) return std::unexpected(report.error());
        return claims_of(*report);
    }

    [[nodiscard]] bool names_register(std::string_view name) const override { return claims_of(SnpReport()).find(name) != nullptr; }

    [[nodiscard]] std::expected<void, Error> check_policy(std::string_view json) const override {
        const auto policy = parse_snp_policy(json);
        if (!policy) return std::unexpected(policy.error());
        return {};
    }

    [[nodiscard]] std::vector<std::string_view> tcb_statuses() const override { return {snp_up_to_date, snp_below_minimum}; }

    [[nodiscard]] std::vector<std::string_view> links() const override { return {statement::signing_key, statement::hardware_id}; }

    [[nodiscard]] std::unique_ptr<TeeJudge> open_judge(const TrustAnchors *anchors, const PlatformPolicy &policy) const override {
        const auto own = policy.of_kind.find(snp_kind);
        auto snp = own == policy.of_kind.end() ? SnpPolicy() : parse_snp_policy(own->second).value_or(SnpPolicy());
        return std::make_unique<SnpJudge>(anchors != nullptr ? *anchors : amd_trust_anchors(), policy, std::move(snp));
    }
};

}  // namespace
}  // namespace attestation

const Tee &snp::tee() {
    static const attestation::Snp known;
    return known;
}

}  // namespace mr
