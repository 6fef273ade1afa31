// mrctl on tokens of Arm's CCA, and on what a host says that it did with a realm: the real ones, where they are beside the repository.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/integration/mrctl.h"

namespace mrd {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class MrctlCca : public MrctlTest {
protected:
    void SetUp() override {
        MrctlTest::SetUp();
        if (!exists(places::shared_data() / "cca")) GTEST_SKIP() << "there are no samples on this machine";
    }

    static std::string sample(const std::string &name) { return (places::shared_data() / "cca" / name).native(); }
};

TEST_F(MrctlCca, FindsOutThatAFileIsATokenAndJudgesIt) {
    for (const std::string folder : {"draft-ffm-00/", "cmw-907/"}) {
        const auto challenge =
            "6e86d6d97cc713bc6dd43dbce491a6b40311c027a8bf85a39da63e9ce44c132a8a119d296fae6a6999e9bf3e4471b0ce01245d889424c31e89793b3b1d6b15"
            "04";
        const auto said = output({"verify", sample(folder + "token.cbor"), "--roots", sample(folder + "platform-key.json"), "--nonce",
                                  challenge, "--without", "reference,tcb"});
        EXPECT_THAT(said, HasSubstr("\nverified, but not hardware (its key was given, no root vouches for it)"));
    }
    const auto refused = mrctl({"verify", sample("wrong-binding/token.cbor"), "--roots", sample("wrong-binding/platform-key.json"),
                                "--without", "nonce,reference,tcb"});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.out, EndsWith("REFUSED: realm_binding\n"));
    EXPECT_THAT(failure(1, {"verify", sample("draft-ffm-00/token.cbor"), "--roots", sample("bad-trust-anchor/ta-bad.json")}),
                HasSubstr("no point of its curve"));
}

TEST_F(MrctlCca, ExplainsAToken) {
    const auto token = json({"inspect", sample("draft-ffm-00/token.cbor")});
    EXPECT_EQ(token["platform"]["lifecycle_name"], "secured");
    EXPECT_EQ(token["platform"]["sw_components"].size(), 13U);
    EXPECT_EQ(token["realm"]["rak_form"], "COSE_Key");
    const auto text = output({"inspect", sample("draft-ffm-00/token.cbor")});
    EXPECT_THAT(text, StartsWith("Token of an Arm CCA realm, 2124 bytes\n"));
    EXPECT_THAT(text, HasSubstr("\nrealm.rim 311314ab73620350cf758834ae5c65d9e8c2dc7febe6e7d9654bbe864e300d49\n"));
}

TEST_F(MrctlCca, ExplainsTheRecordsOfARealmInARealmsLogAlone) {
    auto log = contents(sample("rim-kvmtool-firmware/realm-log.bin"));
    const auto text = output({"inspect", sample("rim-kvmtool-firmware/realm-log.bin")});
    EXPECT_THAT(text, HasSubstr("    realm event: REALM_CREATE\n    flags: 0x0\n    flag bits: none\n    s2sz: 33\n"));
    EXPECT_THAT(text, HasSubstr("    breakpoints: 6\n"));
    EXPECT_THAT(text, HasSubstr("    realm event: INIT_RIPAS\n    base: 0x80000000\n"));
    EXPECT_THAT(text, HasSubstr("    realm event: REC_CREATE\n    flags: 0x1\n    flag bits: runnable\n"));
    const auto events = json({"inspect", sample("rim-kvmtool-firmware/realm-log.bin")})["events"];
    EXPECT_EQ(events[1]["content"][0]["value"], "REALM_CREATE");
    // As firmware has it that knows nothing of realms.
    const auto signature = log.find("VM VERSION");
    ASSERT_NE(signature, std::string::npos);
    log.replace(signature, 2, "XX");
    std::ofstream(folder() / "log", std::ios::binary) << log;
    const auto other = output({"inspect", folder() / "log"});
    EXPECT_THAT(other, HasSubstr("    tag: 0x1\n    content: "));
    EXPECT_THAT(other, Not(HasSubstr("realm event")));
}

