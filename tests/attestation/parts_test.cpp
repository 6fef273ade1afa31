// Evidence of several parts in the hands of who carries it: reordered, doubled, with claims of one part about another's registers, with logs that contradict
// themselves, with counts as large as they can be. Nothing of it makes a verdict positive.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/attestation/log_lines.h"
#include "tests/attestation/policy_test.h"
#include "tests/attestation/toy_machine.h"
#include "tests/attestation/verdict_text.h"

namespace mr {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using PartsTest = ToyTest;

TEST_F(PartsTest, InAnotherOrderSayTheSame) {
    auto made = both();
    std::swap(made.parts[0], made.parts[1]);
    std::ranges::reverse(made.registers);
    EXPECT_THAT(refused_by(made), IsEmpty());
}

TEST_F(PartsTest, ThatAreDoubledOrExchangedAreRefused) {
    for (const std::size_t doubled : {0U, 1U}) {
        for (const auto *name : {"tdx", "toy0", "third"}) {
            auto made = both();
            made.parts.push_back(made.parts[doubled]);
            made.parts.back().name = name;
            EXPECT_THAT(refused_by(made), Contains("parts_distinct")) << doubled << name;
        }
    }
    auto made = both();
    std::swap(made.parts[0].quote, made.parts[1].quote);
    EXPECT_THAT(refused_by(made), Contains("quote_format"));
    std::swap(made.parts[0].kind, made.parts[1].kind);
    EXPECT_THAT(refused_by(made), Contains("report_data")) << "each is what the other is called: a name is in what the toy's quote is over";
    made = both();
    std::swap(made.parts[0].name, made.parts[1].name);
    EXPECT_THAT(refused_by(made), AllOf(Contains("report_data"), Contains("evidence_claims"), Contains("log_replay")));
}

// Quotes of two providers are of two moments.
TEST_F(PartsTest, WhatCameAfterAPartsQuoteIsNothingOfItsAndSoIsWhatIsClaimedToHave) {
    const auto before = both();
    const auto lines = lines_of(before);
    auto later = lines;
    json event = lines[1];
    ASSERT_EQ(event["name"], "tdx/rtmr0");
    const auto digest = hash(HashAlgorithm::sha384, as_bytes("later")).value();
    event["sequence"] = before.sequence + 1;
    event["digests"]["sha384"] = to_hex(digest.bytes());
    event["data"] = to_base64(as_bytes("later"));
    later.push_back(event);
    auto made = with_lines(before, later);
    made.sequence = before.sequence + 1;
    EXPECT_THAT(refused_by(made), Contains("log_replay")) << "it is not what is signed";
    made.parts[0].sequence = before.sequence;
    const auto verdict = verify(made, options);
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    EXPECT_THAT(reason_of(verdict, log_well_formed), HasSubstr("1 that came after their part's quote"));
    EXPECT_EQ(parse_evidence(as_bytes(write_evidence_json(made))).value(), made);
    EXPECT_EQ(parse_evidence(write_evidence_cbor(made)).value(), made);

    // Neither found nor forbidden: no quote shows it.
    const EventRule rule{.name = "later", .event_digest = ContentDigest{.value = digest}};
    options.reference.required_events = {rule};
    EXPECT_THAT(refused_by(made), ElementsAre("required_events"));
    options.reference = {};
    options.reference.forbidden_events = {rule};
    options.reference.forbidden_events[0].register_name = "rtmr0";
    EXPECT_THAT(refused_by(made), IsEmpty());
    options.reference = {};

    // Any other place is one where the log leads elsewhere, or nowhere.
    made.sequence = before.sequence + 1;
    for (const std::int64_t place : {std::int64_t{0}, std::int64_t{1}, std::int64_t{2}, before.sequence + 1}) {
        made.parts[0].sequence = place;
        EXPECT_THAT(refused_by(made), Contains("log_replay")) << place;
    }
    made.parts[0].sequence = before.sequence;
    for (const auto place : {before.sequence + 2, std::numeric_limits<std::int64_t>::max()}) {
        made.parts[1].sequence = place;
        EXPECT_THAT(refused_by(made), ElementsAre("evidence_claims")) << place;
    }
    made.parts[1].sequence = 3;
    EXPECT_THAT(refused_by(made), Contains("log_replay")) << "the toy's events come after";
}

TEST_F(PartsTest, WhatIsSaidOfARegisterIsSaidOfItsOwnParts) {
    const auto good = both();
    for (const auto *name : {"tdx/boot", "toy0/rtmr0", "toy/boot", "boot", "rtmr0", "toy0/image", "third/boot"}) {
        auto made = good;
        made.registers.push_back({name, Owner::owned, toy.boot, toy.boot});
        EXPECT_THAT(refused_by(made), ElementsAre("evidence_claims")) << name;
        made = good;
        made.registers[4].name = name;
        EXPECT_THAT(refused_by(made), ElementsAre("evidence_claims")) << name;
    }
    auto made = good;
    made.registers[4].signed_value = made.registers[0].signed_value;
    EXPECT_THAT(refused_by(made), ElementsAre("evidence_claims"));
    // That others extend the one explains nothing of the other.
    made = good;
    made.registers[0].owner = Owner::shared;
    EXPECT_THAT(refused_by(made), IsEmpty()) << "the log leads there all the same";
    auto lines = lines_of(made);
    lines.back()["digests"]["sha512"] = std::string(128, '1');
    EXPECT_THAT(refused_by(with_lines(made, lines)), Contains("log_replay"));
}

TEST_F(PartsTest, ALogThatContradictsItselfAboutThemIsRefused) {
    const auto good = both();
    const auto whole = lines_of(good);
    const auto expect = [&](auto change, const char *how) {
        auto lines = whole;
        change(lines);
        EXPECT_THAT(refused_by(with_lines(good, lines)), Contains("log_well_formed")) << how;
    };
    for (const auto *name : {"tdx/boot", "boot", "tdx/rtmr0", "toy0/rtmr0"})
        expect([&](auto &lines) { lines[0]["registers"][0]["name"] = name; }, "the first line calls the toy's otherwise");
    for (const auto *name : {"tdx/boot", "boot", "toy0/rtmr0", "toy/boot"})
        expect([&](auto &lines) { lines[4]["name"] = name; }, "an event does");
    expect([](auto &lines) { lines[0]["registers"].push_back(lines[0]["registers"][0]); }, "one is there twice");
    expect([](auto &lines) { lines[0]["registers"].erase(0); }, "one is missing");
    expect([](auto &lines) { lines[0]["registers"][0]["initial"] = lines[0]["registers"][0]["start"] = std::string(64, '0'); },
           "one began otherwise");
    expect([](auto &lines) { std::swap(lines[1], lines[4]); }, "out of order");
    // As an event of the other bank, or of none: the registers do not become what is signed.
    for (const auto *bank : {"sha384", "sha512", "sha1"}) {
        auto lines = whole;
        const auto sizes = std::map<std::string, std::size_t>{{"sha384", 96}, {"sha512", 128}, {"sha1", 40}};
        lines[4]["digests"] = json{{bank, std::string(sizes.at(bank), '1')}};
        EXPECT_THAT(refused_by(with_lines(good, lines)), Contains("log_replay")) << bank;
    }
}

TEST_F(PartsTest, CountsAsLargeAsTheyCanBeAreRefused) {
    constexpr auto largest = std::numeric_limits<std::int64_t>::max();
    const auto good = both();
    auto made = good;
    made.sequence = largest;
    EXPECT_THAT(refused_by(made), ElementsAre("evidence_claims"));
    made = good;
    made.cut = EvidenceCutContent{.events = largest, .bytes = largest};
    EXPECT_THAT(refused_by(made), ElementsAre("log_well_formed"));
    made = good;
    made.time = largest;
    options.reference.maximum_age_seconds = 600;
    EXPECT_THAT(refused_by(made), ElementsAre("evidence_age"));
    options.reference = {};
    auto lines = lines_of(good);
    lines.back()["sequence"] = largest;
    EXPECT_THAT(refused_by(with_lines(good, lines)), Contains("log_well_formed"));
    made = good;
    for (std::size_t i = made.parts.size(); i <= max_evidence_parts; ++i) made.parts.push_back(part("toy" + std::to_string(i)));
    EXPECT_FALSE(parse_evidence(as_bytes(write_evidence_json(made))));
    EXPECT_FALSE(parse_evidence(write_evidence_cbor(made)));
    EXPECT_THAT(refused_by(made), Contains("parts_distinct"));
    made = good;
    made.registers.resize(max_evidence_registers + 1, good.registers[0]);
    EXPECT_FALSE(parse_evidence(as_bytes(write_evidence_json(made))));
    EXPECT_FALSE(parse_evidence(write_evidence_cbor(made)));
    EXPECT_THAT(refused_by(made), ElementsAre("evidence_claims"));
    // A CBOR array that says it has more than there is, or than there may be.
    const auto cbor = write_evidence_cbor(good);
    const auto parts = std::string_view(reinterpret_cast<const char *>(cbor.data()), cbor.size()).find("parts");
    ASSERT_NE(parts, std::string_view::npos);
    for (const auto &head :
         {Bytes{0x9B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, Bytes{0x9A, 0xFF, 0xFF, 0xFF, 0xFF}, Bytes{0x83}}) {
        auto changed = cbor;
        changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(parts + 5));
        changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(parts + 5), head.begin(), head.end());
        EXPECT_FALSE(parse_evidence(changed));
    }
}

