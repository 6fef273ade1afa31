// Chains of certificates, as quotes and collateral have them, and Intel's profile of what may stand where in them.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libmr/src/attestation/pki/ecdsa.h"
#include "libmr/src/attestation/pki/x509.h"
#include "mr/certificate.h"

namespace mr::attestation {

enum class CertificateRole : std::uint8_t { pck_leaf, pck_authority, tcb_signing };

// Certificates of one verification, or of many. The same ones come up again and again (a quote and its collateral have nine, four of them different): each text
// is read once, and each signature checked once.
inline constexpr std::size_t max_kept_certificates = 256;  // from one verification to the next

class CertificatePool {
public:
    CertificatePool() = default;
    CertificatePool(const CertificatePool &) = delete;
    CertificatePool &operator=(const CertificatePool &) = delete;

    // Another verification begins: certificates() has none. What chains point to may end.
    void begin();

    // Exactly `count` certificates of a PEM text, in its order. Error: what is wrong with the text.
    std::expected<std::vector<const Certificate *>, std::string> read_chain(std::string_view pem, std::size_t count);

    // One certificate, DER. Error: what is wrong with it.
    std::expected<const Certificate *, std::string> read(Bytes der);

    // Names, the key identifier if the certificate has one (whether it must is its profile's question), and the signature.
    bool is_issued_by(const Certificate &certificate, const Certificate &issuer);

    // Checks every signature of the verification.
    SignatureChecker &signatures() { return signatures_; }

    // All that were read in this verification, each once.
    [[nodiscard]] const std::vector<const Certificate *> &certificates() const { return used_; }

private:
    struct CheckedSignature {
        const Certificate *certificate;
        const Certificate *issuer;
        bool good;
    };
    struct ReadChain {
        std::string pem;
        std::vector<const Certificate *> certificates;
    };
    const Certificate *use(const Certificate *certificate);

    SignatureChecker signatures_;
    std::deque<Bytes> ders_;
    std::deque<Certificate> certificates_;
    std::vector<CheckedSignature> checked_;
    std::vector<ReadChain> chains_;
    std::vector<const Certificate *> used_;
};

// Did the signer's key sign the message, by that algorithm?
bool is_signed(SignatureChecker &signatures, const Certificate &signer, SignatureAlgorithm algorithm, ByteView message, ByteView signature);

// What makes the certificate unfit for its role; empty: nothing.
std::string profile_defect(const Certificate &certificate, CertificateRole role);

// Leaf first, root last; every certificate but the root with its role. Empty: each is fit and issued by the next one, and the root is one of the anchors, byte
// for byte, so that its own signature says nothing more. Otherwise what is wrong.
std::string chain_defect(CertificatePool &pool, std::span<const Certificate *const> chain, std::span<const CertificateRole> roles,
                         const TrustAnchors &anchors);

bool is_anchor(const Certificate &root, const TrustAnchors &anchors);

}  // namespace mr::attestation
