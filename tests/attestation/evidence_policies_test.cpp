// Policies about evidence as a whole, the platform that it is of, and what mrd says of itself: machines that satisfy them, and machines that nearly do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/attestation/policy_test.h"
#include "tests/attestation/tee/tdx/sample_quotes.h"

namespace mr {
namespace {

using nlohmann::json;
using testing::HasSubstr;

void keep_log(PolicyTest & /*machine*/) {}

auto attributes(std::uint64_t bits) {
    return [bits](PolicyTest &machine) { machine.platform.body.td_attributes = bits; };
}
constexpr std::uint64_t sept_ve = td_attribute_sept_ve_disable;
constexpr std::uint64_t migratable = 1ULL << 29U;

// Somebody extends it besides, as the evidence itself says.
auto shared_by_others(std::initializer_list<std::size_t> registers) {
    return [registers = std::vector(registers)](PolicyTest &machine) {
        for (const auto number : registers) {
            machine.platform.body.rtmr.at(number).fill(0x77);
            machine.shared.insert("tdx/rtmr" + std::to_string(number));
        }
    };
}
auto changed_register(std::size_t number) {
    return [number](PolicyTest &machine) { machine.platform.body.rtmr.at(number).back() ^= 1; };
}
auto aged(std::int64_t seconds) {
    return [seconds](PolicyTest &machine) { machine.change([seconds](Evidence &evidence) { evidence.time -= seconds * 1'000'000; }); };
}
// Its part, and all that names the part.
auto called(const std::string &name) {
    return [name](PolicyTest &machine) {
        machine.change([name](Evidence &evidence) {
            evidence.parts.front().name = name;
            for (auto &reg : evidence.registers) reg.name.replace(0, 3, name);
            std::string log(evidence.log.begin(), evidence.log.end());
            for (auto at = log.find("\"tdx/"); at != std::string::npos; at = log.find("\"tdx/", at + 1)) log.replace(at + 1, 3, name);
            evidence.log = bytes_of(log);
        });
    };
}
void leave_out_collateral(PolicyTest &machine) {
    machine.change([](Evidence &evidence) { evidence.parts.front().collateral.reset(); });
}
auto evaluated(const char *what, int number) {
    const bool is_tcb_info = std::string_view(what) == "TCB info";
    return [=](PolicyTest &machine) {
        auto &signed_text = is_tcb_info ? machine.platform.tcb_info : machine.platform.qe_identity;
        signed_text["tcbEvaluationDataNumber"] = number;
    };
}
auto levelled(const char *status) {
    return [status](PolicyTest &machine) { machine.platform.tcb_info["tcbLevels"][0]["tcbStatus"] = status; };
}

// A TD 1.5 with that service TD.
std::function<void(PolicyTest &)> served_by(std::array<std::uint8_t, 48> service, std::uint64_t td_attributes = sept_ve) {
    return [=](PolicyTest &machine) {
        auto &platform = machine.platform;
        platform.header.version = 5;
        platform.type = QuoteBodyType::td15;
        platform.body.tee_tcb_svn2 = platform.body.tee_tcb_svn;
        platform.body.mr_servicetd = service;
        platform.body.td_attributes = td_attributes;
        machine.change([](Evidence &evidence) { evidence.parts.front().quote_format = "tdx_v5_td15"; });
    };
}
std::array<std::uint8_t, 48> service_td(std::uint8_t byte, std::uint8_t last) {
    std::array<std::uint8_t, 48> id{};
    id.fill(byte);
    id.back() = last;
    return id;
}

std::string self_digest(char digit) { return "sha384:" + std::string(96, digit); }
// What mrd says of itself, where one member says something else; null: nothing.
auto says(const char *member, const json &value) {
    return [=](PolicyTest &log) {
        json said{{"binary", self_digest('1')},
                  {"configuration", self_digest('2')},
                  {"access", self_digest('3')},
                  {"options", {"--sim", "--quiet"}}};
        said["roles"] = {{"app", "tdx/rtmr2"}, {"config", "tdx/rtmr3"}};
        said[member] = value;
        if (value.is_null()) said.erase(member);
        log.self("rtmr3", said.dump());
    };
}
json self_rule(const char *member, const json &value) {
    json rule{{"register", "rtmr3"}, {"binary", {self_digest('1')}}, {"configuration", {self_digest('2')}}};
    rule["options"] = json::array({json::array({"--sim", "--quiet"})});
    rule[member] = value;
    return {{"selfMeasurement", rule}};
}

// Without collateral, all of which hangs on the same root.
template <class Change>
auto unvouched(Change change) {
    return [change](PolicyTest &machine) {
        change(machine);
        leave_out_collateral(machine);
    };
}
const std::vector<std::string> rests_on_chain{"not_debug", "sept_ve_disable", "td_attributes", "service_td"};

std::vector<Policy> evidence_policies() {
    const auto no_collateral = [](std::initializer_list<const char *> besides) {
        std::vector<std::string> all{"tcb_info_signature",
                                     "tcb_info_current",
                                     "qe_identity_signature",
                                     "qe_identity_current",
                                     "crl_signatures",
                                     "crls_current",
                                     "not_revoked",
                                     "qe_identity",
                                     "qe_tcb",
                                     "tdx_module",
                                     "tcb"};
        for (const auto *each : besides) std::erase(all, each);
        return all;
    };
    return {
        // ---- The log
        {"a register that others extend too",
         {{"uncoveredRegisters", {"rtmr2"}}},
         "registers_covered",
         {{"the log does not lead to it", shared_by_others({2})},
          {"the evidence does not say that others do", [](auto &log) { log.text("rtmr2", "any").platform.body.rtmr[2].fill(0x77); }},
          {"the log leads to it", [](auto &log) { log.text("rtmr2", "any"); }}},
         {{"the one before it", shared_by_others({1}), "rtmr1: others extend it"},
          {"the one behind it", shared_by_others({3}), "rtmr3: others extend it"},
          {"another besides", shared_by_others({2, 0}), "rtmr0, rtmr2: others extend it"}}},

        {"no register but the one that others extend too",
         {{"uncoveredRegisters", {"rtmr2"}}},
         "log_replay",
         {{"the log does not lead to it", changed_register(2)}},
         {{"another one", changed_register(1), "rtmr1: the log leads to"},
          {"another one, which has events", [](auto &log) { log.text("rtmr3", "any").platform.body.rtmr[3].front() ^= 1; },
           "rtmr3: the log leads to"},
          {"an event that is left out of another one", [](auto &log) { log.text("rtmr0", "any").events.clear(); },
           "rtmr0: the log leads to"}}},

        {"a register that takes nothing but envelopes",
         {{"logOnlyRegisters", {"rtmr3"}}},
         "log_well_formed",
         {{"none", keep_log},
          {"one", [](auto &log) { log.envelope("rtmr3", "kernel", "image"); }},
          {"one that is redacted", [](auto &log) { log.redacted("rtmr3", "kernel", "image"); }},
          {"others take more", [](auto &log) { log.text("rtmr2", "any").envelope("rtmr3", "kernel", "image").hidden("rtmr1", "any"); }}},
         {{"a text", [](auto &log) { log.text("rtmr3", "any"); }, "event 1 of rtmr3 is no envelope"},
          {"a text behind one", [](auto &log) { log.envelope("rtmr3", "kernel", "image").text("rtmr3", "any"); },
           "event 2 of rtmr3 is no envelope"},
          {"a digest alone", [](auto &log) { log.hidden("rtmr3", "any"); }, "event 1 of rtmr3 is no envelope"},
          {"a separator", [](auto &log) { log.separator("rtmr3"); }, "event 1 of rtmr3 is no envelope"},
          {"one of which the log has the digest alone",
           [](auto &log) {
               log.envelope("rtmr3", "kernel", "image");
               log.events.back().data.reset();
           },
           "event 1 of rtmr3 is no envelope"}}},

        {"no gap",
         {{"gaps", "refuse"}},
         "history_complete",
         {{"none", [](auto &log) { log.text("rtmr2", "any"); }}},
         {{"at the begin", [](auto &log) { log.gap("rtmr2", filled(0x5A)); }, "rtmr2 at event 1"},
          {"behind an event", [](auto &log) { log.text("rtmr2", "any").gap("rtmr2", filled(0x5A)); }, "rtmr2 at event 2"},
          {"of another register", [](auto &log) { log.text("rtmr2", "any").gap("rtmr0", filled(0x5A)); }, "rtmr0 at event 2"},
          {"that found what was expected", [](auto &log) { log.gap("rtmr2", Digest::zero(HashAlgorithm::sha384)); }, "rtmr2 at event 1"}}},

        {"a log that leads to what is signed, behind any gap",
         {{"gaps", "accept"}},
         "log_replay",
         {{"none", [](auto &log) { log.text("rtmr2", "any"); }},
          {"one", [](auto &log) { log.gap("rtmr2", filled(0x5A)).text("rtmr2", "any"); }},
          {"two", [](auto &log) { log.text("rtmr2", "any").gap("rtmr2", filled(0x5A)).gap("rtmr3", filled(0x5B)); }}},
         {{"that it does not tell", [](auto &log) { log.text("rtmr2", "any").platform.body.rtmr[2] = {}; }, "rtmr2: the log leads to"},
          {"that found something else", [](auto &log) { log.gap("rtmr2", filled(0x5A)).platform.body.rtmr[2].fill(0x5B); },
           "rtmr2: the log leads to"},
          {"and an event that it leaves out behind it",
           [](auto &log) {
               log.gap("rtmr2", filled(0x5A)).text("rtmr2", "any");
               log.events.pop_back();
           },
           "rtmr2: the log leads to"}}},

        // ---- The evidence
        {"evidence that is young enough",
         {{"maximumAgeSeconds", 300}},
         "evidence_age",
         {{"of now", aged(0)}, {"as old as it may be", aged(300)}, {"of a clock that is as fast as it may be", aged(-300)}},
         {{"a second older", aged(301), "301 s old"},
          {"a day older", aged(300 + test_day), "86700 s old"},
          {"of a clock that is a second faster", aged(-301), "made 301 s in the future"}}},

        {"the parts that there are",
         {{"parts", {{{"name", "tdx"}, {"kind", "tdx"}}}}},
         "parts_present",
         {{"that", keep_log}},
         {{"one of another name", called("td"), "tdx"},
          {"one of that name in capitals", called("TDX"), "tdx"},
          {"one whose name begins so", called("tdx0"), "tdx"}}},

        // ---- The platform
        {"roots of anybody's",
         {{"simulatedRoots", "accept"}},
         "certificate_chain",
         {{"one that is an anchor", keep_log}},
         {{"one of the same name, which is none", unvouched([](auto &machine) { machine.options.anchors = TestPlatform().anchors(); }),
           "is not a trust anchor", rests_on_chain},
          {"where none is", unvouched([](auto &machine) { machine.options.anchors = TrustAnchors(); }), "is not a trust anchor",
           rests_on_chain},
          {"one that did not sign what it is said to have signed", unvouched([](auto &machine) { machine.platform.root_key = TestKey(); }),
           "", rests_on_chain}}},

        {"TDs under debug",
         {{"debug", "accept"}},
         "td_attributes",
         {{"none", keep_log}, {"one", attributes(sept_ve | 1)}, {"one by another bit of the group", attributes(sept_ve | 0x80)}},
         {{"one with a reserved bit", attributes(sept_ve | 1 | 1U << 8U), "0x0000000000000100"},
          {"one that can be migrated", attributes(sept_ve | 1 | migratable), "0x0000000020000000"},
          {"one with a reserved bit at the end", attributes(sept_ve | 1 | 1ULL << 62U), "0x4000000000000000"}}},

        {"no TD under debug",
         {{"debug", "refuse"}},
         "not_debug",
         {{"none", keep_log}},
         {{"one", attributes(sept_ve | 1), "the TD is under debug"},
          {"one by another bit of the group", attributes(sept_ve | 2), "the TD is under debug"},
          {"one by the last bit of the group", attributes(sept_ve | 0x80), "the TD is under debug"}}},

        {"a platform of a named status",
         {{"tcb", {"SWHardeningNeeded", "OutOfDate"}}},
         "tcb",
         {{"the one", levelled("SWHardeningNeeded")}, {"the other", levelled("OutOfDate")}},
         {{"one that is up to date", keep_log, "UpToDate: "},
          {"one that has half of it", levelled("ConfigurationAndSWHardeningNeeded"), "ConfigurationAndSWHardeningNeeded: "},
          {"one that needs a configuration besides", levelled("OutOfDateConfigurationNeeded"), "OutOfDateConfigurationNeeded: "},
          {"one that is revoked", levelled("Revoked"), "Revoked: "}}},

        // ---- TDs
        {"TCB info of the last TCB recovery",
         {{"tdx", {{"minimumTcbEvaluationDataNumber", 18}}}},
         "tcb_info_current",
         {{"of it", keep_log}, {"of the next", evaluated("TCB info", 19)}},
         {{"of the one before", evaluated("TCB info", 17), "tcbEvaluationDataNumber is 17, and at least 18"},
          {"of the first", evaluated("TCB info", 1), "tcbEvaluationDataNumber is 1, and at least 18"},
          {"none", leave_out_collateral, "", no_collateral({"tcb_info_current"})}}},

        {"QE identity of the last TCB recovery",
         {{"tdx", {{"minimumTcbEvaluationDataNumber", 18}}}},
         "qe_identity_current",
         {{"of it", keep_log}, {"of the next", evaluated("QE identity", 19)}},
         {{"of the one before", evaluated("QE identity", 17), "tcbEvaluationDataNumber is 17, and at least 18"},
          {"of the first", evaluated("QE identity", 1), "tcbEvaluationDataNumber is 1, and at least 18"},
          {"none", leave_out_collateral, "", no_collateral({"qe_identity_current"})}}},

        {"TDs whose pages the host can take",
         {{"tdx", {{"septVeDisableUnset", "accept"}}}},
         "td_attributes",
         {{"none", keep_log}, {"one", attributes(0)}, {"one with keys for its pages", attributes(td_attribute_pks)}},
         {{"one that can be migrated", attributes(migratable), "0x0000000020000000"},
          {"one with a reserved bit", attributes(1U << 8U), "0x0000000000000100"},
          {"one with a bit before it", attributes(sept_ve >> 2U), "0x0000000004000000"}}},

        {"TDs whose pages the host cannot take",
         {{"tdx", {{"septVeDisableUnset", "refuse"}}}},
         "sept_ve_disable",
         {{"one", keep_log}},
         {{"one without any attribute", attributes(0), "SEPT_VE_DISABLE is not set"},
          {"one with the bit behind it", attributes(td_attribute_pks), "SEPT_VE_DISABLE is not set"},
          {"one with another feature", attributes(1ULL << 63U), "SEPT_VE_DISABLE is not set"}}},

        {"TDs of a named service TD",
         {{"tdx", {{"serviceTds", {std::string(96, '0'), to_hex(service_td(0xAB, 0xAB)), to_hex(service_td(0xCD, 0xCD))}}}}},
         "service_td",
         {{"of TD 1.0", keep_log},
          {"of none", served_by({})},
          {"of the one", served_by(service_td(0xAB, 0xAB))},
          {"of the other, which can migrate it", served_by(service_td(0xCD, 0xCD), sept_ve | migratable)}},
         {{"of one that differs at its end", served_by(service_td(0xAB, 0xAA)), "abababaa is bound to the TD"},
          {"of one that is made of both", served_by(service_td(0xAB, 0xCD)), "ababcd is bound to the TD"},
          {"of another", served_by(service_td(0x01, 0x01)), "010101 is bound to the TD"},
          {"of another, which can migrate it",
           served_by(service_td(1, 1), sept_ve | migratable),
           "010101 is bound to the TD",
           {"td_attributes"}}}},

        {"TDs that a named service TD alone can migrate",
         {{"tdx", {{"serviceTds", {to_hex(service_td(0xAB, 0xAB))}}}}},
         "td_attributes",
         {{"that", served_by(service_td(0xAB, 0xAB), sept_ve | migratable)}},
         {{"one of TD 1.0", attributes(sept_ve | migratable), "0x0000000020000000"},
          {"one without a service TD", served_by({}, sept_ve | migratable), "0x0000000020000000"},
          {"that, with a reserved bit", served_by(service_td(0xAB, 0xAB), sept_ve | migratable | 1U << 8U), "0x0000000000000100"}}},

        // ---- mrd itself
        {"what mrd's command line may be",
         self_rule("options", {{"--sim", "--quiet"}, json::array(), {"--sim"}}),
         "self_measurement",
         {{"the one", says("options", {"--sim", "--quiet"})},
          {"none", says("options", json::array())},
          {"the shorter one", says("options", {"--sim"})}},
         {{"in another order", says("options", {"--quiet", "--sim"}), "the options are --quiet --sim"},
          {"the end alone", says("options", json::array({"--quiet"})), "the options are --quiet"},
          {"one more", says("options", {"--sim", "--quiet", "--sim"}), "the options are --sim --quiet --sim"},
          {"as one word", says("options", json::array({"--sim --quiet"})), "the options are --sim --quiet"}}},

        {"a command line that has to be there",
         self_rule("options", json::array({json::array({"--sim"})})),
         "self_measurement",
         {{"it", says("options", json::array({"--sim"}))}},
         {{"none", says("options", json::array()), "there are no options"},
          {"an empty word", says("options", json::array({""})), "there are no options"},
          {"another", says("options", json::array({"--Sim"})), "the options are --Sim"}}},

        {"whom mrd may let in",
         self_rule("access", {self_digest('3'), std::string(96, '6')}),
         "self_measurement",
         {{"the one", says("access", self_digest('3'))}, {"the other", says("access", self_digest('6'))}},
         {{"another", says("access", self_digest('7')), "the access rules are sha384:7"},
          {"one that differs at its end", says("access", self_digest('3').substr(0, 102) + "4"), "the access rules are sha384:3"},
          {"nobody says whom", says("access", nullptr), "what it says of access cannot be read"},
          {"a configuration that is allowed", says("access", self_digest('2')), "the access rules are sha384:2"}}},

        {"the roles that mrd's configuration has to give",
         self_rule("roles", {{"app", "tdx/rtmr2"}, {"config", "tdx/rtmr3"}}),
         "self_measurement",
         {{"those", says("reloaded", nullptr)}},
         {{"one too few", says("roles", {{"app", "tdx/rtmr2"}}), "the roles are app = tdx/rtmr2"},
          {"one more", says("roles", {{"app", "tdx/rtmr2"}, {"boot", "tdx/rtmr1"}, {"config", "tdx/rtmr3"}}), "boot = tdx/rtmr1"},
          {"of another register", says("roles", {{"app", "tdx/rtmr3"}, {"config", "tdx/rtmr3"}}), "the roles are app = tdx/rtmr3"},
          {"the other way round", says("roles", {{"app", "tdx/rtmr3"}, {"config", "tdx/rtmr2"}}), "config = tdx/rtmr2"},
          {"none", says("roles", nullptr), "the configuration gives no roles"}}},
    };
}

class EvidencePolicyTest : public PolicyTest {
protected:
    // A quote of hardware, at a time of its certificates.
    Verdict judge_real(const json &members) {
        json file{{"format", "mrd-reference-values"}, {"version", 1}};
        file.update(members);
        auto real = options;
        real.reference = parse_reference_values(file.dump()).value();
        real.anchors = intel_trust_anchors();
        real.time = 1771588800;
        return verify(sample_bytes("ccel/gcp-cos113/quote.bin"), {}, real);
    }
};

TEST_F(EvidencePolicyTest, HoldsOfMachinesThatSatisfyItAndOfNoneThatNearlyDoes) { expect_to_part(evidence_policies()); }

// No key of the tests' own leads to such a root: what satisfies it is a sample.
TEST_F(EvidencePolicyTest, RootsOfHardwareAreTheirMakersAndNoneThatNearlyIs) {
    const json members{{"simulatedRoots", "refuse"}};
    const std::vector<Log> nearly{
        {"one of Intel's common name", keep_log},
        {"one beside Intel's own", [](auto &machine) { machine.options.anchors->roots.push_back(intel_trust_anchors().roots.front()); }},
        {"one behind Intel's own", [](auto &machine) {
             machine.options.anchors->roots.insert(machine.options.anchors->roots.begin(), intel_trust_anchors().roots.front());
         }}};
    for (const auto &each : nearly) {
        const auto verdict = judge(members, each.make);
        EXPECT_THAT(refusing(verdict), testing::ElementsAre("root_is_hardware")) << each.what;
        EXPECT_THAT(reason_of(verdict, root_is_hardware), HasSubstr("is not the one behind Intel's hardware")) << each.what;
    }
    if (!have_samples()) GTEST_SKIP() << "there are no samples on this machine";
    const auto verdict = judge_real(members);
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    EXPECT_EQ(result_of(verdict, root_is_hardware), Judgement::holds);
}

}  // namespace

std::vector<nlohmann::json> members_of_evidence_policies() { return members_of(evidence_policies()); }

}  // namespace mr
