#include "mrd/evidence/evidence_cut.h"

#include <gtest/gtest.h>

namespace mrd {
namespace {

class Cut : public testing::Test {
protected:
    static mr::Digest digest(std::uint8_t byte) { return mr::Digest(mr::Bytes(48, byte)); }
    static mr::Digest extended(const mr::Digest &old, std::uint8_t byte) {
        return *mr::extend(mr::HashAlgorithm::sha384, old.bytes(), digest(byte).bytes());
    }

    EvidenceCut cut(std::uint64_t first, std::vector<EvidenceCut::Signed> registers) {
        EvidenceCut result(first, std::move(registers));
        for (const auto *name : {"tdx/rtmr2", "tdx/rtmr3"}) result.declare({name, mr::HashAlgorithm::sha384, zero, zero});
        return result;
    }

    // Until the place is found; false: there is none.
    static bool run(EvidenceCut &cut, const std::vector<std::pair<std::string, std::uint8_t>> &events) {
        std::uint64_t sequence = 0;
        for (const auto &[name, byte] : events) {
            if (cut.found()) return true;
            const auto value = digest(byte);
            mr::Event event;
            event.sequence = ++sequence;
            event.name = name;
            event.index = *mr::tcg_index(name);
            event.type = mr::ev_ipl;
            event.origin = mr::EventOrigin::service;
            event.digests = {{mr::tcg_id(mr::HashAlgorithm::sha384), value.bytes()}};
            EXPECT_TRUE(cut.apply(event));
        }
        return cut.found();
    }

    mr::Digest zero = mr::Digest::zero(mr::HashAlgorithm::sha384);
};

TEST_F(Cut, IsWhereTheLogLeadsToEverySignedValue) {
    const auto after_two = extended(extended(zero, 1), 3);
    auto found = cut(0, {{"tdx/rtmr2", extended(zero, 2)}, {"tdx/rtmr3", after_two}});
    EXPECT_TRUE(run(found, {{"tdx/rtmr3", 1}, {"tdx/rtmr2", 2}, {"tdx/rtmr3", 3}, {"tdx/rtmr3", 4}, {"tdx/rtmr2", 5}}));
    EXPECT_EQ(found.sequence(), 3U);
    EXPECT_EQ(found.logged("tdx/rtmr3"), after_two);
}

// The quote was taken after event 2, so values of before prove a stale quote.
TEST_F(Cut, IsNeverBeforeTheQuoteWasAskedFor) {
    auto stale = cut(2, {{"tdx/rtmr3", extended(zero, 1)}});
    EXPECT_FALSE(run(stale, {{"tdx/rtmr3", 1}, {"tdx/rtmr3", 2}, {"tdx/rtmr3", 3}}));
    auto fresh = cut(1, {{"tdx/rtmr3", extended(zero, 1)}});
    EXPECT_TRUE(run(fresh, {{"tdx/rtmr3", 1}, {"tdx/rtmr3", 2}}));
}

TEST_F(Cut, IsNotFoundWhereTheRegistersHeldTheirValuesAtDifferentTimes) {
    auto mixed = cut(0, {{"tdx/rtmr2", extended(zero, 2)}, {"tdx/rtmr3", zero}});
    EXPECT_FALSE(run(mixed, {{"tdx/rtmr3", 1}, {"tdx/rtmr2", 2}}));
}

TEST_F(Cut, OfAnEmptyLogIsItsBeginning) {
    auto empty = cut(0, {{"tdx/rtmr3", zero}});
    EXPECT_TRUE(run(empty, {}));
    EXPECT_EQ(empty.sequence(), 0U);
    auto other = cut(0, {{"tdx/rtmr3", digest(1)}});
    EXPECT_FALSE(run(other, {}));
}

TEST_F(Cut, ARegisterThatTheLogDoesNotKnowIsNotExplained) {
    auto unknown = cut(0, {{"tdx/rtmr9", zero}});
    EXPECT_FALSE(run(unknown, {{"tdx/rtmr3", 1}}));
    EXPECT_FALSE(unknown.logged("tdx/rtmr9"));
}

}  // namespace
}  // namespace mrd
