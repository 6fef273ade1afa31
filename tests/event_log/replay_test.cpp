#include <gtest/gtest.h>

#include <string>

#include "mr/event_log.h"
#include "tests/event_log/built_log.h"

namespace mr {
namespace {

using enum HashAlgorithm;

std::string names_in(const Replay &replay) {
    std::string names;
    for (const auto &each : replay.registers()) {
        names += each.name + " ";
    }
    return names;
}

OwnedEvent startup_locality(Bytes locality, const std::string &name = "pcr0") {
    auto data = bytes_of(std::string_view("StartupLocality\0", 16));
    data.insert(data.end(), locality.begin(), locality.end());
    return {.index = tcg_index(name).value_or(0),
            .name = name,
            .type = ev_no_action,
            .digests = {{tcg_id(sha256), Bytes(32, 0)}},
            .data = data};
}

TEST(Replay, ARegisterIsExtendedByEachOfItsDigestsInTheirOrder) {
    const auto a = measured("rtmr3", "a");
    const auto b = measured("rtmr3", "b");
    Replay replay;
    apply_all(replay, {a, b});
    ASSERT_EQ(replay.registers().size(), 1);
    const auto &found = replay.registers().front();
    EXPECT_EQ(found.name, "rtmr3");
    EXPECT_EQ(found.algorithm, sha384);
    EXPECT_EQ(found.value, extended(Digest::zero(sha384), {a, b}));
    EXPECT_EQ(found.events, 2);
    EXPECT_TRUE(found.gaps.empty());
    EXPECT_TRUE(found.consistent());
}

// Of the value itself: 48 zeros and the SHA-384 of "a", hashed with `openssl dgst`.
TEST(Replay, TheFirstExtendOfARegisterIsTheHashOfZerosAndTheDigest) {
    Replay replay;
    apply_all(replay, {measured("rtmr3", "a")});
    EXPECT_EQ(value_in(replay, "rtmr3"),
              "9ded56f026a8f4c054cc49090fcb1f317b3af23891cdf9bf4bfe3117ca14b0d247815a01aaa6febde7129a4fbac5e01a");
}

TEST(Replay, ARegisterOfAnyNameIsFoundByItsBank) {
    for (const auto names : {ReplayNames::common, ReplayNames::as_logged}) {
        Replay replay(names);
        apply_all(replay, {measured("spdm0/block1", "a", {sha256, sha384}), measured("spdm0/block1:sha256", "b", {sha256})});
        EXPECT_EQ(replay.registers().size(), 2U) << "a bank after the name is that of the same register";
        ASSERT_NE(replay.find("spdm0/block1:sha256"), nullptr);
        EXPECT_EQ(replay.find("spdm0/block1:sha256")->events, 2U);
        EXPECT_EQ(replay.find("spdm0/block1:sha384")->algorithm, sha384);
        EXPECT_EQ(replay.find("spdm0/block1:sha512"), nullptr);
        EXPECT_EQ(replay.find("spdm0/block1:1"), nullptr) << "that is no bank";
    }
}

// A log may call a register anything: one that reads as another's name with a bank is not that other one.
TEST(Replay, ARegisterIsNotFoundByANameThatOnlyReadsAsItsOwnWithABank) {
    for (const std::string name : {"tdx/rtmr3", "spdm0/block1", "tpm/pcr7"}) {
        const auto real = by_service(measured(name, "real", {sha384}));
        for (const std::string suffix : {":sha384:sha384", ":sha384:sha384:sha384", ":sha256:sha384"}) {
            Replay replay(ReplayNames::as_logged);
            replay.begin_at(name, sha384, Digest::zero(sha384));
            replay.declare({.name = name, .algorithm = sha384, .initial = Digest::zero(sha384), .start = Digest::zero(sha384)});
            apply_all(replay, {by_service(measured(name + suffix, "another", {sha384}))});
            ASSERT_NE(replay.find(name, sha384), nullptr);
            EXPECT_EQ(replay.find(name, sha384)->value, Digest::zero(sha384)) << name << suffix;
            apply_all(replay, {real});
            EXPECT_EQ(replay.find(name, sha384)->value, extended(Digest::zero(sha384), {real})) << name << suffix;
            EXPECT_EQ(replay.find(name + ":sha384")->value, extended(Digest::zero(sha384), {real})) << name << suffix;
        }
    }
}

TEST(Replay, ARegisterOfWhichOnlyTheBeginIsKnownIsNotFoundBeforeItIsDeclaredOrExtended) {
    Replay replay(ReplayNames::as_logged);
    replay.begin_at("tdx/rtmr3", sha384, Digest::zero(sha384));
    EXPECT_EQ(replay.find("tdx/rtmr3", sha384), nullptr);
    apply_all(replay, {measured("tdx/rtmr2", "a")});
    EXPECT_EQ(replay.find("tdx/rtmr3", sha384), nullptr);
    replay.begin_at("tdx/rtmr1", sha384, Digest::zero(sha384));
    EXPECT_EQ(replay.find("tdx/rtmr1", sha384), nullptr);
    EXPECT_EQ(replay.find("tdx/rtmr2", sha384)->events, 1U);
}

TEST(Replay, EachKnownBankOfAPcrIsARegister) {
    const auto banks = {HashAlgorithm::sha1, sha256, sha384, HashAlgorithm::sha512, HashAlgorithm::sm3_256};
    auto event = measured("pcr7", "a", banks);
    event.digests.emplace_back(std::uint16_t{0x1234}, Bytes(7, 1));
    Replay replay;
    apply_all(replay, {event});
    EXPECT_EQ(names_in(replay), "pcr7:sha1 pcr7:sha256 pcr7:sha384 pcr7:sha512 pcr7:sm3_256 ");
    for (const auto bank : banks) {
        EXPECT_EQ(value_in(replay, "pcr7:" + std::string(to_string(bank))), hex_of(extended(Digest::zero(bank), {event}, bank)));
    }
    EXPECT_EQ(replay.find("pcr7"), nullptr);
}

TEST(Replay, AnEventOfUnknownAlgorithmsMakesNoRegister) {
    Replay replay;
    apply_all(replay, {{.index = 7, .name = "pcr7", .digests = {{0x1234, Bytes(7, 1)}}}, {.index = 7, .name = "pcr7"}});
    EXPECT_TRUE(replay.registers().empty());
    EXPECT_EQ(replay.events(), 2);
}

TEST(Replay, NoActionExtendsNothing) {
    auto event = measured("rtmr3", "a");
    event.type = ev_no_action;
    Replay replay;
    apply_all(replay, {event});
    EXPECT_TRUE(replay.registers().empty());
    EXPECT_EQ(replay.events(), 1);
}

TEST(Replay, ARegisterWithoutATcgNumberIsReplayedByItsName) {
    const auto a = measured("cca/rem0", "a", {sha256});
    ASSERT_EQ(a.index, no_index);
    Replay replay;
    apply_all(replay, {a});
    EXPECT_EQ(value_in(replay, "cca/rem0"), hex_of(extended(Digest::zero(sha256), {a}, sha256)));
    EXPECT_EQ(value_in(replay, "cca/rem0:sha384"), "no such register");
}

TEST(Replay, AnyPcrThatIsExtendedStartsAtZero) {
    for (std::uint32_t i = 0; i < 24; ++i) {
        const auto event = measured("pcr" + std::to_string(i), "a", {sha256});
        Replay replay;
        apply_all(replay, {event});
        EXPECT_EQ(value_in(replay, event.name + ":sha256"), hex_of(extended(Digest::zero(sha256), {event}, sha256))) << i;
    }
    // An RTMR of such a number is no such PCR.
    const auto event = measured("rtmr17", "a");
    Replay replay;
    apply_all(replay, {event});
    EXPECT_EQ(value_in(replay, "rtmr17"), hex_of(extended(Digest::zero(sha384), {event})));
}

TEST(Replay, PcrZeroStartsWithItsStartupLocalityInAllBanks) {
    const auto pcr0 = measured("pcr0", "a", {HashAlgorithm::sha1, sha256});
    const auto pcr1 = measured("pcr1", "a", {sha256});
    for (const std::uint8_t locality : Bytes{0, 3, 4}) {
        Replay replay;
        apply_all(replay, {startup_locality({locality}), pcr0, pcr1});
        for (const auto bank : {HashAlgorithm::sha1, sha256}) {
            Bytes start(digest_size(bank), 0);
            start.back() = locality;
            EXPECT_EQ(value_in(replay, "pcr0:" + std::string(to_string(bank))), hex_of(extended(Digest(start), {pcr0}, bank)));
        }
        EXPECT_EQ(value_in(replay, "pcr1:sha256"), hex_of(extended(Digest::zero(sha256), {pcr1}, sha256)));
    }
}

TEST(Replay, WhatIsNoStartupLocalityOfPcrZeroDoesNotMoveItsStart) {
    const auto pcr0 = measured("pcr0", "a", {sha256});
    const auto from_zero = hex_of(extended(Digest::zero(sha256), {pcr0}, sha256));
    auto not_no_action = startup_locality({3}, "pcr9");
    not_no_action.type = ev_ipl;
    auto other_signature = startup_locality({3});
    other_signature.data->front() = 's';
    auto without_data = startup_locality({3});
    without_data.data.reset();
    for (const auto &event : {startup_locality({}), startup_locality({1}), startup_locality({255}), startup_locality({3, 0}),
                              startup_locality({3}, "pcr1"), startup_locality({3}, "mrtd"), not_no_action, other_signature, without_data}) {
        Replay replay;
        apply_all(replay, {event, pcr0});
        EXPECT_EQ(value_in(replay, "pcr0:sha256"), from_zero);
    }
    // Too late: PCR 0 has begun.
    Replay replay;
    apply_all(replay, {pcr0, startup_locality({3})});
    EXPECT_EQ(value_in(replay, "pcr0:sha256"), from_zero);
}

OwnedEvent of_pcr0(std::uint32_t type, HashAlgorithm bank, std::string_view digest) {
    return {.index = 0, .name = "pcr0", .type = type, .digests = {{tcg_id(bank), *from_hex(digest)}}};
}

// A real machine's: what its PCR 0 held is in tpm2-tss, test/unit/fapi-eventlog.c; its log has no StartupLocality.
TEST(Replay, PcrZeroBehindAHardwareCoreRootOfTrustStartsWithFour) {
    constexpr auto sha1 = HashAlgorithm::sha1;
    Replay replay;
    apply_all(replay, {of_pcr0(ev_efi_hcrtm_event, sha1, "1f29fc784497b2858bd7cf698e0a949c836a0720"),
                       of_pcr0(8, sha1, "0465ac6aed8e31ffcbd8ddbb0a9d1bec6850a5df"),
                       of_pcr0(0x80000008, sha1, "e86604816ba16fc654d5e1a073bf2d9881b2b94e"),
                       of_pcr0(0x80000008, sha1, "ff8c9e380c920efa7e5c54bfe4d14147aa1940e2"),
                       of_pcr0(ev_separator, sha1, "9069ca78e7450a285173431b3e52c5c25299e473")});
    EXPECT_EQ(value_in(replay, "pcr0:sha1"), "15f4e6ca457d1af6bc49511a93ba3500ad69acc5");
}

TEST(Replay, AHardwareCoreRootOfTrustDecidesWhateverAStartupLocalityOrALogSays) {
    const auto hcrtm = measured("tpm/pcr0", bytes_of("HCRTM"), {HashAlgorithm::sha1, sha256}, ev_efi_hcrtm_event);
    const auto next = measured("tpm/pcr0", "a", {HashAlgorithm::sha1, sha256});
    for (const std::uint8_t locality : Bytes{0, 3, 4}) {
        for (const auto names : {ReplayNames::common, ReplayNames::as_logged}) {
            Replay replay(names);
            replay.declare({.name = "tpm/pcr0:sha256", .algorithm = sha256, .initial = Digest::zero(sha256), .start = {}});
            apply_all(replay, {startup_locality({locality}, "tpm/pcr0"), hcrtm, startup_locality({locality}, "tpm/pcr0"), next});
            for (const auto bank : {HashAlgorithm::sha1, sha256}) {
                Bytes start(digest_size(bank), 0);
                start.back() = 4;
                EXPECT_EQ(value_in(replay, "tpm/pcr0:" + std::string(to_string(bank))),
                          hex_of(extended(Digest(start), {hcrtm, next}, bank)));
            }
        }
    }
}

TEST(Replay, WhatIsNoHardwareCoreRootOfTrustsFirstEventMovesNoStart) {
    const auto hcrtm = [](const std::string &name) { return measured(name, bytes_of("HCRTM"), {sha256}, ev_efi_hcrtm_event); };
    const auto from_zero = [](const std::vector<OwnedEvent> &events) { return hex_of(extended(Digest::zero(sha256), events, sha256)); };
    const auto a = measured("pcr0", "a", {sha256});
    Replay late;
    apply_all(late, {a, hcrtm("pcr0")});
    EXPECT_EQ(value_in(late, "pcr0:sha256"), from_zero({a, hcrtm("pcr0")}));
    Replay other;
    apply_all(other, {hcrtm("pcr1"), a});
    EXPECT_EQ(value_in(other, "pcr0:sha256"), from_zero({a}));
    EXPECT_EQ(value_in(other, "pcr1:sha256"), from_zero({hcrtm("pcr1")}));
    // Whoever may measure chooses the type; the TPM was started long before.
    Replay by_client;
    apply_all(by_client, {by_service(hcrtm("pcr0")), a});
    EXPECT_EQ(value_in(by_client, "pcr0:sha256"), from_zero({hcrtm("pcr0"), a}));
    // Refused, so nothing of it counts.
    auto broken = hcrtm("pcr0");
    broken.digests.front().second.pop_back();
    Replay after_refusal;
    EXPECT_FALSE(after_refusal.apply(broken.view()));
    apply_all(after_refusal, {a});
    EXPECT_EQ(value_in(after_refusal, "pcr0:sha256"), from_zero({a}));
}

TEST(Replay, NamesOfOtherFormatsAreTheSameRegister) {
    const auto a = measured("rtmr3", "a");
    auto b = measured("tdx/rtmr3", "b");
    auto c = measured("tdx/rtmr3:sha384", "c");
    Replay replay;
    apply_all(replay, {a, b, c, measured("tpm/pcr7:sha256", "d", {sha256}), measured("pcr7", "e", {sha256})});
    EXPECT_EQ(names_in(replay), "rtmr3 pcr7:sha256 ");
    const auto expected = hex_of(extended(Digest::zero(sha384), {a, b, c}));
    for (const auto *name : {"rtmr3", "tdx/rtmr3", "rtmr3:sha384", "tdx/rtmr3:sha384"}) {
        EXPECT_EQ(value_in(replay, name), expected) << name;
    }
    EXPECT_EQ(replay.find("rtmr3:sha256"), nullptr);
    EXPECT_EQ(replay.find("rtmr2"), nullptr);
    EXPECT_EQ(replay.find(""), nullptr);
    EXPECT_NE(replay.find("tpm/pcr7:sha256"), nullptr);
}

TEST(Replay, RegistersComeInTheOrderOfTheirFirstEvent) {
    Replay replay;
    replay.declare({.name = "tdx/rtmr2", .initial = Digest::zero(sha384), .start = Digest::zero(sha384)});
    replay.declare({.name = "tdx/rtmr1", .initial = Digest::zero(sha384), .start = Digest::zero(sha384)});
    apply_all(replay, {measured("rtmr3", "a"), measured("rtmr0", "b"), measured("rtmr1", "c"), measured("rtmr3", "d")});
    EXPECT_EQ(names_in(replay), "rtmr3 rtmr0 rtmr1 rtmr2 ");
    EXPECT_EQ(replay.events(), 4);
}

TEST(Replay, ADigestOfAWrongLengthIsAnErrorThatNamesTheEventAndAppliesNothing) {
    auto event = measured("pcr7", "a", {sha256, sha384});
    event.sequence = 17;
    event.digests[1].second.pop_back();
    Replay replay;
    const auto done = replay.apply(event.view());
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::malformed);
    EXPECT_EQ(done.error().message, "event 17 of \"pcr7\": a digest of sha384 has 47 bytes");
    EXPECT_TRUE(replay.registers().empty());
    EXPECT_EQ(replay.events(), 0);
}

TEST(Replay, TwoDigestsOfOneAlgorithmAreAnError) {
    auto event = measured("rtmr3", "a", {sha384, sha384});
    event.sequence = 2;
    Replay replay;
    const auto done = replay.apply(event.view());
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::malformed);
    EXPECT_EQ(done.error().message, "event 2 of \"rtmr3\": it has two digests of sha384");
}

