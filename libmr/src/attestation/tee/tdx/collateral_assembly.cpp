// One collateral out of the answers of Intel's service: what belongs together is found by signatures, not by the files' names or order.
#include <algorithm>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "libmr/src/attestation/finding.h"
#include "libmr/src/attestation/malformed.h"
#include "libmr/src/attestation/pki/certificate_chain.h"
#include "libmr/src/attestation/pki/ecdsa.h"
#include "libmr/src/attestation/tee/tdx/collateral_files.h"
#include "libmr/src/attestation/tee/tdx/tcb_info.h"
#include "mr/collateral.h"
#include "mr/event_content.h"
#include "mr/quote.h"

namespace mr::attestation {
namespace {

using FoundCertificate = CollateralFiles::FoundCertificate;
using FoundCrl = CollateralFiles::FoundCrl;
using SignedText = CollateralFiles::SignedText;

std::string pem_of(ByteView der) {
    constexpr std::size_t line = 64;
    const auto digits = to_base64(der);
    std::string text = "-----BEGIN CERTIFICATE-----\n";
    for (std::size_t i = 0; i < digits.size(); i += line) text += digits.substr(i, line) + "\n";
    return text + "-----END CERTIFICATE-----\n";
}

std::string name_of(const FoundCertificate &found) { return printable_text(found.certificate.common_name) + " in " + found.file; }

// The platform that a quote is of.
struct Platform {
    std::array<std::uint8_t, 6> fmspc{};
    std::array<std::uint8_t, 2> pce_id{};
    Bytes authority_name;  // of the CA that issued its PCK certificate
    Bytes root;            // DER
};

std::expected<Platform, Error> platform_of(ByteView quote) {
    const auto parts = decode_quote(quote);
    if (!parts) return std::unexpected(parts.error());
    std::string_view pem(reinterpret_cast<const char *>(parts->inner_certification_data.data()), parts->inner_certification_data.size());
    while (pem.ends_with('\0')) pem.remove_suffix(1);
    const auto chain = decode_pem_certificates(pem);
    if (!chain) return malformed("the quote's certificates: " + chain.error().message);
    const auto leaf = parse_certificate(chain->front());
    if (!leaf || !leaf->pck_extension) return malformed("the quote's first certificate is none of a platform");
    const auto pck = decode_pck_extension(*leaf->pck_extension);
    if (!pck) return std::unexpected(pck.error());
    return Platform{pck->fmspc, pck->pce_id, Bytes(leaf->issuer.begin(), leaf->issuer.end()), chain->back()};
}

class Assembly {
public:
    Assembly(const CollateralFiles &files, std::optional<Platform> platform) : files_(files), platform_(std::move(platform)) {}

    std::expected<Collateral, Error> assemble() {
        if (const auto missing = what_is_missing(); !missing.empty()) return malformed("there is no " + missing);
        const auto info = only_tcb_info();
        if (!info) return std::unexpected(info.error());
        const auto identity = only_text("QE identity", files_.qe_identities());
        if (!identity) return std::unexpected(identity.error());
        const auto pck_crl = only_crl("PCK CRL", false);
        if (!pck_crl) return std::unexpected(pck_crl.error());
        const auto root_crl = only_crl("root CA's CRL", true);
        if (!root_crl) return std::unexpected(root_crl.error());

        Collateral made;
        if (auto done = add_text("TCB info", **info, made.tcb_info, made.tcb_info_signature, made.tcb_info_issuer_chain); !done)
            return std::unexpected(done.error());
        if (auto done = add_text("QE identity", **identity, made.qe_identity, made.qe_identity_signature, made.qe_identity_issuer_chain);
            !done)
            return std::unexpected(done.error());
        if (auto done = add_crls(**pck_crl, **root_crl, made); !done) return std::unexpected(done.error());
        if (const auto parsed = parse_tcb_info(made.tcb_info); !parsed)
            return malformed("the TCB info in " + (*info)->file + " is none of TDX: " + parsed.error());
        if (const auto parsed = parse_qe_identity(made.qe_identity); !parsed)
            return malformed("the QE identity in " + (*identity)->file + " is none of TDX: " + parsed.error());
        if (platform_ && !std::ranges::equal(root_->der, platform_->root))
            return malformed("the quote's root is another than " + name_of(*root_));
        return made;
    }

private:
    [[nodiscard]] bool has_certificate(std::string_view name) const {
        return std::ranges::any_of(files_.certificates(), [&](const auto &each) { return each.certificate.common_name == name; });
    }

