// One message by itself: each of the recorded ones is explained by its name, and hand-made ones to their last field.
#include "mr/spdm_message.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

#include "mr/spdm_transport.h"
#include "tests/attestation/tee/spdm/device_sample.h"

namespace mr {
namespace {

// Of that name; nothing: the message has none.
std::optional<std::string> field_of(const SpdmMessage &message, std::string_view name) {
    const auto found = std::ranges::find(message.fields, name, &SpdmMessageField::name);
    return found == message.fields.end() ? std::nullopt : std::optional(found->value);
}

SpdmMessage explained(std::string_view hex) { return explain_spdm_message(from_hex(hex).value()).value(); }
std::string refused(const Bytes &bytes) {
    const auto message = explain_spdm_message(bytes);
    return message ? "explained as " + message->name : message.error().message;
}

struct RecordedMessage {
    std::string place;
    std::string name;   // "ERROR"
    std::string error;  // "Busy"
    Bytes bytes;
    Bytes carried;
    bool is_request = false;
};

class SpdmMessages : public ::testing::Test {
protected:
    void SetUp() override {
        if (!Conversation::have()) GTEST_SKIP() << "there are no recordings on this machine";
    }

    // Those of all recordings.
    static std::vector<RecordedMessage> recorded() {
        std::vector<RecordedMessage> all;
        for (const auto &folder : std::filesystem::directory_iterator(sample_path("spdm"))) {
            const auto name = folder.path().filename().native();
            const Conversation conversation(name);
            for (std::size_t i = 0; i < conversation.size(); ++i) take(conversation, i, name, all);
        }
        return all;
    }

private:
    // But for those that were made to be wrong, and what is no message of SPDM.
    static void take(const Conversation &conversation, std::size_t index, const std::string &recording, std::vector<RecordedMessage> &all) {
        constexpr std::string_view secured = "SECURED ";
        const auto &message = conversation.at(index);
        auto what = message.at("what").get<std::string>();
        if (message.contains("note") || what.starts_with("DOE_DISCOVERY")) return;
        const bool is_secured = what.starts_with(secured);
        if (is_secured) what.erase(0, secured.size());
        RecordedMessage told{.place = recording + " " + std::to_string(index),
                             .name = what.substr(0, what.find(' ')),
                             .error = {},
                             .bytes = conversation.message(index),
                             .carried = is_secured ? Bytes() : conversation.carried(index),
                             .is_request = message.at("direction") == "request"};
        if (told.name == "ERROR") told.error = what.substr(told.name.size() + 1, what.find('(') - told.name.size() - 1);
        all.push_back(std::move(told));
    }
};

TEST_F(SpdmMessages, AreExplainedByTheirNamesAsTheyAreAndAsTheyWereCarried) {
    std::size_t count = 0;
    for (const auto &[place, name, error, bytes, carried, is_request] : recorded()) {
        for (const auto &form : {bytes, carried}) {
            if (form.empty()) continue;
            ++count;
            const auto message = explain_spdm_message(form);
            ASSERT_TRUE(message) << place << ": " << message.error().message;
            EXPECT_EQ(message->name, name) << place;
            EXPECT_EQ(message->is_request, is_request) << place;
            if (!error.empty()) EXPECT_EQ(field_of(*message, "error"), error) << place;
        }
    }
    EXPECT_GT(count, 1000U);
}

TEST_F(SpdmMessages, WithAByteTooManyOrTooFewAreRefused) {
    std::size_t count = 0;
    for (const auto &[place, name, error, bytes, carried, is_request] : recorded()) {
        const std::vector<std::string> exact{"GET_MEASUREMENTS", "MEASUREMENTS", "CAPABILITIES",  "ALGORITHMS",
                                             "CERTIFICATE",      "DIGESTS",      "CHUNK_RESPONSE"};
        if (std::ranges::find(exact, name) == exact.end()) continue;
        ++count;
        auto longer = bytes;
        longer.push_back(0);
        EXPECT_THAT(refused(longer), ::testing::Not(::testing::HasSubstr("explained as"))) << place;
        EXPECT_THAT(refused({bytes.begin(), bytes.end() - 1}), ::testing::Not(::testing::HasSubstr("explained as"))) << place;
    }
    EXPECT_GT(count, 200U);
}

TEST_F(SpdmMessages, HaveTheBlocksAndTheSignatureThatAVerifierReads) {
    const DeviceSample sample("doe-p384-12-all-signed");
    const Conversation conversation("doe-p384-12-all-signed");
    const auto request = explain_spdm_message(conversation.message(conversation.size() - 2)).value();
    EXPECT_EQ(field_of(request, "attributes"), "signed");
    EXPECT_EQ(field_of(request, "asked_blocks"), "all");
    EXPECT_EQ(field_of(request, "nonce"), to_hex(sample.evidence.spdm.nonce));
    EXPECT_EQ(field_of(request, "slot"), "0");
    const auto response = explain_spdm_message(conversation.message(conversation.size() - 1)).value();
    auto blocks = response.blocks;
    std::ranges::sort(blocks, {}, &SpdmBlock::index);
    EXPECT_EQ(blocks, read_spdm_transcript(sample.evidence.spdm).value().blocks);
    EXPECT_EQ(field_of(response, "signature"), to_hex(sample.evidence.spdm.signature));
}

TEST_F(SpdmMessages, TellTheKeysOfAMultiKeyConnectionAndTheAnswerToAChallengeApartByWhereTheyEnd) {
    const Conversation conversation("doe-p384-13-multikey");
    bool has_digests = false;
    bool is_challenged = false;
    for (std::size_t i = 0; i < conversation.size(); ++i) {
        const auto message = explain_spdm_message(conversation.message(i)).value();
        if (message.name == "DIGESTS") {
            has_digests = true;
            EXPECT_EQ(field_of(message, "slot4").value_or("").size(), 2 * 48U);
            EXPECT_TRUE(field_of(message, "key_pair4"));
            EXPECT_TRUE(field_of(message, "key_usage0"));
        }
        if (message.name != "CHALLENGE_AUTH") continue;
        is_challenged = true;
        EXPECT_EQ(field_of(message, "chain_digest").value_or("").size(), 2 * 48U);
        EXPECT_EQ(field_of(message, "signature").value_or("").size(), 2 * 96U);
    }
    EXPECT_TRUE(has_digests && is_challenged);
}

TEST(SpdmMessage, NamesWhatAnErrorSays) {
    EXPECT_EQ(field_of(explained("127f07e0"), "request"), "GET_MEASUREMENTS");
    const auto not_ready = explained("127f42000ae00102");
    EXPECT_EQ(field_of(not_ready, "error"), "ResponseNotReady");
    EXPECT_EQ(field_of(not_ready, "ready_time_exponent"), "10");
    EXPECT_EQ(field_of(not_ready, "request"), "GET_MEASUREMENTS");
    EXPECT_EQ(field_of(not_ready, "token"), "1");
    EXPECT_EQ(field_of(explained("127f0f0007"), "handle"), "7");
    EXPECT_EQ(field_of(explained("127f9900"), "error"), "0x99");
    EXPECT_EQ(field_of(explained("107f4100"), "error"), "VersionMismatch");
    EXPECT_EQ(refused({0x12, 0x7F, 0x42, 0x00, 0x0A}), "ERROR: it ends before its last field");
}

TEST(SpdmMessage, HasTheVersionOfItsHeader) {
    EXPECT_EQ(explained("10840000").version, 0x10);
    EXPECT_EQ(field_of(explained("10040000000200110012"), "versions"), "1.1, 1.2");
}

TEST(SpdmMessage, OfASessionIsNamedAndNotRead) {
    const auto message = explained("13e400ff0102");
    EXPECT_EQ(message.name, "KEY_EXCHANGE");
    EXPECT_EQ(field_of(message, "param2"), "0xff");
    EXPECT_EQ(field_of(message, "content"), "0102");
}

TEST(SpdmMessage, MayHavePaddingInADataObjectOfDoeAndNowhereElse) {
    const auto request = from_hex("12e00000").value();
    const Bytes three{0x12, 0x86, 0x00, 0x07, 0x01, 0x00};
    for (const auto &message : {request, three}) {
        EXPECT_TRUE(explain_spdm_message(wrap_spdm(SpdmTransport::doe, message)));
        EXPECT_TRUE(explain_spdm_message(wrap_spdm(SpdmTransport::mctp, message)));
    }
    auto padded = three;
    padded.insert(padded.end(), 2, 0);
    EXPECT_EQ(refused(padded), "CHUNK_GET: 2 bytes follow its last field");
    auto wrong = wrap_spdm(SpdmTransport::doe, three);
    wrong.back() = 1;
    EXPECT_EQ(refused(wrong), "CHUNK_GET: 2 bytes follow its last field");
}

TEST(SpdmMessage, BeginsWithAVersionAndACodeThatThereAre) {
    for (const auto *const hex : {"", "12e000", "15e00000", "10e00000", "12770000", "05", "0512e000"})
        EXPECT_FALSE(begins_spdm_message(from_hex(hex).value())) << hex;
    for (const auto *const hex : {"12e00000", "0512e00000", "10840000", "14600000"})
        EXPECT_TRUE(begins_spdm_message(from_hex(hex).value())) << hex;
}

TEST(SpdmStructuredManifest, SaysWhoseItIs) {
    const auto value = from_hex("0a03d9023aa0").value();
    const auto read = spdm_structured_manifest(value).value();
    EXPECT_EQ(spdm_standards_body_text(read.standards_body), "IANA CBOR");
    EXPECT_EQ(to_hex(read.vendor), "d9023a");
    EXPECT_EQ(to_hex(read.body), "a0");
    EXPECT_FALSE(spdm_structured_manifest(from_hex("0a04d9023a").value()));
    EXPECT_FALSE(spdm_structured_manifest(from_hex("0a").value()));
    EXPECT_EQ(spdm_standards_body_text(3), "PCI-SIG");
    EXPECT_EQ(spdm_standards_body_text(0x91), "0x0091");
}

}  // namespace
}  // namespace mr
