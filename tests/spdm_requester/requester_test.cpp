// The requester against a device in memory: what each operation finds out, and which error each answer that is not in order ends in.
#include "mr/spdm_requester.h"

#include <gmock/gmock.h>

#include "tests/spdm_requester/toy_device.h"

namespace mr {
namespace {

using Kind = SpdmStep::Kind;
using ::testing::HasSubstr;

const SpdmNonce own_nonce = {1, 2, 3};

class Requester : public ::testing::Test {
protected:
    SpdmStep run(SpdmStep step) {
        return drive(requester_, step, [&](const Bytes &request) { return device_.answer(request); });
    }
    std::string prepared() { return fault_text(prepare(requester_, device_), requester_); }
    std::string measured(const SpdmMeasurementRequest &request = {.nonce = own_nonce}) {
        return fault_text(run(requester_.get_measurements(request)), requester_);
    }
    std::string challenged(SpdmSummary summary = SpdmSummary::all) {
        return fault_text(run(requester_.challenge(0, summary, own_nonce)), requester_);
    }
    // Everything that evidence needs; the answer to the request of that code is changed.
    std::string with(std::uint8_t code, const std::function<void(Bytes &)> &change) {
        device_.change = [=](std::uint8_t asked, Bytes &answer) {
            if (asked == code) change(answer);
        };
        const auto first = prepared();
        return first == "done" ? measured() : first;
    }
    std::string answered(std::uint8_t code, const Bytes &answer) {
        return with(code, [=](Bytes &own) { own = answer; });
    }
    void choose(SpdmVersion version) {
        device_.version = version;
        device_.offered = {static_cast<std::uint16_t>(static_cast<unsigned>(version) << 8)};
    }