    static bool is_root(const Certificate &certificate) { return std::ranges::equal(certificate.issuer, certificate.subject); }
    [[nodiscard]] static bool is_authority(const Certificate &certificate) {
        return profile_defect(certificate, CertificateRole::pck_authority).empty();
    }

    [[nodiscard]] bool is_of_root(const FoundCrl &found) const {
        return std::ranges::any_of(files_.certificates(), [&](const auto &each) {
            return is_root(each.certificate) && std::ranges::equal(each.certificate.subject, found.crl.issuer);
        });
    }

    // All of it at once, with where it comes from.
    [[nodiscard]] std::string what_is_missing() const {
        std::vector<std::string> missing;
        if (files_.tcb_infos().empty()) {
            missing.emplace_back(
                "TCB info (the service's tdx/certification/v4/tcb?fmspc=" + (platform_ ? to_hex(platform_->fmspc) : "...") + ")");
        }
        if (files_.qe_identities().empty()) missing.emplace_back("QE identity (tdx/certification/v4/qe/identity)");
        if (!has_certificate("Intel SGX TCB Signing"))
            missing.emplace_back("TCB signing certificate (the header TCB-Info-Issuer-Chain of the TCB info's answer)");
        const auto &certificates = files_.certificates();
        if (std::ranges::none_of(certificates, [](const auto &each) { return is_authority(each.certificate); }))
            missing.emplace_back("certificate of the CA that signed the PCK CRL (the header SGX-PCK-CRL-Issuer-Chain of the CRL's answer)");
        if (std::ranges::none_of(certificates, [](const auto &each) { return is_root(each.certificate); })) {
            missing.emplace_back("root certificate (every issuer chain ends with it)");
        } else {
            if (std::ranges::none_of(files_.crls(), [this](const auto &each) { return is_of_root(each); }))
                missing.emplace_back("CRL of the root CA (IntelSGXRootCA.der, or a cache's rootcacrl)");
            if (std::ranges::all_of(files_.crls(), [this](const auto &each) { return is_of_root(each); }))
                missing.emplace_back("PCK CRL (sgx/certification/v4/pckcrl?ca=platform, or processor)");
        }
        std::string all;
        for (const auto &each : missing) all += (all.empty() ? "" : "; no ") + each;
        return all;
    }

    template <class Found>
    std::expected<const Found *, Error> only(const std::string &what, const std::vector<const Found *> &found) const {
        if (found.size() == 1) return found.front();
        return malformed("there are two of the " + what + ", in " + found[0]->file + " and in " + found[1]->file + ": give one");
    }

    std::expected<const SignedText *, Error> only_text(const std::string &what, const std::deque<SignedText> &texts) const {
        std::vector<const SignedText *> found;
        found.reserve(texts.size());
        for (const auto &each : texts) found.push_back(&each);
        return only(what, found);
    }

    // Of several, those of the quote's platform.
    std::expected<const SignedText *, Error> only_tcb_info() const {
        if (!platform_) return only_text("TCB info", files_.tcb_infos());
        std::vector<const SignedText *> found;
        std::string others;
        for (const auto &each : files_.tcb_infos()) {
            const auto info = parse_tcb_info(each.text);
            if (!info || (info->fmspc == platform_->fmspc && info->pce_id == platform_->pce_id)) {
                found.push_back(&each);
            } else {
                others += (others.empty() ? "" : ", ") +
                          ("FMSPC " + to_hex(info->fmspc) + ", PCE id " + to_hex(info->pce_id) + " in " + each.file);
            }
        }
        if (found.empty())
            return malformed("the quote's platform has the FMSPC " + to_hex(platform_->fmspc) + ", PCE id " + to_hex(platform_->pce_id) +
                             ", and the TCB info is of another: " + others);
        return only("TCB info", found);
    }

    std::expected<const FoundCrl *, Error> only_crl(const std::string &what, bool of_root) const {
        std::vector<const FoundCrl *> found;
        std::string others;
        for (const auto &each : files_.crls()) {
            if (is_of_root(each) != of_root) continue;
            if (!of_root && platform_ && !std::ranges::equal(each.crl.issuer, platform_->authority_name)) {
                others += (others.empty() ? "" : ", ") + (name_text(each.crl.issuer) + " in " + each.file);
                continue;
            }
            found.push_back(&each);
        }
        if (found.empty())
            return malformed("the quote's platform was certified by " + name_text(platform_->authority_name) +
                             ", and the PCK CRL is by another: " + others);
        return only(what, found);
    }

