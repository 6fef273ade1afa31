#include "mr/verify_quote.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "libmr/src/attestation/facts.h"
#include "libmr/src/attestation/finding.h"
#include "libmr/src/attestation/pki/certificate_chain.h"
#include "libmr/src/attestation/pki/ecdsa.h"
#include "libmr/src/attestation/pki/validity.h"
#include "libmr/src/attestation/tee/tdx/collateral_check.h"
#include "libmr/src/attestation/tee/tdx/tcb_level.h"
#include "libmr/src/attestation/tee/tdx/td_claims.h"
#include "libmr/src/attestation/tee/tdx/td_statements.h"
#include "libmr/src/attestation/tee/tdx/tdx.h"
#include "mr/tdreport.h"

namespace mr {
namespace attestation {
namespace {

bool is_zero(ByteView bytes) {
    return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

Finding check_format(const std::expected<Quote, Error> &quote) {
    if (!quote) return fails(quote.error().message);
    if (quote->header.qe_vendor_id != intel_qe_vendor_id) {
        return fails("the quoting enclave's vendor " + to_hex(quote->header.qe_vendor_id) + " is not Intel");
    }
    return holds("a TD quote of version " + std::to_string(quote->header.version) + " with a body of TD " +
                 (quote->body_type == QuoteBodyType::td15 ? "1.5" : "1.0") + " and " + std::to_string(quote->trailing) +
                 " bytes after the signature data");
}

Finding check_qe_report(const Quote &quote, const Certificate &leaf, SignatureChecker &signatures) {
    if (!signatures.verify(leaf.key, quote.qe_report_bytes, quote.qe_report_signature)) {
        return fails("the QE report's signature is not one of the PCK certificate's key");
    }
    Bytes named(quote.attestation_key.begin(), quote.attestation_key.end());
    named.insert(named.end(), quote.qe_authentication_data.begin(), quote.qe_authentication_data.end());
    const auto digest = hash(HashAlgorithm::sha256, named);
    const ByteView data = quote.qe_report.report_data;
    return judge(digest && std::ranges::equal(data.first(digest->size()), digest->bytes()) && is_zero(data.subspan(digest->size())),
                 "the PCK certificate's key signed the QE report, which names the attestation key",
                 "the QE report's data is not the attestation key's and authentication data's hash, followed by zeros");
}

// Of a component: one that is up to date takes nothing from a platform whose own status is accepted.
bool accepts_component(const PlatformPolicy &policy, TcbStatus status) {
    return status == TcbStatus::up_to_date ||
           (status != TcbStatus::not_supported && policy.accepts({.status = std::string(to_string(status))}));
}

Finding check_qe_identity(const QeIdentity &identity, const QeReport &report) {
    const auto is_not = [](const char *field) { return fails(std::string("the QE's ") + field + " is not that of the QE identity"); };
    if ((report.misc_select & identity.misc_select_mask) != identity.misc_select) return is_not("MISCSELECT");
    for (std::size_t i = 0; i < report.attributes.size(); ++i) {
        if ((report.attributes.at(i) & identity.attributes_mask.at(i)) != identity.attributes.at(i)) return is_not("ATTRIBUTES");
    }
    if (report.mr_signer != identity.mr_signer) return is_not("MRSIGNER");
    if (report.isv_prod_id != identity.isv_prod_id) return is_not("ISVPRODID");
    return holds("the QE is the one that the QE identity describes");
}

// Why this cannot be a TDX module of Intel's, whatever a TCB info says; empty: it may be. Intel TDX Module 1.5 ABI, TEE_TCB_INFO: of a module that Intel signed both are zero.
std::string module_defect(const TdQuoteBody &body) {
    if (!is_zero(body.mr_signer_seam)) return "MRSIGNERSEAM is not zero: another signer's TDX module";
    if (body.seam_attributes != 0) return "SEAMATTRIBUTES are not zero: a TDX module with other rights";
    return {};
}

Finding check_module(const TcbInfo &info, const TdQuoteBody &body) {
    const auto version = body.tee_tcb_svn[module_version_byte];
    const auto *const identity = version > 0 ? find_module_identity(info, version) : nullptr;
    if (version > 0 && identity == nullptr) return fails("the TCB info knows no TDX module of version " + std::to_string(version));
    const auto &signer = identity != nullptr ? identity->signer : info.module;
    if (body.mr_signer_seam != signer.mr_signer) return fails("MRSIGNERSEAM is not the TCB info's: another signer's TDX module");
    if ((body.seam_attributes & signer.attributes_mask) != signer.attributes) {
        return fails("SEAMATTRIBUTES are not the TCB info's: a TDX module with other rights");
    }
    if (auto defect = module_defect(body); !defect.empty()) return fails(std::move(defect));
    return holds("the TDX module is Intel's, of version " + std::to_string(version));
}

// A text that is current is also of no earlier TCB recovery than asked for.
template <class Text>
void check_evaluation(const TdPolicy &policy, const Text *text, Finding &current) {
    if (!policy.minimum_tcb_evaluation || text == nullptr || !current.good()) return;
    const auto minimum = *policy.minimum_tcb_evaluation;
    if (text->evaluation_number >= minimum) return;
    current = fails(current.reason + ", but its tcbEvaluationDataNumber is " + std::to_string(text->evaluation_number) + ", and at least " +
                    std::to_string(minimum) + " is asked for");
}

// The policy of all kinds, and what it says of TDs.
struct Policies {
    const PlatformPolicy &platform;
    const TdPolicy &td;

    [[nodiscard]] bool requires_tcb() const { return platform.tcb_required || td.minimum_tcb_evaluation.has_value(); }
};

// Of one quote. Collateral: null where there is none; an error where it cannot be read.
class QuoteVerification {
public:
    QuoteVerification(ByteView quote, std::expected<KeptCollateral *, std::string> collateral, const TrustAnchors &anchors, UnixTime time,
                      const Policies &policies, CertificatePool &pool, Verdict &verdict)
        : quote_(decode_quote(quote)),
          collateral_(std::move(collateral)),
          anchors_(anchors),
          time_(time),
          policies_(policies),
          verdict_(verdict),
          pool_(pool) {
        pool_.begin();
    }

    std::optional<Claims> run() {
        add(statement::quote_format, check_format(quote_));
        if (quote_) claims_ = claims_of(*quote_);
        check_signatures();
        CheckedCollateral checked = collateral_ && *collateral_ != nullptr && quote_
                                        ? check_collateral(**collateral_, chain_, pool_, anchors_, time_)
                                        : without_collateral();
        add(statement::certificates_valid,
            chain_is_read_ ? check_validity(pool_.certificates(), time_) : not_judged("the quote's certificates cannot be read"));
        add_platform(checked);
        add_td_statements(quote_ ? &*quote_ : nullptr, quote_is_signed_, policies_.td, verdict_);
        if (!policies_.td.accepted_ppids.empty()) add(statement::platform_identity, check_platform_identity());
        if (!quote_) return std::nullopt;
        if (!quote_is_signed_) claims_.debug = {.is = {}, .reason = "nothing vouches for the quote's body"};
        return std::move(claims_);
    }

private:
    void add(std::string_view name, Finding found, bool required = true) {
        verdict_.add({.name = std::string(name), .result = found.result, .required = required, .reason = std::move(found.reason)});
    }

    // From quote_signature to certificate_chain, and whose root it is.
    void check_signatures() {
        if (!quote_) {
            for (const auto name : {statement::quote_signature, statement::qe_report_signature, statement::certificate_chain}) {
                add(name, not_judged("the quote cannot be read"));
            }
            return;
        }
        auto quote_signature =
            judge(pool_.signatures().verify(quote_->attestation_key, quote_->signed_part, quote_->signature),
                  "the attestation key signed header and body", "the signature is not one of the attestation key over header and body");
        auto qe_signature = not_judged("the quote's certificates cannot be read");
        auto chain_holds = not_judged("");
        claims_.hardware = {.is = {}, .reason = "the certificate chain does not hold"};

        const auto chain = pool_.read_chain(pem_text(), 3);
        chain_is_read_ = chain.has_value();
        if (!chain) {
            chain_holds = fails("the quote's certificates cannot be read: " + chain.error());
        } else {
            qe_signature = check_qe_report(*quote_, *chain->front(), pool_.signatures());
            chain_holds = check_chain(*chain);
            const auto &root = *chain->back();
            claims_.simulated = is_simulated_root(root.der);
            claims_.leaf_key = Bytes(chain->front()->key.begin(), chain->front()->key.end());
            if (!is_anchor(root, intel_trust_anchors())) {
                claims_.hardware = {.is = false,
                                    .reason = "the root " + name_text(root.subject) + " is not the one behind Intel's hardware"};
            } else if (chain_holds.good()) {
                claims_.hardware = {.is = true, .reason = "the root is the one behind Intel's hardware"};
            }
        }
        quote_is_signed_ = quote_signature.good() && qe_signature.good() && chain_holds.good();
        qe_is_certified_ = qe_signature.good() && chain_holds.good();
        add(statement::quote_signature, std::move(quote_signature));
        add(statement::qe_report_signature, std::move(qe_signature));
        add(statement::certificate_chain, std::move(chain_holds));
    }

    // At most one NUL may end the text.
    [[nodiscard]] std::string_view pem_text() const {
        std::string_view text(reinterpret_cast<const char *>(quote_->inner_certification_data.data()),
                              quote_->inner_certification_data.size());
        if (text.ends_with('\0')) text.remove_suffix(1);
        return text;
    }

    Finding check_chain(const std::vector<const Certificate *> &chain) {
        constexpr std::array roles = {CertificateRole::pck_leaf, CertificateRole::pck_authority};
        if (auto defect = chain_defect(pool_, chain, roles, anchors_); !defect.empty()) return fails(std::move(defect));
        auto pck = decode_pck_extension(*chain.front()->pck_extension);
        if (!pck) return fails(std::move(pck.error().message));
        pck_ = *pck;
        claims_.hardware_ids.emplace_back(pck_.ppid.begin(), pck_.ppid.end());
        if (const auto &instance = pck_.platform_instance_id) claims_.hardware_ids.emplace_back(instance->begin(), instance->end());
        chain_ = QuoteChain{.leaf = chain[0], .authority = chain[1], .root = chain[2]};
        return holds("the PCK certificate leads over " + std::string(chain[1]->common_name) + " to the trust anchor " +
                     std::string(chain[2]->common_name));
    }

    // The PCK certificate names the platform, and its key made the quote.
    [[nodiscard]] Finding check_platform_identity() const {
        if (!quote_is_signed_) return not_judged("nothing vouches for the quote, so that it may be any platform's");
        const auto &named = policies_.td.accepted_ppids;
        const bool is_named = std::ranges::find(named, pck_.ppid) != named.end();
        return judge(is_named, "the platform " + to_hex(pck_.ppid) + " is one that the reference values name",
                     "the platform is " + to_hex(pck_.ppid) + ", expected was " + to_hex(named.front()) +
                         (named.size() > 1 ? " or another of the " + std::to_string(named.size()) + " that are named" : ""));
    }

    [[nodiscard]] CheckedCollateral without_collateral() const {
        // Lacking what is asked for is a failure of its own, not the consequence of another.
        const auto none = !quote_                    ? not_judged("the quote cannot be read")
                          : !collateral_             ? fails(collateral_.error())
                          : policies_.requires_tcb() ? fails("a TCB is asked for, and there is no collateral")
                                                     : not_judged("there is no collateral");
        return {.tcb_info_signature = none,
                .tcb_info_current = none,
                .qe_identity_signature = none,
                .qe_identity_current = none,
                .crl_signatures = none,
                .crls_current = none,
                .not_revoked = none,
                .no_tcb_info = none,
                .no_qe_identity = none};
    }

    // What the collateral says of itself, of the QE and of the platform.
    void add_platform(CheckedCollateral &checked) {
        const bool required = !collateral_ || *collateral_ != nullptr || policies_.requires_tcb();
        claims_.tcb.is_asked_for = required;
        check_evaluation(policies_.td, checked.tcb_info, checked.tcb_info_current);
        check_evaluation(policies_.td, checked.qe_identity, checked.qe_identity_current);
        add(statement::tcb_info_signature, std::move(checked.tcb_info_signature), required);
        add(statement::tcb_info_current, std::move(checked.tcb_info_current), required);
        add(statement::qe_identity_signature, std::move(checked.qe_identity_signature), required);
        add(statement::qe_identity_current, std::move(checked.qe_identity_current), required);
        add(statement::crl_signatures, std::move(checked.crl_signatures), required);
        add(statement::crls_current, std::move(checked.crls_current), required);
        add(statement::not_revoked, std::move(checked.not_revoked), required);

        const auto qe = judge_qe(checked, required);
        const auto platform = judge_platform(checked, required);
        if (!platform) return;
        const auto whole = qe ? converge(*platform, *qe) : *platform;
        if (qe) claims_.tcb.reported = to_string(whole);
        // Where the QE's is not accepted, qe_tcb says so.
        const auto status = qe && accepts_component(policies_.platform, *qe) ? whole : *platform;
        claims_.tcb.is_up_to_date = status == TcbStatus::up_to_date;
        // Where no level fits there is nothing that anybody could accept.
        if (status == TcbStatus::not_supported) {
            claims_.tcb.failed = true;
            claims_.tcb.reason.insert(0, std::string(to_string(status)) + ": ");
        } else {
            claims_.tcb.status = to_string(status);
        }
    }

    void add_advisories(const std::vector<std::string> &advisories) {
        auto &all = claims_.tcb.advisories;
        for (const auto &advisory : advisories) {
            if (std::ranges::find(all, advisory) == all.end()) all.push_back(advisory);
        }
    }

    // Nothing: not judged.
    std::optional<TcbStatus> judge_qe(const CheckedCollateral &checked, bool required) {
        auto identity = checked.no_qe_identity;
        if (checked.qe_identity != nullptr) {
            identity = qe_is_certified_ ? check_qe_identity(*checked.qe_identity, quote_->qe_report)
                                        : not_judged("nothing vouches for the QE report");
        }
        // Any enclave can make a report that names a key: that it is Intel's is asked for without collateral too.
        auto defect = quote_ ? quoting_enclave_defect(quote_->qe_report, claims_.simulated == true) : "";
        const bool may_be_intels = defect.empty();
        if (!may_be_intels && identity.result != Judgement::fails) identity = fails(std::move(defect));
        const bool known = identity.good();
        add(statement::qe_identity, std::move(identity), required || !may_be_intels);
        if (!known) {
            add(statement::qe_tcb, not_judged("the QE is not known to be the one that the QE identity describes"), required);
            return std::nullopt;
        }
        const auto svn = quote_->qe_report.isv_svn;
        const auto *const level = find_svn_level(checked.qe_identity->levels, svn);
        const auto status = level != nullptr ? level->status : TcbStatus::not_supported;
        const std::string reason = "the QE's security version " + std::to_string(svn) +
                                   (level != nullptr ? " is " + std::string(to_string(status)) : " is below every level");
        add(statement::qe_tcb, judge(accepts_component(policies_.platform, status), reason, reason), required);
        if (level != nullptr) add_advisories(level->advisories);
        return status;
    }

    // Of the platform with its TDX module. Nothing: not judged, or it fails; the claims say why.
    std::optional<TcbStatus> judge_platform(const CheckedCollateral &checked, bool required) {
        const auto none = [&](Finding module, Finding tcb) -> std::optional<TcbStatus> {
            auto defect = quote_ ? module_defect(quote_->body) : "";
            const bool may_be_intels = defect.empty();
            if (!may_be_intels && module.result != Judgement::fails) module = fails(std::move(defect));
            add(statement::tdx_module, std::move(module), required || !may_be_intels);
            claims_.tcb.failed = tcb.result == Judgement::fails;
            claims_.tcb.reason = std::move(tcb.reason);
            return std::nullopt;
        };
        if (checked.tcb_info == nullptr) return none(not_judged(checked.no_tcb_info.reason), checked.no_tcb_info);
        if (!quote_is_signed_) {
            return none(not_judged("nothing vouches for the quote's body"), not_judged("nothing vouches for the quote's body"));
        }
        const auto &info = *checked.tcb_info;
        if (info.fmspc != pck_.fmspc || info.pce_id != pck_.pce_id) {
            return none(not_judged("the TCB info is another platform's"),
                        fails("the TCB info is for FMSPC " + to_hex(info.fmspc) + ", PCEID " + to_hex(info.pce_id) +
                              ", the PCK certificate is of " + to_hex(pck_.fmspc) + ", " + to_hex(pck_.pce_id)));
        }
        const auto version = quote_->body.tee_tcb_svn[module_version_byte];
        auto module = check_module(info, quote_->body);
        if (version > 0 && find_module_identity(info, version) == nullptr) {
            return none(std::move(module), not_judged("the TCB info does not know the TDX module"));
        }
        add(statement::tdx_module, std::move(module), required);
        auto evaluation = evaluate_tcb(info, pck_, *quote_);
        add_advisories(evaluation.advisories);
        claims_.tcb.reason = std::move(evaluation.reason);
        return evaluation.status;
    }

    std::expected<Quote, Error> quote_;
    std::expected<KeptCollateral *, std::string> collateral_;
    const TrustAnchors &anchors_;
    UnixTime time_;
    Policies policies_;
    Verdict &verdict_;

    CertificatePool &pool_;
    bool chain_is_read_ = false;
    std::optional<QuoteChain> chain_;  // where it holds
    PckExtension pck_;                 // meaningful with chain_
    bool qe_is_certified_ = false;     // chain and QE report hold
    bool quote_is_signed_ = false;     // and the attestation key's signature too
    Claims claims_;
};

std::optional<Claims> judge_report(ByteView bytes, const TdReport &report, Verdict &verdict) {
    const auto add = [&](std::string_view name, Finding found) {
        verdict.add({.name = std::string(name), .result = found.result, .required = true, .reason = std::move(found.reason)});
    };
    add(statement::quote_format,
        fails("a TDREPORT is no quote: only the machine that made it can tell whether it is genuine (io.mrd.Attestation.VerifyReport)"));
    const auto hashes = check_tdreport_hashes(bytes);
    add(statement::report_hashes,
        judge(hashes && hashes->tcb_info_matches && hashes->td_info_matches, "both hashes hold over what they cover",
              hashes && hashes->tcb_info_matches  ? "the hash over TDINFO does not hold"
              : hashes && hashes->td_info_matches ? "the hash over TEE_TCB_INFO does not hold"
                                                  : "neither hash holds"));
    auto claims = claims_of(quote_body_of(report));
    constexpr auto unsigned_reason = "nothing vouches for a TDREPORT off its machine";
    claims.debug = claims.hardware = {.is = {}, .reason = unsigned_reason};
    claims.tcb.reason = unsigned_reason;
    return claims;
}

class TdJudge final : public TeeJudge {
public:
    TdJudge(const TrustAnchors &anchors, PlatformPolicy policy, TdPolicy td)
        : anchors_(anchors), policy_(std::move(policy)), td_policy_(std::move(td)) {}

    std::optional<Claims> judge(const TeeEvidence &evidence, UnixTime time, Verdict &verdict) override {
        if (const auto report = decode_tdreport(evidence.quote)) return judge_report(evidence.quote, *report, verdict);
        return judge(evidence.quote, kept(evidence.collateral), time, verdict);
    }

    std::optional<Claims> judge(ByteView quote, std::expected<KeptCollateral *, std::string> collateral, UnixTime time, Verdict &verdict) {
        return QuoteVerification(quote, std::move(collateral), anchors_, time, {policy_, td_policy_}, pool_, verdict).run();
    }

private:
    // The last one is kept: a fleet's quotes come with few.
    std::expected<KeptCollateral *, std::string> kept(std::optional<std::string_view> json) {
        if (!json) return nullptr;
        if (collateral_ && *json == json_) return collateral_.get();
        auto parsed = parse_collateral(*json);
        if (!parsed) return std::unexpected(std::move(parsed.error().message));
        json_ = *json;
        collateral_ = std::make_unique<KeptCollateral>(std::move(*parsed));
        return collateral_.get();
    }

    const TrustAnchors &anchors_;
    PlatformPolicy policy_;
    TdPolicy td_policy_;
    CertificatePool pool_;
    std::string json_;  // of collateral_
    std::unique_ptr<KeptCollateral> collateral_;
};

// Whose root ends the chain, PEM: as is_simulated_root() says. A thread keeps the last answer, since all quotes of a platform come with one chain, and reading it costs as
// much as making a quote.
std::optional<bool> is_simulated_chain(std::string_view pem) {
    struct Answer {
        std::string pem;
        std::optional<bool> simulated;
    };
    thread_local Answer last;
    if (last.pem == pem) return last.simulated;
    const auto chain = decode_pem_certificates(pem);
    const auto simulated = chain ? is_simulated_root(chain->back()) : std::nullopt;
    constexpr std::size_t max_kept = std::size_t{16} << 10U;  // bytes; real ones have some 4 KiB
    if (pem.size() <= max_kept) last = {std::string(pem), simulated};
    return simulated;
}

TdPolicy td_policy_of(const PlatformPolicy &policy) {
    const auto own = policy.of_kind.find(tdx_kind);
    return own == policy.of_kind.end() ? TdPolicy() : parse_td_policy(own->second).value_or(TdPolicy());
}

class Tdx final : public Tee {
public:
    [[nodiscard]] std::string_view kind() const override { return tdx_kind; }

    // A report of SEV-SNP has zeros where a quote has the type of its key.
    [[nodiscard]] bool begins_quote(ByteView quote) const override {
        return (quote.size() == tdreport_size && quote[0] == tdreport_type_tdx) ||
               (quote.size() >= quote_header_size && (quote[0] == 4 || quote[0] == 5) && quote[2] != 0 && quote[4] == tee_type_tdx);
    }

    [[nodiscard]] std::expected<Claims, Error> read(ByteView quote) const override {
        if (const auto report = decode_tdreport(quote)) return claims_of(quote_body_of(*report));
        const auto decoded = decode_quote(quote);
        if (!decoded) return std::unexpected(decoded.error());
        auto claims = claims_of(*decoded);
        std::string_view pem(reinterpret_cast<const char *>(decoded->inner_certification_data.data()),
                             decoded->inner_certification_data.size());
        while (pem.ends_with('\0')) pem.remove_suffix(1);
        claims.simulated = is_simulated_chain(pem);
        return claims;
    }

    [[nodiscard]] bool names_register(std::string_view name) const override { return claims_of(TdQuoteBody()).find(name) != nullptr; }

    [[nodiscard]] std::expected<void, Error> check_policy(std::string_view json) const override {
        const auto policy = parse_td_policy(json);
        if (!policy) return std::unexpected(policy.error());
        return {};
    }

    [[nodiscard]] std::vector<std::string_view> tcb_statuses() const override {
        std::vector<std::string_view> names;
        for (auto status = TcbStatus::up_to_date; status < TcbStatus::not_supported;
             status = static_cast<TcbStatus>(static_cast<int>(status) + 1))
            names.push_back(to_string(status));
        return names;
    }

    [[nodiscard]] std::vector<std::string_view> links() const override {
        return {statement::qe_report_signature, statement::qe_identity, statement::tdx_module};
    }

    [[nodiscard]] std::unique_ptr<TeeJudge> open_judge(const TrustAnchors *anchors, const PlatformPolicy &policy) const override {
        return std::make_unique<TdJudge>(anchors != nullptr ? *anchors : intel_trust_anchors(), policy, td_policy_of(policy));
    }
};

}  // namespace

}  // namespace attestation

const Tee &tdx::tee() {
    static const attestation::Tdx known;
    return known;
}

QuoteJudgement verify_quote(ByteView quote, const Collateral *collateral, const TrustAnchors &anchors, UnixTime time,
                            const PlatformPolicy &policy, Verdict &verdict) {
    attestation::TdJudge judge(anchors, policy, attestation::td_policy_of(policy));
    std::optional<attestation::KeptCollateral> kept;
    if (collateral != nullptr) kept.emplace(*collateral);
    const auto claims = judge.judge(quote, kept ? &*kept : nullptr, time, verdict);
    attestation::judge_facts(claims, policy, collateral != nullptr, verdict);
    if (!claims || !claims->tcb.reported) return {};
    return {.tcb_status = *tcb_status_from(*claims->tcb.reported), .tcb_judged = true, .advisories = claims->tcb.advisories};
}

}  // namespace mr
