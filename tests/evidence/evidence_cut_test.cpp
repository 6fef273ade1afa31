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

    EvidenceCut cut(std::vector<EvidenceCut::SignedQuote> quotes) {
        std::vector<mr::LogRegister> known;
        for (const auto *name : {"tdx/rtmr2", "tdx/rtmr3", "other/rtmr3"}) known.push_back({name, mr::HashAlgorithm::sha384, zero, zero});
        return EvidenceCut(std::move(quotes), known);
    }
    EvidenceCut cut(std::uint64_t first, std::vector<EvidenceCut::Signed> registers) {
        return cut({{.first = first, .registers = std::move(registers)}});
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
    EXPECT_EQ(found.logged(0, 1), after_two);
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

// Of two providers, between whose quotes both were extended: no place in the log is that of both.
TEST_F(Cut, OfQuotesOfDifferentMomentsEachHasItsOwnPlaceAndTheLogEndsAtTheLast) {
    const auto before = extended(zero, 1);
    const auto after = extended(zero, 3);
    auto two = cut({{.first = 1, .registers = {{"tdx/rtmr3", before}}}, {.first = 1, .registers = {{"other/rtmr3", after}}}});
    EXPECT_TRUE(run(two, {{"tdx/rtmr3", 1}, {"tdx/rtmr3", 2}, {"other/rtmr3", 3}, {"other/rtmr3", 4}}));
    EXPECT_EQ(two.sequence(), 3U);
    EXPECT_EQ(two.place(0), 1U);
    EXPECT_EQ(two.place(1), 3U);
    EXPECT_EQ(two.logged(0, 0), before) << "not what the log leads to at its end";
    EXPECT_EQ(two.logged(1, 0), after);
}

TEST_F(Cut, OfAQuoteThatHasItsPlaceDoesNotMoveWhileAnotherIsSought) {
    auto two = cut(
        {{.first = 0, .registers = {{"tdx/rtmr3", extended(zero, 1)}}}, {.first = 0, .registers = {{"other/rtmr3", extended(zero, 3)}}}});
    EXPECT_TRUE(run(two, {{"tdx/rtmr3", 1}, {"tdx/rtmr2", 2}, {"other/rtmr3", 3}}));
    EXPECT_EQ(two.place(0), 1U) << "though its registers hold the same values afterwards";
    EXPECT_EQ(two.place(1), 3U);
}

TEST_F(Cut, OfTwoQuotesOneWithoutAPlaceMeansThatTheLogIsNotExplained) {
    auto two = cut({{.first = 0, .registers = {{"tdx/rtmr3", zero}}}, {.first = 2, .registers = {{"other/rtmr3", zero}}}});
    EXPECT_FALSE(run(two, {{"tdx/rtmr3", 1}, {"other/rtmr3", 2}, {"tdx/rtmr3", 3}})) << "the second was asked for after event 2";
    EXPECT_EQ(two.place(0), 0U);
    EXPECT_FALSE(two.place(1));
    EXPECT_EQ(two.logged(0, 0), zero);
    EXPECT_EQ(two.logged(1, 0), extended(zero, 2)) << "what the log leads to at its end";
}

// What others extend by design explains nothing, and is told as the log has it at the quote's place.
TEST_F(Cut, IsThatOfTheOwnedRegistersAlone) {
    auto mixed = cut(0, {{"tdx/rtmr2", digest(9), mr::Owner::shared}, {"tdx/rtmr3", extended(zero, 2)}});
    EXPECT_TRUE(run(mixed, {{"tdx/rtmr2", 1}, {"tdx/rtmr3", 2}, {"tdx/rtmr2", 3}}));
    EXPECT_EQ(mixed.place(0), 2U);
    EXPECT_EQ(mixed.logged(0, 0), extended(zero, 1));
}

TEST_F(Cut, ARegisterThatTheLogDoesNotKnowIsNotExplained) {
    auto unknown = cut(0, {{"tdx/rtmr9", zero}});
    EXPECT_FALSE(run(unknown, {{"tdx/rtmr3", 1}}));
    EXPECT_FALSE(unknown.logged(0, 0));
}

}  // namespace
}  // namespace mrd
