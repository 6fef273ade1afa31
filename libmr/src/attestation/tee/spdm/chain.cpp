// A slot's certificate chain: taken apart, and checked up to a root.
#include <algorithm>
#include <array>
#include <string>

#include "libmr/src/attestation/pki/certificate_chain.h"
#include "libmr/src/attestation/pki/der.h"
#include "libmr/src/attestation/tee/spdm/wire.h"
#include "mr/spdm_evidence.h"

namespace mr {
namespace {

using attestation::Certificate;
using attestation::CriticalPurposes;
using spdm::fault;

std::unexpected<SpdmError> malformed_chain(const std::string &what) {
    return fault(SpdmFault::malformed_chain, "the certificate chain " + what);
}

std::string number_text(std::size_t index) { return "certificate " + std::to_string(index + 1) + " of the chain"; }

std::string named(const Certificate &certificate) { return "\"" + std::string(certificate.common_name) + "\""; }

bool is_issued_by(attestation::SignatureChecker &signatures, const Certificate &certificate, const Certificate &issuer) {
    if (!std::ranges::equal(certificate.issuer, issuer.subject)) return false;
    const auto &key_id = certificate.authority_key_id;
    if (key_id && issuer.subject_key_id && !std::ranges::equal(*key_id, *issuer.subject_key_id)) return false;
    return attestation::is_signed(signatures, issuer, certificate.algorithm, certificate.signed_part, certificate.signature);
}

// What certificates of devices are for: DMTF's purpose of responders (DSP0274, "Extended Key Usage authentication OIDs"), any, or that of a TLS server or client, which
// devices' certificates had before there was DMTF's, and DMTF's own samples have.
constexpr std::array<std::string_view, 4> device_purposes = {"1.3.6.1.4.1.412.274.3", "2.5.29.37.0", "1.3.6.1.5.5.7.3.1",
                                                             "1.3.6.1.5.5.7.3.2"};

bool is_for_devices(const Certificate &certificate) {
    return !certificate.purposes || std::ranges::any_of(*certificate.purposes, [](const std::string &each) {
        return std::ranges::find(device_purposes, each) != device_purposes.end();
    });
}

// `followed_by`: authorities between it and the leaf.
bool may_issue(const Certificate &certificate, std::size_t followed_by) {
    return certificate.is_authority.value_or(false) && (!certificate.key_usage || certificate.may(attestation::usage_certificate_sign)) &&
           (!certificate.path_length || followed_by <= *certificate.path_length) && is_for_devices(certificate);
}

std::expected<std::vector<Certificate>, SpdmError> read_certificates(const SpdmChain &chain) {
    std::vector<Certificate> certificates;
    for (std::size_t i = 0; i < chain.certificates.size(); ++i) {
        auto certificate = attestation::parse_certificate(chain.certificates[i], CriticalPurposes::read);
        if (!certificate) return fault(SpdmFault::malformed_chain, number_text(i) + " " + certificate.error());
        certificates.push_back(std::move(*certificate));
    }
    return certificates;
}

// Each but the first was issued by the one before it, which may do so; the leaf may sign data.
std::expected<void, SpdmError> check_links(attestation::SignatureChecker &signatures, const std::vector<Certificate> &certificates) {
    for (std::size_t i = 1; i < certificates.size(); ++i) {
        const auto &issuer = certificates[i - 1];
        if (!may_issue(issuer, certificates.size() - 1 - i))
            return fault(SpdmFault::broken_chain, named(issuer) + " may not issue certificates, or not so many, or of another purpose");
        if (!is_issued_by(signatures, certificates[i], issuer))
            return fault(SpdmFault::broken_chain, named(certificates[i]) + " was not issued by " + named(issuer) + ", which is before it");
    }
    const auto &leaf = certificates.back();
    if (leaf.key_usage && !leaf.may(attestation::usage_digital_signature))
        return fault(SpdmFault::broken_chain, named(leaf) + " may not sign data");
    if (!is_for_devices(leaf))
        return fault(SpdmFault::broken_chain, named(leaf) + " is for another purpose than a device's (extended key usage)");
    return {};
}

bool is_valid(const Certificate &certificate, std::optional<UnixTime> time) {
    return !time || (*time >= certificate.not_before && *time <= certificate.not_after);
}

// The given root that the chain ends at: its first certificate itself, or what issued that, which has to be valid like the others: a chain may leave it out.
std::expected<Bytes, SpdmError> find_root(attestation::SignatureChecker &signatures, const SpdmChain &chain, const Certificate &first,
                                          HashAlgorithm base_hash, const TrustAnchors &anchors, std::optional<UnixTime> time) {
    const auto has_root_hash = [&](ByteView der) {
        const auto digest = hash(base_hash, der);
        return digest && std::ranges::equal(digest->bytes(), chain.root_hash);
    };
    const bool is_self_issued = std::ranges::equal(first.issuer, first.subject);
    if (is_self_issued && !has_root_hash(first.der))
        return fault(SpdmFault::wrong_root_hash, "the chain's RootHash is not the digest of its first certificate, " + named(first));
    for (const auto &root : anchors.roots) {
        if (std::ranges::equal(root, first.der))
            return has_root_hash(root) ? std::expected<Bytes, SpdmError>(root)
                                       : fault(SpdmFault::wrong_root_hash, "the chain's RootHash is not its root's");
        if (is_self_issued || !has_root_hash(root)) continue;
        const auto issuer = attestation::parse_certificate(root, CriticalPurposes::read);
        if (!issuer || !may_issue(*issuer, chain.certificates.size() - 1) || !is_issued_by(signatures, first, *issuer)) continue;
        if (!is_valid(*issuer, time)) return fault(SpdmFault::not_in_validity, named(*issuer) + " is not valid at this time");
        return root;
    }
    return fault(SpdmFault::untrusted_root, "the chain's root, SPDM RootHash " + to_hex(chain.root_hash) + ", is none of the given roots");
}

}  // namespace

std::expected<SpdmChain, SpdmError> parse_spdm_chain(ByteView chain, HashAlgorithm base_hash) {
    spdm::ByteReader from(chain);
    const auto length = from.u16();
    (void)from.u16();  // reserved
    SpdmChain read;
    read.root_hash = from.take(digest_size(base_hash));
    if (!from.ok()) return malformed_chain("ends before its first certificate");
    if (length != chain.size())
        return malformed_chain("has " + std::to_string(chain.size()) + " bytes where it says " + std::to_string(length));
    attestation::DerReader certificates(from.rest());
    while (certificates.more()) {
        read.certificates.push_back(certificates.element(attestation::DerTag::sequence).whole);
        if (read.certificates.size() > max_spdm_certificates)
            return fault(SpdmFault::too_large, "the chain has more than " + std::to_string(max_spdm_certificates) + " certificates");
    }
    if (!certificates.finished() || read.certificates.empty())
        return malformed_chain("has something else than certificates in DER, or none");
    return read;
}

std::expected<SpdmIdentity, SpdmError> check_spdm_chain(ByteView chain, HashAlgorithm base_hash, const TrustAnchors &anchors,
                                                        std::optional<UnixTime> time) {
    const auto parsed = parse_spdm_chain(chain, base_hash);
    if (!parsed) return std::unexpected(parsed.error());
    const auto certificates = read_certificates(*parsed);
    if (!certificates) return std::unexpected(certificates.error());
    attestation::SignatureChecker signatures;
    if (auto done = check_links(signatures, *certificates); !done) return std::unexpected(std::move(done.error()));
    auto root = find_root(signatures, *parsed, certificates->front(), base_hash, anchors, time);
    if (!root) return std::unexpected(std::move(root.error()));
    SpdmIdentity identity;
    for (std::size_t i = 0; i < certificates->size(); ++i) {
        const auto &certificate = (*certificates)[i];
        if (!is_valid(certificate, time)) return fault(SpdmFault::not_in_validity, named(certificate) + " is not valid at this time");
        auto description = describe_certificate(certificate.der);
        if (!description) return fault(SpdmFault::malformed_chain, number_text(i) + " cannot be described: " + description.error().message);
        identity.certificates.push_back(std::move(*description));
    }
    identity.leaf = spdm::owned(parsed->certificates.back());
    identity.root = std::move(*root);
    identity.leaf_digest = hash(base_hash, identity.leaf).value_or(Digest{});
    identity.chain_digest = hash(base_hash, chain).value_or(Digest{});
    return identity;
}

}  // namespace mr
