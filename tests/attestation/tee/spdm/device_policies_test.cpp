// Policies about devices: recordings that satisfy them, and such as nearly do. What a device has signed cannot be changed, so that what differs in one thing is mostly what is
// said of it.
#include <gmock/gmock.h>

#include "tests/attestation/policy_table.h"
#include "tests/attestation/tee/spdm/device_sample.h"
#include "tests/attestation/tee/spdm/test_corim.h"

namespace mr {
namespace {

using nlohmann::json;
using namespace corim_test;  // NOLINT(google-build-using-namespace)

// A recorded device, and the reference values that are given: the policy's members beside what it needs otherwise to be accepted.
struct TestDevice {
    explicit TestDevice(json of_policy) : members(std::move(of_policy)) { record("doe-p384-12-all-signed"); }

    void record(const std::string &name) {
        sample.emplace(name);
        values = sample->reference_values();
        values.update(members, true);
        if (spdm().contains("sets")) spdm().erase("blocks");
    }
    [[nodiscard]] json &spdm() { return values["spdm"]; }
    [[nodiscard]] json &block(int index) {
        for (auto &each : spdm()["blocks"]) {
            if (each.at("index") == index) return each;
        }
        throw std::out_of_range("no such block");
    }
    void forget(int index) {
        auto &blocks = spdm()["blocks"];
        blocks.erase(std::ranges::find(blocks, json(index), [](const json &each) { return each.at("index"); }));
    }

