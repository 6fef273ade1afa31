// mrctl on what devices sign, and on what they say to a TSM: recorded ones, where they are beside the repository.
#include <gmock/gmock.h>

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
};

TEST_F(MrctlDevice, FindsOutThatAFileIsEvidenceOfADeviceAndJudgesIt) {
    const mr::DeviceSample sample("doe-p384-12-all-signed");
    const auto evidence = file("device.json", mr::write_device_evidence(sample.evidence));
    const auto roots = file("root.der", {reinterpret_cast<const char *>(sample.root.data()), sample.root.size()});
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

}  // namespace
}  // namespace mrd