    ToyDevice device_;
    SpdmOptions options_;
    SpdmRequester requester_{options_};
};

constexpr std::uint8_t get_version = 0x84;
constexpr std::uint8_t get_capabilities = 0xE1;
constexpr std::uint8_t negotiate = 0xE3;
constexpr std::uint8_t get_digests = 0x81;
constexpr std::uint8_t get_certificate = 0x82;
constexpr std::uint8_t challenge = 0x83;
constexpr std::uint8_t get_measurements = 0xE0;
constexpr std::uint8_t get_measurement_log = 0xEF;

TEST_F(Requester, ReadsSignedMeasurementsInEveryVersion) {
    for (const auto version : {SpdmVersion::v1_1, SpdmVersion::v1_2, SpdmVersion::v1_3, SpdmVersion::v1_4}) {
        choose(version);
        requester_.forget();
        ASSERT_EQ(prepared(), "done") << to_string(version) << requester_.error().message;
        ASSERT_EQ(measured(), "done") << to_string(version) << requester_.error().message;
        EXPECT_EQ(requester_.measurements()->blocks, device_.blocks);
        EXPECT_EQ(requester_.connection()->version, version);
        const auto verified = verify_spdm(*requester_.evidence(), own_nonce, device_.anchors(), toy_begin);
        ASSERT_TRUE(verified) << verified.error().message;
        EXPECT_EQ(verified->content.blocks, device_.blocks);
        EXPECT_EQ(verified->content.algorithms_are_signed, version != SpdmVersion::v1_1);
        // What 1.1 does not sign, its capabilities, vouches for nothing.
        EXPECT_EQ(verified->content.values_are_fresh(), version != SpdmVersion::v1_1);
        EXPECT_EQ(verified->identity.leaf, device_.leaf);
    }
}

TEST_F(Requester, SignsOffAChallengeInEveryVersion) {
    for (const auto version : {SpdmVersion::v1_1, SpdmVersion::v1_2, SpdmVersion::v1_3, SpdmVersion::v1_4}) {
        choose(version);
        requester_.forget();
        device_.portion = 100;
        ASSERT_EQ(prepared(), "done");
        ASSERT_EQ(challenged(), "done") << to_string(version) << requester_.error().message;
        EXPECT_EQ(requester_.challenge_result()->summary, Bytes(32, 0x55));
        ASSERT_EQ(challenged(SpdmSummary::none), "done") << "a second one, with nothing before it: " << requester_.error().message;
        const auto verified = verify_spdm(*requester_.evidence(), own_nonce, device_.anchors(), toy_begin);
        EXPECT_TRUE(verified) << verified.error().message;
    }
}

TEST_F(Requester, TakesTheHighestVersionThatBothHave) {
    device_.offered = {0x1000, 0x1100, 0x1200, 0x1500};
    ASSERT_EQ(prepared(), "done");
    EXPECT_EQ(requester_.connection()->version, SpdmVersion::v1_2);
    device_.offered = {0x1000, 0x1500};
    EXPECT_EQ(prepared(), "no_common_version");
    EXPECT_THAT(requester_.error().message, HasSubstr("1.0, 1.5"));
    EXPECT_EQ(requester_.connection(), nullptr);
}

TEST_F(Requester, OneSignatureIsOverAllThatWasReadSinceTheLast) {
    ASSERT_EQ(prepared(), "done");
    EXPECT_EQ(measured({.operation = spdm_measurement_count, .is_signed = false}), "done");
    EXPECT_EQ(requester_.measurements()->count, 2);
    EXPECT_EQ(measured({.operation = 1, .is_signed = false}), "done");
    EXPECT_EQ(measured({.operation = 0x10, .nonce = own_nonce}), "done") << requester_.error().message;
    const auto read = read_spdm_transcript(*requester_.evidence());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->blocks, device_.blocks);
    EXPECT_EQ(read->block_count, 2);
    EXPECT_FALSE(read->has_all);
    // Any other request, and any error, begins anew.
    EXPECT_EQ(measured({.operation = 1, .is_signed = false}), "done");
    EXPECT_EQ(fault_text(run(requester_.get_digests()), requester_), "done");
    EXPECT_EQ(measured({.operation = 1, .is_signed = false}), "done");
    EXPECT_EQ(measured({.operation = 0x77, .is_signed = false}), "invalid_request");
    EXPECT_EQ(measured(), "done") << requester_.error().message;
    EXPECT_FALSE(read_spdm_transcript(*requester_.evidence())->block_count);
}

// A device signs what it said before, too, however old it is then.
TEST_F(Requester, OnlyWhatStandsBesideTheNonceIsFresh) {
    ASSERT_EQ(prepared(), "done");
    const auto read = [&] { return read_spdm_transcript(*requester_.evidence()).value(); };
    EXPECT_EQ(measured({.is_signed = false}), "done");
    device_.blocks.front().value.front() ^= 1;
    EXPECT_EQ(measured({.operation = spdm_measurement_count, .nonce = own_nonce}), "done");
    EXPECT_FALSE(read().values_are_fresh());
    EXPECT_TRUE(read().is_complete());
    // All of them again: the device shows itself that they are others.
    EXPECT_EQ(measured({.is_signed = false}), "done");
    device_.blocks.front().value.front() ^= 1;
    EXPECT_EQ(measured({.nonce = own_nonce}), "done");
    EXPECT_TRUE(read().has_changed());
    EXPECT_FALSE(read().values_are_fresh());
    EXPECT_EQ(measured({.nonce = own_nonce}), "done");
    EXPECT_TRUE(read().values_are_fresh());
}

TEST_F(Requester, ACountThatSaysOtherwiseLeavesBlocksOut) {
    ASSERT_EQ(prepared(), "done");
    EXPECT_EQ(measured({.is_signed = false}), "done");
    device_.blocks.push_back({.index = 3, .type = 1, .is_raw = false, .value = Bytes(32, 0x33)});
    EXPECT_EQ(measured({.operation = spdm_measurement_count, .nonce = own_nonce}), "done");
    const auto read = read_spdm_transcript(*requester_.evidence()).value();
    EXPECT_TRUE(read.has_all);
    EXPECT_FALSE(read.is_complete());
}

TEST_F(Requester, EachErrorReplyEndsInItsOwnError) {
    const std::vector<std::pair<std::uint8_t, std::string>> replies = {{0x01, "invalid_request"},     {0x03, "busy"},
                                                                       {0x04, "unexpected_request"},  {0x05, "unspecified"},
                                                                       {0x07, "unsupported_request"}, {0x0B, "session_required"},
                                                                       {0x0C, "reset_required"},      {0x0D, "response_too_large"},
                                                                       {0x0E, "request_too_large"},   {0x0F, "malformed"},
                                                                       {0x10, "message_lost"},        {0x41, "version_mismatch"},
                                                                       {0x42, "malformed"},           {0x43, "request_resynch"},
                                                                       {0x44, "operation_failed"},    {0xFF, "vendor_error"},
                                                                       {0x77, "other_error"}};
    // The version in which there is every request.
    choose(SpdmVersion::v1_3);
    device_.flags |= spdm_cap_measurement_log;
    device_.algorithms.log_specification = options_.log_specification = 1;
    requester_ = SpdmRequester(options_);
    const auto asked = [this](std::uint8_t code) {
        if (const auto first = prepared(); first != "done") return first;
        if (code == challenge) return challenged();
        if (code == get_measurement_log) return fault_text(run(requester_.get_measurement_log()), requester_);
        return measured();
    };
    for (const auto code :
         {get_version, get_capabilities, negotiate, get_digests, get_certificate, challenge, get_measurements, get_measurement_log}) {
        for (const auto &[reply, fault] : replies) {
            requester_.forget();
            const auto version = static_cast<std::uint8_t>(code == get_version ? 0x10 : 0x13);
            const Bytes error{version, 0x7F, reply, 0};
            device_.change = [&](std::uint8_t request, Bytes &answer) {
                if (request == code) answer = error;
            };
            EXPECT_EQ(asked(code), fault) << int{code};
        }
    }
}

// It may be busy at GET_CAPABILITIES already, whose version is the first that is agreed on.
TEST_F(Requester, ADeviceThatHasAgreedOnNoVersionMayAnswerWithAnErrorInTheFirst) {
    choose(SpdmVersion::v1_2);
    unsigned asked = 0;
    const auto answer = [&](const Bytes &request) -> Bytes {
        return request[1] == get_capabilities && ++asked == 1 ? Bytes{0x10, 0x7F, 0x03, 0} : device_.answer(request);
    };
    EXPECT_EQ(fault_text(drive(requester_, requester_.connect(), answer), requester_), "done") << requester_.error().message;
    EXPECT_EQ(asked, 2U);
    EXPECT_EQ(answered(get_capabilities, {0x10, 0x7F, 0x01, 0}), "invalid_request");
    EXPECT_EQ(answered(get_capabilities, {0x11, 0x7F, 0x01, 0}), "unexpected_response");
    EXPECT_EQ(answered(negotiate, {0x10, 0x7F, 0x01, 0}), "unexpected_response");
}

TEST_F(Requester, ABusyDeviceIsAskedTheSameAgain) {
    ASSERT_EQ(prepared(), "done");
    Bytes first;
    unsigned asked = 0;
    const auto answer = [&](const Bytes &request) -> Bytes {
        if (first.empty()) first = request;
        EXPECT_EQ(request, first);
        return ++asked <= max_spdm_busy ? Bytes{0x12, 0x7F, 0x03, 0} : device_.answer(request);
    };
    EXPECT_EQ(fault_text(drive(requester_, requester_.get_measurements({}), answer), requester_), "done") << requester_.error().message;
    auto step = requester_.get_measurements({});
    step = requester_.reply(Bytes{0x12, 0x7F, 0x03, 0});
    EXPECT_EQ(step.kind, Kind::wait);
    EXPECT_EQ(step.time, options_.busy_time);
}

TEST_F(Requester, ADeviceThatIsNotReadyIsAskedForItsAnswerAfterItsTime) {
    ASSERT_EQ(prepared(), "done");
    const auto request = spdm::owned(requester_.get_measurements({}).message);
    auto step = requester_.reply(Bytes{0x12, 0x7F, 0x42, 0, 10, 0xE0, 0x5A, 1});
    EXPECT_EQ(step.kind, Kind::wait);
    EXPECT_EQ(step.time, std::chrono::microseconds(1024));
    step = requester_.resume();
    EXPECT_EQ(spdm::owned(step.message), (Bytes{0x12, 0xFF, 0xE0, 0x5A}));
    EXPECT_EQ(fault_text(requester_.reply(device_.answer(request)), requester_), "done") << requester_.error().message;

    (void)requester_.get_measurements({});
    EXPECT_EQ(fault_text(requester_.reply(Bytes{0x12, 0x7F, 0x42, 0, 40, 0xE0, 0x5A, 1}), requester_), "response_not_ready") << "12 days";
    ASSERT_EQ(prepared(), "done");
    (void)requester_.get_measurements({});
    EXPECT_EQ(fault_text(requester_.reply(Bytes{0x12, 0x7F, 0x42, 0, 1, 0x81, 0x5A, 1}), requester_), "unexpected_response")
        << "of DIGESTS";
    ASSERT_EQ(prepared(), "done");
    const auto never = [](const Bytes &) { return Bytes{0x12, 0x7F, 0x42, 0, 1, 0xE0, 0x5A, 1}; };
    EXPECT_EQ(fault_text(drive(requester_, requester_.get_measurements({}), never), requester_), "response_not_ready");
}

TEST_F(Requester, ADeadlineIsTheTransportsAndTheDevices) {
    device_.crypto_time_exponent = 21;
    auto step = requester_.connect();
    EXPECT_EQ(step.time, options_.round_trip + spdm_response_time);
    ASSERT_EQ(prepared(), "done");
    EXPECT_EQ(requester_.get_measurements({}).time, options_.round_trip + std::chrono::microseconds(1 << 21));
    device_.crypto_time_exponent = 200;
    ASSERT_EQ(prepared(), "done");
    EXPECT_EQ(requester_.get_measurements({}).time, options_.round_trip + max_spdm_crypto_time);
}

TEST_F(Requester, ATransportMayTakeAnyTime) {
    SpdmOptions options;
    options.round_trip = std::chrono::microseconds::max();
    SpdmRequester patient(options);
    EXPECT_EQ(patient.connect().time, std::chrono::microseconds::max());
}

TEST_F(Requester, ADeviceThatDoesNotAnswerEndsTheConnection) {
    ASSERT_EQ(prepared(), "done");
    (void)requester_.get_measurements({});
    EXPECT_EQ(fault_text(requester_.timed_out(), requester_), "timed_out");
    EXPECT_EQ(requester_.connection(), nullptr);
    EXPECT_EQ(fault_text(requester_.get_measurements({}), requester_), "misuse");
    ASSERT_EQ(prepared(), "done");
    (void)requester_.get_measurements({});
    EXPECT_EQ(fault_text(requester_.disconnected(), requester_), "disconnected");
    EXPECT_EQ(requester_.connection(), nullptr);
    EXPECT_EQ(fault_text(requester_.reply(Bytes{0x12, 0x7F, 1, 0}), requester_), "misuse") << "an answer that nobody waits for";
}

TEST_F(Requester, CapabilitiesThatExcludeEachOtherAreRefused) {
    const auto good = device_.flags;
    for (const std::uint32_t flags :
         {good | spdm_cap_meas, good & ~spdm_cap_meas, good & ~spdm_cap_cert, good | spdm_cap_public_key_id, good | spdm_cap_encrypt,
          good | spdm_cap_key_ex, good | spdm_cap_heartbeat, good | spdm_cap_psk, good | spdm_cap_handshake_in_clear, good | spdm_cap_csr,
          good | spdm_cap_install_reset, spdm_cap_cert | spdm_cap_meas_fresh | 0x08, spdm_cap_alias_cert | 0x08U}) {
        device_.flags = flags;
        EXPECT_EQ(prepared(), "illegal_capabilities") << std::hex << flags;
    }
    device_.flags = good;
    device_.size = min_spdm_transfer_size - 1;
    EXPECT_EQ(prepared(), "illegal_capabilities");
    device_.size = 4096;
    EXPECT_EQ(with(get_capabilities, [](Bytes &answer) { answer[16] = 1; }), "illegal_capabilities") << "two sizes without CHUNK";
    device_.change = {};
    EXPECT_EQ(prepared(), "done");
    choose(SpdmVersion::v1_3);
    for (const std::uint32_t flags :
         {good | spdm_cap_multi_key, good | spdm_cap_multi_key_negotiable, good | spdm_cap_endpoint_info, good | spdm_cap_event}) {
        device_.flags = flags;
        EXPECT_EQ(prepared(), "illegal_capabilities") << std::hex << flags;
    }
}

TEST_F(Requester, AlgorithmsThatWereNotOfferedAreRefused) {
    const auto good = device_.algorithms;
    constexpr std::uint32_t rsa_3072 = 0x4;
    constexpr std::uint32_t sha3_256 = 0x8;
    const auto refused = [&](const char *what, auto &&change) {
        device_.algorithms = good;
        change(device_.algorithms);
        EXPECT_EQ(prepared(), "no_common_algorithm") << what;
    };
    refused("RSA", [](auto &each) { each.base_asym = rsa_3072; });
    refused("none", [](auto &each) { each.base_asym = 0; });
    refused("two", [](auto &each) { each.base_asym = spdm_asym_p256 | spdm_asym_p384; });
    refused("SHA3", [](auto &each) { each.base_hash = sha3_256; });
    refused("SHA-512", [](auto &each) { each.base_hash = spdm_hash_sha512; });
    refused("no measurements", [](auto &each) { each.measurement_specification = 0; });
    refused("two measurement hashes", [](auto &each) { each.measurement_hash = 6; });
    refused("multi-key", [](auto &each) { each.other_parameters |= spdm_multi_key_connection; });
    refused("a log", [](auto &each) { each.log_specification = 1; });
    device_.algorithms = good;
    EXPECT_EQ(with(negotiate, [](Bytes &answer) { answer[32] = 1; }), "malformed") << "extended algorithms";
    EXPECT_EQ(with(negotiate, [](Bytes &answer) { answer[4] = 40; }), "malformed") << "another length";
}

TEST_F(Requester, WhatADeviceCannotDoIsNotAsked) {
    device_.flags = spdm_cap_cert | spdm_cap_chal;
    ASSERT_EQ(prepared(), "done");
    EXPECT_EQ(measured(), "not_capable");
    EXPECT_EQ(challenged(SpdmSummary::all), "not_capable");
    EXPECT_EQ(challenged(SpdmSummary::none), "done");
    device_.flags = spdm_cap_cert | spdm_cap_chal | 0x08;
    ASSERT_EQ(prepared(), "done");
    EXPECT_EQ(measured(), "not_capable") << "it signs none";
    EXPECT_EQ(measured({.is_signed = false}), "done");
    EXPECT_FALSE(requester_.measurements()->is_signed);
    device_.flags = spdm_cap_cert | spdm_cap_meas_signed;
    ASSERT_EQ(prepared(), "done");
    EXPECT_EQ(challenged(), "not_capable");
    EXPECT_EQ(measured({.is_anew = true}), "not_capable") << "1.2";
    EXPECT_EQ(fault_text(requester_.get_measurement_log(), requester_), "not_capable");
    choose(SpdmVersion::v1_1);
    ASSERT_EQ(prepared(), "done");
    EXPECT_EQ(measured({.is_raw = true}), "not_capable");
}

TEST_F(Requester, OfASlotWithoutCertificatesNothingIsAsked) {
    EXPECT_EQ(fault_text(requester_.get_digests(), requester_), "misuse") << "there is no connection";
    ASSERT_EQ(prepared(), "done");
    EXPECT_EQ(fault_text(requester_.get_certificate(5), requester_), "no_such_slot");
    EXPECT_EQ(measured({.slot = 5}), "no_such_slot");
    EXPECT_EQ(fault_text(requester_.get_certificate(8), requester_), "misuse");
    requester_.forget();
    EXPECT_EQ(fault_text(run(requester_.connect()), requester_), "done");
    EXPECT_EQ(measured(), "no_chain") << "its signature could not be checked";
    EXPECT_EQ(challenged(), "no_chain");
}

TEST_F(Requester, AChainIsReadInPortionsAndHasToBeDigestsOne) {
    device_.portion = 7;
    ASSERT_EQ(prepared(), "done") << requester_.error().message;
    EXPECT_EQ(*requester_.chain(0), device_.chain());
    EXPECT_EQ(with(get_digests, [](Bytes &answer) { answer.back() ^= 1; }), "wrong_chain_digest");
    device_.portion = 0xFFFF;
    // Reserved bytes of CERTIFICATE's own, then the chain.
    requester_.forget();
    EXPECT_EQ(with(get_certificate, [](Bytes &answer) { answer[4] -= 1, answer.pop_back(); }), "wrong_chain_digest");
    EXPECT_EQ(with(get_certificate, [](Bytes &answer) { answer[2] = 1; }), "unexpected_response") << "another slot";
    EXPECT_EQ(with(get_certificate, [](Bytes &answer) { answer[4] += 1; }), "malformed");
    EXPECT_EQ(answered(get_certificate, {0x12, 2, 0, 0, 0, 0, 1, 0}), "no_progress") << "an empty portion";
    EXPECT_EQ(answered(get_certificate, {0x12, 2, 0, 0, 1, 0, 0xFF, 0xFF, 0}), "too_large");
    // One byte at a time, for ever.
    EXPECT_EQ(answered(get_certificate, {0x12, 2, 0, 0, 1, 0, 0, 1, 0}), "no_progress");
    device_.leaf.back() = 0;
    device_.root.resize(20);
    device_.change = {};
    EXPECT_EQ(prepared(), "malformed_chain");
}

TEST_F(Requester, AMessageThatIsNotItsRequestsAnswerIsRefused) {
    for (const auto code : {get_version, get_capabilities, negotiate, get_digests, get_certificate, get_measurements}) {
        requester_.forget();
        EXPECT_EQ(with(code, [](Bytes &answer) { answer[1] ^= 1; }), "unexpected_response") << int{code};
        EXPECT_EQ(with(code, [](Bytes &answer) { answer[0] ^= 1; }), "unexpected_response") << int{code};
        EXPECT_EQ(with(code, [](Bytes &answer) { answer.push_back(0); }), "malformed") << int{code};
        EXPECT_EQ(with(code, [](Bytes &answer) { answer.resize(3); }), "malformed") << int{code};
        EXPECT_EQ(with(code, [](Bytes &answer) { answer.resize(5000); }), code == get_version ? "malformed" : "too_large") << int{code};
        EXPECT_EQ(answered(code, {}), "malformed") << int{code};
        EXPECT_EQ(requester_.connection(), nullptr);
    }
}

TEST_F(Requester, EveryAnswerThatIsCutShortIsRefused) {
    for (const auto code : {get_version, get_capabilities, negotiate, get_digests, get_certificate, get_measurements}) {
        device_.change = {};
        requester_.forget();
        ASSERT_EQ(prepared(), "done");
        std::size_t size = 0;
        (void)with(code, [&](Bytes &answer) { size = answer.size(); });
        for (std::size_t cut = 0; cut < size; ++cut) {
            requester_.forget();
            const auto fault = with(code, [cut](Bytes &answer) { answer.resize(cut); });
            EXPECT_EQ(fault, "malformed") << int{code} << " cut to " << cut;
        }
    }
}

TEST_F(Requester, PaddingIsUnderFourBytesAndZero) {
    options_.is_padded = true;
    requester_ = SpdmRequester(options_);
    EXPECT_EQ(with(get_measurements, [](Bytes &answer) { answer.resize(answer.size() + 3); }), "done") << requester_.error().message;
    ASSERT_NE(requester_.evidence(), nullptr);
    EXPECT_TRUE(verify_spdm(*requester_.evidence(), own_nonce, device_.anchors())) << "padding is not signed";
    EXPECT_EQ(with(get_measurements, [](Bytes &answer) { answer.resize(answer.size() + 4); }), "malformed");
    EXPECT_EQ(with(get_measurements, [](Bytes &answer) { answer.push_back(1); }), "malformed");
}

TEST_F(Requester, MeasurementsThatWereNotAskedForAreRefused) {
    device_.blocks.clear();
    EXPECT_EQ(with(get_measurements, [](Bytes &) {}), "wrong_measurements");
    device_.blocks = {{.index = 1, .type = 1, .is_raw = false, .value = Bytes(32)},
                      {.index = 1, .type = 1, .is_raw = false, .value = Bytes(32)}};
    EXPECT_EQ(with(get_measurements, [](Bytes &) {}), "malformed") << "one index twice";
    device_.blocks = {{.index = 0xFF, .type = 1, .is_raw = false, .value = Bytes(32)}};
    EXPECT_EQ(with(get_measurements, [](Bytes &) {}), "malformed");
    device_.blocks = {{.index = 2, .type = 42, .is_raw = false, .value = {}}};
    EXPECT_EQ(with(get_measurements, [](Bytes &) {}), "done") << "a type that is not known: " << requester_.error().message;
    EXPECT_EQ(measured({.operation = 3, .is_signed = false}), "invalid_request");
    EXPECT_EQ(with(get_measurements, [](Bytes &answer) { answer[4] = 2; }), "malformed") << "another number of blocks";
    EXPECT_EQ(with(get_measurements, [](Bytes &answer) { answer[7] = 1; }), "too_large") << "a record of 64 KiB";
    EXPECT_EQ(with(get_measurements, [](Bytes &answer) { answer[3] |= 4; }), "unexpected_response") << "slot 4";
    EXPECT_EQ(with(get_measurements, [](Bytes &answer) { answer[9] = 2; }), "malformed") << "not DMTF's";
    EXPECT_EQ(with(get_measurements, [](Bytes &answer) { answer[10] ^= 1; }), "malformed") << "two sizes";
}

TEST_F(Requester, OpaqueDataHaveALimitAndAContextIsTheRequests) {
    device_.opaque = Bytes(max_spdm_opaque, 7);
    ASSERT_EQ(prepared(), "done");
    EXPECT_EQ(measured(), "done") << requester_.error().message;
    EXPECT_EQ(requester_.measurements()->opaque, device_.opaque);
    EXPECT_EQ(challenged(), "done");
    EXPECT_EQ(requester_.challenge_result()->opaque, device_.opaque);
    device_.opaque.push_back(7);
    EXPECT_EQ(measured(), "too_large");
    device_.opaque.clear();
    choose(SpdmVersion::v1_3);
    EXPECT_EQ(with(get_measurements, [](Bytes &answer) { answer[answer.size() - 65] ^= 1; }), "wrong_context");
    device_.change = [](std::uint8_t code, Bytes &answer) {
        if (code == challenge) answer[answer.size() - 65] ^= 1;
    };
    ASSERT_EQ(prepared(), "done");
    EXPECT_EQ(challenged(), "wrong_context");
}

TEST_F(Requester, EveryChangedBitOfWhatIsSignedIsFound) {
    ASSERT_EQ(prepared(), "done");
    ASSERT_EQ(measured(), "done");
    std::size_t size = 0;
    device_.change = [&](std::uint8_t, Bytes &answer) { size = answer.size(); };
    ASSERT_EQ(measured(), "done");
    for (std::size_t bit = 0; bit < size * 8; ++bit) {
        device_.change = [bit](std::uint8_t code, Bytes &answer) {
            if (code == get_measurements) answer[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        };
        const auto fault = measured();
        EXPECT_NE(fault, "done") << "bit " << bit;
        if (fault != "bad_signature") {
            device_.change = {};
            ASSERT_EQ(prepared(), "done");
        }
    }
}

TEST_F(Requester, AnotherKeyThanTheSlotsIsFound) {
    ASSERT_EQ(prepared(), "done");
    device_.leaf_key = TestKey();
    EXPECT_EQ(measured(), "bad_signature");
    EXPECT_EQ(challenged(), "bad_signature");
    EXPECT_EQ(requester_.evidence(), nullptr);
    EXPECT_EQ(requester_.measurements(), nullptr);
    // With its certificate, and DIGESTS says so: the old chain is forgotten.
    device_.leaf = ToyDevice::leaf_certificate().encode(device_.leaf_key, device_.root_key);
    EXPECT_EQ(challenged(), "wrong_chain_digest");
    ASSERT_EQ(fault_text(run(requester_.get_digests()), requester_), "done");
    EXPECT_EQ(requester_.chain(0), nullptr);
    EXPECT_EQ(prepared(), "done");
    EXPECT_EQ(measured(), "done");
}

TEST_F(Requester, AWrongSignatureLeavesTheConnectionUsable) {
    EXPECT_EQ(with(get_measurements, [](Bytes &answer) { answer.back() ^= 1; }), "bad_signature");
    device_.change = {};
    EXPECT_EQ(measured(), "done") << requester_.error().message;
}

TEST_F(Requester, WithoutRandomnessNothingIsAsked) {
    requester_ = SpdmRequester(options_, [](std::span<std::uint8_t>) { return false; });
    ASSERT_EQ(prepared(), "done");
    EXPECT_EQ(measured({}), "no_randomness");
    EXPECT_EQ(measured(), "done") << "with the caller's nonce";
}

TEST_F(Requester, OptionsThatADeviceWouldRefuseAreTheCallersMistake) {
    for (const auto &change : std::vector<std::function<void(SpdmOptions &)>>{
             [](SpdmOptions &options) { options.versions.clear(); }, [](SpdmOptions &options) { options.data_transfer_size = 41; },
             [](SpdmOptions &options) { options.max_message_size = 8192; }}) {
        auto options = options_;
        change(options);
        requester_ = SpdmRequester(options);
        EXPECT_EQ(prepared(), "misuse");
    }
    requester_ = SpdmRequester(options_);
    ASSERT_EQ(prepared(), "done");
    EXPECT_EQ(fault_text(requester_.get_certificate(0, 0), requester_), "misuse");
    EXPECT_EQ(fault_text(requester_.exchange({1, 2}), requester_), "misuse");
    EXPECT_EQ(fault_text(requester_.resume(), requester_), "misuse");
}

TEST_F(Requester, ACallersOwnMessageGoesOutAsItIs) {
    ASSERT_EQ(prepared(), "done");
    const Bytes request = {0x12, 0xFE, 0, 0, 3, 0};
    auto step = requester_.exchange(request);
    EXPECT_EQ(spdm::owned(step.message), request);
    EXPECT_EQ(requester_.reply(Bytes{0x12, 0x7E, 0, 0, 9}).kind, Kind::done);
    EXPECT_EQ(spdm::owned(requester_.answer()), (Bytes{0x12, 0x7E, 0, 0, 9}));
    EXPECT_EQ(fault_text(run(requester_.exchange(request)), requester_), "unsupported_request");
}

}  // namespace
}  // namespace mr
