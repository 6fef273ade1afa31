// Manifests of a device's maker that the tests write and sign.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mr/corim.h"
#include "tests/attestation/tee/cca/test_token.h"
#include "tests/attestation/tee/spdm/device_sample.h"

namespace mr::corim_test {

using namespace cca_test;  // NOLINT(google-build-using-namespace): writers of CBOR

inline Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const auto &part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}
inline Bytes tagged(std::uint64_t tag, const Bytes &item) {
    auto head = number(tag);
    head.front() |= 0xC0;
    return joined({head, item});
}

inline Bytes digest_value(std::int64_t algorithm, ByteView digest) { return array({integer(algorithm), bytes(digest)}); }
inline Bytes measurement(std::uint64_t index, const ClaimList &values) { return map({{0, number(index)}, {1, map(values)}}); }
inline Bytes environment(std::string_view vendor, std::string_view model) { return map({{0, map({{1, text(vendor)}, {2, text(model)}})}}); }

// A CoMID with those measurements of one environment.
inline Bytes comid(const std::vector<Bytes> &measurements, std::string_view model = "WIDGET") {
    return tagged(506, bytes(map({{1, map({{0, text("tag-" + std::string(model))}})},
                                  {4, map({{0, array({array({environment("ACME", model), array(measurements)})})}})}})));
}
inline Bytes manifest(const std::vector<Bytes> &comids, ClaimList more = {}) {
    ClaimList claims{{0, text("acme-widget-1")}, {1, array(comids)}};
    claims.insert(claims.end(), more.begin(), more.end());
    return tagged(501, map(claims));
}

struct TestSigner {
    TestKey key{TestCurve::p384};

    // `claims`: of a CWT, in the place of the CoRIM's own map.
    [[nodiscard]] Bytes sign(const Bytes &payload, std::int64_t algorithm = cose_es384, const std::optional<Bytes> &claims = {}) const {
        const auto header = map({{1, integer(algorithm)},
                                 {3, text("application/rim+cbor")},
                                 claims ? std::pair<std::int64_t, Bytes>{15, *claims}
                                        : std::pair<std::int64_t, Bytes>{8, bytes(map({{0, map({{0, text("ACME")}})}}))}});
        const CoseSign1 token{.algorithm = algorithm, .protected_header = header, .payload = payload, .signature = {}};
        return tagged(18, array({bytes(header), map({}), bytes(payload), bytes(key.sign(signed_bytes(token)))}));
    }

    // SubjectPublicKeyInfo in PEM.
    [[nodiscard]] std::string pem() const {
        auto der = from_hex("3076301006072a8648ce3d020106052b8104002203620004").value();
        der.insert(der.end(), key.public_key().begin(), key.public_key().end());
        return "-----BEGIN PUBLIC KEY-----\n" + to_base64(der) + "\n-----END PUBLIC KEY-----\n";
    }
};

// All that the device shows.
inline std::vector<Bytes> measurements_of(const DeviceSample &device) {
    std::vector<Bytes> all;
    for (const auto &block : *device.evidence.blocks) {
        if (const auto svn = spdm_security_version(block)) {
            all.push_back(measurement(block.index, {{1, tagged(553, number(*svn))}}));
        } else if (block.is_raw) {
            all.push_back(measurement(block.index, {{4, tagged(560, bytes(block.value))}}));
        } else {
            all.push_back(measurement(block.index, {{2, array({digest_value(7, block.value)})}}));
        }
    }
    return all;
}

}  // namespace mr::corim_test
