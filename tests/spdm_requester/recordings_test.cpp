// Recorded evidence, checked as a verifier does who has the saved bytes and a nonce.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdio>
#include <functional>

#include "mr/spdm_evidence.h"
#include "mr/spdm_transport.h"
#include "tests/every_bit.h"
#include "tests/places.h"
#include "tests/spdm_replay/recording.h"
#include "tests/spdm_replay/replay.h"

namespace mr {
namespace {

struct Saved {
    std::string name;
    TrustAnchors anchors;
    std::vector<SpdmEvidence> evidence;
};

class RecordedEvidence : public ::testing::Test {
protected:
    void SetUp() override {
        for (const auto &folder : spdm_replay::sample_recordings()) {
            const auto recording = spdm_replay::read_recording(folder);
            ASSERT_TRUE(recording) << folder << recording.error();
            saved_.push_back({recording->name, recording->roots, spdm_replay::replay(*recording).evidence});
        }
        if (saved_.empty()) GTEST_SKIP() << "there are no samples on this machine";
    }
    [[nodiscard]] const Saved &named(const std::string &name) const { return *std::ranges::find(saved_, name, &Saved::name); }

    static std::string fault_of(const SpdmEvidence &evidence, const SpdmNonce &nonce, const TrustAnchors &anchors) {
        const auto verified = verify_spdm(evidence, nonce, anchors);
        return verified ? "" : std::string(to_string(verified.error().fault));
    }