// ---- Two of one kind

class TwoTds : public MachineTest {
protected:
    // The machine's own is the part "tdx"; beside it another TD, of another platform, as the part `name`.
    Evidence two(const std::string &name = "other") {
        other_.body.report_data = platform.body.report_data;
        auto made = evidence();
        made.parts.push_back({.name = name,
                              .kind = "tdx",
                              .quote = other_.quote(),
                              .quote_format = "tdx_v4",
                              .collateral = compact(write_collateral(other_.collateral()))});
        const auto zero = Digest::zero(HashAlgorithm::sha384);
        std::vector<LogRegister> registers;
        for (const auto &prefix : {std::string("tdx"), name}) {
            for (int i = 0; i < 4; ++i) registers.push_back({prefix + "/rtmr" + std::to_string(i), HashAlgorithm::sha384, zero, zero});
        }
        auto all = events;
        for (auto event : of_other_) {
            event.sequence = all.size() + 1;
            event.name.insert(0, name);
            all.push_back(std::move(event));
        }
        for (std::size_t i = 0; i < 4; ++i) {
            const Digest value(other_.body.rtmr.at(i));
            made.registers.push_back({name + "/rtmr" + std::to_string(i), Owner::owned, value, value});
        }
        made.sequence = static_cast<std::int64_t>(all.size());
        made.log = bytes_of(json_log(all, registers));
        return made;
    }
    void SetUp() override {
        MachineTest::SetUp();
        other_.body.rtmr = {};
        other_.pck.pck->ppid.fill(0x31);
        other_.pck.pck->platform_instance_id->fill(0x32);
        add_to_other(measured("tdx/rtmr3", "of the other"));
        options.anchors->roots.push_back(other_.anchors().roots.front());
    }
    // An event of "tdx/rtmr3".
    void add_to_other(OwnedEvent event) {
        event = by_service(std::move(event));
        event.name = "/rtmr3";
        event.index = tcg_index("rtmr3").value();
        const auto value = extend(HashAlgorithm::sha384, other_.body.rtmr[3], event.digests.front().second).value();
        std::ranges::copy(value.bytes(), other_.body.rtmr[3].begin());
        of_other_.push_back(std::move(event));
    }
    void refer_to(json members) {
        members["format"] = "mrd-reference-values";
        members["version"] = 1;
        auto parsed = parse_reference_values(members.dump());
        ASSERT_TRUE(parsed) << parsed.error().message;
        options.reference = std::move(*parsed);
    }
    std::vector<std::string> refused_by(const Evidence &made) { return refusing(verify(made, options)); }
    std::vector<std::string> refused_by(const json &members, const Evidence &made) {
        refer_to(members);
        return refused_by(made);
    }

