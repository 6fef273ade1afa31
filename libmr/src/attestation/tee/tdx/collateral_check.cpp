#include "libmr/src/attestation/tee/tdx/collateral_check.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "libmr/src/attestation/pki/validity.h"

namespace mr::attestation {
namespace {

class CollateralCheck {
public:
    CollateralCheck(KeptCollateral &collateral, const std::optional<QuoteChain> &chain, CertificatePool &pool, const TrustAnchors &anchors,
                    UnixTime time)
        : kept_(collateral), collateral_(collateral.get()), chain_(chain), pool_(pool), anchors_(anchors), time_(time) {}

    CheckedCollateral check() {
        check_tcb_info();
        check_qe_identity();
        check_crls();
        return std::move(checked_);
    }

private:
    // Two certificates of which the first is of that role. Error: why they are not good.
    std::expected<std::vector<const Certificate *>, std::string> issuer_chain(std::string_view pem, CertificateRole role) {
        auto chain = pool_.read_chain(pem, 2);
        if (!chain) return chain;
        if (auto defect = chain_defect(pool_, *chain, std::array{role}, anchors_); !defect.empty())
            return std::unexpected(std::move(defect));
        if (chain_ && chain->back() != chain_->root) return std::unexpected("its root is not that of the quote's certificates");
        return chain;
    }

    Finding check_text(const std::string &what, std::string_view text, ByteView signature, std::string_view pem) {
        const auto chain = issuer_chain(pem, CertificateRole::tcb_signing);
        if (!chain) return fails("the issuer chain of the " + what + " is not good: " + chain.error());
        return judge(kept_.is_signed(pool_.signatures(), chain->front()->key, as_bytes(text), signature),
                     "the TCB signing certificate's key signed the " + what,
                     "the signature is not one of the TCB signing certificate's key over the " + what);
    }

    void check_tcb_info() {
        constexpr auto what = "TCB info";
        checked_.tcb_info_signature =
            check_text(what, collateral_.tcb_info, collateral_.tcb_info_signature, collateral_.tcb_info_issuer_chain);
        if (!checked_.tcb_info_signature.good()) {
            checked_.no_tcb_info = checked_.tcb_info_current = not_judged("the TCB info's signature does not hold");
            return;
        }
        const auto &info = kept_.tcb_info();
        if (!info) {
            checked_.tcb_info_current = not_judged("the TCB info cannot be read");
            checked_.no_tcb_info = fails("the TCB info cannot be read: " + info.error());
            return;
        }
        checked_.tcb_info_current = check_current("the TCB info", info->issue_date, info->next_update, time_);
        checked_.tcb_info = &*info;
    }

    void check_qe_identity() {
        checked_.qe_identity_signature =
            check_text("QE identity", collateral_.qe_identity, collateral_.qe_identity_signature, collateral_.qe_identity_issuer_chain);
        if (!checked_.qe_identity_signature.good()) {
            checked_.no_qe_identity = checked_.qe_identity_current = not_judged("the QE identity's signature does not hold");
            return;
        }
        const auto &identity = kept_.qe_identity();
        if (!identity) {
            checked_.qe_identity_current = not_judged("the QE identity cannot be read");
            checked_.no_qe_identity = fails("the QE identity cannot be read: " + identity.error());
            return;
        }
        checked_.qe_identity_current = check_current("the QE identity", identity->issue_date, identity->next_update, time_);
        checked_.qe_identity = &*identity;
    }

    // Empty: the issuer signed it.
    std::string crl_defect(const Crl &crl, const Certificate &issuer) {
        if (!std::ranges::equal(crl.issuer, issuer.subject)) {
            return "is by " + name_text(crl.issuer) + " instead of " + name_text(issuer.subject);
        }
        if (!issuer.subject_key_id || !crl.authority_key_id || !std::ranges::equal(*crl.authority_key_id, *issuer.subject_key_id))
            return "names another key than its issuer's";
        if (!kept_.is_signed(pool_.signatures(), issuer.key, crl.signed_part, crl.signature)) return "is not signed by its issuer's key";
        return {};
    }

