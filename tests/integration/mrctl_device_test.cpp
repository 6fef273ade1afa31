// mrctl on what devices sign, and on what they say to a TSM: recorded ones, where they are beside the repository.
#include <gmock/gmock.h>

#include <array>
#include <fstream>

#include "tests/attestation/tee/spdm/device_sample.h"
#include "tests/integration/mrctl.h"

namespace mrd {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

class MrctlDevice : public MrctlTest {
protected:
    void SetUp() override {
        MrctlTest::SetUp();
        if (!mr::Conversation::have()) GTEST_SKIP() << "there are no recordings on this machine";
    }

    std::string file(const std::string &name, std::string_view content) {
        const auto path = folder() / name;
        std::ofstream(path, std::ios::binary) << content;
        return path.native();
    }
    std::string file(const std::string &name, const mr::Bytes &content) {
        return file(name, std::string_view(reinterpret_cast<const char *>(content.data()), content.size()));
    }
};

TEST_F(MrctlDevice, FindsOutThatAFileIsEvidenceOfADeviceAndJudgesIt) {
    const mr::DeviceSample sample("doe-p384-12-all-signed");
    const auto evidence = file("device.json", mr::write_device_evidence(sample.evidence));
    const auto roots = file("root.der", sample.root);
    auto values = sample.reference_values();
    const auto reference = file("reference.json", values.dump());
    const auto nonce = mr::to_hex(sample.evidence.spdm.nonce);
    EXPECT_THAT(output({"verify", evidence, "--roots", roots, "--nonce", nonce, "--reference", reference}),
                EndsWith("\nverified, but not hardware (the root was given, and no root is that of all devices)\n"));
    std::swap(values["spdm"]["blocks"][0]["digests"], values["spdm"]["blocks"][1]["digests"]);
    const auto swapped = file("swapped.json", values.dump());
    const auto refused = mrctl({"verify", evidence, "--roots", roots, "--nonce", nonce, "--reference", swapped});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.out, EndsWith("REFUSED: measurement_blocks\n"));
    EXPECT_THAT(failure(2, {"verify", evidence, "--log", reference, "--nonce", nonce}), HasSubstr("a device has no log"));
}