    TestPlatform other_;
    std::vector<OwnedEvent> of_other_;
};

TEST_F(TwoTds, AreVerifiedTogetherAndEachByItsOwnCollateral) {
    const auto made = two();
    const auto verdict = verify(made, options);
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    EXPECT_TRUE(matches(verdict)) << reasons(verdict);
    auto changed = made;
    std::swap(changed.parts[0].collateral, changed.parts[1].collateral);
    EXPECT_THAT(refused_by(changed), Contains("certificate_chain").Times(0));
    EXPECT_THAT(refused_by(changed), Contains("tcb_info_signature"));
}

// A platform has a PCK certificate for each TCB that it was certified with: several keys, and one piece of hardware.
TEST_F(TwoTds, AreNotOfOnePlatformWithTwoKeys) {
    auto &pck = *other_.pck.pck;
    const auto another = pck;
    pck.ppid = platform.pck.pck->ppid;
    EXPECT_THAT(refused_by(two()), ElementsAre("parts_distinct"));
    pck = another;
    pck.platform_instance_id = platform.pck.pck->platform_instance_id;
    EXPECT_THAT(refused_by(two()), ElementsAre("parts_distinct"));
    pck = another;
    // Of what says none nobody knows.
    pck.platform_instance_id->fill(0);
    platform.pck.pck->platform_instance_id->fill(0);
    EXPECT_THAT(refused_by(two()), IsEmpty());
}