    json members;
    std::optional<DeviceSample> sample;
    json values;
    std::optional<Bytes> manifest = {};
};
using Policy = PolicyOf<TestDevice>;

void keep(TestDevice & /*device*/) {}
auto said(const char *member, const json &value) {
    return [=](TestDevice &device) { device.spdm()[member] = value; };
}
auto unsaid(const char *member) {
    return [=](TestDevice &device) { device.spdm().erase(member); };
}
auto recorded(const char *name) {
    return [=](TestDevice &device) { device.record(name); };
}
// Another recording, of which one member says something else.
auto recorded(const char *name, const char *member, const json &value) {
    return [=](TestDevice &device) {
        device.record(name);
        device.spdm()[member] = value;
    };
}
auto of_block(int index, const char *member, const json &value) {
    return [=](TestDevice &device) { device.block(index)[member] = value; };
}
auto forgotten(int index) {
    return [=](TestDevice &device) { device.forget(index); };
}
// A block that nothing lists, and one member says something else.
auto forgotten(int index, const char *member, const json &value) {
    return [=](TestDevice &device) {
        device.forget(index);
        device.spdm()[member] = value;
    };
}

// The one recorded with a function in its certificate.
constexpr const char *with_function = "doe-p256-12-own-root";
auto function(const json &expected) {
    return [=](TestDevice &device) {
        device.record(with_function);
        device.spdm().erase("dmtf");
        device.spdm()["pci"] = expected;
    };
}
auto any_device(const json &choice, const char *name = "doe-p384-12-all-signed") {
    return [=](TestDevice &device) {
        device.record(name);
        device.spdm().erase("dmtf");
        device.spdm()["anyDevice"] = choice;
    };
}

const TestSigner &maker() {
    static const TestSigner known;
    return known;
}
Bytes content(const TestDevice &device, ClaimList more = {}) {
    return corim_test::manifest({comid(measurements_of(*device.sample))}, std::move(more));
}
auto signed_by(const TestSigner &signer) {
    return [signer](TestDevice &device) { device.manifest = signer.sign(content(device)); };
}
void unsigned_manifest(TestDevice &device) { device.manifest = content(device); }
void until_before(TestDevice &device) {
    device.manifest = content(device, {{4, map({{0, tagged(1, integer(1'700'000'000))}, {1, tagged(1, integer(1'790'000'000))}})}});
}

std::vector<Policy> policies(const DeviceSample *sample) {
    const json placeholder{{{"index", 1}, {"type", "immutable_rom"}, {"digests", json::array()}},
                           {{"index", 16}, {"type", "svn"}, {"minimumSvn", 7}},
                           {{"index", 253}, {"type", "manifest"}, {"raw", json::array()}}};
    const auto blocks = sample == nullptr ? placeholder : sample->blocks;
    const auto of = [](const json &members) { return json{{"spdm", members}}; };
    const auto digests = [blocks](int index) {
        for (const auto &each : blocks) {
            if (each.at("index") == index) return each.at("digests");
        }
        return json();
    };
    auto other = blocks;
    other[0]["digests"] = {"sha384:" + std::string(96, '0')};
    const std::string zeros = "sha384:" + std::string(96, '0');
    const std::string card = "Vendor=10de:Device=2331:CC=030200:REV=a1";
    return {
        {"products by their names",
         of({{"dmtf", {"OTHER:WIDGET", "ACME:WIDGET"}}}),
         "device_identity",
         {{"one of them", keep}, {"with its serial number", said("dmtf", "ACME:WIDGET:1234567890")}},
         {{"another serial number", said("dmtf", "ACME:WIDGET:1234567891"), "expected was ACME:WIDGET:1234567891"},
          {"a name that begins so", said("dmtf", "ACME:WIDGE"), "expected was ACME:WIDGE"},
          {"the maker alone", said("dmtf", "ACME"), "expected was ACME"},
          {"an empty serial number", said("dmtf", "ACME:WIDGET:"), "expected was ACME:WIDGET:"},
          {"another maker", said("dmtf", "OTHER:WIDGET"), "the certificate is of ACME:WIDGET:1234567890"}}},

        {"functions by what they are",
         of({{"pci", card}}),
         "device_identity",
         {{"one", function(card)},
          {"with large letters", function("Vendor=10DE:Device=2331:CC=030200:REV=A1")},
          {"with its subsystem", function(card + ":SSVID=10de:SSID=1626")},
          {"one of two", function({"Vendor=8086", card})}},
         {{"another device", function("Vendor=10de:Device=2332:CC=030200:REV=a1"), "expected was the function Vendor=10de:Device=2332"},
          {"another vendor in large letters", function("Vendor=10DF:Device=2331:CC=030200:REV=A1"), "Vendor=10DF"},
          {"a field's name in small letters", function("vendor=10de:Device=2331"), "vendor=10de"},
          {"another revision", function("Vendor=10de:Device=2331:CC=030200:REV=a2"), "REV=a2"},
          {"another subsystem", function(card + ":SSVID=10de:SSID=1627"), "SSID=1627"},
          {"a serial number that the certificate does not have", function(card + ":SSVID=10de:SSID=1626:serial 0000000000000001"),
           "serial"},
          {"a vendor that begins so", function("Vendor=10d"), "Vendor=10d"},
          {"a device whose certificate names no function", [=](auto &device) { device.spdm()["pci"] = card; },
           "expected was the function"}}},

        {"any device",
         of({{"anyDevice", "accept"}}),
         "device_identity",
         {{"one", any_device("accept")}, {"another", any_device("accept", with_function)}},
         {{"where it is refused", any_device("refuse"), "which is expected, nothing says", {}, Judgement::not_judged},
          {"another, where it is refused",
           any_device("refuse", with_function),
           "which is expected, nothing says",
           {},
           Judgement::not_judged},
          {"where one is named all the same", said("dmtf", "ACME:GADGET"), "expected was ACME:GADGET"},
          {"where a function is named all the same", said("pci", card), "expected was the function"}}},

        {"blocks by their digests",
         of({{"blocks", blocks}}),
         "measurement_blocks",
         {{"those", keep},
          {"one of several", [=](auto &device) { device.block(1)["digests"] = {zeros, digests(1).at(0)}; }},
          {"all but that of the mode, which is judged by itself", forgotten(254)}},
         {{"another digest", of_block(1, "digests", {zeros}), "block 1 (immutable_rom, as a digest) is"},
          {"another block's digest", of_block(1, "digests", digests(2)), "block 1"},
          {"a digest of another algorithm", of_block(1, "digests", {"sha256:" + std::string(64, '0')}), "expected was sha256:"},
          {"another type", of_block(1, "type", "mutable_firmware"), "expected was mutable_firmware"},
          {"a block that is not there",
           [=](auto &device) { device.spdm()["blocks"].push_back({{"index", 5}, {"type", "mutable_firmware"}, {"digests", {zeros}}}); },
           "block 5 is not there"},
          {"its digest as the value itself",
           [](auto &device) {
               auto &block = device.block(1);
               block["raw"] = {block["digests"][0].template get<std::string>().substr(7)};
               block.erase("digests");
           },
           "expected was the value itself"}}},

        {"blocks by their values",
         of({{"blocks", blocks}}),
         "measurement_blocks",
         {{"those", keep}, {"one of several", [](auto &device) { device.block(253)["raw"].push_back(std::string(256, 'f')); }}},
         {{"another value", [](auto &device) { device.block(253)["raw"] = {std::string(256, 'f')}; }, "block 253 (manifest, raw) is"},
          {"a longer one", [](auto &device) { device.block(253)["raw"] = {std::string(258, 'f')}; }, "block 253"},
          {"a value as its digest",
           [=](auto &device) {
               auto &block = device.block(253);
               block.erase("raw");
               block["digests"] = {zeros};
           },
           "expected was a digest"}}},

        {"the least security version",
         of({{"blocks", blocks}}),
         "tcb",
         {{"that", keep}, {"above it", of_block(16, "minimumSvn", 6)}},
         {{"one below", of_block(16, "minimumSvn", 8), "block 16 has the security version 7, at least 8"},
          {"far below", of_block(16, "minimumSvn", std::numeric_limits<std::int64_t>::max()), "at least 9223372036854775807"},
          {"that of its bytes in the other order", of_block(16, "minimumSvn", 0x0700000000000000), "at least 504403158265495552"}}},

        {"one of several sets",
         of({{"sets", {{{"name", "older"}, {"blocks", other}}, {{"name", "newer"}, {"blocks", blocks}}}}}),
         "measurement_blocks",
         {{"the second", keep}},
         {{"the first alone", [](auto &device) { device.spdm()["sets"].erase(1); }, "not as named by older"},
          {"half of the one, half of the other", [=](auto &device) { device.spdm()["sets"][1]["blocks"][1]["digests"] = {zeros}; },
           "the nearest of 2"},
          {"one more",
           [=](auto &device) {
               device.spdm()["sets"][1]["blocks"].push_back({{"index", 5}, {"type", "mutable_firmware"}, {"digests", {zeros}}});
           },
           "the nearest of 2"}}},

        {"blocks that need not be listed",
         of({{"acceptedBlocks", {2, 3}}}),
         "unlisted_blocks",
         {{"all are", keep},
          {"one is not", forgotten(2), "2 (mutable_firmware), which is accepted", {}, Judgement::fails},
          {"neither is",
           [](auto &device) {
               device.forget(2);
               device.forget(3);
           },
           ", which is accepted",
           {},
           Judgement::fails}},
         {{"the one before", forgotten(1), "1 (immutable_rom)"},
          {"the one behind", forgotten(4), "4 ("},
          {"a security version", forgotten(16), "16 ("},
          {"one of them, where none is accepted", forgotten(2, "acceptedBlocks", json::array()), "2 (mutable_firmware)"}}},

        {"any blocks beside those that are listed",
         of({{"unlistedBlocks", "accept"}}),
         "unlisted_blocks",
         {{"none", keep},
          {"one", forgotten(2), "2 (mutable_firmware), which is accepted", {}, Judgement::fails},
          {"some that were not asked for",
           recorded("doe-p256-12-one-index", "noMode", "accept"),
           "not asked for all its blocks, so that it may have others, which is accepted",
           {},
           Judgement::fails}},
         {{"one, where it is refused", forgotten(2, "unlistedBlocks", "refuse"), "2 (mutable_firmware)"},
          {"the last, where it is refused", forgotten(253, "unlistedBlocks", "refuse"), "253 ("},
          {"some that were not asked for, where it is refused",
           [](auto &device) {
               recorded("doe-p256-12-one-index", "noMode", "accept")(device);
               device.spdm()["unlistedBlocks"] = "refuse";
           },
           "not asked for all"}}},

        {"modes",
         of({{"modes", {"normal", "recovery"}}}),
         "device_mode",
         {{"one of them", keep}, {"by itself", said("modes", {"normal"})}},
         {{"the other alone", said("modes", json::array({"recovery"})), "the device's mode is normal, accepted is recovery"},
          {"their neighbours", said("modes", {"validation", "recovery"}), "the device's mode is normal"},
          {"all but it", said("modes", {"manufacturing", "validation", "recovery", "rma", "decommissioned"}),
           "the device's mode is normal"}}},

        {"devices that say no mode",
         of({{"noMode", "accept"}, {"unlistedBlocks", "accept"}}),
         "device_mode",
         {{"one", recorded("doe-p256-12-one-index")}, {"one that says its mode", keep}},
         {{"where it is refused", recorded("doe-p256-12-one-index", "noMode", "refuse"), "the device says no mode"},
          {"where nothing is said of it",
           [](auto &device) {
               device.record("doe-p256-12-one-index");
               device.spdm().erase("noMode");
           },
           "the device says no mode"},
          {"where all modes are accepted, and it is refused",
           [](auto &device) {
               recorded("doe-p256-12-one-index", "noMode", "refuse")(device);
               device.spdm()["modes"] = {"manufacturing", "validation", "normal", "recovery", "rma", "decommissioned"};
           },
           "the device says no mode"}}},

        {"debugging",
         {{"debug", "refuse"}, {"spdm", {{"debug", {"noninvasive", "since_manufacture"}}}}},
         "not_debug",
         {{"that", keep}, {"and more", said("debug", {"noninvasive", "since_manufacture", "invasive"})}},
         {{"the first alone", said("debug", json::array({"noninvasive"})), "under debug: since_manufacture"},
          {"the second alone", said("debug", json::array({"since_manufacture"})), "under debug: noninvasive"},
          {"its neighbours", said("debug", {"invasive", "noninvasive_since_reset", "invasive_since_reset"}),
           "noninvasive, since_manufacture"},
          {"none", unsaid("debug"), "noninvasive, since_manufacture"}}},

        {"values of the last reset",
         of({{"valuesSinceReset", "accept"}}),
         "value_freshness",
         {{"such", recorded("doe-p384-12-cached")}, {"of before the nonce", recorded("doe-p384-12-one-by-one")}, {"measured anew", keep}},
         {{"such, where it is refused", recorded("doe-p384-12-cached", "valuesSinceReset", "refuse"), "does not measure when it is asked"},
          {"of before the nonce, where it is refused", recorded("doe-p384-12-one-by-one", "valuesSinceReset", "refuse"),
           "before the request with the nonce"},
          {"over 1.1, which signs no capabilities",
           [](auto &device) {
               recorded("doe-p384-11-all-signed", "valuesSinceReset", "refuse")(device);
               device.spdm()["unsignedAlgorithms"] = "accept";
           },
           "does not measure when it is asked"}}},

        {"algorithms that nothing signs",
         of({{"unsignedAlgorithms", "accept"}, {"valuesSinceReset", "accept"}}),
         "signed_algorithms",
         {{"such", recorded("doe-p384-11-all-signed")}, {"signed ones", keep}},
         {{"where it is refused", recorded("doe-p384-11-all-signed", "unsignedAlgorithms", "refuse"), "SPDM 1.1 does not sign"},
          {"where nothing is said of it",
           [](auto &device) {
               device.record("doe-p384-11-all-signed");
               device.spdm().erase("unsignedAlgorithms");
           },
           "SPDM 1.1 does not sign"},
          {"where unsigned manifests are accepted instead",
           [](auto &device) {
               recorded("doe-p384-11-all-signed", "unsignedAlgorithms", "refuse")(device);
               device.spdm()["unsignedManifests"] = "accept";
           },
           "SPDM 1.1 does not sign"}}},

        {"manifests by their makers",
         of({{"manifestKeys", {TestSigner().pem(), maker().pem()}}}),
         "reference_manifest",
         {{"by one of them", signed_by(maker())}},
         {{"by somebody else", signed_by(TestSigner()), "signed by none of the keys"},
          {"by nobody", unsigned_manifest, "is signed by nobody"},
          {"whose last bit is another",
           [](auto &device) {
               signed_by(maker())(device);
               device.manifest->back() ^= 1;
           },
           "signed by none of the keys"},
          {"by one that is not named",
           [](auto &device) {
               signed_by(maker())(device);
               device.spdm()["manifestKeys"].erase(1);
           },
           "signed by none of the keys"}}},

        {"manifests by anybody",
         of({{"unsignedManifests", "accept"}}),
         "reference_manifest",
         {{"by nobody", unsigned_manifest}, {"by somebody", signed_by(TestSigner())}},
         {{"by nobody, where it is refused",
           [](auto &device) {
               unsigned_manifest(device);
               device.spdm()["unsignedManifests"] = "refuse";
           },
           "is signed by nobody"},
          {"by somebody, where it is refused",
           [](auto &device) {
               signed_by(TestSigner())(device);
               device.spdm()["unsignedManifests"] = "refuse";
           },
           "the reference values name no key"},
          {"by somebody, where another is named",
           [](auto &device) {
               signed_by(TestSigner())(device);
               device.spdm()["manifestKeys"] = {maker().pem()};
           },
           "signed by none of the keys"},
          {"that held until yesterday", until_before, "held until"}}},
    };
}

Verdict judge(const json &members, const std::function<void(TestDevice &)> &make) {
    TestDevice device(members);
    make(device);
    auto options = device.sample->options(device.values);
    if (device.manifest) options.collateral.emplace(spdm_kind, write_spdm_collateral(std::array{*device.manifest}));
    return device.sample->verify(options);
}

TEST(DevicePolicies, HoldOfDevicesThatSatisfyThemAndOfNoneThatNearlyDo) {
    if (!Conversation::have()) GTEST_SKIP() << "no recordings beside the repository";
    const DeviceSample sample("doe-p384-12-all-signed");
    expect_to_part(policies(&sample), judge);
}

// ---- What no recorded device has: a block that is a version, judged by itself

auto version(std::string_view text) {
    return [text](SpdmBlock &block) { block.value = bytes_of(text); };
}

std::vector<PolicyOf<SpdmBlock>> block_policies() {
    return {{"versions",
             {{"spdm", {{"blocks", {{{"index", 5}, {"type", "version"}, {"versions", {"1.2.3", "1.2.4"}}}}}}}},
             "measurement_blocks",
             {{"the one", version("1.2.3")}, {"the other", version("1.2.4")}},
             {{"another", version("1.2.5"), "expected was the version 1.2.3 or one of 1 more"},
              {"one that begins so", version("1.2.3.1"), "expected was the version 1.2.3"},
              {"with a zero byte behind", version(std::string_view("1.2.3\0", 6)), "expected was the version 1.2.3"},
              {"none", version(""), "expected was the version 1.2.3"},
              {"its digest", [](auto &block) { block.is_raw = false; }, "expected was a version"},
              {"of another type", [](auto &block) { block.type = std::to_underlying(SpdmBlockType::mutable_firmware); },
               "expected was version"}}}};
}

Verdict judge_block(const json &members, const std::function<void(SpdmBlock &)> &make) {
    SpdmBlock block{.index = 5, .type = std::to_underlying(SpdmBlockType::version), .is_raw = true, .value = bytes_of("1.2.3")};
    make(block);
    const auto policy = parse_spdm_policy(members.at("spdm").dump()).value();
    auto defect = block_defect(block, policy.sets.front().blocks.front(), HashAlgorithm::sha384, true);
    Verdict verdict;
    verdict.add({.name = std::string(statement::measurement_blocks),
                 .result = defect.empty() ? Judgement::holds : Judgement::fails,
                 .required = true,
                 .reason = std::move(defect)});
    return verdict;
}

TEST(DevicePolicies, OfAVersionHoldOfItsBlockAndOfNoneThatIsNearlyIt) { expect_to_part(block_policies(), judge_block); }

}  // namespace

std::vector<json> members_of_device_policies() {
    auto all = members_of(policies(nullptr));
    for (auto &members : members_of(block_policies())) all.push_back(std::move(members));
    return all;
}

}  // namespace mr