// What is passed over would look as if it had been taken.
TEST_F(MrctlDevice, AFileInTheWrongPlaceIsRefusedAndSaysWhatItIs) {
    const mr::DeviceSample sample("doe-p384-12-all-signed");
    const auto evidence = file("device.json", mr::write_device_evidence(sample.evidence));
    const auto refused = [&](const std::string &option, const std::string &path) {
        return failure(1, {"verify", evidence, "--nonce", hex(1, 32), "--without", "reference", option, path});
    };
    EXPECT_THAT(refused("--collateral", evidence), HasSubstr(": it is evidence of a device: "));
    EXPECT_THAT(refused("--roots", evidence), HasSubstr(": it is evidence of a device: "));
    const auto comma = file("comma.json", "{\n\"format\": \"mrd-reference-values\",\n\"version\": 1,\n}\n");
    EXPECT_THAT(failure(1, {"verify", evidence, "--nonce", hex(1, 32), "--reference", comma}), HasSubstr("see line 4"));
    EXPECT_THAT(failure(1, {"verify", evidence, "--nonce", hex(1, 32), "--reference", evidence}),
                HasSubstr("it is evidence of a device: reference values: the member format is missing"));
    EXPECT_THAT(failure(2, {"verify", evidence, "--time", "2026-11-29"}), HasSubstr("is no decimal number, as `date +%s` prints"));
    const auto root = file("root.pem", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n");
    EXPECT_THAT(failure(1, {"verify", root, "--nonce", hex(1, 32)}), HasSubstr("is nothing that can be judged: it is certificates"));
}

TEST_F(MrctlDevice, ExplainsEvidenceAndWhatIsSaidToATsm) {
    const mr::DeviceSample sample("doe-p384-12-all-signed");
    const auto device = json({"inspect", file("device.json", mr::write_device_evidence(sample.evidence))});
    EXPECT_EQ(device["dmtf"].get<std::string>(), "ACME:WIDGET:1234567890");
    EXPECT_EQ(device["blocks"][4]["svn"].get<int>(), 7);
    EXPECT_EQ(device["blocks"][7]["mode"].get<std::string>(), "normal");
    const auto read = mr::read_spdm_transcript(sample.evidence.spdm).value();
    EXPECT_EQ(device["capabilities"]["flag_bits"], mr::bits_text(read.capabilities.flags, mr::spdm_capability_bits()));
    EXPECT_THAT(device["capabilities"]["flag_bits"].get<std::string>(), HasSubstr("cert, chal, meas_signed, meas_fresh"));
    EXPECT_EQ(device["capabilities"]["max_message_size"], read.capabilities.max_message_size);
    EXPECT_EQ(device["algorithms"]["base_asym"], "ecdsa-p384");
    EXPECT_EQ(device["algorithms"]["base_hash"], "sha384");
    EXPECT_EQ(device["algorithms_are_signed"], true);

    const mr::Conversation conversation("doe-p384-12-tdisp");
    const auto report = file("report", conversation.expected().at("tdi_report").at("hex").get<std::string>());
    EXPECT_THAT(output({"inspect", report}), HasSubstr("WARNING: others than the guest reach range 1\n"));
    for (std::size_t i = 0; i < conversation.size(); ++i) {
        if (conversation.at(i).value("ide_km", "") != "KEY_PROG") continue;
        const auto message = mr::to_hex(conversation.message(i));
        const auto text = output({"inspect", file("message", message)});
        EXPECT_THAT(text, HasSubstr("message KEY_PROG\n"));
        constexpr std::size_t key_at = 38;
        EXPECT_THAT(text, ::testing::Not(HasSubstr(message.substr(key_at, 64))));
    }
}

TEST_F(MrctlDevice, ExplainsAMessageOfSpdmByItself) {
    const mr::Conversation conversation("doe-p384-12-all-signed");
    const auto last = conversation.size() - 1;
    const auto told = json({"inspect", file("measurements", mr::to_hex(conversation.message(last)))});
    EXPECT_EQ(told["message"], "MEASUREMENTS");
    EXPECT_EQ(told["spdm"], "1.2");
    EXPECT_EQ(told["direction"], "response");
    EXPECT_EQ(told["blocks"].size(), 8U);
    EXPECT_EQ(told["blocks"][0]["type"], "immutable_rom");
    EXPECT_EQ(told["signature"].get<std::string>().size(), 2 * 96U);
    // As it was carried, in a data object.
    EXPECT_EQ(json({"inspect", file("object", mr::to_hex(conversation.carried(last)))}), told);
    EXPECT_THAT(output({"inspect", file("request", mr::to_hex(conversation.message(last - 1)))}), HasSubstr("Message of SPDM\n"));
    EXPECT_THAT(
        json({"inspect", file("capabilities", mr::to_hex(conversation.message(3)))})["capabilities"]["flag_bits"].get<std::string>(),
        HasSubstr("meas_fresh"));
    EXPECT_EQ(json({"inspect", file("error", mr::Bytes{0x12, 0x7F, 0x07, 0xE0})})["request"], "GET_MEASUREMENTS");
    EXPECT_THAT(failure(1, {"inspect", file("cut", mr::to_hex(conversation.message(last)).substr(0, 200))}),
                HasSubstr(": MEASUREMENTS: it ends before"));
    EXPECT_THAT(failure(1, {"verify", file("message", conversation.message(last)), "--nonce", hex(1, 32)}),
                HasSubstr("it is a message of SPDM"));
}

TEST_F(MrctlDevice, ExplainsALogAndWhatItLeadsTo) {
    const mr::Conversation conversation("doe-p384-13-mel");
    mr::Bytes log;
    std::string block;
    for (std::size_t i = 0; i < conversation.size(); ++i) {
        const auto message = json({"inspect", file("message", conversation.message(i))});
        if (message["message"] == "MEASUREMENT_EXTENSION_LOG" && log.empty()) {
            constexpr std::ptrdiff_t portion_at = 12;
            const auto bytes = conversation.message(i);
            log.assign(bytes.begin() + portion_at, bytes.end());
        }
        for (const auto &each : message.value("blocks", Json::array())) {
            if (each["type"] == "hash_extend") block = each["digest"].get<std::string>();
        }
    }
    ASSERT_FALSE(log.empty() || block.empty());
    const auto told = json({"inspect", file("log", log)});
    ASSERT_EQ(told["entries"].size(), 3U);
    EXPECT_EQ(told["entries"][0]["number"], 1);
    const auto index = std::to_string(told["entries"][0]["index"].get<int>());
    EXPECT_EQ(told["leads_to"]["block " + index]["sha384"], block);
}

TEST_F(MrctlDevice, ExplainsBlocksAndWhatAManifestIs) {
    const auto block = [](const std::string &index_and_type, const std::string &value) {
        const auto size = [](std::size_t number) { return mr::to_hex(std::array{static_cast<std::uint8_t>(number), std::uint8_t{0}}); };
        return index_and_type.substr(0, 2) + "01" + size(value.size() / 2 + 3) + index_and_type.substr(2) + size(value.size() / 2) + value;
    };
    const auto record = block("0781", "0600000000000000") + block("0887", "0500000000000000") + block("fd84", "d9023aa0") +
                        block("fc8a", "0a03d9023aa0") + block("fb8a", "0002") + block("1108", std::string(96, 'a'));
    const auto told = json({"inspect", file("record", record)})["blocks"];
    ASSERT_EQ(told.size(), 6U);
    EXPECT_FALSE(told[0].contains("svn"));
    EXPECT_EQ(told[1]["svn"], 5);
    EXPECT_EQ(told[2]["manifest"]["content"], "CBOR, tag 570 (concise evidence)");
    EXPECT_EQ(told[3]["manifest"]["standards_body"], "IANA CBOR");
    EXPECT_EQ(told[3]["manifest"]["content"], "CBOR, tag 570 (concise evidence)");
    EXPECT_EQ(told[3]["manifest"]["size"], 1);
    EXPECT_EQ(told[4]["manifest"]["defect"], "it ends within its head");
    EXPECT_EQ(told[5]["type"], "hash_extend");
    EXPECT_EQ(told[5]["digest"], std::string(96, 'a'));
    // The index is the number of a version, and what follows it the code of DIGESTS.
    EXPECT_EQ(json({"inspect", file("block", block("1108", std::string(96, 'a')))})["blocks"].size(), 1U);
    EXPECT_THAT(output({"inspect", file("text", block("fd84", "d9023aa0" + std::string(32, '0')))}),
                HasSubstr("Measurement record of a device\n"));
}

}  // namespace
}  // namespace mrd