// Not even where the TCB is waived: what is judged of one part says nothing of the other.
TEST_F(TwoTds, ThePlatformOfOneThatHasNoCollateralIsNotSaidToBeJudged) {
    for (const std::size_t without : {0U, 1U}) {
        auto made = two();
        made.parts.at(without).collateral.reset();
        options.waived.tcb = true;
        const auto verdict = verify(made, options);
        EXPECT_TRUE(verdict.verified()) << reasons(verdict);
        for (const auto name : {tcb, tcb_info_signature, not_revoked, qe_identity, qe_tcb, tdx_module})
            EXPECT_EQ(result_of(verdict, name), Judgement::not_judged) << name;
        EXPECT_EQ(verdict.platforms().size(), 1U);
        options.waived.tcb = false;
        EXPECT_THAT(refused_by(made), Contains("tcb"));
        options.waived.tcb = true;
        made.parts.at(1 - without).collateral = forged_collateral();
        EXPECT_THAT(refused_by(made), Contains("tcb_info_signature"));
    }
}

// A kind's name may be a part's too: what the reference values call so is meant.
TEST_F(TwoTds, ANameBeforeTheSlashMeansThePartThatTheReferenceValuesCallSoOrElseTheKind) {
    const auto made = two();
    const EventRule rule{.name = "of the other",
                         .register_name = "tdx/rtmr3",
                         .event_digest = ContentDigest{.value = hash(HashAlgorithm::sha384, as_bytes("of the other")).value()}};
    options.reference.required_events = {rule};
    EXPECT_THAT(refused_by(made), ElementsAre("required_events")) << "of every TD";
    options.reference.parts = {{.name = "tdx", .kind = "tdx"}, {.name = "other", .kind = "tdx"}};
    EXPECT_THAT(refused_by(made), ElementsAre("required_events")) << "of the part of that name";
    options.reference.required_events[0].register_name = "other/rtmr3";
    EXPECT_THAT(refused_by(made), IsEmpty());
    options.reference.parts.pop_back();
    EXPECT_THAT(refused_by(made), ElementsAre("required_events")) << "a name that only the evidence gives";
    options.reference = {};
    options.reference.registers["tdx/rtmr3"] = {Bytes(platform.body.rtmr[3].begin(), platform.body.rtmr[3].end())};
    EXPECT_THAT(refused_by(made), ElementsAre("register_values")) << "of every TD";
    options.reference.parts = {{.name = "tdx", .kind = "tdx"}};
    EXPECT_THAT(refused_by(made), IsEmpty());
    // Of another kind than the part is.
    options.reference.parts = {{.name = "tdx", .kind = "toy"}};
    EXPECT_THAT(refused_by(made), AllOf(Contains("parts_present"), Contains("register_values")));
}

