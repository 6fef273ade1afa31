#include "libmr/src/attestation/pki/x509.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libmr/src/attestation/pki/der.h"
#include "libmr/src/attestation/pki/rsa_pss.h"

namespace mr::attestation {
namespace {

// Object identifiers, as DER has them.
constexpr std::array<std::uint8_t, 3> oid_common_name = {0x55, 0x04, 0x03};
constexpr std::array<std::uint8_t, 3> oid_subject_key_id = {0x55, 0x1D, 0x0E};
constexpr std::array<std::uint8_t, 3> oid_key_usage = {0x55, 0x1D, 0x0F};
constexpr std::array<std::uint8_t, 3> oid_basic_constraints = {0x55, 0x1D, 0x13};
constexpr std::array<std::uint8_t, 3> oid_crl_number = {0x55, 0x1D, 0x14};
constexpr std::array<std::uint8_t, 3> oid_crl_distribution_points = {0x55, 0x1D, 0x1F};
constexpr std::array<std::uint8_t, 3> oid_authority_key_id = {0x55, 0x1D, 0x23};
constexpr std::array<std::uint8_t, 3> oid_extended_key_usage = {0x55, 0x1D, 0x25};
constexpr std::array<std::uint8_t, 9> oid_sgx_extension = {0x2A, 0x86, 0x48, 0x86, 0xF8, 0x4D, 0x01, 0x0D, 0x01};

// AlgorithmIdentifiers, whole. RFC 5758: of ECDSA without parameters.
constexpr std::array<std::uint8_t, 12> ecdsa_sha256 = {0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02};
constexpr std::array<std::uint8_t, 12> ecdsa_sha384 = {0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03};
// RFC 4055: SHA-384, MGF1 with SHA-384, a salt of 48 bytes. DER leaves out the trailer field, which is the default; AMD writes it all the same in most.
constexpr std::array<std::uint8_t, 67> rsa_pss_sha384 = {0x30, 0x41, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A, 0x30,
                                                         0x34, 0xA0, 0x0F, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
                                                         0x02, 0x02, 0x05, 0x00, 0xA1, 0x1C, 0x30, 0x1A, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86,
                                                         0xF7, 0x0D, 0x01, 0x01, 0x08, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
                                                         0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0xA2, 0x03, 0x02, 0x01, 0x30};
constexpr std::array<std::uint8_t, 72> rsa_pss_sha384_with_trailer = [] {
    std::array<std::uint8_t, 72> longer{};
    std::ranges::copy(rsa_pss_sha384, longer.begin());
    constexpr std::array<std::uint8_t, 5> trailer = {0xA3, 0x03, 0x02, 0x01, 0x01};
    std::ranges::copy(trailer, longer.begin() + rsa_pss_sha384.size());
    longer[1] += trailer.size();
    longer[14] += trailer.size();
    return longer;
}();

// SubjectPublicKeyInfo of an uncompressed point of P-256 and of P-384, up to the point's coordinates.
constexpr std::array<std::uint8_t, 27> p256_key_info = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06,
                                                        0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
constexpr std::array<std::uint8_t, 24> p384_key_info = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02,
                                                        0x01, 0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04};
// AlgorithmIdentifier of an RSA key, whole.
constexpr std::array<std::uint8_t, 15> rsa_key = {0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00};

bool is(ByteView bytes, ByteView expected) { return std::ranges::equal(bytes, expected); }

std::optional<SignatureAlgorithm> read_algorithm(DerReader &from) {
    const ByteView algorithm = from.element(DerTag::sequence).whole;
    if (is(algorithm, ecdsa_sha256)) return SignatureAlgorithm::ecdsa_p256_sha256;
    if (is(algorithm, ecdsa_sha384)) return SignatureAlgorithm::ecdsa_p384_sha384;
    if (is(algorithm, rsa_pss_sha384) || is(algorithm, rsa_pss_sha384_with_trailer)) return SignatureAlgorithm::rsa_pss_sha384;
    return std::nullopt;
}

// Empty: there is none of that algorithm.
Bytes read_signature(DerReader &from, SignatureAlgorithm algorithm) {
    const ByteView whole = from.bit_string();
    if (algorithm == SignatureAlgorithm::rsa_pss_sha384) {
        if (whole.size() < min_rsa_size || whole.size() > max_rsa_size) return {};
        return {whole.begin(), whole.end()};
    }
    DerReader bits(whole);
    auto pair = bits.inside(DerTag::sequence);
    const std::size_t half = (algorithm == SignatureAlgorithm::ecdsa_p256_sha256 ? p256_signature_size : p384_signature_size) / 2;
    Bytes signature(2 * half);
    for (std::size_t begin = 0; begin < signature.size(); begin += half) {
        const ByteView number = pair.unsigned_integer();
        if (!pair.ok() || number.size() > half) return {};
        std::ranges::copy(number, signature.begin() + static_cast<std::ptrdiff_t>(begin + half - number.size()));
    }
    return pair.finished() && bits.finished() ? signature : Bytes();
}

// The key of a certificate, out of its SubjectPublicKeyInfo. False: of another kind.
bool read_key(ByteView key_info, Certificate &certificate) {
    const auto is_point = [&](ByteView begin, std::size_t size) {
        return key_info.size() == begin.size() + size && is(key_info.first(begin.size()), begin);
    };
    if (is_point(p256_key_info, p256_key_size)) {
        certificate.key_kind = KeyKind::p256;
        certificate.key = key_info.last(p256_key_size);
        return true;
    }
    if (is_point(p384_key_info, p384_key_size)) {
        certificate.key_kind = KeyKind::p384;
        certificate.key = key_info.last(p384_key_size);
        return true;
    }
    DerReader outer(key_info);
    auto info = outer.inside(DerTag::sequence);
    const bool is_rsa = is(info.element(DerTag::sequence).whole, rsa_key);
    certificate.key_kind = KeyKind::rsa;
    certificate.key = info.bit_string();
    return is_rsa && info.finished() && read_rsa_key(certificate.key).has_value();
}

// The parts that certificates and CRLs have in common: SEQUENCE { what is signed, algorithm, signature }.
struct Signed {
    ByteView whole;
    ByteView content;
    ByteView algorithm_bytes;
    SignatureAlgorithm algorithm = SignatureAlgorithm::ecdsa_p256_sha256;
    Bytes signature;