TEST_F(MrctlCca, RebuildsTheInitialMeasurementOfARealm) {
    const std::string realm = "rim-kvmtool-firmware/";
    const std::vector<std::string> images{"--image", "FIRMWARE=" + sample(realm + "firmware.bin"), "--image",
                                          "DTB=" + sample(realm + "dtb.bin")};
    const auto with = [&](std::vector<std::string> command) {
        command.insert(command.begin(), "realm-measurement");
        command.insert(command.end(), images.begin(), images.end());
        return command;
    };
    const std::string rim = "cf37146fce0ad50e1be1a04580c1024e5449b430b0dd96b6ef5c9a2b73767bf5";
    EXPECT_THAT(output(with({"--log", sample(realm + "realm-log.bin")})), EndsWith("\nrim " + rim + "\n"));
    const auto log = (folder() / "realm-log").native();
    for (const auto &text : {mr::to_hex(mr::as_bytes(contents(sample(realm + "realm-log.bin")))),
                             mr::to_base64(mr::as_bytes(contents(sample(realm + "realm-log.bin"))))}) {
        std::ofstream(log) << text << '\n';
        EXPECT_THAT(output(with({"--log", log})), EndsWith("\nrim " + rim + "\n"));
    }
    const auto parameters = (folder() / "realm.json").native();
    std::ofstream(parameters)
        << R"({"hashAlgorithm": "sha-256", "s2sz": 33, "flags": 0, "sveVl": 0, "numBps": 5, "numWps": 5, "pmuNumCtrs": 0,
      "steps": [{"ripas": {"base": "0x80000000", "size": 536870912}}, {"data": {"image": "FIRMWARE", "base": "0x80000000"}},
      {"data": {"image": "DTB", "base": "0x8fe00000", "size": 65536}}, {"rec": {"flags": 1, "pc": "0x80000000", "gprs": ["0x8fe00000"]}}]})";
    const auto steps = json(with({"--parameters", parameters}));
    EXPECT_EQ(steps["rim"], rim);
    EXPECT_EQ(steps["steps"][1]["rim"], "365183bedfd6b2b008421cd9987384ebad20438e6cb3a9a1b6dbdfef3ca1aec7");
    EXPECT_THAT(failure(2, {"realm-measurement"}), HasSubstr("--log"));
    EXPECT_THAT(failure(2, {"realm-measurement", "--log", parameters, "--image", "DTB="}), HasSubstr("NAME=FILE"));
    EXPECT_THAT(failure(1, {"realm-measurement", "--log", sample(realm + "realm-log.bin")}),
                HasSubstr("realm-log.bin: the image FIRMWARE is not given"));
    EXPECT_THAT(
        failure(1, {"realm-measurement", "--log", sample(realm + "realm-log.bin"), "--image", "KERNEL=" + sample(realm + "dtb.bin")}),
        HasSubstr("has no image of that name; it has FIRMWARE, DTB"));
    EXPECT_THAT(failure(1, {"realm-measurement", "--log", sample("qemu-realm-bootlog/realm-bootlog.bin")}),
                HasSubstr("no record VM VERSION"));
}

TEST_F(MrctlCca, FindsTheImagesOfARealmByWhatTheReferenceValuesName) {
    const std::string realm = "rim-kvmtool-firmware/";
    const std::string rim = "cf37146fce0ad50e1be1a04580c1024e5449b430b0dd96b6ef5c9a2b73767bf5";
    const auto firmware = sample(realm + "firmware.bin");
    const auto dtb = sample(realm + "dtb.bin");
    const auto reference = (folder() / "values.json").native();
    const auto write_reference = [&](const std::string &members) {
        std::ofstream(reference) << R"({"format": "mrd-reference-values", "version": 1, )" << members << "}";
    };
    auto log = contents(sample(realm + "realm-log.bin"));
    const auto path = (folder() / "realm-log").native();
    const auto write_log = [&] { std::ofstream(path, std::ios::binary) << log; };
    write_log();
    const std::vector<std::string> command{"realm-measurement", "--log", path, "--image", dtb, "--image", firmware};
    EXPECT_THAT(output(command), EndsWith("\nFIRMWARE is " + firmware + "\nDTB is " + dtb + "\nrim " + rim + "\n"));

    auto with_reference = command;
    with_reference.insert(with_reference.end(), {"--reference", reference});
    for (const std::string name : {"rim", "cca/rim", "start", "realm/rim"}) {
        write_reference(R"("roles": {"start": ["cca/rim"]}, "parts": [{"name": "realm", "kind": "cca"}], "registers": {")" + name +
                        R"(": [")" + rim + R"("]})");
        EXPECT_THAT(output(with_reference), EndsWith("\nrim " + rim + "\n")) << name;
    }
    write_reference(R"("alternatives": [{"name": "image", "sets": [{"name": "of today", "registers": {"rim": [")" + rim + R"("]}}]}])");
    const auto found = json(with_reference);
    EXPECT_EQ(found["expected"], true);
    EXPECT_EQ(found["images"]["DTB"], dtb);

    // The log's word for the image counts for nothing: its digest, of the image with the zeros behind it, is of another.
    auto loaded = contents(dtb);
    loaded.resize(65536);
    const auto digest = mr::hash(mr::HashAlgorithm::sha256, mr::as_bytes(loaded)).value();
    const auto at = log.find(std::string(digest.bytes().begin(), digest.bytes().end()));
    ASSERT_NE(at, std::string::npos);
    log[at] = static_cast<char>(log[at] ^ 1);
    write_log();
    const auto all_the_same = mrctl(with_reference);
    EXPECT_EQ(all_the_same.exit_code, 0);
    EXPECT_THAT(all_the_same.out, EndsWith("\nrim " + rim + "\n"));
    EXPECT_THAT(all_the_same.err, HasSubstr("note: DATA DTB: the log's digest is that of another image"));
    EXPECT_THAT(failure(1, command), HasSubstr("has the digest that the log has of the image DTB"));

    write_reference(R"("registers": {"rim": [")" + std::string(64, 'a') + R"("]})");
    const auto refused = mrctl(with_reference);
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.out, EndsWith("\nREFUSED: the reference values name another rim\n"));
    write_reference(R"("registers": {"rem0": [")" + rim + R"("]})");
    EXPECT_THAT(failure(1, with_reference), HasSubstr("values.json: its registers say nothing of rim"));
}

}  // namespace
}  // namespace mrd
