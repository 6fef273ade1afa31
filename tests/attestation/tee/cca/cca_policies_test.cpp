// Policies about platforms and realms of CCA: tokens and logs that satisfy them, and such as nearly do, each signed by its platform's key.
#include <gmock/gmock.h>

#include "tests/attestation/policy_table.h"
#include "tests/attestation/tee/cca/test_realm.h"

namespace mr {
namespace {

using nlohmann::json;
using namespace cca_test;  // NOLINT(google-build-using-namespace)
using Policy = PolicyOf<TestRealm>;

void keep(TestRealm & /*realm*/) {}

struct Component {
    std::string type = "BL1";
    std::uint8_t measurement = 0x21;
    std::uint8_t signer = 0x99;
    std::string version = "1.0";
    std::uint8_t last = measurement;  // byte of the measurement

    [[nodiscard]] Bytes encode() const {
        Bytes value(32, measurement);
        value.back() = last;
        return map({{1, text(type)}, {5, bytes(Bytes(32, signer))}, {4, text(version)}, {2, bytes(value)}, {6, text("sha-256")}});
    }
};
const Component first_loader;
const Component second_loader{.type = "BL2", .measurement = 0x22};

auto components(const std::vector<Component> &all) {
    std::vector<Bytes> encoded;
    for (const auto &each : all) encoded.push_back(each.encode());
    return [value = array(encoded)](TestRealm &realm) { set(realm.token.platform, 2399, value); };
}
auto id(std::int64_t claim, Bytes value) {
    return [claim, value = std::move(value)](TestRealm &realm) { set(realm.token.platform, claim, bytes(value)); };
}
// 0x01 before 32 bytes.
Bytes instance(std::uint8_t byte, std::uint8_t last) {
    Bytes made(33, byte);
    made.front() = 1;
    made.back() = last;
    return made;
}
Bytes implementation(std::uint8_t byte, std::uint8_t last) {
    Bytes made(32, byte);
    made.back() = last;
    return made;
}
auto with_extended(RemRule rule) {
    return [rule](TestRealm &realm) { realm = TestRealm(HashAlgorithm::sha256, rule); };
}
// What is done to the log after the realm was signed.
auto logged(RemRule rule, void (*change)(std::vector<OwnedEvent> &)) {
    return [=](TestRealm &realm) {
        with_extended(rule)(realm);
        change(realm.events);
    };
}
void swap_digests(std::vector<OwnedEvent> &events) { std::swap(events[0].digests, events[1].digests); }
void drop_last(std::vector<OwnedEvent> &events) { events.pop_back(); }

std::vector<Policy> policies() {
    const auto of = [](const json &members) { return json{{"cca", members}}; };
    const auto measurement = [](std::uint8_t byte) { return to_hex(Bytes(32, byte)); };
    const json first{{"measurement", measurement(0x21)}, {"type", "BL1"}, {"signerId", measurement(0x99)}, {"version", "1.0"}};
    return {
        {"components that are all named",
         of({{"components", {first, {{"measurement", measurement(0x22)}}}}}),
         "tcb",
         {{"those", keep},
          {"in another order", components({second_loader, first_loader})},
          {"of one only what is named", components({first_loader, {.type = "M", .measurement = 0x22, .signer = 1, .version = "2"}})}},
         {{"another measurement", components({{.last = 0x20}, second_loader}), "212120"},
          {"another signer", components({{.signer = 0x98}, second_loader}), "signed by 9898"},
          {"another version", components({{.version = "1.0.1"}, second_loader}), "BL1 1.0.1"},
          {"another type", components({{.type = "BL2"}, second_loader}), "BL2 1.0 with the measurement 2121"},
          {"one more", components({first_loader, second_loader, {.type = "BL31", .measurement = 0x23}}),
           "BL31 1.0 with the measurement 2323"},
          {"that type is not there", components({second_loader}), "the platform has no BL1"},
          {"none", components({}), "the platform has no BL1"}}},

        {"instances",
         of({{"instanceIds", {to_hex(instance(0xEE, 0xEE)), to_hex(instance(0x07, 0x07))}}}),
         "platform_identity",
         {{"the one", keep}, {"the other", id(256, instance(0xEE, 0xEE))}},
         {{"another", id(256, instance(0x01, 0x01)), "the platform 010101"},
          {"one that differs at its end", id(256, instance(0x07, 0x06)), "070706 is none"},
          {"one that is made of both", id(256, instance(0x07, 0xEE)), "0707ee is none"}}},

        {"implementations",
         of({{"implementationIds", {to_hex(implementation(0x11, 0x11)), to_hex(implementation(0x33, 0x33))}}}),
         "platform_identity",
         {{"the one", keep}, {"the other", id(2396, implementation(0x33, 0x33))}},
         {{"another", id(2396, implementation(0x12, 0x12)), "implementation 121212"},
          {"one that differs at its end", id(2396, implementation(0x11, 0x10)), "111110 is none"},
          {"one that is made of both", id(2396, implementation(0x11, 0x33)), "111133 is none"}}},

        {"implementations and instances",
         of({{"implementationIds", {to_hex(implementation(0x11, 0x11))}}, {"instanceIds", {to_hex(instance(0x07, 0x07))}}}),
         "platform_identity",
         {{"that", keep}},
         {{"another implementation", id(2396, implementation(0x12, 0x12)), "implementation"},
          {"another instance", id(256, instance(0x08, 0x08)), "the platform 01"},
          {"the instance's bytes as the implementation", id(2396, implementation(0x07, 0x07)), "implementation 07"}}},

        {"REMs as TF-RMM extends them",
         of({{"remExtend", "tf-rmm"}}),
         "log_replay",
         {{"so", with_extended(rem_by_digest)}},
         {{"as the specification has it", with_extended(rem_by_padded_digest), "rem1"},
          {"so that they hold the last event alone", with_extended(rem_of_last), "rem1"},
          {"another order", logged(rem_by_digest, swap_digests), "rem1"},
          {"an event that the log leaves out", logged(rem_by_digest, drop_last), "rem1"}}},

        {"REMs as the specification extends them",
         of({{"remExtend", "specification"}}),
         "log_replay",
         {{"so", with_extended(rem_by_padded_digest)}},
         {{"as TF-RMM does", with_extended(rem_by_digest), "rem1"},
          {"so that they hold the last event alone", with_extended(rem_of_last), "rem1"},
          {"another order", logged(rem_by_padded_digest, swap_digests), "rem1"},
          {"an event that the log leaves out", logged(rem_by_padded_digest, drop_last), "rem1"}}},
    };
}

Verdict judge(const json &members, const std::function<void(TestRealm &)> &make) {
    TestRealm realm;
    make(realm);
    json file{{"format", "mrd-reference-values"}, {"version", 1}};
    file.update(members);
    VerifyOptions options;
    options.reference = parse_reference_values(file.dump()).value();
    // A key of any instance.
    options.anchors.emplace().platform_keys = {{.key = realm.token.platform_key.public_key()}};
    options.report_data = TestCcaToken::challenge();
    options.waived = {.reference = true, .tcb = true};
    options.time = test_now;
    const auto token = realm.token.encode();
    // Of a rule that nothing names no log can be judged.
    if (!members.at("cca").contains("remExtend")) return verify(token, {}, options);
    const auto log = json_log(realm.events, realm.registers);
    const std::vector<ByteView> logs{as_bytes(log)};
    return verify(token, logs, options);
}

TEST(CcaPolicies, HoldOfTokensThatSatisfyThemAndOfNoneThatNearlyDo) { expect_to_part(policies(), judge); }

}  // namespace

std::vector<json> members_of_cca_policies() { return members_of(policies()); }

}  // namespace mr