TEST(Replay, AMeasuredEventWithoutANameIsAnError) {
    auto event = measured("rtmr3", "a");
    event.name.clear();
    Replay replay;
    const auto done = replay.apply(event.view());
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().message, "event 0 of \"\": it is measured, but names no register");
}

TEST(Replay, OneRegisterTooManyIsAnErrorAndTheOthersGoOn) {
    Replay replay;
    for (std::size_t i = 0; i < max_replayed_registers; ++i) {
        ASSERT_TRUE(replay.apply(measured("virtual/" + std::to_string(i), "a").view()));
    }
    const auto done = replay.apply(measured("virtual/more", "a").view());
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::not_supported);
    EXPECT_EQ(done.error().message, "event 0 of \"virtual/more\": more than 4096 registers are not replayed");
    EXPECT_TRUE(replay.apply(measured("virtual/7", "b").view()));
    EXPECT_FALSE(replay.apply(measured("virtual/7", "b", {sha256}).view()));  // another bank is another register
    EXPECT_EQ(replay.registers().size(), max_replayed_registers);
    EXPECT_EQ(replay.find("virtual/7")->events, 2);
}

TEST(Replay, MoreDeclaredRegistersThanAreReplayedAreAnErrorOfTheNextEvent) {
    Replay replay;
    for (std::size_t i = 0; i <= max_replayed_registers; ++i) {
        replay.declare({.name = "virtual/" + std::to_string(i), .initial = Digest::zero(sha384), .start = Digest::zero(sha384)});
    }
    EXPECT_EQ(replay.registers().size(), max_replayed_registers);
    const auto done = replay.apply(measured("virtual/1", "a").view());
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::not_supported);
}

