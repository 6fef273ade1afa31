// A CCA token of the tests' own keys, every part of which can be set to something wrong before it is signed.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "libmr/src/cbor.h"
#include "mr/cca_token.h"
#include "mr/certificate.h"
#include "tests/attestation/pki/test_pki.h"

namespace mr {

namespace cca_test {

inline Bytes number(std::uint64_t value) {
    Bytes out;
    cbor::append_unsigned(out, value);
    return out;
}
inline Bytes text(std::string_view value) {
    Bytes out;
    cbor::append_text(out, value);
    return out;
}
inline Bytes bytes(ByteView value) {
    Bytes out;
    cbor::append_bytes(out, value);
    return out;
}
inline Bytes boolean(bool value) {
    Bytes out;
    cbor::append_bool(out, value);
    return out;
}
inline Bytes integer(std::int64_t value) {
    if (value >= 0) return number(static_cast<std::uint64_t>(value));
    auto out = number(static_cast<std::uint64_t>(-1 - value));
    out.front() |= 0x20;
    return out;
}

// Claims by number, each with its value as CBOR, in this order.
using ClaimList = std::vector<std::pair<std::int64_t, Bytes>>;
inline Bytes map(const ClaimList &claims) {
    Bytes out;
    cbor::append_map(out, claims.size());
    for (const auto &[key, value] : claims) {
        const auto encoded = integer(key);
        out.insert(out.end(), encoded.begin(), encoded.end());
        out.insert(out.end(), value.begin(), value.end());
    }
    return out;
}
inline void set(ClaimList &claims, std::int64_t key, Bytes value) {
    const auto at = std::ranges::find(claims, key, &ClaimList::value_type::first);
    if (at == claims.end()) {
        claims.emplace_back(key, std::move(value));
    } else {
        at->second = std::move(value);
    }
}
inline void remove(ClaimList &claims, std::int64_t key) {
    std::erase_if(claims, [&](const auto &each) { return each.first == key; });
}
inline Bytes array(std::vector<Bytes> items) {
    Bytes out;
    cbor::append_array(out, items.size());
    for (const auto &item : items) out.insert(out.end(), item.begin(), item.end());
    return out;
}

inline Bytes cose_key(ByteView key) {
    return map({{1, number(2)}, {-1, number(2)}, {-2, bytes(key.first(48))}, {-3, bytes(key.last(48))}});
}

}  // namespace cca_test

struct TestCcaToken {
    // The realm's profile; the early form has none.
    explicit TestCcaToken(std::optional<std::string_view> realm_profile = cca_realm_profile) {
        using namespace cca_test;  // NOLINT(google-build-using-namespace)
        platform = {{265, text(cca_platform_profile)},
                    {2396, bytes(Bytes(32, 0x11))},
                    {256, bytes(instance_id())},
                    {2401, bytes(Bytes{0xCF})},
                    {2395, number(0x3003)},
                    {2402, text("sha-256")},
                    {2399, array({component("BL1", 0x21), component("BL2", 0x22)})},
                    {2400, text("https://verifier.invalid")}};
        if (realm_profile) set(realm, 265, text(*realm_profile));
        set(realm, 10, bytes(challenge()));
        set(realm, 44236, text("sha-256"));
        set(realm, 44240, text("sha-256"));
        set(realm, 44235, bytes(Bytes(64, 0x50)));
        set(realm, 44238, bytes(Bytes(32, 0x61)));
        set(realm, 44239, array(std::vector<Bytes>(4, bytes(Bytes(32)))));
        if (realm_profile == cca_realm_profile_2) {
            set(realm, 256, bytes(Bytes(33, 0x02)));
            set(realm, 44243, number(1));
        }
        const auto &key = realm_key.public_key();
        raw_key = {0x04};
        raw_key.insert(raw_key.end(), key.begin(), key.end());
        if (realm_profile) raw_key = cose_key(key);
        set(realm, 44237, bytes(raw_key));
    }

    static Bytes instance_id() {
        Bytes id(33, 0x07);
        id.front() = 0x01;
        return id;
    }
    static Bytes challenge() {
        Bytes nonce(64);
        std::fill_n(nonce.begin(), 32, 0xC4);
        return nonce;
    }
    static Bytes component(std::string_view type, std::uint8_t byte) {
        using namespace cca_test;  // NOLINT(google-build-using-namespace)
        return map({{1, text(type)}, {5, bytes(Bytes(32, 0x99))}, {4, text("1.0")}, {2, bytes(Bytes(32, byte))}, {6, text("sha-256")}});
    }

    [[nodiscard]] TrustAnchors anchors() const {
        return {.roots = {},
                .platform_keys = {{.key = platform_key.public_key(), .instance_id = instance_id(), .implementation_id = Bytes(32, 0x11)}}};
    }

    [[nodiscard]] Bytes encode() const {
        using namespace cca_test;  // NOLINT(google-build-using-namespace)
        auto claims = platform;
        const auto binding = nonce ? *nonce : [&] {
            const auto digest = hash(HashAlgorithm::sha256, raw_key);
            return Bytes(digest->bytes().begin(), digest->bytes().end());
        }();
        if (std::ranges::find(claims, 10, &ClaimList::value_type::first) == claims.end()) claims.emplace_back(10, bytes(binding));
        const auto of_platform = sign(platform_key, platform_algorithm, map(claims));
        const auto of_realm = sign(realm_key, realm_algorithm, map(realm));
        Bytes out = outer_tag == cca_records_tag ? Bytes{0xD9, 0x03, 0x8B} : Bytes{0xD9, 0x01, 0x8F};
        const auto entry = [&](const Bytes &token) {
            return outer_tag == cca_records_tag ? array({number(content_format), bytes(token)}) : bytes(token);
        };
        const auto both = map({{44234, entry(of_platform)}, {44241, entry(of_realm)}});
        out.insert(out.end(), both.begin(), both.end());
        return out;
    }

    TestKey platform_key{TestCurve::p384};
    TestKey realm_key{TestCurve::p384};
    std::uint64_t outer_tag = cca_token_tag;
    std::uint64_t content_format = 263;  // of records
    cca_test::ClaimList platform;
    cca_test::ClaimList realm;
    Bytes raw_key;                    // as the realm's claim has it
    std::optional<Bytes> nonce = {};  // instead of the hash of raw_key
    std::int64_t platform_algorithm = cose_es384;
    std::int64_t realm_algorithm = cose_es384;
    // What both headers have, beside the algorithm.
    cca_test::ClaimList protected_parts = {};
    cca_test::ClaimList unprotected_parts = {};

private:
    [[nodiscard]] Bytes sign(const TestKey &key, std::int64_t algorithm, const Bytes &payload) const {
        using namespace cca_test;  // NOLINT(google-build-using-namespace)
        ClaimList parts{{1, integer(algorithm)}};
        parts.insert(parts.end(), protected_parts.begin(), protected_parts.end());
        const auto header = map(parts);
        const auto signature =
            key.sign(signed_bytes({.algorithm = algorithm, .protected_header = header, .payload = payload, .signature = {}}));
        Bytes out{0xD2};
        const auto rest = array({bytes(header), map(unprotected_parts), bytes(payload), bytes(signature)});
        out.insert(out.end(), rest.begin(), rest.end());
        return out;
    }
};

}  // namespace mr
