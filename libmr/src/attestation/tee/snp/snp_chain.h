// The certificates behind a report: which of those that are given are the chain of its key, and whether it leads to a trust anchor.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libmr/src/attestation/pki/certificate_chain.h"
#include "mr/certificate.h"
#include "mr/snp_report.h"

namespace mr::attestation {

// AMD's ASK and ASVK of each product, DER: for a host that gives no more than the key's own certificate.
const std::vector<Bytes> &amd_authorities();

struct SnpChain {
    // Null: not found.
    const Certificate *leaf = nullptr;         // VCEK or VLEK
    const Certificate *authority = nullptr;    // ASK or ASVK
    const Certificate *root = nullptr;         // ARK
    std::optional<SnpKeyExtensions> key = {};  // of the leaf
    bool is_vlek = false;
    std::optional<SnpProduct> product = {};  // of the certificates, by the issuer's name
    std::string defect = {};                 // empty: it leads to a trust anchor

    [[nodiscard]] std::vector<const Certificate *> certificates() const;  // that were found
};

// Did its key sign the report?
using SignedByKey = std::function<bool(const Certificate &)>;

// The leaf is the one of the wanted kind; of several the one that signed the report, or else the first one. Where authorities are given the issuer is one of these, and otherwise one of AMD's; likewise
// the root is one of those that are given, or else an anchor: what comes along is never replaced by what would be right.
SnpChain find_snp_chain(CertificatePool &pool, std::span<const Bytes> given, bool wants_vlek, const TrustAnchors &anchors,
                        const SignedByKey &signed_by);

}  // namespace mr::attestation