TEST(Replay, AReplayThatIsMovedGoesOn) {
    const auto a = measured("rtmr3", "a");
    const auto b = measured("rtmr3", "b");
    Replay replay;
    apply_all(replay, {a});
    Replay other = std::move(replay);
    apply_all(other, {b});
    EXPECT_EQ(value_in(other, "rtmr3"), hex_of(extended(Digest::zero(sha384), {a, b})));
}

TEST(Replay, AStartupLocalityIsNewerThanADeclaredInitialValue) {
    const auto pcr0 = measured("pcr0", "a", {sha256});
    Replay replay;
    replay.declare({.name = "tpm/pcr0:sha256", .algorithm = sha256, .initial = Digest::zero(sha256), .start = {}});
    apply_all(replay, {startup_locality({3}), pcr0});
    Bytes start(32, 0);
    start.back() = 3;
    EXPECT_EQ(value_in(replay, "pcr0:sha256"), hex_of(extended(Digest(start), {pcr0}, sha256)));
}

TEST(Replay, TwoProvidersRegistersOfOneNameAreOneByTheirCommonNameAndTwoAsLogged) {
    const auto a = measured("tdx/rtmr3", "a");
    const auto b = measured("other/rtmr3", "b");
    Replay common;
    apply_all(common, {a, b});
    EXPECT_EQ(names_in(common), "rtmr3 ");
    EXPECT_EQ(value_in(common, "rtmr3"), hex_of(extended(Digest::zero(sha384), {a, b})));
    Replay as_logged(ReplayNames::as_logged);
    apply_all(as_logged, {a, b});
    EXPECT_EQ(names_in(as_logged), "tdx/rtmr3 other/rtmr3 ");
    EXPECT_EQ(value_in(as_logged, "other/rtmr3"), hex_of(extended(Digest::zero(sha384), {b})));
    EXPECT_EQ(as_logged.find("rtmr3"), nullptr);
}

