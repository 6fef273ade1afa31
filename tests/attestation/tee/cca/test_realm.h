// A realm of the tests' own: its token, and the log of two events that leads to REM 1.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "tests/attestation/tee/cca/test_token.h"
#include "tests/event_log/built_log.h"

namespace mr {

// By one of the rules that are in circulation (cca_token.h).
using RemRule = Digest (*)(HashAlgorithm, ByteView old, ByteView digest);

inline Digest rem_by_digest(HashAlgorithm algorithm, ByteView old, ByteView digest) { return extend(algorithm, old, digest).value(); }
inline Digest rem_by_padded_digest(HashAlgorithm algorithm, ByteView old, ByteView digest) {
    Bytes input(128);
    std::ranges::copy(old, input.begin());
    std::ranges::copy(digest, input.begin() + 64);
    return hash(algorithm, input).value();
}
// It keeps nothing of the old value.
inline Digest rem_of_last(HashAlgorithm algorithm, ByteView /*old*/, ByteView digest) { return hash(algorithm, digest).value(); }

struct TestRealm {
    explicit TestRealm(HashAlgorithm hash = HashAlgorithm::sha256, RemRule by = rem_by_digest) : algorithm(hash), rule(by) {
        for (const char *content : {"first", "second"}) {
            auto event = measured("cca/rem1", content, {algorithm});
            event.origin = EventOrigin::service;
            event.sequence = events.size() + 1;
            events.push_back(std::move(event));
        }
        const auto zero = Digest::zero(algorithm);
        for (int i = 0; i < 4; ++i) registers.push_back({"cca/rem" + std::to_string(i), algorithm, zero, zero});
        sign();
    }

    // The token has what the events lead to.
    void sign() {
        using namespace cca_test;  // NOLINT(google-build-using-namespace)
        const auto zero = Digest::zero(algorithm);
        rem1 = zero;
        for (const auto &event : events) rem1 = rule(algorithm, rem1.bytes(), event.digests.front().second);
        set(token.realm, 44236, text(algorithm == HashAlgorithm::sha256 ? "sha-256" : "sha-512"));
        set(token.realm, 44238, bytes(zero.bytes()));
        set(token.realm, 44239, array({bytes(zero.bytes()), bytes(rem1.bytes()), bytes(zero.bytes()), bytes(zero.bytes())}));
    }

    HashAlgorithm algorithm;
    RemRule rule;
    TestCcaToken token;
    std::vector<OwnedEvent> events;
    std::vector<LogRegister> registers;
    Digest rem1;
};

}  // namespace mr
