// What collateral is worth: who signed it, when, and whether it revokes the certificates of the quote.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libmr/src/attestation/finding.h"
#include "libmr/src/attestation/pki/certificate_chain.h"
#include "libmr/src/attestation/tee/tdx/tcb_info.h"
#include "mr/collateral.h"
#include "mr/verify_quote.h"

namespace mr::attestation {

// The quote's certificates: PCK leaf, CA, root.
struct QuoteChain {
    const Certificate *leaf = nullptr;
    const Certificate *authority = nullptr;
    const Certificate *root = nullptr;
};

// Collateral, with what was found out of it so far that does not depend on the quote or the time: its texts are parsed once, and a signature by one key is
// checked once. Only what is signed is parsed.
class KeptCollateral {
public:
    explicit KeptCollateral(Collateral given) : collateral_(std::move(given)) {}
    KeptCollateral(const KeptCollateral &) = delete;
    KeptCollateral &operator=(const KeptCollateral &) = delete;

    [[nodiscard]] const Collateral &get() const { return collateral_; }
    const std::expected<TcbInfo, std::string> &tcb_info();
    const std::expected<QeIdentity, std::string> &qe_identity();
    const std::expected<Crl, std::string> &root_ca_crl();
    const std::expected<Crl, std::string> &pck_crl();
    // `message` and `signature` are the collateral's, or a CRL's of it.
    bool is_signed(SignatureChecker &signatures, ByteView key, ByteView message, ByteView signature);

private:
    struct Checked {
        Bytes key;
        const std::uint8_t *message;
        bool good;
    };

    Collateral collateral_;
    std::optional<std::expected<TcbInfo, std::string>> tcb_info_;
    std::optional<std::expected<QeIdentity, std::string>> qe_identity_;
    std::optional<std::expected<Crl, std::string>> root_ca_crl_;
    std::optional<std::expected<Crl, std::string>> pck_crl_;
    std::vector<Checked> checked_;
};

struct CheckedCollateral {
    Finding tcb_info_signature;
    Finding tcb_info_current;
    Finding qe_identity_signature;
    Finding qe_identity_current;
    Finding crl_signatures;
    Finding crls_current;
    Finding not_revoked;
    // Of texts that were signed, and can be read; else null.
    const TcbInfo *tcb_info = nullptr;
    const QeIdentity *qe_identity = nullptr;
    // Why there is none.
    Finding no_tcb_info;
    Finding no_qe_identity;
};

// `chain`: nothing, where it cannot be read or does not lead to a trust anchor. Collateral must be under the same root as the quote: two anchors that a
// caller trusts may not speak for each other's platforms.
CheckedCollateral check_collateral(KeptCollateral &collateral, const std::optional<QuoteChain> &chain, CertificatePool &pool,
                                   const TrustAnchors &anchors, UnixTime time);

}  // namespace mr::attestation
