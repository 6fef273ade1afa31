// Extends hashed several at once, each way that this processor has, held against NIST's vectors and against OpenSSL.
#include "mrd/journal/extends_together.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "mr/bytes.h"
#include "tests/journal/fixture.h"

namespace mrd::journal {
namespace {

using sha384_lanes::at_once;
using sha384_lanes::Extend;
using sha384_lanes::Value;
using sha384_lanes::Way;

std::vector<Way> ways() {
    std::vector<Way> found;
    for (const auto way : {Way::avx2, Way::avx512}) {
        if (sha384_lanes::is_available(way)) found.push_back(way);
    }
    return found;
}

Value value_of(std::string_view hex) {
    const auto bytes = mr::from_hex(hex);
    Value value{};
    if (!bytes || bytes->size() != value.size()) ADD_FAILURE() << hex;
    if (bytes) std::copy_n(bytes->begin(), std::min(bytes->size(), value.size()), value.begin());
    return value;
}

// CAVP, SHA384ShortMsg, Len = 768: the message in two halves.
const Extend nist{value_of("0dc2b226b3431c69a76addc018fcbda22bd72c8ff01ed6549596798bd950f361c489a09c95cee2dcfd6401208ae6368d"),
                  value_of("6630026b417cc4718ccb8b42e8872937de66895fd09142c42f066bf0ef3ab2b03803a8185fb65fc7148c376ddd4bf58a")};
const auto nist_digest = value_of("aa645a4f8f602411260ace24d381f3f5dff0000c246343eb528e3dd027cd743815737906ac5c74ea83c2755e56b99509");

TEST(Sha384Lanes, EachLaneHashesWhatNistHashed) {
    for (const auto way : ways()) {
        for (std::size_t lane = 0; lane < at_once; ++lane) {
            std::array<Extend, at_once> extends{};
            extends[lane] = nist;
            EXPECT_EQ(sha384_lanes::extended(way, extends)[lane], nist_digest) << static_cast<int>(way) << " lane " << lane;
        }
    }
}

TEST(Sha384Lanes, AllLanesAgreeWithOpenSsl) {
    std::mt19937 random(7);
    const auto fill = [&](Value &value) { std::ranges::generate(value, [&] { return static_cast<std::uint8_t>(random()); }); };
    for (int round = 0; round < 2000; ++round) {
        std::array<Extend, at_once> extends;
        for (auto &[before, digest] : extends) {
            fill(before);
            fill(digest);
        }
        for (const auto way : ways()) {
            const auto values = sha384_lanes::extended(way, extends);
            for (std::size_t lane = 0; lane < at_once; ++lane) {
                const auto expected = mr::extend(algorithm, extends[lane].before, extends[lane].digest);
                ASSERT_TRUE(std::ranges::equal(values[lane], expected->bytes())) << static_cast<int>(way) << " lane " << lane;
            }
        }
    }
}

TEST(ExtendsTogether, NameTheFirstThatIsWrongWhereverItStands) {
    const auto before = digest_of(1);
    const auto right = extended(before, digest_of(2));
    for (const auto way : ways()) {
        for (std::size_t count = 1; count <= 2 * at_once + 1; ++count) {
            for (std::size_t wrong = 0; wrong <= count; ++wrong) {
                ExtendsTogether together(way);
                for (std::size_t i = 0; i < count; ++i) {
                    together.stand_at(100 + i);
                    // Behind the first wrong one are others.
                    ASSERT_TRUE(together.add(i, algorithm, before, digest_of(2), i < wrong ? right : digest_of(3)));
                }
                const auto found = together.first_wrong();
                ASSERT_EQ(found.has_value(), wrong < count);
                if (!found) continue;
                EXPECT_EQ(found->intent, wrong);
                EXPECT_EQ(found->offset, 100 + wrong);
            }
        }
    }
}

TEST(ExtendsTogether, WhatTheyCannotHashIsProvedAlone) {
    ExtendsTogether none(Way::none);
    EXPECT_FALSE(none.add(1, algorithm, digest_of(1), digest_of(2), digest_of(3)));
    ExtendsTogether best;
    const auto sha256 = mr::HashAlgorithm::sha256;
    EXPECT_FALSE(best.add(1, sha256, digest_of(1, sha256), digest_of(2, sha256), digest_of(3, sha256)));
    EXPECT_FALSE(best.first_wrong());
}

}  // namespace
}  // namespace mrd::journal
