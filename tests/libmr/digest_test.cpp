#include "mr/digest.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace mr {
namespace {

std::string hex(const Digest &digest) { return to_hex(digest.bytes()); }

Hasher hasher_for(HashAlgorithm algorithm) {
    auto hasher = Hasher::open(algorithm);
    EXPECT_TRUE(hasher.has_value());
    return std::move(*hasher);
}

constexpr std::string_view sha384_of_abc =
    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7";
constexpr std::string_view sha384_of_nothing =
    "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b";

// The examples of FIPS 180-4 and of GB/T 32905, A.1.
TEST(Digest, TheStandardsVectorsOfAbcHold) {
    const std::pair<HashAlgorithm, std::string_view> vectors[] = {
        {HashAlgorithm::sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {HashAlgorithm::sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {HashAlgorithm::sha384, sha384_of_abc},
        {HashAlgorithm::sha512,
         "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
         "454d4423643ce80e2a9ac94fa54ca49f"},
        {HashAlgorithm::sm3_256, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"},
    };
    for (const auto &[algorithm, expected] : vectors) {
        const auto digest = hash(algorithm, as_bytes("abc"));
        if (!digest) {
            EXPECT_EQ(digest.error().code, ErrorCode::not_supported);  // this OpenSSL may have it switched off
            continue;
        }
        EXPECT_EQ(hex(*digest), expected) << to_string(algorithm);
        EXPECT_EQ(digest->size(), digest_size(algorithm));
    }
}

TEST(Digest, NamesAndAlgorithmsMapBothWays) {
    for (const auto algorithm :
         {HashAlgorithm::sha1, HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512, HashAlgorithm::sm3_256}) {
        EXPECT_EQ(hash_algorithm_from(to_string(algorithm)), algorithm);
        EXPECT_EQ(Digest::zero(algorithm).size(), digest_size(algorithm));
        EXPECT_EQ(hex(Digest::zero(algorithm)), std::string(2 * digest_size(algorithm), '0'));
    }
    EXPECT_EQ(hash_algorithm_from("SHA384"), std::nullopt);
    EXPECT_EQ(hash_algorithm_from(""), std::nullopt);
}

TEST(Digest, DigestsOfOtherLengthOrBytesDiffer) {
    EXPECT_EQ(Digest(as_bytes("ab")), Digest(as_bytes("ab")));
    EXPECT_NE(Digest(as_bytes("ab")), Digest(as_bytes("ac")));
    EXPECT_NE(Digest::zero(HashAlgorithm::sha256), Digest::zero(HashAlgorithm::sha384));
}

TEST(Hasher, PiecesGiveTheDigestOfTheWhole) {
    Hasher hasher = hasher_for(HashAlgorithm::sha384);
    EXPECT_EQ(hex(hasher.update(as_bytes("a")).update({}).update(as_bytes("bc")).finish()), sha384_of_abc);
}

TEST(Hasher, FinishStartsItAnew) {
    Hasher hasher = hasher_for(HashAlgorithm::sha384);
    EXPECT_EQ(hex(hasher.finish()), sha384_of_nothing);
    EXPECT_EQ(hex(hasher.update(as_bytes("abc")).finish()), sha384_of_abc);
    EXPECT_EQ(hex(hasher.finish()), sha384_of_nothing);
}

TEST(Hasher, HashAndExtendDropWhatAnUpdateLeft) {
    Hasher hasher = hasher_for(HashAlgorithm::sha384);
    hasher.update(as_bytes("left over"));
    EXPECT_EQ(hex(hasher.hash(as_bytes("abc"))), sha384_of_abc);
    hasher.update(as_bytes("left over"));
    EXPECT_EQ(hex(hasher.extend(as_bytes("a"), as_bytes("bc"))), sha384_of_abc);
}

TEST(Hasher, StaysUsableWhereItIsMovedTo) {
    Hasher first = hasher_for(HashAlgorithm::sha384);
    first.update(as_bytes("ab"));
    Hasher second = std::move(first);
    EXPECT_EQ(hex(second.update(as_bytes("c")).finish()), sha384_of_abc);
    EXPECT_EQ(second.algorithm(), HashAlgorithm::sha384);
}

// head -c 96 /dev/zero | sha384sum
TEST(Extend, TheFirstExtendOfAZeroRegisterIsTheHashOfOldThenDigest) {
    const Digest zero = Digest::zero(HashAlgorithm::sha384);
    const auto value = extend(HashAlgorithm::sha384, zero.bytes(), zero.bytes());
    ASSERT_TRUE(value);
    EXPECT_EQ(hex(*value), "f57bb7ed82c6ae4a29e6c9879338c592c7d42a39135583e8ccbe3940f2344b0eb6eb8503db0ffd6a39ddd00cd07d8317");
}

TEST(Extend, OldComesBeforeTheDigest) {
    const auto value = extend(HashAlgorithm::sha384, as_bytes("ab"), as_bytes("c"));
    ASSERT_TRUE(value);
    EXPECT_EQ(hex(*value), sha384_of_abc);
}

TEST(Hasher, ManyThreadsMayOpenHashersAtOnce) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([] {
            for (int round = 0; round < 100; ++round) {
                EXPECT_EQ(hex(hasher_for(HashAlgorithm::sha384).hash(as_bytes("abc"))), sha384_of_abc);
            }
        });
    }
    for (auto &thread : threads) {
        thread.join();
    }
}

}  // namespace
}  // namespace mr
