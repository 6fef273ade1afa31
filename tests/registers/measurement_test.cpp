// What an event may say, without an interface around it.
#include "mrd/registers/measurement.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>

namespace mrd {
namespace {

using mr::HashAlgorithm;

const MeasuredRegister register_of_two_banks{.envelope_name = "tpm/pcr10", .banks = {HashAlgorithm::sha256, HashAlgorithm::sha384}};
const MeasuredRegister log_only_register{.envelope_name = "tdx/rtmr3", .banks = {HashAlgorithm::sha384}, .log_only = true};
const MeasuredRegister plain_register{.envelope_name = "tdx/rtmr3", .banks = {HashAlgorithm::sha384}};

EventClaims claims() { return {.caller = std::make_shared<const mr::EventCaller>()}; }
mr::Bytes text(std::string_view text) { return {text.begin(), text.end()}; }

// The part that is refused; nothing: it is measured.
std::optional<EventPart> refused(const Measured &measured) {
    return measured ? std::nullopt : std::optional(std::get<EventPart>(measured.error()));
}

TEST(Measurement, ATypeIsAnyU32ButEvNoAction) {
    auto said = claims();
    for (const std::int64_t type : {std::int64_t{-1}, std::int64_t{mr::ev_no_action}, std::int64_t{1} << 32}) {
        said.type = type;
        EXPECT_EQ(refused(measure_digest({}, said, {})), EventPart::type) << type;
        EXPECT_EQ(refused(measure_content(plain_register, {.data = text("a")}, said, false)), EventPart::type) << type;
    }
    said.type = std::numeric_limits<std::uint32_t>::max();
    EXPECT_EQ(measure_digest({}, said, {})->details.type, std::numeric_limits<std::uint32_t>::max());
}

TEST(Measurement, DescriptionIdAndDataHaveLimits) {
    const auto too_long = std::string(mr::max_event_description + 1, 'x');
    auto said = claims();
    said.description = too_long;
    EXPECT_EQ(refused(measure_digest({}, said, {})), EventPart::description);
    said.description = std::string_view(too_long).substr(1);
    EXPECT_EQ(refused(measure_digest({}, said, {})), std::nullopt);
    for (const auto size : {std::size_t{0}, max_event_id + 1}) {
        const std::string id(size, 'x');
        said.id = id;
        EXPECT_EQ(refused(measure_digest({}, said, {})), EventPart::id) << size;
    }
    said.id = "once";
    EXPECT_EQ(refused(measure_digest({}, said, mr::Bytes(max_event_data + 1))), EventPart::data);
    EXPECT_EQ(refused(measure_digest({}, said, mr::Bytes(max_event_data))), std::nullopt);
    EXPECT_EQ(refused(measure_content(plain_register, {.data = mr::Bytes(max_event_data + 1)}, claims(), false)), EventPart::data);
    EXPECT_EQ(refused(measure_content(plain_register, {.data = mr::Bytes(max_event_data)}, claims(), false)), std::nullopt);
    EXPECT_EQ(refused(measure_content(plain_register, {.data = mr::Bytes(max_event_data)}, claims(), true)), EventPart::data)
        << "with the envelope it is too long";
}

TEST(Measurement, NobodyButMrdWritesWhatBeginsLikeAnEnvelope) {
    const auto envelope = mr::encode_envelope({.header = {.type = "cap", .register_name = "tdx/rtmr3"}});
    EXPECT_EQ(refused(measure_digest({}, claims(), envelope)), EventPart::data);
    EXPECT_EQ(refused(measure_content(plain_register, {.data = envelope}, claims(), false)), EventPart::data);
    const auto inside = measure_content(plain_register, {.data = envelope}, claims(), true);
    ASSERT_TRUE(inside) << "inside of one it is content like any other";
    EXPECT_EQ(mr::decode_envelope(*inside->details.data)->body.data, envelope);
}

TEST(Measurement, ALogOnlyRegisterTakesNothingButEnvelopes) {
    for (const bool wanted : {false, true}) {
        const auto measured = measure_content(log_only_register, {.data = text("a")}, claims(), wanted);
        ASSERT_TRUE(measured);
        EXPECT_EQ(measured->details.type, mr::ev_event_tag);
        const auto envelope = mr::decode_envelope(*measured->details.data);
        EXPECT_EQ(envelope->header.register_name, "tdx/rtmr3");
        EXPECT_EQ(measured->digests.front(), mr::envelope_digest(*envelope, HashAlgorithm::sha384));
    }
    auto said = claims();
    said.type = mr::ev_ipl;
    EXPECT_EQ(refused(measure_content(log_only_register, {.data = text("a")}, said, false)), EventPart::type);
}

TEST(Measurement, AContentDigestIsOnlyForEnvelopesAndInThePlaceOfData) {
    const mr::ContentDigest digest{HashAlgorithm::sha256, mr::Digest::zero(HashAlgorithm::sha256)};
    EXPECT_EQ(refused(measure_content(plain_register, {.digest = digest}, claims(), false)), EventPart::digest);
    EXPECT_EQ(refused(measure_content(plain_register, {.data = text("a"), .digest = digest}, claims(), true)), EventPart::digest);
    EXPECT_EQ(refused(measure_content(plain_register, {}, claims(), true)), EventPart::data);
    EXPECT_EQ(refused(measure_content(plain_register, {.digest = digest}, claims(), true)), std::nullopt);
}

TEST(Measurement, EachBankHasItsDigestOfTheSameEvent) {
    const auto plain = measure_content(register_of_two_banks, {.data = text("a")}, claims(), false);
    ASSERT_TRUE(plain);
    ASSERT_EQ(plain->digests.size(), 2);
    const auto envelope = measure_content(register_of_two_banks, {.data = text("a")}, claims(), true);
    const auto cap = measure_cap(register_of_two_banks, claims().caller);
    for (std::size_t i = 0; i < 2; ++i) {
        const auto bank = register_of_two_banks.banks[i];
        EXPECT_EQ(plain->digests[i], mr::hash(bank, text("a")));
        EXPECT_EQ(envelope->digests[i], mr::envelope_digest(*envelope->details.data, bank));
        EXPECT_EQ(cap->digests[i], mr::envelope_digest(*cap->details.data, bank));
    }
}

TEST(Measurement, ACapAndAResyncAreEnvelopesOfMrdsOwn) {
    const auto caller = std::make_shared<const mr::EventCaller>(mr::EventCaller{.uid = 7});
    const auto cap = measure_cap(plain_register, caller);
    EXPECT_EQ(cap->details.origin, journal::Origin::cap);
    EXPECT_EQ(mr::decode_envelope(*cap->details.data)->header.type, "cap");
    const auto resync = measure_resync(plain_register, mr::Bytes(48, 1), mr::Bytes(48, 2), caller);
    EXPECT_EQ(resync->details.origin, journal::Origin::resync);
    EXPECT_EQ(resync->details.caller->uid, 7);
    const auto envelope = mr::decode_envelope(*resync->details.data);
    EXPECT_EQ(envelope->header.type, "resync");
    EXPECT_EQ(envelope->body.expected, mr::Bytes(48, 1));
    EXPECT_EQ(envelope->body.found, mr::Bytes(48, 2));
}

TEST(Measurement, WhatMrdSaysOfItselfCannotBeGuessedWhereOthersAreShownTheRegistersHiddenEvents) {
    auto carrier = plain_register;
    const auto body_of = [](const MeasuredRegister &reg) {
        const auto measured = measure_self(reg, "{}", claims().caller);
        EXPECT_TRUE(measured);
        return mr::decode_envelope(*measured->details.data)->body;
    };
    EXPECT_FALSE(body_of(carrier).salt);
    carrier.carries = true;
    EXPECT_TRUE(body_of(carrier).salt);
    EXPECT_EQ(body_of(carrier).data, text("{}"));
}

}  // namespace
}  // namespace mrd
