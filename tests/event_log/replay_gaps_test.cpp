// Where somebody else extended a register: what resyncs say of it, and what a log declares of its start.
#include <gtest/gtest.h>

#include <string>

#include "mr/event_log.h"
#include "tests/event_log/built_log.h"

namespace mr {
namespace {

using enum HashAlgorithm;

// ---- Resyncs

TEST(ReplayOfResyncs, AResyncThatTheEventsLeadToJoins) {
    const auto a = measured("rtmr3", "a");
    const auto found = filled(0x77);
    const auto expected = extended(Digest::zero(sha384), {a});
    auto resynced = resync("rtmr3", expected.bytes(), found.bytes());
    resynced.sequence = 2;
    const auto b = measured("rtmr3", "b");
    Replay replay;
    apply_all(replay, {a, resynced, b});
    const auto *rtmr3 = replay.find("rtmr3");
    ASSERT_NE(rtmr3, nullptr);
    EXPECT_EQ(rtmr3->value, extended(found, {resynced, b}));
    EXPECT_EQ(rtmr3->events, 3);
    ASSERT_EQ(rtmr3->gaps.size(), 1);
    EXPECT_EQ(rtmr3->gaps[0].sequence, 2);
    EXPECT_EQ(rtmr3->gaps[0].expected, expected);
    EXPECT_EQ(rtmr3->gaps[0].found, found);
    EXPECT_TRUE(rtmr3->gaps[0].joins);
    EXPECT_TRUE(rtmr3->consistent());
}

TEST(ReplayOfResyncs, AResyncThatTheEventsDoNotLeadToDoesNotJoinAndTheReplayGoesOnFromWhatWasFound) {
    const auto found = filled(0x77);
    const auto resynced = resync("rtmr3", filled(0x11).bytes(), found.bytes());
    Replay replay;
    apply_all(replay, {measured("rtmr3", "a"), resynced});
    const auto *rtmr3 = replay.find("rtmr3");
    ASSERT_EQ(rtmr3->gaps.size(), 1);
    EXPECT_EQ(rtmr3->gaps[0].expected, filled(0x11));
    EXPECT_FALSE(rtmr3->gaps[0].joins);
    EXPECT_FALSE(rtmr3->consistent());
    EXPECT_EQ(rtmr3->value, extended(found, {resynced}));
}

TEST(ReplayOfResyncs, OneGapThatDoesNotJoinMakesARegisterInconsistent) {
    ReplayedRegister with_gaps;
    with_gaps.gaps.resize(3);
    with_gaps.gaps[0].joins = with_gaps.gaps[2].joins = true;
    EXPECT_FALSE(with_gaps.consistent());
    with_gaps.gaps[1].joins = true;
    EXPECT_TRUE(with_gaps.consistent());
}

TEST(ReplayOfResyncs, WhatIsNotBoundOrNoResyncIsAnEventLikeAnyOther) {
    const auto found = filled(0x77);
    const auto good = resync("rtmr3", Digest::zero(sha384).bytes(), found.bytes());
    auto unbound = good;
    unbound.digests[0].second[0] ^= 1;
    // A file whose content is a resync's data.
    const auto file = measured("rtmr3", *good.data, {sha384}, ev_event_tag);
    auto without_data = good;
    without_data.data.reset();
    const auto short_value = resync("rtmr3", Bytes(32, 0), Bytes(32, 0x77));
    // Other lengths of one value alone; one is longer than any digest.
    const auto short_expected = resync("rtmr3", Bytes(32, 0), found.bytes());
    const auto long_expected = resync("rtmr3", Bytes(max_digest_size + 1, 0), found.bytes());
    const auto long_found = resync("rtmr3", Digest::zero(sha384).bytes(), Bytes(max_digest_size + 1, 0x77));
    const auto short_found = resync("rtmr3", Digest::zero(sha384).bytes(), Bytes(47, 0x77));
    const auto tagged = [](std::string_view type, std::string_view reg, const EnvelopeBody &body) {
        return enveloped("rtmr3", Envelope{.header = {.type = std::string(type), .register_name = std::string(reg)}, .body = body});
    };
    const Bytes expected_bytes(48, 0);
    const Bytes found_bytes(48, 0x77);
    auto virtual_register = resync_envelope("rtmr3", Digest::zero(sha384).bytes(), found.bytes());
    virtual_register.header = {.type = "resync", .id = VirtualRegisterId{}};
    for (const auto &event :
         {unbound, file, without_data, short_value, short_expected, long_expected, long_found, short_found,
          tagged("cap", "tdx/rtmr3", {.expected = expected_bytes, .found = found_bytes}),
          tagged("resync", "tdx/rtmr3", {.expected = expected_bytes}), tagged("resync", "tdx/rtmr3", {.found = found_bytes}),
          tagged("resync", "tdx/rtmr2", {.expected = expected_bytes, .found = found_bytes}), enveloped("rtmr3", virtual_register)}) {
        Replay replay;
        apply_all(replay, {event});
        const auto *rtmr3 = replay.find("rtmr3");
        EXPECT_TRUE(rtmr3->gaps.empty());
        EXPECT_EQ(rtmr3->value, extended(Digest::zero(sha384), {event}));
    }
    // None of these had anything to do with the good one, and what type the log claims has nothing either.
    auto other_type = good;
    other_type.type = ev_ipl;
    for (const auto &event : {good, other_type}) {
        Replay replay;
        apply_all(replay, {event});
        EXPECT_EQ(replay.find("rtmr3")->gaps.size(), 1);
    }
}

TEST(ReplayOfResyncs, ARedactedResyncOrCapBreaksTheReplay) {
    for (const std::string type : {"resync", "cap", "measure"}) {
        const RedactedEnvelope redacted{.header = {.type = type, .register_name = "tdx/rtmr3"}, .body_digests = {filled(0x11)}};
        auto event = measured("rtmr3", encode_redacted_envelope(redacted));
        const auto digest = envelope_digest(redacted, sha384).value();
        event.digests[0].second.assign(digest.bytes().begin(), digest.bytes().end());
        for (const auto origin : {EventOrigin::firmware, EventOrigin::service, EventOrigin::resync}) {
            event.origin = origin;
            Replay replay;
            const auto applied = replay.apply(event.view());
            EXPECT_EQ(applied.has_value(), type == "measure") << type;
            EXPECT_EQ(applied ? ErrorCode::malformed : applied.error().code, ErrorCode::malformed);
        }
        // Where nothing binds it, it is nothing.
        event.digests[0].second[0] ^= 1;
        Replay replay;
        EXPECT_TRUE(replay.apply(event.view())) << type;
    }
}

TEST(ReplayOfResyncs, AResyncIsOneInTheBankWhoseLengthItsValuesHave) {
    const auto found = filled(0x77, sha256);
    auto event = resync("pcr7", Bytes(32, 0), found.bytes(), sha256);
    const auto also_hash = envelope_digest(*event.data, HashAlgorithm::sha1).value();
    const auto also = also_hash.bytes();
    event.digests.emplace_back(tcg_id(HashAlgorithm::sha1), Bytes(also.begin(), also.end()));
    Replay replay;
    apply_all(replay, {event});
    EXPECT_EQ(replay.find("pcr7:sha256")->gaps.size(), 1);
    EXPECT_EQ(value_in(replay, "pcr7:sha256"), hex_of(extended(found, {event}, sha256)));
    EXPECT_TRUE(replay.find("pcr7:sha1")->gaps.empty());
    EXPECT_EQ(value_in(replay, "pcr7:sha1"), hex_of(extended(Digest::zero(HashAlgorithm::sha1), {event}, HashAlgorithm::sha1)));
}

// ---- What a log declares of a register

std::string gap_text(std::uint64_t sequence, const Digest &expected, const Digest &found, bool joins = true) {
    return std::to_string(sequence) + ": " + hex_of(expected) + " -> " + hex_of(found) + (joins ? "\n" : " torn\n");
}
std::string gaps_of(const Replay &replay, std::string_view name) {
    std::string text;
    for (const auto &gap : replay.find(name)->gaps) {
        text += gap_text(gap.sequence, gap.expected, gap.found, gap.joins);
    }
    return text;
}

TEST(DeclaredRegisters, ADeclaredRegisterWithoutEventsHoldsWhatItStartedWith) {
    Replay replay;
    replay.declare({.name = "tdx/rtmr2", .initial = Digest::zero(sha384), .start = Digest::zero(sha384)});
    replay.declare({.name = "tpm/pcr7:sha256", .algorithm = sha256, .initial = Digest::zero(sha256), .start = filled(0x77, sha256)});
    ASSERT_EQ(replay.registers().size(), 2);
    EXPECT_EQ(replay.registers()[0].name, "rtmr2");
    EXPECT_EQ(replay.registers()[1].name, "pcr7:sha256");
    EXPECT_EQ(value_in(replay, "rtmr2"), hex_of(Digest::zero(sha384)));
    EXPECT_EQ(gaps_of(replay, "rtmr2"), "");
    EXPECT_EQ(value_in(replay, "pcr7:sha256"), hex_of(filled(0x77, sha256)));
    EXPECT_EQ(gaps_of(replay, "pcr7:sha256"), gap_text(0, Digest::zero(sha256), filled(0x77, sha256)));
    EXPECT_TRUE(replay.find("pcr7:sha256")->consistent());
    EXPECT_EQ(replay.find("pcr7:sha256")->events, 0);
}

TEST(DeclaredRegisters, TheInitialValueIsWhatTheFirstEventExtends) {
    const auto a = measured("spdm0/block1", "a");
    Replay replay;
    replay.declare({.name = "spdm0/block1", .initial = filled(0x22), .start = filled(0x22)});
    apply_all(replay, {by_service(a)});
    EXPECT_EQ(value_in(replay, "spdm0/block1"), hex_of(extended(filled(0x22), {a})));
    EXPECT_EQ(gaps_of(replay, "spdm0/block1"), "");
}

// Else whoever leaves out a register's first events would name what they led to, and no gap would show.
TEST(DeclaredRegisters, HowRtmrsAndPcrsBeginIsNotALogsToSay) {
    for (const auto *name : {"tdx/rtmr3", "tpm/pcr7:sha384"}) {
        Replay replay;
        replay.declare({.name = name, .initial = filled(0x22), .start = filled(0x22)});
        apply_all(replay, {by_service(measured(name, "a"))});
        EXPECT_EQ(gaps_of(replay, common_name(name) == "rtmr3" ? "rtmr3" : "pcr7:sha384"), gap_text(0, Digest::zero(sha384), filled(0x22)))
            << name;
    }
}

TEST(DeclaredRegisters, AStartThatTheFirmwaresEventsLeadToIsNoGap) {
    const auto firmware = measured("rtmr2", "firmware");
    const auto service = by_service(measured("tdx/rtmr2", "service"));
    Replay replay;
    replay.declare({.name = "tdx/rtmr2", .initial = Digest::zero(sha384), .start = extended(Digest::zero(sha384), {firmware})});
    apply_all(replay, {firmware});
    EXPECT_EQ(gaps_of(replay, "rtmr2"), "");
    apply_all(replay, {service});
    EXPECT_EQ(gaps_of(replay, "rtmr2"), "");
    EXPECT_EQ(value_in(replay, "rtmr2"), hex_of(extended(Digest::zero(sha384), {firmware, service})));
}

TEST(DeclaredRegisters, AnotherStartIsGapZeroAndTheServicesEventsGoOnFromIt) {
    const auto firmware = measured("rtmr2", "firmware");
    const auto service = by_service(measured("rtmr2", "service"));
    const auto start = filled(0x77);
    Replay replay;
    replay.declare({.name = "tdx/rtmr2", .initial = Digest::zero(sha384), .start = start});
    // Asking in between settles nothing: the firmware's events are still to come.
    EXPECT_EQ(gaps_of(replay, "rtmr2"), gap_text(0, Digest::zero(sha384), start));
    apply_all(replay, {firmware});
    const auto gap = gap_text(0, extended(Digest::zero(sha384), {firmware}), start);
    EXPECT_EQ(gaps_of(replay, "rtmr2"), gap);
    EXPECT_EQ(value_in(replay, "rtmr2"), hex_of(start));
    apply_all(replay, {service, service});
    EXPECT_EQ(gaps_of(replay, "rtmr2"), gap);
    EXPECT_EQ(value_in(replay, "rtmr2"), hex_of(extended(start, {service, service})));
    EXPECT_TRUE(replay.find("rtmr2")->consistent());
}

TEST(DeclaredRegisters, AResyncThatExpectsWhatTheFirmwareLeadsToMakesTheStepItself) {
    const auto firmware = measured("rtmr2", "firmware");
    const auto start = filled(0x77);
    const auto before = extended(Digest::zero(sha384), {firmware});
    auto resynced = resync("tdx/rtmr2", before.bytes(), start.bytes());
    resynced.sequence = 5;
    Replay replay;
    replay.declare({.name = "tdx/rtmr2", .initial = Digest::zero(sha384), .start = start});
    apply_all(replay, {firmware, resynced});
    EXPECT_EQ(gaps_of(replay, "rtmr2"), gap_text(0, before, start) + gap_text(5, before, start));
    EXPECT_EQ(value_in(replay, "rtmr2"), hex_of(extended(start, {resynced})));
    EXPECT_TRUE(replay.find("rtmr2")->consistent());
}

TEST(DeclaredRegisters, AResyncThatExpectsTheStartGoesOnFromIt) {
    const auto start = filled(0x77);
    const auto found = filled(0x88);
    auto resynced = resync("tdx/rtmr2", start.bytes(), found.bytes());
    resynced.sequence = 5;
    Replay replay;
    replay.declare({.name = "tdx/rtmr2", .initial = Digest::zero(sha384), .start = start});
    apply_all(replay, {resynced});
    EXPECT_EQ(gaps_of(replay, "rtmr2"), gap_text(0, Digest::zero(sha384), start) + gap_text(5, start, found));
    EXPECT_EQ(value_in(replay, "rtmr2"), hex_of(extended(found, {resynced})));
}

TEST(DeclaredRegisters, ALogMayBeDeclaredAfterTheFirmwaresLog) {
    const auto firmware = measured("rtmr2", "firmware");
    const auto service = by_service(measured("rtmr2", "service"));
    const auto start = extended(Digest::zero(sha384), {firmware});
    Replay replay;
    apply_all(replay, {firmware});
    replay.declare({.name = "tdx/rtmr2", .initial = Digest::zero(sha384), .start = start});
    apply_all(replay, {service});
    EXPECT_EQ(gaps_of(replay, "rtmr2"), "");
    EXPECT_EQ(value_in(replay, "rtmr2"), hex_of(extended(start, {service})));
}

TEST(DeclaredRegisters, ValuesOfAnotherLengthSayNothing) {
    const auto a = by_service(measured("rtmr3", "a"));
    Replay replay;
    replay.declare({.name = "tdx/rtmr3", .initial = filled(0x77, sha256), .start = filled(0x77, sha256)});
    EXPECT_EQ(value_in(replay, "rtmr3"), hex_of(Digest::zero(sha384)));
    apply_all(replay, {a});
    EXPECT_EQ(value_in(replay, "rtmr3"), hex_of(extended(Digest::zero(sha384), {a})));
    EXPECT_EQ(gaps_of(replay, "rtmr3"), "");
}

}  // namespace
}  // namespace mr