    std::vector<Saved> saved_;
};

TEST_F(RecordedEvidence, IsVerifiedOverItsNonceAndNoOther) {
    std::size_t count = 0;
    for (const auto &[name, anchors, evidence] : saved_) {
        for (const auto &each : evidence) {
            ++count;
            EXPECT_EQ(fault_of(each, each.nonce, anchors), "") << name;
            auto other = each.nonce;
            other[31] ^= 1;
            EXPECT_EQ(fault_of(each, other, anchors), "wrong_nonce") << name;
        }
    }
    EXPECT_GT(count, 40U);
}

// Of all recordings some bits, others in each: checking a signature of P-384 takes a millisecond.
TEST_F(RecordedEvidence, WhateverBitOfATranscriptOrSignatureIsChangedItCounts) {
    // Of each sixteenth byte another bit.
    constexpr std::size_t usual_stride = std::size_t{16} * 8 + 1;
    constexpr std::size_t usual_step = 11;
    const auto stride = mrd::bit_stride(usual_stride);
    std::size_t first = 0;
    std::size_t changes = 0;
    for (const auto &[name, anchors, all] : saved_) {
        for (const auto &each : all) {
            first = (first + usual_step) % stride;
            for (const auto part : {&SpdmEvidence::transcript, &SpdmEvidence::signature}) {
                auto changed = each;
                auto &bytes = changed.*part;
                for (std::size_t at = first; at < bytes.size() * 8; at += stride) {
                    const auto flip = [&] { bytes[at / 8] ^= static_cast<std::uint8_t>(1U << at % 8); };
                    flip();
                    EXPECT_NE(fault_of(changed, each.nonce, anchors), "") << name << " bit " << at;
                    flip();
                    ++changes;
                }
            }
        }
    }
    std::printf("%zu bits, each changed alone\n", changes);
}

// L1/L2 and M1/M2.
TEST_F(RecordedEvidence, EveryBitOfATranscriptCounts) {
    for (const auto *const name : {"doe-p256-12-one-index", "doe-p256-12-own-root"}) {
        const auto &saved = named(name);
        auto changed = saved.evidence.front();
        for (std::size_t bit = 0; bit < changed.transcript.size() * 8; ++bit) {
            const auto flip = [&] { changed.transcript[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8); };
            flip();
            EXPECT_NE(fault_of(changed, changed.nonce, saved.anchors), "") << name << " bit " << bit;
            flip();
        }
    }
}

TEST_F(RecordedEvidence, IsOfItsOwnRootSlotKindAndVersion) {
    const auto &first = named("doe-p256-12-all-signed");
    const auto &other = named("doe-p256-12-own-root");
    auto evidence = first.evidence.front();
    EXPECT_EQ(fault_of(evidence, evidence.nonce, other.anchors), "untrusted_root");
    EXPECT_EQ(fault_of(evidence, evidence.nonce, {}), "untrusted_root");
    evidence.chain = other.evidence.front().chain;
    EXPECT_EQ(fault_of(evidence, evidence.nonce, other.anchors), "bad_signature") << "the other device's key";
    auto slot = first.evidence.front();
    slot.slot = 1;
    EXPECT_EQ(fault_of(slot, slot.nonce, first.anchors), "misuse");
    auto kind = first.evidence.front();
    kind.kind = SpdmEvidenceKind::challenge;
    EXPECT_EQ(fault_of(kind, kind.nonce, first.anchors), "unexpected_response");
    // A challenge names its chain.
    auto challenge = other.evidence.front();
    ASSERT_EQ(challenge.kind, SpdmEvidenceKind::challenge);
    challenge.chain = first.evidence.front().chain;
    EXPECT_EQ(fault_of(challenge, challenge.nonce, first.anchors), "wrong_chain_digest");
}

TEST_F(RecordedEvidence, SaysWhatADeviceThatLiesAboutAChangeHas) {
    const auto &changing = named("doe-p384-12-fresh-change").evidence;
    ASSERT_EQ(changing.size(), 3U);
    const auto before = read_spdm_transcript(changing[0]);
    const auto after = read_spdm_transcript(changing[1]);
    ASSERT_TRUE(before && after);
    EXPECT_NE(before->blocks, after->blocks);
    EXPECT_EQ(after->content_changed, 2) << "it says that nothing changed";
    EXPECT_TRUE(after->values_are_fresh());
    const auto cached = read_spdm_transcript(named("doe-p384-12-cached").evidence.front());
    ASSERT_TRUE(cached);
    EXPECT_FALSE(cached->values_are_fresh());
    const auto mode = std::ranges::find(after->blocks, 0xFE, &SpdmBlock::index);
    ASSERT_NE(mode, after->blocks.end());
    EXPECT_EQ(spdm_device_mode(*mode)->mode, 4U);
    EXPECT_EQ(spdm_device_mode(*mode)->debug, 0x11U);
    const auto svn = std::ranges::find(after->blocks, 0x10, &SpdmBlock::index);
    ASSERT_NE(svn, after->blocks.end());
    EXPECT_EQ(spdm_security_version(*svn), 7U);
    EXPECT_FALSE(spdm_device_mode(*svn));
}

TEST_F(RecordedEvidence, ComesOutOfTheKernelsObjectsTooAndNamesItsNonce) {
    for (const auto &[name, anchors, all] : saved_) {
        for (const auto &each : all) {
            if (each.kind != SpdmEvidenceKind::measurements || each.version == SpdmVersion::v1_1) continue;
            SpdmObjects objects{.slot = each.slot, .chain = each.chain, .measurements = each.transcript};
            objects.measurements.insert(objects.measurements.end(), each.signature.begin(), each.signature.end());
            const auto evidence = spdm_evidence_of(objects);
            ASSERT_TRUE(evidence) << name << evidence.error().message;
            EXPECT_EQ(*evidence, each) << name;
            EXPECT_TRUE(require_own_nonce(*evidence, each.nonce));
            // What was kept from somebody else's request.
            const auto kept = require_own_nonce(*evidence, SpdmNonce{1});
            ASSERT_FALSE(kept);
            EXPECT_EQ(kept.error().fault, SpdmFault::wrong_nonce);
            objects.measurements.pop_back();
            EXPECT_FALSE(spdm_evidence_of(objects)) << name;
        }
    }
}

TEST_F(RecordedEvidence, RecordingsReplayAsTheyWere) {
    for (const auto &folder : spdm_replay::sample_recordings()) {
        const auto recording = spdm_replay::read_recording(folder);
        ASSERT_TRUE(recording);
        EXPECT_THAT(spdm_replay::replay(*recording).differences, ::testing::IsEmpty()) << recording->name;
    }
}

TEST_F(RecordedEvidence, AReplayTellsWhatDiffers) {
    const auto folder = spdm_replay::sample_recordings().front();
    const auto good = spdm_replay::read_recording(folder);
    ASSERT_TRUE(good);
    auto changed = *good;
    changed.messages[2].payload.back() ^= 1;
    changed.messages[2].message.back() ^= 1;
    EXPECT_FALSE(spdm_replay::replay(changed).differences.empty()) << "a request";
    changed = *good;
    changed.messages.back().payload[40] ^= 1;
    EXPECT_FALSE(spdm_replay::replay(changed).differences.empty()) << "a response";
    changed = *good;
    changed.expected["negotiated"]["base_hash"] = "sha256";
    EXPECT_EQ(spdm_replay::replay(changed).differences.size(), 1U);
    changed = *good;
    changed.messages.resize(changed.messages.size() - 2);
    EXPECT_FALSE(spdm_replay::replay(changed).differences.empty()) << "it ends early";
}

// Its last answer is that a device is not ready, for so long: nothing signs that.
TEST_F(RecordedEvidence, AReplayTellsOfADeviceThatIsGivenUp) {
    constexpr std::size_t measurements_at = 10;
    constexpr std::size_t exponent_at = 4;
    constexpr std::size_t doe_header = 8;
    constexpr std::uint8_t minutes = 30;  // 2^30 microseconds
    auto recording = spdm_replay::read_recording(places::shared_data() / "spdm/doe-p384-12-notready").value();
    recording.messages.resize(measurements_at + 2);
    recording.messages.back().message.at(exponent_at) = minutes;
    recording.messages.back().payload.at(doe_header + exponent_at) = minutes;
    auto expected = nlohmann::json::object();
    expected["errors"] = nlohmann::json::array();
    expected["errors"].push_back({{"response_index", measurements_at + 1},
                                  {"error_code", 0x42},
                                  {"error_data", 0},
                                  {"extended", "1ee00001"},
                                  {"rdt_exponent", minutes},
                                  {"request_code", 0xE0},
                                  {"token", 0},
                                  {"rdtm", 1}});
    recording.expected = std::move(expected);
    EXPECT_THAT(spdm_replay::replay(recording).differences, ::testing::IsEmpty());
    recording.expected["errors"][0]["rdt_exponent"] = minutes - 1;
    EXPECT_EQ(spdm_replay::replay(recording).differences.size(), 1U);
}

// A recording whose first messages are a connection that the device refuses, as it is asked with this answer to this request.
spdm_replay::Recording begun_wrongly(std::size_t request, const std::function<void(Bytes &)> &spoil, std::uint8_t code) {
    auto recording = spdm_replay::read_recording(places::shared_data() / "spdm/doe-p384-12-all-signed").value();
    constexpr std::ptrdiff_t doe_header = 8;
    const std::vector begun(recording.messages.begin(), recording.messages.begin() + static_cast<std::ptrdiff_t>(request) + 1);
    recording.messages.insert(recording.messages.begin(), begun.begin(), begun.end());
    auto &refused = recording.messages[request];
    spoil(refused.message);
    std::ranges::copy(refused.message, refused.payload.begin() + doe_header);
    spdm_replay::Message error{.is_request = false, .what = "ERROR", .payload = {}, .message = {0x12, 0x7F, code, 0}};
    error.payload = wrap_spdm(SpdmTransport::doe, error.message);
    recording.messages.insert(recording.messages.begin() + static_cast<std::ptrdiff_t>(request) + 1, error);
    // Of what is expected only what does not count messages, and the error.
    auto expected = nlohmann::json::object();
    for (const auto *const member : {"negotiated", "capabilities", "chains", "digests"}) expected[member] = recording.expected.at(member);
    expected["errors"] = nlohmann::json::array();
    expected["errors"].push_back({{"response_index", request + 1}, {"error_code", code}, {"error_data", 0}, {"extended", ""}});
    recording.expected = std::move(expected);
    return recording;
}

TEST_F(RecordedEvidence, AReplayOffersWhatTheDeviceTookAndNotWhatItRefused) {
    constexpr std::size_t capabilities_at = 2;
    constexpr std::size_t algorithms_at = 4;
    constexpr std::size_t max_message_size_at = 16;
    constexpr std::size_t transfer_size_at = 12;
    constexpr std::size_t base_hash_at = 12;
    const auto differences = [](std::size_t request, std::size_t at, std::uint8_t value, std::uint8_t code = 0x01) {
        const auto recording = begun_wrongly(request, [=](Bytes &message) { message.at(at) = value; }, code);
        return spdm_replay::replay(recording).differences;
    };
    EXPECT_THAT(differences(capabilities_at, max_message_size_at, 1), ::testing::IsEmpty()) << "two sizes, and no CHUNK";
    EXPECT_THAT(differences(capabilities_at, transfer_size_at + 1, 0), ::testing::IsEmpty()) << "a transfer size of 0";
    EXPECT_THAT(differences(algorithms_at, base_hash_at, 0), ::testing::IsEmpty()) << "no hash";
    EXPECT_THAT(differences(algorithms_at, base_hash_at, 0, 0x06), ::testing::IsEmpty()) << "a code without an error of its own";
    auto taken = begun_wrongly(capabilities_at, [](Bytes &message) { message.at(max_message_size_at) = 1; }, 0x01);
    taken.expected["errors"][0]["error_code"] = 4;
    EXPECT_EQ(spdm_replay::replay(taken).differences.size(), 1U);
}

}  // namespace
}  // namespace mr
