#include "mrd/evidence/log_cut.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "mr/envelope.h"

namespace mrd {
namespace {

constexpr std::size_t least = 10;

class LogCutTest : public ::testing::Test {
protected:
    // An event that has so much content beside what it keeps.
    void add(std::optional<std::int64_t> uid, std::size_t content) { cut_.add(uid, {least + content, least}); }
    void own(std::size_t content) { add(std::nullopt, content); }

    // "+" for an event that stays whole, "-" for one that is cut.
    std::string decisions() const {
        std::string text;
        for (const bool cut : cut_.decide()) text += cut ? '-' : '+';
        return text;
    }

    LogCut cut_{1000};
};

TEST_F(LogCutTest, WhatFitsStaysWhole) {
    cut_.add_header(20);
    own(500);
    add(7, 460);
    EXPECT_TRUE(cut_.fits());
    EXPECT_EQ(decisions(), "++");
    add(7, 0);
    EXPECT_FALSE(cut_.fits());
    EXPECT_TRUE(cut_.fits_when_cut());
    EXPECT_EQ(decisions(), "+-+") << "there is nothing in the last one to cut";
}

TEST_F(LogCutTest, DigestsAloneCanBeTooMany) {
    for (int i = 0; i < 100; ++i) add(0, 1);
    EXPECT_TRUE(cut_.fits_when_cut());
    EXPECT_EQ(decisions(), std::string(100, '-'));
    add(0, 0);
    EXPECT_FALSE(cut_.fits_when_cut());
}

TEST_F(LogCutTest, TheLargestOfAUidAreCutFirstAndOfEquallyLargeOnesTheLatest) {
    for (const std::size_t content : {100U, 300U, 20U, 300U, 300U, 50U}) add(0, content);
    // 940 are left for contents of 1,070.
    EXPECT_EQ(decisions(), "++++-+");
}

TEST_F(LogCutTest, OthersAreCutBeforeRootAndRootBeforeWhatIsMrdsOwn) {
    add(7, 300);
    add(0, 300);
    own(300);
    add(0, 300);
    add(8, 300);
    EXPECT_EQ(decisions(), "-+++-");
    own(300);
    EXPECT_EQ(decisions(), "-++--+");
    own(300);
    own(300);
    EXPECT_EQ(decisions(), "--+--++-");
}

TEST_F(LogCutTest, AUidThatHasLittleLosesNothingToOneThatHasMuch) {
    for (int i = 0; i < 20; ++i) add(7, 60);
    add(8, 100);
    add(9, 200);
    // 780 are left: 100 and 200 for those who need no more, the rest for eight of the first one's.
    EXPECT_EQ(decisions(), std::string(8, '+') + std::string(12, '-') + "++");
}

TEST_F(LogCutTest, UidsThatNeedMoreThanThereIsHaveEqualParts) {
    for (int i = 0; i < 6; ++i) add(7, 140);
    for (int i = 0; i < 8; ++i) add(8, 140);
    // 860 are left: 430 for each.
    EXPECT_EQ(decisions(), "+++---+++-----");
}

TEST_F(LogCutTest, NoNumberOfUidsPushesOutWhatBelongsToTheBoot) {
    // What is left for content is the boot's to the byte.
    LogCut cut(3003 * least + 11'000);
    cut.add(std::nullopt, {least + 5000, least});
    cut.add(0, {least + 5000, least});
    for (std::int64_t uid = 1; uid <= 1000; ++uid) {
        for (const std::size_t content : {1U, 30U, 400U}) cut.add(uid, {least + content, least});
    }
    cut.add(0, {least + 1000, least});
    ASSERT_TRUE(cut.fits_when_cut());
    const auto decided = cut.decide();
    EXPECT_FALSE(decided.front());
    EXPECT_FALSE(decided.at(1));
    EXPECT_FALSE(decided.back());
    EXPECT_EQ(std::ranges::count(decided, true), 3000);
}

TEST(CutEvent, KeepsWhatTheRegisterNeedsAndNothingThatAClientSaid) {
    const mr::Bytes digest(48, 7);
    const mr::Bytes data(100, 1);
    mr::Event event;
    event.sequence = 5;
    event.name = "tdx/rtmr3";
    event.index = 4;
    event.type = mr::ev_ipl;
    event.digests = {{mr::tcg_id(mr::HashAlgorithm::sha384), digest}};
    event.data = data;
    event.description = "said";
    event.time = 1;
    event.caller = mr::EventCaller{};
    event.id = "id";
    event.origin = mr::EventOrigin::service;
    EventCutter cutter;
    const auto cut = cutter.cut(event);
    EXPECT_EQ(cut.sequence, 5U);
    EXPECT_EQ(cut.name, "tdx/rtmr3");
    EXPECT_EQ(cut.index, 4U);
    EXPECT_EQ(cut.type, mr::ev_ipl);
    EXPECT_EQ(cut.origin, mr::EventOrigin::service);
    ASSERT_EQ(cut.digests.size(), 1U);
    EXPECT_TRUE(std::ranges::equal(cut.digests[0].value, digest));
    EXPECT_FALSE(cut.data || cut.description || cut.time || cut.caller || cut.id);
}

TEST(CutEvent, OfAnEnvelopeStaysTheRedactedFormWhichHasTheSameDigest) {
    const auto envelope = mr::encode_envelope(
        {.header = {.type = "measure", .register_name = "tdx/rtmr3"}, .body = {.description = "kernel", .data = mr::Bytes(5000, 1)}});
    const auto digest = mr::envelope_digest(envelope, mr::HashAlgorithm::sha384).value();
    mr::Event event;
    event.name = "tdx/rtmr3";
    event.index = 4;
    event.type = mr::ev_event_tag;
    event.digests = {{mr::tcg_id(mr::HashAlgorithm::sha384), digest.bytes()}};
    event.data = envelope;
    event.description = "kernel";
    event.origin = mr::EventOrigin::service;
    EventCutter cutter;
    const auto cut = cutter.cut(event);
    ASSERT_TRUE(cut.data);
    EXPECT_EQ(mr::envelope_form(*cut.data), mr::EnvelopeForm::redacted);
    EXPECT_EQ(mr::envelope_digest(*cut.data, mr::HashAlgorithm::sha384).value(), digest);
    EXPECT_EQ(mr::decode_redacted_envelope(*cut.data)->header.type, "measure");
    EXPECT_FALSE(cut.description);
    EXPECT_LT(cut.data->size(), 200U);
}

TEST(CutEvent, HasNothingOfTheOneBefore) {
    const auto envelope =
        mr::encode_envelope({.header = {.type = "measure", .register_name = "tdx/rtmr3"}, .body = {.description = "kernel"}});
    const auto digest = mr::envelope_digest(envelope, mr::HashAlgorithm::sha384).value();
    mr::Event event;
    event.sequence = 1;
    event.name = "tdx/rtmr3";
    event.type = mr::ev_event_tag;
    event.digests = {{mr::tcg_id(mr::HashAlgorithm::sha384), digest.bytes()}};
    event.data = envelope;
    event.origin = mr::EventOrigin::service;
    EventCutter cutter;
    EXPECT_TRUE(cutter.cut(event).data);
    const mr::Bytes other(32, 7);
    event.sequence = 2;
    event.name = "tdx/rtmr2";
    event.type = mr::ev_ipl;
    event.digests = {{mr::tcg_id(mr::HashAlgorithm::sha256), other}};
    event.data = other;
    const auto &cut = cutter.cut(event);
    EXPECT_FALSE(cut.data);
    EXPECT_EQ(cut.sequence, 2U);
    EXPECT_EQ(cut.name, "tdx/rtmr2");
    EXPECT_EQ(cut.type, mr::ev_ipl);
    ASSERT_EQ(cut.digests.size(), 1U);
    EXPECT_TRUE(std::ranges::equal(cut.digests[0].value, other));
}

TEST(CutEvent, WhatOnlyLooksLikeAnEnvelopeInAnotherEventIsCutLikeAnyData) {
    const auto envelope =
        mr::encode_envelope({.header = {.type = "measure", .register_name = "tdx/rtmr0"}, .body = {.data = mr::Bytes(5000, 1)}});
    const mr::Bytes digest(48, 7);
    mr::Event event;
    event.name = "tdx/rtmr0";
    event.type = mr::ev_event_tag;
    event.digests = {{mr::tcg_id(mr::HashAlgorithm::sha384), digest}};
    event.data = envelope;
    event.origin = mr::EventOrigin::firmware;
    EventCutter cutter;
    EXPECT_FALSE(cutter.cut(event).data);
}

TEST(CutEvent, LeavesResyncsCapsAndWhatIsNeverExtendedAsTheyAre) {
    EventCutter cutter;
    const mr::Bytes data(10, 1);
    const mr::Bytes digest(48, 7);
    mr::Event resync;
    resync.name = "tdx/rtmr3";
    resync.origin = mr::EventOrigin::resync;
    resync.data = data;
    EXPECT_TRUE(cutter.cut(resync).data);
    mr::Event began;
    began.name = "pcr0";
    began.type = mr::ev_no_action;
    began.data = data;
    EXPECT_TRUE(cutter.cut(began).data);
    const auto envelope = mr::encode_envelope({.header = {.type = "cap", .register_name = "tdx/rtmr3"}});
    mr::Event cap;
    cap.name = "tdx/rtmr3";
    cap.type = mr::ev_separator;
    cap.origin = mr::EventOrigin::service;
    cap.data = envelope;
    cap.digests = {{mr::tcg_id(mr::HashAlgorithm::sha384), digest}};
    EXPECT_TRUE(cutter.cut(cap).data);
    cap.origin = mr::EventOrigin::firmware;
    EXPECT_TRUE(cutter.cut(cap).data) << "another mrd's, before this one";
}

}  // namespace
}  // namespace mrd
