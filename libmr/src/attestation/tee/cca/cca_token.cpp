#include "mr/cca_token.h"

#include <algorithm>
#include <string>
#include <utility>

#include "libmr/src/attestation/malformed.h"
#include "libmr/src/cbor_claims.h"

namespace mr {
namespace {

using attestation::malformed;
using cbor::Claim;
using cbor::Major;
using cbor::Reader;
using cbor::Required;
using cbor::take_bytes;
using cbor::take_number;
using cbor::take_text;
using cbor::Wrong;
using cbor::wrong;

constexpr std::uint64_t cose_sign1_tag = 18;
constexpr std::uint64_t eat_cwt_content_format = 263;

// Keys of the outer map.
constexpr std::int64_t platform_token_key = 44234;
constexpr std::int64_t realm_token_key = 44241;

Claim take_hash(Reader &reader, ByteView &to) { return take_bytes(reader, to, {32, 48, 64}); }

Claim take_integer(Reader &reader, std::int64_t &to) {
    const auto number = reader.read_integer();
    if (!number) return wrong(std::string(number.error()));
    to = *number;
    return true;
}
Claim take_bool(Reader &reader, bool &to) {
    const auto value = reader.read_bool();
    if (!value) return wrong(std::string(value.error()));
    to = *value;
    return true;
}

template <typename ReadClaim>
Wrong read_map(Reader &reader, ReadClaim &&read) {
    return cbor::read_claims(reader, max_cca_claims, std::forward<ReadClaim>(read));
}

template <typename Value, typename Take, typename... More>
Claim take_optional(Reader &reader, std::optional<Value> &to, Take take, More... more) {
    return take(reader, to.emplace(), more...);
}

namespace claim {
constexpr std::int64_t challenge = 10;  // the platform's nonce
constexpr std::int64_t instance_id = 256;
constexpr std::int64_t profile = 265;
constexpr std::int64_t client_id = 2394;
constexpr std::int64_t lifecycle = 2395;
constexpr std::int64_t implementation_id = 2396;
constexpr std::int64_t components = 2399;
constexpr std::int64_t service = 2400;
constexpr std::int64_t config = 2401;
constexpr std::int64_t platform_hash_algorithm = 2402;
constexpr std::int64_t manufacturing_config = 2403;
constexpr std::int64_t extension = 2404;
constexpr std::int64_t boot_keys = 2405;
constexpr std::int64_t peer_signers = 2406;
constexpr std::int64_t personalization = 44235;
constexpr std::int64_t realm_hash_algorithm = 44236;
constexpr std::int64_t realm_key = 44237;
constexpr std::int64_t rim = 44238;
constexpr std::int64_t rem = 44239;
constexpr std::int64_t realm_key_hash_algorithm = 44240;
constexpr std::int64_t mec_policy = 44243;
}  // namespace claim

// An array of maps, each with the keys that are wanted.
template <typename Item, typename TakeMember>
Claim take_maps(Reader &reader, std::vector<Item> &to, const std::string &what, const Required &wanted, TakeMember take_member) {
    const auto size = reader.read_array();
    if (!size) return wrong(std::string(size.error()));
    if (*size > max_cca_components) return wrong("there are more than " + std::to_string(max_cca_components) + " " + what + "s");
    for (std::size_t i = 0; i < *size; ++i) {
        auto &item = to.emplace_back();
        auto required = wanted;
        auto read = read_map(reader, [&](std::int64_t key) -> Claim {
            required.see(key);
            return take_member(item, key);
        });
        if (read) read = required.check(what + " " + std::to_string(i + 1));
        if (!read) return wrong(std::move(read.error()));
    }
    return true;
}

Claim take_components(Reader &reader, std::vector<CcaComponent> &to) {
    return take_maps(reader, to, "component", Required{2, 5}, [&](CcaComponent &component, std::int64_t key) -> Claim {
        switch (key) {
        case 1: return take_optional(reader, component.type, take_text);
        case 2: return take_hash(reader, component.measurement);
        case 4: return take_optional(reader, component.version, take_text);
        case 5: return take_hash(reader, component.signer_id);
        case 6: return take_optional(reader, component.hash_algorithm, take_text);
        default: return false;
        }
    });
}

Claim take_devices(Reader &reader, std::vector<CcaDevice> &to) {
    return take_maps(reader, to, "device", Required{2, 3, 4, 5}, [&](CcaDevice &device, std::int64_t key) -> Claim {
        switch (key) {
        case 1: return take_optional(reader, device.hash_algorithm, take_text);
        case 2: return take_hash(reader, device.measurements);
        case 3: return take_hash(reader, device.certificate_chain);
        case 4: return take_bool(reader, device.uses_ide);
        case 5: return take_text(reader, device.protocol);
        case 6: return take_hash(reader, device.vca.emplace());
        case 7: return take_optional(reader, device.type, take_text);
        case 8: return take_optional(reader, device.encryption, take_number);
        default: return false;
        }
    });
}

Claim take_boot_keys(Reader &reader, std::vector<CcaBootKey> &to) {
    return take_maps(reader, to, "boot key", Required{1, 2, 3, 4}, [&](CcaBootKey &key, std::int64_t member) -> Claim {
        switch (member) {
        case 1: return take_text(reader, key.name);
        case 2: return take_integer(reader, key.array);
        case 3: return take_integer(reader, key.index);
        case 4: return take_hash(reader, key.hash);
        default: return false;
        }
    });
}

// The number of RMM 2.0, or the word of draft-ffm-rats-cca-token-03.
Claim take_mec_policy(Reader &reader, std::optional<std::uint64_t> &to) {
    if (reader.next() != Major::text) return take_number(reader, to.emplace());
    std::string_view word;
    if (auto taken = take_text(reader, word); !taken) return taken;
    if (word != "shared" && word != "private") return wrong("it is neither \"shared\" nor \"private\"");
    to = word == "private" ? 1 : 0;
    return true;
}

Claim take_rem(Reader &reader, std::array<ByteView, 4> &to) {
    const auto size = reader.read_array();
    if (!size) return wrong(std::string(size.error()));
    if (*size != to.size()) return wrong("there are " + std::to_string(*size) + " of it, four are wanted");
    for (auto &each : to) {
        if (auto taken = take_hash(reader, each); !taken) return taken;
    }
    return true;
}

Wrong read_platform(ByteView payload, CcaPlatformClaims &to) {
    Reader reader(payload);
    Required required{claim::profile, claim::challenge, claim::implementation_id, claim::instance_id,
                      claim::config,  claim::lifecycle, claim::components,        claim::platform_hash_algorithm};
    auto read = read_map(reader, [&](std::int64_t key) -> Claim {
        required.see(key);
        switch (key) {
        case claim::profile: return take_text(reader, to.profile);
        case claim::challenge: return take_hash(reader, to.nonce);
        case claim::implementation_id: return take_bytes(reader, to.implementation_id, {cca_implementation_id_size});
        case claim::instance_id: return take_bytes(reader, to.instance_id, {cca_instance_id_size});
        case claim::config: return take_bytes(reader, to.config);
        case claim::lifecycle: return take_number(reader, to.lifecycle);
        case claim::platform_hash_algorithm: return take_text(reader, to.hash_algorithm);
        case claim::components: return take_components(reader, to.components);
        case claim::service: return take_optional(reader, to.service, take_text);
        case claim::client_id: return take_optional(reader, to.client_id, take_integer);
        case claim::manufacturing_config: return take_bytes(reader, to.manufacturing_config.emplace());
        case claim::extension: return take_devices(reader, to.devices);
        case claim::boot_keys: return take_boot_keys(reader, to.boot_keys);
        case claim::peer_signers: return take_bytes(reader, to.peer_signers.emplace());
        default: return false;
        }
    });
    if (!read) return read;
    if (!reader.at_end()) return wrong("something follows the claims");
    if (auto checked = required.check("the platform"); !checked) return checked;
    if (to.instance_id.front() != 0x01) return wrong("claim 256 of the platform does not begin with 0x01");
    return {};
}

Wrong read_realm(ByteView payload, CcaRealmClaims &to) {
    Reader reader(payload);
    Required required{claim::challenge, claim::personalization,         claim::realm_hash_algorithm, claim::realm_key, claim::rim,
                      claim::rem,       claim::realm_key_hash_algorithm};
    auto read = read_map(reader, [&](std::int64_t key) -> Claim {
        required.see(key);
        switch (key) {
        case claim::profile: return take_optional(reader, to.profile, take_text);
        case claim::challenge: return take_bytes(reader, to.challenge, {cca_challenge_size});
        case claim::personalization: return take_bytes(reader, to.personalization, {64});
        case claim::realm_hash_algorithm: return take_text(reader, to.hash_algorithm);
        case claim::realm_key: return take_bytes(reader, to.key);
        case claim::realm_key_hash_algorithm: return take_text(reader, to.key_hash_algorithm);
        case claim::rim: return take_hash(reader, to.rim);
        case claim::rem: return take_rem(reader, to.rem);
        case claim::instance_id: return take_bytes(reader, to.instance_id.emplace());
        case claim::mec_policy: return take_mec_policy(reader, to.mec_policy);
        default: return false;
        }
    });
    if (!read) return read;
    if (!reader.at_end()) return wrong("something follows the claims");
    return required.check("the realm");
}

// A header (RFC 9052, section 3.1), with `algorithm` where it is protected. A content type and a key's id change nothing of what is signed, nor of whose key it
// has to be; what could is refused: what is critical, claims (RFC 9597), an algorithm that nobody signed. A label that is text is nobody's but who wrote it: it is passed
// over.
Wrong read_header(Reader &reader, std::optional<std::int64_t> *algorithm) {
    return read_map(reader, [&](std::int64_t label) -> Claim {
        std::string_view text;
        std::uint64_t number = 0;
        ByteView key_id;
        switch (label) {
        case 1: return algorithm == nullptr ? wrong("an algorithm has to be protected") : take_optional(reader, *algorithm, take_integer);
        case 3: return reader.next() == Major::text ? take_text(reader, text) : take_number(reader, number);
        case 4: return take_bytes(reader, key_id);
        default: return wrong("beside the algorithm a header has a content type and a key's id, and no other");
        }
    });
}

Wrong read_sign1(ByteView token, CoseSign1 &to) {
    Reader reader(token);
    const auto in_place = [&](std::string_view what) {
        return wrong("byte " + std::to_string(reader.offset()) + ": " + std::string(what));
    };
    if (reader.read_tag() != cose_sign1_tag) return in_place("the tag 18 of a COSE_Sign1 is wanted here");
    if (reader.read_array() != std::size_t{4}) return in_place("an array of four is wanted here");
    const auto header = reader.read_bytes();
    if (!header) return in_place(header.error());
    to.protected_header = *header;
    if (auto read = read_header(reader, nullptr); !read) return wrong("unprotected header: " + read.error());
    for (auto *part : {&to.payload, &to.signature}) {
        const auto bytes = reader.read_bytes();
        if (!bytes) return in_place(bytes.error());
        *part = *bytes;
    }
    if (!reader.at_end()) return in_place("something follows the signature");
    Reader protected_header(to.protected_header);
    std::optional<std::int64_t> algorithm;
    if (auto read = read_header(protected_header, &algorithm); !read) return wrong("protected header: " + read.error());
    if (!algorithm || !protected_header.at_end()) return wrong("the protected header is not one map with an algorithm");
    to.algorithm = *algorithm;
    return {};
}

Wrong read_token(ByteView token, CcaToken &to) {
    if (token.size() > max_cca_token_size) return wrong("more than " + std::to_string(max_cca_token_size) + " bytes");
    Reader reader(token);
    const auto tag = reader.read_tag();
    if (!tag || (*tag != cca_token_tag && *tag != cca_records_tag)) return wrong("it begins with neither of the tags 399 and 907");
    to.outer_tag = *tag;
    ByteView platform;
    ByteView realm;
    Required required{platform_token_key, realm_token_key};
    auto read = read_map(reader, [&](std::int64_t key) -> Claim {
        if (key != platform_token_key && key != realm_token_key) return false;
        required.see(key);
        if (to.has_records() && (reader.read_array() != std::size_t{2} || reader.read_unsigned() != eat_cwt_content_format))
            return wrong("a record of the content format 263 is wanted here");
        return take_bytes(reader, key == platform_token_key ? platform : realm);
    });
    if (!read) return read;
    if (auto checked = required.check("the token"); !checked) return checked;
    if (!reader.at_end()) return wrong("something follows the token");
    const auto in = [](const char *which, Wrong done) -> Wrong {
        if (!done) return wrong(std::string(which) + " token: " + done.error());
        return done;
    };
    for (auto done : {in("platform", read_sign1(platform, to.platform_token)), in("realm", read_sign1(realm, to.realm_token))}) {
        if (!done) return done;
    }
    if (auto done = in("platform", read_platform(to.platform_token.payload, to.platform)); !done) return done;
    return in("realm", read_realm(to.realm_token.payload, to.realm));
}

template <typename Read>
std::expected<Read, Error> decoded(ByteView bytes, Wrong (*read)(ByteView, Read &), const char *what) {
    Read made;
    if (auto done = read(bytes, made); !done) return malformed(std::string(what) + ": " + done.error());
    return made;
}

// A COSE_Key (RFC 9053, section 7.1) of the curve P-384. It may have an id and say its algorithm, and nothing else (RFC 9052, section 7.1).
std::expected<Bytes, std::string> key_from_cose(ByteView bytes) {
    constexpr std::uint64_t key_type_ec2 = 2;
    constexpr std::uint64_t curve_p384 = 2;
    constexpr std::size_t coordinate = 48;
    Reader reader(bytes);
    std::uint64_t type = 0;
    std::uint64_t curve = 0;
    std::int64_t algorithm = cose_es384;
    ByteView id;
    ByteView x;
    ByteView y;
    const auto read = read_map(reader, [&](std::int64_t label) -> Claim {
        switch (label) {
        case 1: return take_number(reader, type);
        case 2: return take_bytes(reader, id);
        case 3: return take_integer(reader, algorithm);
        case -1: return take_number(reader, curve);
        case -2: return take_bytes(reader, x, {coordinate});
        case -3: return take_bytes(reader, y, {coordinate});
        default: return wrong("there is no such label");
        }
    });
    if (!read) return std::unexpected(read.error());
    if (!reader.at_end()) return std::unexpected("something follows it");
    if (type != key_type_ec2) return std::unexpected("label 1: the type is not EC2");
    if (curve != curve_p384) return std::unexpected("label -1: it is of another curve");
    if (algorithm != cose_es384) return std::unexpected("label 3: the algorithm is not ES384");
    if (x.empty() || y.empty()) return std::unexpected("labels -2 and -3: both coordinates are wanted");
    Bytes key(x.begin(), x.end());
    key.insert(key.end(), y.begin(), y.end());
    return key;
}

}  // namespace

std::string_view to_string(CcaLifecycle lifecycle) {
    switch (lifecycle) {
    case CcaLifecycle::unknown: return "unknown";
    case CcaLifecycle::assembly_and_test: return "assembly and test";
    case CcaLifecycle::provisioning: return "provisioning";
    case CcaLifecycle::secured: return "secured";
    case CcaLifecycle::platform_debug: return "non-CCA platform debug";
    case CcaLifecycle::recoverable_platform_debug: return "recoverable CCA platform debug";
    case CcaLifecycle::decommissioned: return "decommissioned";
    }
    return {};
}

CcaLifecycle cca_lifecycle(std::uint64_t claim) {
    const auto state = claim >> 8U;
    if (claim > 0xFFFF || (state & 0xFU) != 0) return CcaLifecycle::unknown;
    switch (state >> 4U) {
    case 1: return CcaLifecycle::assembly_and_test;
    case 2: return CcaLifecycle::provisioning;
    case 3: return CcaLifecycle::secured;
    case 4: return CcaLifecycle::platform_debug;
    case 5: return CcaLifecycle::recoverable_platform_debug;
    case 6: return CcaLifecycle::decommissioned;
    default: return CcaLifecycle::unknown;
    }
}

Bytes signed_bytes(const CoseSign1 &token) {
    Bytes bytes;
    cbor::append_array(bytes, 4);
    cbor::append_text(bytes, "Signature1");
    cbor::append_bytes(bytes, token.protected_header);
    cbor::append_bytes(bytes, {});
    cbor::append_bytes(bytes, token.payload);
    return bytes;
}

std::expected<CcaToken, Error> decode_cca_token(ByteView token) { return decoded<CcaToken>(token, read_token, "CCA token"); }
std::expected<CcaRealmClaims, Error> decode_cca_realm_claims(ByteView claims) {
    if (claims.size() > max_cca_token_size) return malformed("realm claims: more than " + std::to_string(max_cca_token_size) + " bytes");
    return decoded<CcaRealmClaims>(claims, read_realm, "realm claims");
}
std::expected<CcaPlatformClaims, Error> decode_cca_platform_claims(ByteView claims) {
    if (claims.size() > max_cca_token_size) return malformed("platform claims: more than " + std::to_string(max_cca_token_size) + " bytes");
    return decoded<CcaPlatformClaims>(claims, read_platform, "platform claims");
}

bool begins_cca_token(ByteView file) {
    const auto tag = Reader(file.first(std::min<std::size_t>(file.size(), 3))).read_tag();
    return tag && (*tag == cca_token_tag || *tag == cca_records_tag);
}

std::expected<Bytes, Error> cca_realm_key(const CcaRealmClaims &claims) {
    if (claims.profile) {
        auto key = key_from_cose(claims.key);
        if (!key) return malformed("the realm's key is no COSE_Key of the curve P-384, as its profile wants it: " + key.error());
        return std::move(*key);
    }
    constexpr std::size_t point_size = 97;
    if (claims.key.size() != point_size || claims.key.front() != 0x04)
        return malformed("the realm's key is no uncompressed point of P-384, as the early form has it");
    return Bytes(claims.key.begin() + 1, claims.key.end());
}

std::optional<HashAlgorithm> cca_hash_algorithm(std::string_view name) {
    if (name == "sha-256") return HashAlgorithm::sha256;
    if (name == "sha-384") return HashAlgorithm::sha384;
    if (name == "sha-512") return HashAlgorithm::sha512;
    return std::nullopt;
}

}  // namespace mr