// Two machines that are refused each do not make one that is verified.
TEST_F(TwoTds, WhatMustBeThereHasToBeInEachThatARuleMeans) {
    const auto kernel = json{{"name", "the kernel"}, {"description", "kernel"}};
    const auto agent = json{{"name", "the agent"}, {"description", "agent"}};
    add_to_other(enveloped("tdx/rtmr3", {.description = "agent", .data = bytes_of("image")}));
    const auto in = [](json rule, const char *reg) {
        if (reg != nullptr) rule["register"] = reg;
        return rule;
    };
    for (const auto *reg : {"rtmr3", "tdx/rtmr3", static_cast<const char *>(nullptr)}) {
        for (const auto &rules : {json{in(kernel, reg), in(agent, reg)}, json::array({in(kernel, reg)}), json::array({in(agent, reg)})})
            EXPECT_THAT(refused_by({{"requiredEvents", rules}}, two()), ElementsAre("required_events")) << rules;
    }
    const auto both = json{in(kernel, "rtmr3"), in(agent, "rtmr3")};
    EXPECT_THAT(refused_by({{"parts", {{{"name", "tdx"}, {"kind", "tdx"}}}}, {"requiredEvents", both}}, two()),
                ElementsAre("required_events"));
    const auto set = json{{"name", "one"}, {"requiredEvents", both}};
    EXPECT_THAT(refused_by({{"alternatives", {{{"name", "any"}, {"sets", json::array({set})}}}}}, two()), ElementsAre("alternatives"));
    refer_to({{"requiredEvents", json::array({in(agent, "rtmr3")})}});
    EXPECT_THAT(reason_of(verify(two(), options), required_events), HasSubstr("tdx"));

    add(enveloped("tdx/rtmr3", {.description = "agent", .data = bytes_of("image")}));
    for (const auto *reg : {"rtmr3", "tdx/rtmr3", static_cast<const char *>(nullptr)})
        EXPECT_THAT(refused_by({{"requiredEvents", json::array({in(agent, reg)})}}, two()), IsEmpty());

    // By a part's own name it is that part, of all rules that name it.
    const auto named = json{{{"name", "tdx"}, {"kind", "tdx"}}, {{"name", "other"}, {"kind", "tdx"}}};
    EXPECT_THAT(refused_by({{"parts", named}, {"requiredEvents", json{in(kernel, "tdx/rtmr3"), in(agent, "other/rtmr3")}}}, two()),
                IsEmpty());
    EXPECT_THAT(refused_by({{"parts", named}, {"requiredEvents", json{in(kernel, "other/rtmr3"), in(agent, "other/rtmr3")}}}, two()),
                ElementsAre("required_events"));
}

TEST_F(TwoTds, WhatMrdIsHasToBeSaidInEach) {
    const auto digest = "sha384:" + to_hex(Bytes(48, 1));
    const json said{{"binary", digest}, {"access", digest}, {"options", json::array()}};
    const auto self = [&] {
        return enveloped("tdx/rtmr3", Envelope{.header = {.type = std::string(self_envelope_type), .register_name = "tdx/rtmr3"},
                                               .body = {.description = "mrd", .data = bytes_of(said.dump())}});
    };
    const json members{{"selfMeasurement", {{"register", "rtmr3"}, {"binary", {digest}}, {"configuration", {"none"}}}}};
    add(self());
    EXPECT_THAT(refused_by(members, two()), ElementsAre("self_measurement"));
    add_to_other(self());
    EXPECT_THAT(refused_by(members, two()), IsEmpty());
}

TEST_F(TwoTds, AVirtualRegisterHasToBeInEachThatMayCarryIt) {
    platform.body.rtmr = {};
    events.clear();
    other_.body.rtmr = {};
    of_other_.clear();
    const auto build = [](std::uint8_t id) { return enveloped("tdx/rtmr3", creating(id, "virtual/build")); };
    const auto image = [](std::uint8_t id) { return enveloped("tdx/rtmr3", extending(id, "image", "image 7")); };
    const json rule{{"name", "the image"}, {"register", "virtual/build"}, {"text", "image 7"}};
    const auto with = [](const std::string &member, const json &value) { return json{{"logOnlyRegisters", {"rtmr3"}}, {member, value}}; };
    const auto asked = with("virtualRegisters", json::array({"virtual/build"}));
    const auto required = with("requiredEvents", json::array({rule}));
    const auto closed =
        with("closedRegisters", {{{"register", "virtual/build"}, {"events", json::array({{{"name", "any"}, {"text", "image 7"}}})}}});
    const auto forbidden = with("forbiddenEvents", json::array({{{"name", "it"}, {"register", "virtual/build"}, {"text", "image 8"}}}));
    add(build(1));
    add(image(1));
    EXPECT_THAT(refused_by(asked, two()), ElementsAre("virtual_registers"));
    EXPECT_THAT(refused_by(required, two()), ElementsAre("required_events"));
    EXPECT_THAT(refused_by(closed, two()), ElementsAre("closed_registers"));
    EXPECT_THAT(refused_by(forbidden, two()), ElementsAre("forbidden_events"));
    EXPECT_THAT(reason_of(verify(two(), options), forbidden_events), HasSubstr("virtual/build of other"));
    add_to_other(build(2));
    EXPECT_THAT(refused_by(asked, two()), IsEmpty());
    EXPECT_THAT(refused_by(required, two()), ElementsAre("required_events"));
    EXPECT_THAT(refused_by(closed, two()), ElementsAre("closed_registers"));
    EXPECT_THAT(refused_by(forbidden, two()), IsEmpty());
    add_to_other(image(2));
    for (const auto &members : {asked, required, closed, forbidden}) EXPECT_THAT(refused_by(members, two()), IsEmpty()) << members;
    // Its create is hidden in the one: what the other has is not taken for it.
    of_other_.front().data.reset();
    for (const auto &members : {asked, required, closed, forbidden}) EXPECT_THAT(refused_by(members, two()), Contains("log_well_formed"));
}