    // What is signed names the algorithm, too: the same one in the same bytes.
    [[nodiscard]] bool is_named(DerReader &from) const { return is(from.element(DerTag::sequence).whole, algorithm_bytes); }
};
std::expected<Signed, std::string> read_signed(ByteView der) {
    DerReader document(der);
    auto outer = document.inside(DerTag::sequence);
    const auto signed_part = outer.element(DerTag::sequence);
    Signed read;
    read.whole = signed_part.whole;
    read.content = signed_part.content;
    if (!outer.ok() || !document.finished()) return std::unexpected("is not one DER structure");
    auto copy = outer;
    read.algorithm_bytes = copy.element(DerTag::sequence).whole;
    const auto algorithm = read_algorithm(outer);
    if (!algorithm) return std::unexpected("is signed by another algorithm than ECDSA with SHA-256 or SHA-384 and RSASSA-PSS with SHA-384");
    read.algorithm = *algorithm;
    read.signature = read_signature(outer, *algorithm);
    if (read.signature.empty() || !outer.finished())
        return std::unexpected("has a signature that is not one of P-256, P-384 or RSA, as its algorithm says");
    return read;
}

std::string_view text_of(ByteView bytes) { return {reinterpret_cast<const char *>(bytes.data()), bytes.size()}; }

// Calls visit(identifier, text) for each attribute of a name. False: not well formed, or a value that is not text.
template <typename Visitor>
bool walk_name(ByteView name, Visitor &&visit) {
    constexpr std::array text_tags = {DerTag::utf8_string, DerTag::printable_string, DerTag::ia5_string};
    DerReader outer(name);
    auto names = outer.inside(DerTag::sequence);
    while (names.more()) {
        auto attributes = names.inside(DerTag::set);
        while (attributes.more()) {
            auto attribute = attributes.inside(DerTag::sequence);
            const ByteView identifier = attribute.object_identifier();
            const DerElement value = attribute.any();
            if (!attribute.finished() || std::ranges::find(text_tags, DerTag{value.tag}) == text_tags.end()) return false;
            if (!is_text(text_of(value.content))) return false;
            visit(identifier, text_of(value.content));
        }
        if (!attributes.finished()) return false;
    }
    return names.finished() && outer.finished();
}

struct Extension {
    ByteView identifier;
    bool critical = false;
    ByteView value;
};
std::optional<Extension> read_extension(DerReader &from) {
    auto fields = from.inside(DerTag::sequence);
    Extension extension;
    extension.identifier = fields.object_identifier();
    if (fields.next_is(DerTag::boolean)) {
        extension.critical = fields.boolean().value_or(false);
        // DER leaves out what is the default.
        if (!extension.critical) return std::nullopt;
    }
    extension.value = fields.take(DerTag::octet_string);
    if (!fields.finished()) return std::nullopt;
    return extension;
}

// AuthorityKeyIdentifier with a key identifier; issuer and serial, which it may have too, say nothing more here.
std::optional<ByteView> read_authority_key_id(ByteView value) {
    DerReader outer(value);
    auto fields = outer.inside(DerTag::sequence);
    const ByteView key_id = fields.take(DerTag::context_0);
    while (fields.more()) (void)fields.any();
    if (!fields.finished() || !outer.finished() || key_id.empty()) return std::nullopt;
    return key_id;
}

// The bit string's bits, the first one lowest. AMD writes one more than DER has: the last one of its ASKs is zero.
std::optional<std::uint16_t> read_key_usage(ByteView value, SignatureAlgorithm algorithm) {
    DerReader outer(value);
    const ByteView bits = outer.take(DerTag::bit_string);
    if (!outer.finished() || bits.size() < 2 || bits.size() > 3 || bits[0] > 7) return std::nullopt;
    // Unused bits are zero, and the last used one is not (X.690, 11.2).
    if ((bits.back() & ((1U << bits[0]) - 1)) != 0) return std::nullopt;
    if (algorithm != SignatureAlgorithm::rsa_pss_sha384 && ((unsigned{bits.back()} >> bits[0]) & 1U) == 0) return std::nullopt;
    std::uint16_t usage = 0;
    for (std::size_t i = 0; i < (bits.size() - 1) * 8; ++i) {
        const bool set = ((bits[1 + i / 8] >> (7 - i % 8)) & 1U) != 0;
        usage = static_cast<std::uint16_t>(usage | (set ? 1U << i : 0U));
    }
    return usage;
}

std::optional<bool> read_basic_constraints(ByteView value, std::optional<std::uint64_t> &path_length) {
    DerReader outer(value);
    auto fields = outer.inside(DerTag::sequence);
    const bool is_authority = fields.next_is(DerTag::boolean);
    if (is_authority && !fields.boolean().value_or(false)) return std::nullopt;
    if (fields.next_is(DerTag::integer)) path_length = fields.small_integer();
    if (!fields.finished() || !outer.finished()) return std::nullopt;
    return is_authority;
}

std::optional<std::vector<std::string>> read_purposes(ByteView value) {
    std::vector<std::string> purposes;
    DerReader outer(value);
    auto all = outer.inside(DerTag::sequence);
    while (all.more() && purposes.size() <= max_purposes) purposes.push_back(object_identifier_text(all.object_identifier()));
    if (!all.finished() || !outer.finished() || purposes.empty()) return std::nullopt;
    return purposes;
}

// Each kind at most once. Error: what is wrong.
std::expected<void, std::string> take_extension(Certificate &certificate, const Extension &extension, CriticalPurposes purposes) {
    const auto keep = [](auto &field, auto value) -> std::expected<void, std::string> {
        if (field || !value) return std::unexpected("has an extension twice, or one that is not well formed");
        field = std::move(value);
        return {};
    };
    if (is(extension.identifier, oid_authority_key_id)) return keep(certificate.authority_key_id, read_authority_key_id(extension.value));
    if (is(extension.identifier, oid_subject_key_id)) {
        DerReader outer(extension.value);
        const ByteView key_id = outer.take(DerTag::octet_string);
        return keep(certificate.subject_key_id, outer.finished() && !key_id.empty() ? std::optional(key_id) : std::nullopt);
    }
    if (is(extension.identifier, oid_key_usage)) return keep(certificate.key_usage, read_key_usage(extension.value, certificate.algorithm));
    if (is(extension.identifier, oid_basic_constraints))
        return keep(certificate.is_authority, read_basic_constraints(extension.value, certificate.path_length));
    if (is(extension.identifier, oid_sgx_extension)) return keep(certificate.pck_extension, std::optional(extension.value));
    if (is(extension.identifier, oid_crl_distribution_points)) {
        if (std::exchange(certificate.has_crl_distribution_points, true)) return std::unexpected("has an extension twice");
        return {};
    }
    if (purposes == CriticalPurposes::read && is(extension.identifier, oid_extended_key_usage))
        return keep(certificate.purposes, read_purposes(extension.value));
    if (extension.critical) {
        return std::unexpected("has the extension " + object_identifier_text(extension.identifier) + ", which is critical and not known");
    }
    certificate.other_extensions.push_back({extension.identifier, extension.value});
    return {};
}

}  // namespace

