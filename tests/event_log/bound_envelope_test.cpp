// An envelope is one by its digest alone: whatever a file's content is and however a log frames it, the file speaks as none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "libmr/src/base64url.h"
#include "mr/envelope.h"
#include "mr/event_content.h"
#include "tests/event_log/built_log.h"
#include "tests/event_log/event_bytes.h"

namespace mr {
namespace {

using test::efi_variable;
using test::number;
using test::operator+;  // NOLINT(misc-unused-using-decls): it is used, as +

using enum HashAlgorithm;

constexpr std::array all_types = {0U,          1U,          4U,          5U,          6U,          8U,          0xAU,
                                  0xDU,        0x11U,       0x13U,       0x08000001U, 0x80000001U, 0x80000002U, 0x80000003U,
                                  0x80000006U, 0x80000007U, 0x8000000AU, 0x800000E0U, 0x77U};

Envelope envelope_of(std::string type = "measure", std::string name = "tdx/rtmr3") {
    return {.header = {.type = std::move(type), .register_name = std::move(name)},
            .body = {.description = "what it is", .data = bytes_of("content")}};
}

std::string refusal_of(const OwnedEvent &event) {
    const auto view = event.view();
    const auto bound = bound_envelope(view, view.digests.at(0));
    return bound ? "" : bound.error().message;
}
std::string rule_of(const OwnedEvent &event) {
    const auto view = event.view();
    return std::string(recompute_binding(view, view.digests.at(0)).rule);
}

// ---- What is one

TEST(BoundEnvelope, SaysWhatItsDigestBindsWhateverTypeTheLogClaims) {
    auto event = enveloped("vm/rtmr3", envelope_of());
    for (const std::uint32_t type : all_types) {
        event.type = type;
        const auto view = event.view();
        const auto bound = bound_envelope(view, view.digests[0]);
        ASSERT_TRUE(bound) << type << bound.error().message;
        EXPECT_EQ(bound->header, envelope_of().header);
        EXPECT_EQ(bound->body, envelope_of().body);
        const auto found = recompute_binding(view, view.digests[0]);
        EXPECT_EQ(found.rule, "envelope");
        EXPECT_TRUE(std::ranges::equal(found.covered, view.data->subspan(8)));
    }
    event.type = ev_no_action;
    EXPECT_EQ(refusal_of(event), "the event extends no register");
    EXPECT_EQ(rule_of(event), "");
}

TEST(BoundEnvelope, OfTheRedactedFormHasAHeaderAndNoBody) {
    const std::array banks = {sha384, sha256};
    auto event = enveloped("pcr7", envelope_of("measure", "tpm/pcr7"), {sha384, sha256});
    event.data = redact_envelope(*event.data, banks).value();
    const auto view = event.view();
    for (const auto &digest : view.digests) {
        const auto bound = bound_envelope(view, digest);
        ASSERT_TRUE(bound) << bound.error().message;
        EXPECT_EQ(bound->header.register_name, "tpm/pcr7");
        EXPECT_FALSE(bound->body);
        EXPECT_EQ(recompute_binding(view, digest).rule, "redacted envelope");
    }
    // Redacted for one bank, it says nothing in an event of two.
    auto partly = enveloped("pcr7", envelope_of("measure", "tpm/pcr7"), {sha384, sha256});
    partly.data = redact_envelope(*partly.data, std::array{sha384}).value();
    EXPECT_EQ(refusal_of(partly), "the digest is not this envelope's");
    partly.digests.pop_back();
    EXPECT_EQ(refusal_of(partly), "");
}

// ---- What is none

TEST(BoundEnvelope, IsNoFileWhoseContentIsAnEnvelopesData) {
    auto whole = encode_envelope(envelope_of());
    const auto redacted = redact_envelope(whole, std::array{sha384}).value();
    auto version_1 = whole;
    version_1[0] = 1;
    for (const auto &content :
         {whole, redacted, version_1, encode_envelope(envelope_of("cap")), *resync("rtmr3", Bytes(48), Bytes(48)).data}) {
        for (const std::uint32_t type : all_types) {
            if (type == 0x08000001) continue;  // dstack's: its data is not hashed alone
            const auto event = measured("vm/rtmr3", content, {sha384}, type);
            EXPECT_NE(refusal_of(event), "") << type;
            EXPECT_EQ(rule_of(event), "data") << type;
            // Nor where the log frames it as anything else.
            const std::array framed = {number(0x1234, 4) + number(content.size(), 4) + content,
                                       number(envelope_tag, 4) + number(content.size(), 4) + content,
                                       efi_variable(Bytes(16, 0x11), "name", content),
                                       bytes_of("td_payload_info") + Bytes{0} + number(content.size(), 4) + content,
                                       bytes_of("grub_cmd: ") + content + Bytes{0},
                                       Bytes(content.begin() + 8, content.end())};
            for (const auto &data : framed) {
                auto claimed = event;
                claimed.data = data;
                EXPECT_NE(refusal_of(claimed), "") << type;
                const auto rule = rule_of(claimed);
                EXPECT_TRUE(rule != "envelope" && rule != "redacted envelope") << type << rule;
            }
        }
    }
}

// Whatever is hashed for it: parts of an envelope, its prefix, or its digest's plain hash.
TEST(BoundEnvelope, IsNoPlainMeasurementOfWhatAnEnvelopesDigestIsMadeOf) {
    const auto data = encode_envelope(envelope_of());
    const auto real = envelope_digest(data, sha384).value();
    Bytes complement(real.bytes().begin(), real.bytes().end());
    for (auto &byte : complement) byte = static_cast<std::uint8_t>(~byte);
    const auto redacted = decode_redacted_envelope(redact_envelope(data, std::array{sha384}).value()).value();
    const auto body = redacted.body_digests[0].bytes();
    // A file whose hash is the one that the complement is taken of exists: prefix, H(header), H(body). It is still no envelope.
    const std::string text(data.begin() + 8, data.end());
    const auto header = hash(sha384, from_base64url(text.substr(0, text.find('.'))).value()).value();
    const auto file = bytes_of(std::string_view("mrd envelope v2\0", 16)) + Bytes(header.bytes().begin(), header.bytes().end()) +
                      Bytes(body.begin(), body.end());
    EXPECT_EQ(hash(sha384, file).value(), Digest(complement));
    for (const Bytes &content : {data, complement, file, Bytes(real.bytes().begin(), real.bytes().end()), Bytes(body.begin(), body.end()),
                                 bytes_of(std::string_view("mrd envelope v2\0", 16)) + complement}) {
        auto event = measured("vm/rtmr3", content);
        event.type = ev_event_tag;
        event.data = data;
        EXPECT_NE(refusal_of(event), "");
    }
    OwnedEvent plain{.index = 4, .name = "vm/rtmr3", .type = ev_event_tag, .digests = {{tcg_id(sha384), complement}}, .data = data};
    EXPECT_EQ(refusal_of(plain), "the digest is not this envelope's");
    EXPECT_EQ(rule_of(plain), "");
}

TEST(BoundEnvelope, IsNoneWhereItNamesAnotherRegister) {
    for (const std::string name : {"tdx/rtmr2", "tdx/rtmr30", "tpm/pcr3", "tdx/RTMR3"}) {
        EXPECT_EQ(refusal_of(enveloped("vm/rtmr3", envelope_of("measure", name))), "the envelope names another register") << name;
        EXPECT_EQ(rule_of(enveloped("vm/rtmr3", envelope_of("measure", name))), "") << name;
    }
    const Envelope virtual_register{.header = {.type = "measure", .id = VirtualRegisterId{1}}};
    EXPECT_EQ(refusal_of(enveloped("vm/rtmr3", virtual_register)), "the envelope names another register")
        << "of which only what names an id is one";
}

TEST(BoundEnvelope, NamesTheRegisterOfALogWhateverTheLogCallsTheProvider) {
    const auto names = [](std::string reg, std::string_view name) {
        return names_register({.type = "measure", .register_name = std::move(reg)}, name);
    };
    for (const std::string_view name : {"tdx/rtmr3", "vm/rtmr3", "rtmr3", "rtmr3:sha384", "tdx/rtmr3:sha384"})
        EXPECT_TRUE(names("tdx/rtmr3", name)) << name;
    for (const std::string_view name : {"", "tdx/", "rtmr", "rtmr33", "tdx/rtmr3/", "a/b/rtmr3", "rtmr3:bank", "tdx"})
        EXPECT_FALSE(names("tdx/rtmr3", name)) << name;
    EXPECT_TRUE(names("tpm/pcr7", "tpm/pcr7:sha256"));
    EXPECT_TRUE(names("tpm/pcr7", "pcr7"));
    EXPECT_TRUE(names("spdm/block1", "spdm0/block1"));
    EXPECT_FALSE(names("spdm/block1", "spdm0/block2"));
}

TEST(BoundEnvelope, IsNoneWhereOneOfTheBanksDisagrees) {
    auto event = enveloped("pcr7", envelope_of("measure", "tpm/pcr7"), {sha384, sha256});
    EXPECT_EQ(refusal_of(event), "");
    event.digests[1].second[0] ^= 1;
    EXPECT_EQ(refusal_of(event), "the digest is not this envelope's") << "the bank that is asked for is right";
    EXPECT_EQ(rule_of(event), "");
    // Of an algorithm that nobody here can compute nothing can be said.
    event.digests[1] = {0x7777, Bytes(7)};
    EXPECT_EQ(refusal_of(event), "");
    auto view = event.view();
    EXPECT_EQ(bound_envelope(view, view.digests[1]).error().code, ErrorCode::not_supported);
}

TEST(BoundEnvelope, IsNoneOfVersion1OrOfWhatDoesNotDecode) {
    auto event = enveloped("rtmr3", envelope_of());
    event.data->at(0) = 1;
    EXPECT_EQ(refusal_of(event), "an envelope of version 1 says nothing");
    event.data->at(0) = 2;
    event.data->push_back('A');
    EXPECT_EQ(refusal_of(event), "envelope, byte 4: the size is not that of what follows");
    event.data.reset();
    EXPECT_EQ(refusal_of(event), "the data is no envelope");
    event.data = bytes_of("content");
    EXPECT_EQ(refusal_of(event), "the data is no envelope");
}

// ---- A resync

TEST(ResyncValues, AreThereWhereBothHaveTheBanksSize) {
    const auto bound = [](const Envelope &envelope) { return BoundEnvelope{.header = envelope.header, .body = envelope.body}; };
    const auto good = bound(resync_envelope("rtmr3", Bytes(48, 1), Bytes(48, 2)));
    ASSERT_TRUE(resync_values(good, 48));
    EXPECT_EQ(resync_values(good, 48)->expected, Digest(Bytes(48, 1)));
    EXPECT_EQ(resync_values(good, 48)->found, Digest(Bytes(48, 2)));
    EXPECT_FALSE(resync_values(good, 32));
    EXPECT_FALSE(resync_values(bound(resync_envelope("rtmr3", Bytes(32), Bytes(48))), 48));
    EXPECT_FALSE(resync_values(bound(resync_envelope("rtmr3", Bytes(48), Bytes(32))), 48));
    EXPECT_FALSE(resync_values({.header = good.header, .body = std::nullopt}, 48));
    EXPECT_FALSE(resync_values({.header = {.type = "measure", .register_name = "tdx/rtmr3"}, .body = good.body}, 48));
}

}  // namespace
}  // namespace mr
