#include "libmr/src/attestation/tee/snp/snp_chain.h"

#include <algorithm>
#include <string_view>

#include "libmr/src/attestation/pki/amd_extensions.h"

namespace mr::attestation {
namespace {

constexpr std::string_view ask_prefix = "SEV-";
constexpr std::string_view asvk_prefix = "SEV-VLEK-";
constexpr std::string_view ark_prefix = "ARK-";

std::string named(const Certificate &certificate) { return "\"" + std::string(certificate.common_name) + "\""; }

std::string leaf_defect(const Certificate &leaf) {
    if (leaf.key_kind != KeyKind::p384) return named(leaf) + " has another key than one of ECDSA P-384";
    if (leaf.algorithm != SignatureAlgorithm::rsa_pss_sha384) return named(leaf) + " is not signed by RSASSA-PSS";
    if (leaf.is_authority.value_or(false)) return named(leaf) + " is an authority, which no key of reports is";
    return {};
}

std::string authority_defect(const Certificate &authority) {
    if (authority.key_kind != KeyKind::rsa || authority.algorithm != SignatureAlgorithm::rsa_pss_sha384)
        return named(authority) + " is not one of RSA";
    if (!authority.is_authority.value_or(false) || !authority.may(usage_certificate_sign))
        return named(authority) + " may not sign certificates";
    return {};
}

class ChainSearch {
public:
    ChainSearch(CertificatePool &pool, const TrustAnchors &anchors, const SignedByKey &signed_by)
        : pool_(pool), anchors_(anchors), signed_by_(signed_by) {}

    SnpChain find(std::span<const Bytes> given, bool wants_vlek) {
        found_.defect = defect_in(given, wants_vlek);
        return std::move(found_);
    }

private:
    std::string defect_in(std::span<const Bytes> given, bool wants_vlek) {
        for (std::size_t i = 0; i < given.size(); ++i) {
            const auto certificate = pool_.read(given[i]);
            if (!certificate) return "certificate " + std::to_string(i + 1) + " of those beside the report " + certificate.error();
            sort_in(**certificate);
        }
        if (leaves_.empty()) return "there is no certificate of the report's key beside it: neither VCEK nor VLEK";
        found_.leaf = choose_leaf(wants_vlek ? vlek_name : vcek_name);
        found_.is_vlek = found_.leaf->common_name == vlek_name;
        auto key = read_snp_key_extensions(*found_.leaf);
        if (!key) return named(*found_.leaf) + " " + key.error();
        found_.key = std::move(*key);
        if (auto defect = leaf_defect(*found_.leaf); !defect.empty()) return defect;
        if (auto defect = find_authority(); !defect.empty()) return defect;
        return find_root();
    }

    // A chip has a VCEK for each TCB that it ever had: of several it is the one whose key signed the report.
    const Certificate *choose_leaf(std::string_view wanted_name) {
        std::vector<const Certificate *> wanted;
        std::ranges::copy_if(leaves_, std::back_inserter(wanted),
                             [&](const Certificate *leaf) { return leaf->common_name == wanted_name; });
        if (wanted.empty()) return leaves_.front();
        if (wanted.size() == 1) return wanted.front();
        const auto found = std::ranges::find_if(wanted, [this](const Certificate *leaf) { return signed_by_(*leaf); });
        return found == wanted.end() ? wanted.front() : *found;
    }

    void sort_in(const Certificate &certificate) {
        if (is_snp_key(certificate)) {
            leaves_.push_back(&certificate);
        } else if (std::ranges::equal(certificate.subject, certificate.issuer)) {
            roots_.push_back(&certificate);
        } else {
            authorities_.push_back(&certificate);
        }
    }

    std::string find_authority() {
        if (authorities_.empty()) {
            for (const auto &der : amd_authorities()) authorities_.push_back(pool_.read(der).value());
        }
        found_.authority = issuer_among(authorities_, *found_.leaf);
        if (found_.authority == nullptr)
            return named(*found_.leaf) + ", issued by " + name_text(found_.leaf->issuer) + ", was not issued by an authority that is there";
        const auto &authority = *found_.authority;
        const auto prefix = found_.is_vlek ? asvk_prefix : ask_prefix;
        if (authority.common_name.starts_with(prefix)) found_.product = product_named(authority.common_name.substr(prefix.size()));
        if (!found_.product)
            return named(authority) + " stands where " + std::string(prefix) + "Milan, Genoa or Turin should, which issues " +
                   std::string(found_.leaf->common_name);
        return authority_defect(authority);
    }

    std::string find_root() {
        if (roots_.empty()) {
            for (const auto &der : anchors_.roots) {
                if (const auto root = pool_.read(der)) roots_.push_back(*root);
            }
        }
        const auto &authority = *found_.authority;
        found_.root = issuer_among(roots_, authority);
        if (found_.root == nullptr) return named(authority) + " was not issued by a root that is given or trusted";
        // Its whole name: a test's root has the common name of AMD's.
        if (!is_anchor(*found_.root, anchors_)) return "the chain's root \"" + name_text(found_.root->subject) + "\" is not a trust anchor";
        const auto name = std::string(ark_prefix) + std::string(to_string(*found_.product));
        if (found_.root->common_name != name) return named(*found_.root) + " stands where \"" + name + "\" should";
        return {};
    }

    // "Milan", and nothing behind it.
    static std::optional<SnpProduct> product_named(std::string_view name) {
        const auto product = snp_product_from(name);
        return product && to_string(*product) == name ? product : std::nullopt;
    }

    const Certificate *issuer_among(std::span<const Certificate *const> candidates, const Certificate &certificate) {
        const auto found =
            std::ranges::find_if(candidates, [&](const Certificate *each) { return pool_.is_issued_by(certificate, *each); });
        return found == candidates.end() ? nullptr : *found;
    }

    CertificatePool &pool_;
    const TrustAnchors &anchors_;
    const SignedByKey &signed_by_;
    std::vector<const Certificate *> leaves_;
    std::vector<const Certificate *> authorities_;
    std::vector<const Certificate *> roots_;
    SnpChain found_;
};

}  // namespace

std::vector<const Certificate *> SnpChain::certificates() const {
    std::vector<const Certificate *> all;
    for (const auto *each : {leaf, authority, root}) {
        if (each != nullptr) all.push_back(each);
    }
    return all;
}

SnpChain find_snp_chain(CertificatePool &pool, std::span<const Bytes> given, bool wants_vlek, const TrustAnchors &anchors,
                        const SignedByKey &signed_by) {
    return ChainSearch(pool, anchors, signed_by).find(given, wants_vlek);
}

}  // namespace mr::attestation