std::expected<Certificate, std::string> parse_certificate(ByteView der, CriticalPurposes purposes) {
    auto outer = read_signed(der);
    if (!outer) return std::unexpected(std::move(outer.error()));
    Certificate certificate;
    certificate.der = der;
    certificate.signed_part = outer->whole;
    certificate.algorithm = outer->algorithm;
    certificate.signature = std::move(outer->signature);

    DerReader fields(outer->content);
    auto version = fields.inside(DerTag::constructed_context_0);
    constexpr std::uint64_t version_3 = 2;
    if (version.small_integer() != version_3 || !version.finished()) return std::unexpected("is not an X.509 certificate of version 3");
    certificate.serial = fields.unsigned_integer();
    if (!fields.ok()) return std::unexpected("has a serial number that is not a positive integer");
    if (!outer->is_named(fields)) return std::unexpected("names another algorithm than the one that it is signed by");
    certificate.issuer = fields.element(DerTag::sequence).whole;
    auto validity = fields.inside(DerTag::sequence);
    const auto not_before = validity.time();
    const auto not_after = validity.time();
    if (!validity.finished()) return std::unexpected("has a validity that is not two times");
    certificate.not_before = *not_before;
    certificate.not_after = *not_after;
    certificate.subject = fields.element(DerTag::sequence).whole;
    const ByteView key_info = fields.element(DerTag::sequence).whole;
    if (!fields.ok()) return std::unexpected("is not a well-formed certificate");
    if (!read_key(key_info, certificate)) return std::unexpected("has a key that is not one of ECDSA P-256 or P-384, or of RSA");

    std::size_t common_names = 0;
    const bool is_name = walk_name(certificate.subject, [&](ByteView identifier, std::string_view text) {
        if (!is(identifier, oid_common_name)) return;
        certificate.common_name = text;
        ++common_names;
    });
    if (!is_name || common_names != 1 || !walk_name(certificate.issuer, [](ByteView, std::string_view) {})) {
        return std::unexpected("has a name that is not well formed, or not one common name");
    }

    auto wrapped = fields.inside(DerTag::constructed_context_3);
    auto extensions = wrapped.inside(DerTag::sequence);
    while (extensions.more()) {
        const auto extension = read_extension(extensions);
        if (!extension || ++certificate.extensions > max_extensions) return std::unexpected("has extensions that are not well formed");
        if (auto done = take_extension(certificate, *extension, purposes); !done) return std::unexpected(std::move(done.error()));
    }
    if (!extensions.finished() || !wrapped.finished() || !fields.finished()) return std::unexpected("has no well-formed extensions");
    return certificate;
}