    Finding check_crl_signatures(const std::expected<Crl, std::string> &root_crl, const std::expected<Crl, std::string> &pck_crl) {
        const auto chain = issuer_chain(collateral_.pck_crl_issuer_chain, CertificateRole::pck_authority);
        if (!chain) return fails("the issuer chain of the PCK CRL is not good: " + chain.error());
        if (!root_crl) return fails("the root CA's CRL " + root_crl.error());
        if (!pck_crl) return fails("the PCK CRL " + pck_crl.error());
        if (auto defect = crl_defect(*root_crl, *chain->back()); !defect.empty()) return fails("the root CA's CRL " + defect);
        if (auto defect = crl_defect(*pck_crl, *chain->front()); !defect.empty()) return fails("the PCK CRL " + defect);
        // The same name and key: the CA may have got a new certificate since.
        if (chain_ && (!std::ranges::equal(pck_crl->issuer, chain_->leaf->issuer) ||
                       !std::ranges::equal(chain_->authority->key, chain->front()->key))) {
            return fails("the PCK CRL is by another CA than the one that issued the PCK certificate");
        }
        return holds("the root CA signed its CRL, and the CA that issued the PCK certificate signed the PCK CRL");
    }

    void check_crls() {
        const auto &root_crl = kept_.root_ca_crl();
        const auto &pck_crl = kept_.pck_crl();
        checked_.crl_signatures = check_crl_signatures(root_crl, pck_crl);
        if (!checked_.crl_signatures.good()) {
            checked_.crls_current = checked_.not_revoked = not_judged("the signatures of the CRLs do not hold");
            return;
        }
        checked_.crls_current = check_current("the root CA's CRL", root_crl->this_update, root_crl->next_update, time_);
        if (checked_.crls_current.good()) {
            auto of_pck = check_current("the PCK CRL", pck_crl->this_update, pck_crl->next_update, time_);
            if (of_pck.good()) of_pck.reason = checked_.crls_current.reason + "; " + of_pck.reason;
            checked_.crls_current = std::move(of_pck);
        }
        checked_.not_revoked = check_revocation(*root_crl, *pck_crl);
    }

    Finding check_revocation(const Crl &root_crl, const Crl &pck_crl) {
        if (!chain_) return not_judged("the quote's certificate chain does not hold");
        for (const auto *certificate : pool_.certificates()) {
            const auto &crl = certificate == chain_->leaf ? pck_crl : root_crl;
            if (crl.revokes(certificate->serial)) {
                return fails("the certificate " + name_text(certificate->subject) + " with serial number " + to_hex(certificate->serial) +
                             " is revoked");
            }
        }
        return holds("no CRL names one of the certificates");
    }

    KeptCollateral &kept_;
    const Collateral &collateral_;
    const std::optional<QuoteChain> &chain_;
    CertificatePool &pool_;
    const TrustAnchors &anchors_;
    UnixTime time_;
    CheckedCollateral checked_;
};

}  // namespace

const std::expected<TcbInfo, std::string> &KeptCollateral::tcb_info() {
    if (!tcb_info_) tcb_info_ = parse_tcb_info(collateral_.tcb_info);
    return *tcb_info_;
}

const std::expected<QeIdentity, std::string> &KeptCollateral::qe_identity() {
    if (!qe_identity_) qe_identity_ = parse_qe_identity(collateral_.qe_identity);
    return *qe_identity_;
}

const std::expected<Crl, std::string> &KeptCollateral::root_ca_crl() {
    if (!root_ca_crl_) root_ca_crl_ = parse_crl(collateral_.root_ca_crl);
    return *root_ca_crl_;
}

const std::expected<Crl, std::string> &KeptCollateral::pck_crl() {
    if (!pck_crl_) pck_crl_ = parse_crl(collateral_.pck_crl);
    return *pck_crl_;
}

bool KeptCollateral::is_signed(SignatureChecker &signatures, ByteView key, ByteView message, ByteView signature) {
    for (const auto &known : checked_) {
        if (known.message == message.data() && std::ranges::equal(known.key, key)) return known.good;
    }
    const bool good = signatures.verify(key, message, signature);
    if (checked_.size() < max_kept_certificates) checked_.push_back({Bytes(key.begin(), key.end()), message.data(), good});
    return good;
}

CheckedCollateral check_collateral(KeptCollateral &collateral, const std::optional<QuoteChain> &chain, CertificatePool &pool,
                                   const TrustAnchors &anchors, UnixTime time) {
    return CollateralCheck(collateral, chain, pool, anchors, time).check();
}

}  // namespace mr::attestation
