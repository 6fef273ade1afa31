// What a caller trusts, as his file has it.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "libmr/src/attestation/malformed.h"
#include "libmr/src/attestation/pki/der.h"
#include "libmr/src/attestation/pki/ecdsa.h"
#include "libmr/src/attestation/pki/pem.h"
#include "libmr/src/attestation/pki/x509.h"
#include "libmr/src/base64url.h"
#include "libmr/src/event_log/json_common.h"
#include "mr/certificate.h"
#include "proto/varlink/value.h"

namespace mr {
namespace {

using attestation::malformed;

// Of a key that may be no point of its curve. Error: malformed.
std::expected<Bytes, Error> checked(Bytes key, const std::string &which) {
    if (!attestation::is_curve_point(key)) return malformed(which + ": its x and y are no point of its curve: this is no key");
    return key;
}

struct JwkCurve {
    std::string_view name;
    std::size_t coordinate;  // bytes
};
constexpr std::array jwk_curves = {JwkCurve{"P-256", attestation::p256_key_size / 2}, JwkCurve{"P-384", attestation::p384_key_size / 2}};

// RFC 7518, section 6.2.1.
std::expected<Bytes, Error> key_from_jwk(varlink::Value jwk, const std::string &which) {
    const auto text = [&](std::string_view member) {
        const auto value = jwk.find(member);
        return value ? value->as_string() : std::nullopt;
    };
    if (text("kty") != "EC") return malformed(which + ": a JWK of kty \"EC\" is wanted");
    const auto *const curve = std::ranges::find_if(jwk_curves, [name = text("crv")](const JwkCurve &each) { return name == each.name; });
    if (curve == jwk_curves.end()) return malformed(which + ": crv is neither P-256 nor P-384");
    Bytes key;
    for (const std::string_view member : {"x", "y"}) {
        const auto coordinate = from_base64url(text(member).value_or(std::string_view()));
        if (!coordinate || coordinate->size() != curve->coordinate)
            return malformed(which + ": " + std::string(member) + " is not " + std::to_string(curve->coordinate) + " bytes in base64url");
        key.insert(key.end(), coordinate->begin(), coordinate->end());
    }
    return checked(std::move(key), which);
}

std::expected<PlatformKey, Error> platform_key_from(varlink::Value entry, const std::string &which) {
    if (entry.kind() != varlink::Kind::object) return malformed(which + " is not an object");
    PlatformKey made;
    bool has_key = false;
    for (auto member = entry.first(); member; member = member->next()) {
        if (member->key() == "pkey" && !has_key) {
            auto key = key_from_jwk(*member, which);
            if (!key) return std::unexpected(std::move(key.error()));
            made.key = std::move(*key);
            has_key = true;
            continue;
        }
        auto *const id = member->key() == "instance-id"         ? &made.instance_id
                         : member->key() == "implementation-id" ? &made.implementation_id
                                                                : nullptr;
        if (id == nullptr || *id)
            return malformed(which + ": the member " + std::string(member->key()) +
                             " is unknown or given twice; there are pkey, instance-id and implementation-id");
        auto bytes = from_hex(member->as_string().value_or(std::string_view()));
        if (!bytes || bytes->empty()) return malformed(which + ": " + std::string(member->key()) + " is not hexadecimal");
        *id = std::move(*bytes);
    }
    if (!has_key) return malformed(which + " has no pkey");
    return made;
}

std::expected<TrustAnchors, Error> anchors_from_json(std::string_view text) {
    varlink::Document document;
    if (!document.parse(text)) return malformed("the file begins as JSON, and is none");
    TrustAnchors anchors;
    const auto root = document.root();
    if (root.kind() == varlink::Kind::object) {
        auto key = key_from_jwk(root, "the key");
        if (!key) return std::unexpected(std::move(key.error()));
        anchors.platform_keys.push_back({.key = std::move(*key)});
        return anchors;
    }
    if (root.size() > max_platform_keys) return malformed("more than " + std::to_string(max_platform_keys) + " platform keys");
    for (auto entry = root.first(); entry; entry = entry->next()) {
        auto made = platform_key_from(*entry, "platform key " + std::to_string(anchors.platform_keys.size() + 1));
        if (!made) return std::unexpected(std::move(made.error()));
        anchors.platform_keys.push_back(std::move(*made));
    }
    if (anchors.platform_keys.empty()) return malformed("the file has no platform key");
    return anchors;
}

// SubjectPublicKeyInfo (RFC 5480): an uncompressed point, of one of the curves by its size.
std::expected<Bytes, Error> key_from_info(ByteView der, const std::string &which) {
    using attestation::DerTag;
    attestation::DerReader file(der);
    auto info = file.inside(DerTag::sequence);
    info.inside(DerTag::sequence);
    const auto point = info.bit_string();
    constexpr std::uint8_t uncompressed = 0x04;
    if (!file.finished() || !info.finished() || point.empty() || point[0] != uncompressed)
        return malformed(which + " is no SubjectPublicKeyInfo of a point on a curve");
    return checked(Bytes(point.begin() + 1, point.end()), which);
}

}  // namespace

std::expected<TrustAnchors, Error> parse_trust_anchors(ByteView file) {
    if (file.size() > max_certificate_file_size)
        return malformed("the file has " + std::to_string(file.size()) + " bytes: " + std::to_string(max_certificate_file_size) +
                         " are the most that are read");
    const auto text = event_log::without_byte_order_mark(event_log::as_text(file));
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first != std::string_view::npos && (text[first] == '{' || text[first] == '[')) return anchors_from_json(text);
    TrustAnchors anchors;
    const auto keys = attestation::public_keys_in_text(text);
    if (!keys) return std::unexpected(keys.error());
    for (const auto &der : *keys) {
        auto key = key_from_info(der, "public key " + std::to_string(anchors.platform_keys.size() + 1) + " of the file");
        if (!key) return std::unexpected(std::move(key.error()));
        anchors.platform_keys.push_back({.key = std::move(*key)});
    }
    // Where there are keys there need be none.
    auto certificates = keys->empty() ? find_certificates(file) : attestation::certificates_in_text(text);
    if (!certificates) return std::unexpected(std::move(certificates.error()));
    for (std::size_t i = 0; i < certificates->size(); ++i) {
        if (const auto certificate = attestation::parse_certificate((*certificates)[i]); !certificate) {
            return std::unexpected(
                Error{ErrorCode::malformed, "root certificate " + std::to_string(i + 1) + " of the file " + certificate.error()});
        }
    }
    anchors.roots = std::move(*certificates);
    return anchors;
}

}  // namespace mr