std::expected<Crl, std::string> parse_crl(ByteView der) {
    auto outer = read_signed(der);
    if (!outer) return std::unexpected(std::move(outer.error()));
    if (outer->algorithm == SignatureAlgorithm::ecdsa_p384_sha384)
        return std::unexpected("is signed by another algorithm than ECDSA with SHA-256 and RSASSA-PSS with SHA-384");
    Crl crl;
    crl.signed_part = outer->whole;
    crl.algorithm = outer->algorithm;
    crl.signature = std::move(outer->signature);

    DerReader fields(outer->content);
    constexpr std::uint64_t version_2 = 1;
    if (fields.small_integer() != version_2) return std::unexpected("is not a CRL of version 2");
    if (!outer->is_named(fields)) return std::unexpected("names another algorithm than the one that it is signed by");
    crl.issuer = fields.element(DerTag::sequence).whole;
    const auto this_update = fields.time();
    const auto next_update = fields.time();
    if (!fields.ok()) return std::unexpected("has no issuer or not two times");
    crl.this_update = *this_update;
    crl.next_update = *next_update;

    if (fields.next_is(DerTag::sequence)) {
        crl.entries = fields.take(DerTag::sequence);
        DerReader entries(crl.entries);
        while (entries.more()) {
            auto entry = entries.inside(DerTag::sequence);
            (void)entry.unsigned_integer();
            (void)entry.time();
            if (entry.more()) {
                auto extensions = entry.inside(DerTag::sequence);
                while (extensions.more()) {
                    const auto extension = read_extension(extensions);
                    // A critical one could say that the entry is of another issuer's certificate.
                    if (!extension || extension->critical) return std::unexpected("has an entry with extensions that are not known");
                }
                if (!extensions.finished()) return std::unexpected("has an entry that is not well formed");
            }
            if (!entry.finished()) return std::unexpected("has an entry that is not well formed");
        }
        if (!entries.finished()) return std::unexpected("has an entry that is not well formed");
    }

    auto wrapped = fields.inside(DerTag::constructed_context_0);
    auto extensions = wrapped.inside(DerTag::sequence);
    while (extensions.more()) {
        const auto extension = read_extension(extensions);
        if (!extension) return std::unexpected("has extensions that are not well formed");
        if (is(extension->identifier, oid_crl_number)) {
            DerReader number(extension->value);
            (void)number.unsigned_integer();
            if (!number.finished() || std::exchange(crl.has_number, true)) return std::unexpected("has not one CRL number");
        } else if (is(extension->identifier, oid_authority_key_id)) {
            if (crl.authority_key_id) return std::unexpected("has an extension twice");
            crl.authority_key_id = read_authority_key_id(extension->value);
        } else if (extension->critical) {
            // Such as the one that makes it a part of another CRL.
            return std::unexpected("has the extension " + object_identifier_text(extension->identifier) +
                                   ", which is critical and not known");
        }
    }
    if (!extensions.finished() || !wrapped.finished() || !fields.finished()) return std::unexpected("has no well-formed extensions");
    if (crl.algorithm == SignatureAlgorithm::ecdsa_p256_sha256 && (!crl.has_number || !crl.authority_key_id))
        return std::unexpected("has no CRL number or no authority key identifier");
    return crl;
}

bool Crl::revokes(ByteView serial) const {
    DerReader reader(entries);
    while (reader.more()) {
        auto entry = reader.inside(DerTag::sequence);
        if (is(entry.unsigned_integer(), serial)) return true;
    }
    return false;
}

std::string name_text(ByteView name) {
    constexpr std::array<std::string_view, 12> short_names = {"", "", "", "CN", "", "", "C", "L", "ST", "", "O", "OU"};
    std::string text;
    const bool good = walk_name(name, [&](ByteView identifier, std::string_view value) {
        if (!text.empty()) text += ", ";
        // id-at, RFC 5280, appendix A.
        const bool known = identifier.size() == 3 && is(identifier.first(2), std::array<std::uint8_t, 2>{0x55, 0x04}) &&
                           identifier[2] < short_names.size() && !short_names.at(identifier[2]).empty();
        text += known ? std::string(short_names.at(identifier[2])) : object_identifier_text(identifier);
        text += "=";
        text += value;
    });
    return good ? text : "(not a name)";
}

}  // namespace mr::attestation
