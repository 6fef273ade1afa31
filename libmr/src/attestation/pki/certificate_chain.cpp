#include "libmr/src/attestation/pki/certificate_chain.h"

#include <algorithm>
#include <utility>

#include "libmr/src/attestation/pki/rsa_pss.h"

namespace mr::attestation {
namespace {

constexpr std::string_view intel_root_name = "Intel SGX Root CA";

bool equal(ByteView a, ByteView b) { return std::ranges::equal(a, b); }

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

}  // namespace

bool is_signed(SignatureChecker &signatures, const Certificate &signer, SignatureAlgorithm algorithm, ByteView message,
               ByteView signature) {
    switch (algorithm) {
    case SignatureAlgorithm::ecdsa_p256_sha256:
        return signer.key_kind == KeyKind::p256 && signatures.verify(signer.key, message, signature);
    case SignatureAlgorithm::ecdsa_p384_sha384:
        return signer.key_kind == KeyKind::p384 && signatures.verify(signer.key, message, signature);
    case SignatureAlgorithm::rsa_pss_sha384: return signer.key_kind == KeyKind::rsa && is_rsa_pss_signed(signer.key, message, signature);
    }
    return false;
}

void CertificatePool::begin() {
    used_.clear();
    if (certificates_.size() <= max_kept_certificates && chains_.size() <= max_kept_certificates) return;
    chains_.clear();
    checked_.clear();
    certificates_.clear();
    ders_.clear();
}

const Certificate *CertificatePool::use(const Certificate *certificate) {
    if (std::ranges::find(used_, certificate) == used_.end()) used_.push_back(certificate);
    return certificate;
}

std::expected<const Certificate *, std::string> CertificatePool::read(Bytes der) {
    const auto known = std::ranges::find_if(certificates_, [&](const Certificate &each) { return equal(each.der, der); });
    if (known != certificates_.end()) return use(&*known);
    auto certificate = parse_certificate(ders_.emplace_back(std::move(der)));
    if (!certificate) return std::unexpected(std::move(certificate.error()));
    return use(&certificates_.emplace_back(*certificate));
}

std::expected<std::vector<const Certificate *>, std::string> CertificatePool::read_chain(std::string_view pem, std::size_t count) {
    const auto known = std::ranges::find(chains_, pem, &ReadChain::pem);
    if (known != chains_.end() && known->certificates.size() == count) {
        for (const auto *certificate : known->certificates) use(certificate);
        return known->certificates;
    }

    auto ders = decode_pem_certificates(pem);
    if (!ders) return std::unexpected(std::move(ders.error().message));
    if (ders->size() != count) {
        return std::unexpected("the chain has " + std::to_string(ders->size()) + " certificates instead of " + std::to_string(count));
    }
    std::vector<const Certificate *> chain;
    for (auto &der : *ders) {
        auto certificate = read(std::move(der));
        if (!certificate) {
            return std::unexpected("certificate " + std::to_string(chain.size() + 1) + " of the chain " + certificate.error());
        }
        chain.push_back(*certificate);
    }
    chains_.push_back({std::string(pem), chain});
    return chain;
}

bool CertificatePool::is_issued_by(const Certificate &certificate, const Certificate &issuer) {
    if (!equal(certificate.issuer, issuer.subject)) return false;
    const auto &key_id = certificate.authority_key_id;
    if (key_id && (!issuer.subject_key_id || !equal(*key_id, *issuer.subject_key_id))) return false;
    for (const auto &known : checked_) {
        if (known.certificate == &certificate && known.issuer == &issuer) return known.good;
    }
    const bool good = is_signed(signatures_, issuer, certificate.algorithm, certificate.signed_part, certificate.signature);
    checked_.push_back({&certificate, &issuer, good});
    return good;
}

std::string profile_defect(const Certificate &certificate, CertificateRole role) {
    const auto name = quoted(certificate.common_name);
    if (certificate.key_kind != KeyKind::p256 || certificate.algorithm != SignatureAlgorithm::ecdsa_p256_sha256)
        return name + " is of another algorithm than ECDSA P-256 with SHA-256";
    const auto has_five = certificate.authority_key_id && certificate.subject_key_id && certificate.has_crl_distribution_points &&
                          certificate.key_usage && certificate.is_authority;
    if (!has_five) {
        return name +
               " lacks one of the extensions authority key identifier, subject key identifier, CRL distribution points, key usage, "
               "basic constraints";
    }
    const auto is_signer = !*certificate.is_authority && certificate.may(usage_digital_signature);
    switch (role) {
    case CertificateRole::pck_leaf:
        if (certificate.common_name != "Intel SGX PCK Certificate") return name + " stands where Intel SGX PCK Certificate should";
        if (!certificate.pck_extension) return name + " has no SGX extension";
        if (certificate.extensions != 6) return name + " has other extensions than the six of a PCK certificate";
        return is_signer ? "" : name + " may not sign data";
    case CertificateRole::pck_authority:
        if (certificate.common_name != "Intel SGX PCK Platform CA" && certificate.common_name != "Intel SGX PCK Processor CA") {
            return name + " stands where Intel SGX PCK Platform CA or Processor CA should";
        }
        if (!*certificate.is_authority || !certificate.may(usage_certificate_sign) || !certificate.may(usage_crl_sign)) {
            return name + " may not sign certificates and CRLs";
        }
        return {};
    case CertificateRole::tcb_signing:
        if (certificate.common_name != "Intel SGX TCB Signing") return name + " stands where Intel SGX TCB Signing should";
        return is_signer ? "" : name + " may not sign data";
    }
    return {};
}

bool is_anchor(const Certificate &root, const TrustAnchors &anchors) {
    return std::ranges::any_of(anchors.roots, [&](const Bytes &anchor) { return equal(anchor, root.der); });
}

std::string chain_defect(CertificatePool &pool, std::span<const Certificate *const> chain, std::span<const CertificateRole> roles,
                         const TrustAnchors &anchors) {
    for (std::size_t i = 0; i < roles.size(); ++i) {
        if (auto defect = profile_defect(*chain[i], roles[i]); !defect.empty()) return defect;
        if (!pool.is_issued_by(*chain[i], *chain[i + 1])) {
            return quoted(chain[i]->common_name) + " was not issued by the " + quoted(chain[i + 1]->common_name) + " that follows it";
        }
    }
    // A root that was given for another kind of hardware certifies none of these.
    if (chain.back()->common_name != intel_root_name)
        return quoted(chain.back()->common_name) + " stands where " + std::string(intel_root_name) + " should";
    // Its whole name: a simulator's root has the common name of Intel's.
    if (!is_anchor(*chain.back(), anchors))
        return "the chain's root " + quoted(name_text(chain.back()->subject)) + " is not a trust anchor";
    return {};
}

}  // namespace mr::attestation