    // The one root that issued it, which is the same for all. Null: none.
    const FoundCertificate *issuer_of(const FoundCertificate &found) {
        for (const auto &each : files_.certificates()) {
            if (is_root(each.certificate) && pool_.is_issued_by(found.certificate, each.certificate)) return &each;
        }
        return nullptr;
    }

    std::expected<std::string, Error> chain_of(const std::string &what, const FoundCertificate &signer) {
        const auto *root = issuer_of(signer);
        if (root == nullptr) return malformed("none of the root certificates issued the " + name_of(signer) + ", which signed the " + what);
        if (root_ != nullptr && root != root_)
            return malformed("the " + what + " leads to the root " + name_of(*root) + ", the TCB info to another, " + name_of(*root_));
        root_ = root;
        return pem_of(signer.der) + pem_of(root->der);
    }

    std::expected<void, Error> add_text(const std::string &what, const SignedText &from, std::string &text, Bytes &signature,
                                        std::string &chain) {
        for (const auto &each : files_.certificates()) {
            if (!profile_defect(each.certificate, CertificateRole::tcb_signing).empty()) continue;
            // Programs that show JSON to people indent it; the service signs the compact form.
            for (const auto &form : {from.text, from.compact}) {
                if (!pool_.signatures().verify(each.certificate.key, as_bytes(form), from.signature)) continue;
                auto made = chain_of(what + " in " + from.file, each);
                if (!made) return std::unexpected(made.error());
                text = form;
                signature = from.signature;
                chain = std::move(*made);
                return {};
            }
        }
        return malformed("the " + what + " in " + from.file + " was signed by none of the TCB signing certificates, or was changed since");
    }

    bool is_signed_by(const FoundCrl &found, const Certificate &issuer) {
        return std::ranges::equal(found.crl.issuer, issuer.subject) && issuer.subject_key_id && found.crl.authority_key_id &&
               std::ranges::equal(*found.crl.authority_key_id, *issuer.subject_key_id) &&
               pool_.signatures().verify(issuer.key, found.crl.signed_part, found.crl.signature);
    }

    std::expected<void, Error> add_crls(const FoundCrl &pck, const FoundCrl &of_root, Collateral &made) {
        const auto signer = std::ranges::find_if(
            files_.certificates(), [&](const auto &each) { return is_authority(each.certificate) && is_signed_by(pck, each.certificate); });
        if (signer == files_.certificates().end())
            return malformed("the PCK CRL in " + pck.file + ", by " + name_text(pck.crl.issuer) +
                             ", was signed by none of the CAs whose certificates are here");
        auto chain = chain_of("PCK CRL in " + pck.file, *signer);
        if (!chain) return std::unexpected(chain.error());
        if (!is_signed_by(of_root, root_->certificate))
            return malformed("the root CA's CRL in " + of_root.file + " was not signed by " + name_of(*root_));
        made.pck_crl = pck.der;
        made.root_ca_crl = of_root.der;
        made.pck_crl_issuer_chain = std::move(*chain);
        return {};
    }

    const CollateralFiles &files_;
    std::optional<Platform> platform_;
    CertificatePool pool_;
    const FoundCertificate *root_ = nullptr;
};

}  // namespace
}  // namespace mr::attestation

namespace mr {

std::expected<Collateral, Error> assemble_collateral(std::span<const CollateralFile> files, ByteView quote) {
    if (files.size() > max_collateral_files) {
        return std::unexpected(Error{ErrorCode::malformed, "there are " + std::to_string(files.size()) + " files: " +
                                                               std::to_string(max_collateral_files) + " are the most that are read"});
    }
    std::optional<attestation::Platform> platform;
    if (!quote.empty()) {
        auto read = attestation::platform_of(quote);
        if (!read) return std::unexpected(read.error());
        platform = std::move(*read);
    }
    attestation::CollateralFiles read;
    for (const auto &file : files) {
        if (auto done = read.read(file); !done) return std::unexpected(done.error());
    }
    return attestation::Assembly(read, std::move(platform)).assemble();
}

}  // namespace mr
