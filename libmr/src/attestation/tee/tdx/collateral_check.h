// What collateral is worth: who signed it, when, and whether it revokes the certificates of the quote.
#pragma once

#include <optional>
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

struct CheckedCollateral {
    Finding tcb_info_signature;
    Finding tcb_info_current;
    Finding qe_identity_signature;
    Finding qe_identity_current;
    Finding crl_signatures;
    Finding crls_current;
    Finding not_revoked;
    // Of texts that were signed, and can be read.
    std::optional<TcbInfo> tcb_info;
    std::optional<QeIdentity> qe_identity;
    // Why there is none.
    Finding no_tcb_info;
    Finding no_qe_identity;
};

// `chain`: nothing, where it cannot be read or does not lead to a trust anchor. Collateral must be under the same root as the quote: two anchors that a
// caller trusts may not speak for each other's platforms.
CheckedCollateral check_collateral(const Collateral &collateral, const std::optional<QuoteChain> &chain, CertificatePool &pool,
                                   const TrustAnchors &anchors, UnixTime time);

}  // namespace mr::attestation