// ---- What is said of one part is said of no other

TEST_F(PartsTest, WhatMustRunHasToBeSaidOfEach) {
    options.waived.reference = false;
    const auto refused = [this](json members) {
        members["format"] = "mrd-reference-values";
        members["version"] = 1;
        options.reference = parse_reference_values(members.dump(), tees_).value();
        return refused_by(both());
    };
    const auto rtmr3 = to_hex(platform.body.rtmr.at(3));
    const auto boot = to_hex(toy.boot.bytes());
    const json loader{{"name", "the loader"}, {"text", "loader"}};
    const json kernel{{"name", "the kernel"}, {"text", "image"}};
    const auto in = [](json rule, const char *reg) {
        rule["register"] = reg;
        return rule;
    };
    EXPECT_THAT(refused({{"registers", {{"rtmr3", {rtmr3}}}}}), ElementsAre("reference_values"));
    EXPECT_THAT(reason_of(verify(both(), options), reference_values), HasSubstr("toy0: no reference values say what must run"));
    EXPECT_THAT(refused({{"registers", {{"boot", {boot}}}}}), ElementsAre("reference_values"));
    EXPECT_THAT(refused({{"registers", {{"rtmr3", {rtmr3}}, {"boot", {boot}}}}}), IsEmpty());
    EXPECT_THAT(refused({{"registers", {{"rtmr3", {rtmr3}}}}, {"requiredEvents", json::array({in(loader, "boot")})}}), IsEmpty());
    EXPECT_THAT(refused({{"requiredEvents", json::array({in(kernel, "rtmr3")})}}), ElementsAre("reference_values"));
    // What may be met in another kind's log says nothing of this one's.
    EXPECT_THAT(refused({{"requiredEvents", json::array({kernel})}}), ElementsAre("reference_values"));
    EXPECT_THAT(
        refused({{"closedRegisters", {{{"register", "boot"}, {"events", json::array({loader})}}}}, {"registers", {{"rtmr3", {rtmr3}}}}}),
        IsEmpty());
}

// Whoever adds a part of another kind cannot have a role mean a register of it instead.
TEST_F(PartsTest, ARoleIsInEachPartUnlessTheReferenceValuesNameTheParts) {
    const auto refused = [this](json members) {
        members["format"] = "mrd-reference-values";
        members["version"] = 1;
        members["roles"] = {{"app", {"toy/boot", "tdx/rtmr3"}}};
        options.reference = parse_reference_values(members.dump(), tees_).value();
        return refused_by(both());
    };
    const json loader = json::array({{{"name", "the loader"}, {"register", "app"}, {"text", "loader"}}});
    const json tdx{{"name", "tdx"}, {"kind", "tdx"}};
    const json toy0{{"name", "toy0"}, {"kind", "toy"}};
    EXPECT_THAT(refused({{"requiredEvents", loader}}), ElementsAre("required_events"));
    EXPECT_EQ(reason_of(verify(both(), options), roles), "app is tdx/rtmr3 and toy0/boot");
    EXPECT_THAT(refused({{"parts", json::array({tdx})}, {"requiredEvents", loader}}), ElementsAre("required_events"));
    EXPECT_THAT(refused({{"parts", json::array({toy0})}, {"requiredEvents", loader}}), IsEmpty()) << "the first of a part that is named";
}

}  // namespace
}  // namespace mr