TEST(Replay, APcrAsLoggedHasItsBankAndItsStart) {
    const auto pcr17 = measured("tpm/pcr17", "a", {sha256});
    const auto pcr0 = measured("tpm/pcr0", "a", {sha256});
    Replay replay(ReplayNames::as_logged);
    replay.declare({.name = "tpm/pcr0:sha256", .algorithm = sha256, .initial = Digest::zero(sha256), .start = {}});
    apply_all(replay, {startup_locality({3}, "tpm/pcr0"), pcr17, pcr0});
    EXPECT_EQ(names_in(replay), "tpm/pcr17:sha256 tpm/pcr0:sha256 ");
    Bytes start(32, 0);
    start.back() = 3;
    EXPECT_EQ(value_in(replay, "tpm/pcr0:sha256"), hex_of(extended(Digest(start), {pcr0}, sha256)));
    EXPECT_EQ(value_in(replay, "tpm/pcr17:sha256"), hex_of(extended(Digest::zero(sha256), {pcr17}, sha256)));
}

TEST(Replay, TheDynamicPcrsAreAllOnesUntilOneOfThemIsExtendedWhichSaysThatADynamicLaunchSetAllToZero) {
    Replay replay;
    for (const std::string name : {"pcr16", "pcr17", "pcr18", "pcr19", "pcr20", "pcr21", "pcr22", "pcr23"})
        replay.declare({.name = name + ":sha256", .algorithm = sha256, .initial = Digest::zero(sha256), .start = {}});
    const auto value_of = [&](const std::string &name) { return value_in(replay, name + ":sha256"); };
    const auto zero = hex_of(Digest::zero(sha256));
    const auto ones = hex_of(Digest(Bytes(32, 0xFF)));
    for (const std::string name : {"pcr16", "pcr23"}) EXPECT_EQ(value_of(name), zero);
    for (const std::string name : {"pcr17", "pcr18", "pcr19", "pcr20", "pcr21", "pcr22"}) EXPECT_EQ(value_of(name), ones);
    apply_all(replay, {measured("pcr7", "a", {sha256})});
    EXPECT_EQ(value_of("pcr22"), ones);
    const auto event = measured("pcr17", "a", {sha256});
    const auto later = measured("pcr18", "b", {sha256});
    apply_all(replay, {event, later});
    EXPECT_EQ(value_of("pcr17"), hex_of(extended(Digest::zero(sha256), {event}, sha256)));
    EXPECT_EQ(value_of("pcr18"), hex_of(extended(Digest::zero(sha256), {later}, sha256)));
    EXPECT_EQ(value_of("pcr22"), zero);
}

}  // namespace
}  // namespace mr
