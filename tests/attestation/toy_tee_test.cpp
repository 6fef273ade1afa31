// The verdict over evidence of another kind than TDs, and of both together: no rule knows which kind it judges.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/attestation/toy_machine.h"
#include "tests/attestation/verdict_text.h"

namespace mr {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(ToyTest, AQuoteOfAnotherKindIsVerifiedByTheSameRules) {
    const auto verdict = verify(toy_evidence(), options);
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    EXPECT_TRUE(matches(verdict)) << reasons(verdict);
    EXPECT_EQ(parse_evidence(as_bytes(write_evidence_json(toy_evidence()))).value(), toy_evidence());
    // Without who can read it, it is nothing.
    options.tees = known_tees();
    EXPECT_THAT(refused_by(toy_evidence()), Contains("quote_format"));
    EXPECT_THAT(reason_of(verify(toy_evidence(), options), quote_format), HasSubstr("kind toy"));
}

TEST_F(ToyTest, AQuoteAndItsLogByThemselvesAreToldByTheirBytes) {
    const auto made = toy_evidence();
    const std::vector<ByteView> logs{made.log};
    options.report_data.reset();
    const auto verdict = verify(made.parts[0].quote, logs, options);
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    EXPECT_TRUE(matches(verdict)) << reasons(verdict);
}

TEST_F(ToyTest, NothingThatItClaimsCanBeChanged) {
    const auto good = toy_evidence();
    for (std::size_t at = 0; at < good.parts[0].quote.size(); ++at) {
        auto changed = good;
        changed.parts[0].quote[at] ^= 1;
        EXPECT_THAT(refused_by(changed), Not(IsEmpty())) << at;
    }
    auto changed = good;
    changed.parts[0].name = "toy1";
    EXPECT_THAT(refused_by(changed), Contains("report_data")) << "the name is in what the quote is over";
    changed = good;
    changed.parts[0].kind = "tdx";
    EXPECT_THAT(refused_by(changed), Contains("quote_format"));
    changed = good;
    changed.parts[0].quote_format = "toy_v2";
    EXPECT_THAT(refused_by(changed), ElementsAre("evidence_claims"));
    changed = good;
    changed.registers[1].signed_value = changed.registers[0].signed_value;
    EXPECT_THAT(refused_by(changed), ElementsAre("evidence_claims"));
    options.report_data->front() ^= 1;
    EXPECT_THAT(refused_by(good), ElementsAre("report_data"));
}

// Where a register begins, and by which hash it is extended, its kind's specification says.
TEST_F(ToyTest, ALogChoosesNeitherInitialValueNorAlgorithm) {
    const auto good = toy_evidence();
    auto registers = declared();
    registers[1].initial = registers[1].start = toy.ledger;
    auto lying = good;
    lying.log = bytes_of(json_log({toy_events[0]}, registers));
    lying.sequence = 1;
    EXPECT_THAT(refused_by(lying), AllOf(Contains("log_well_formed")));
    EXPECT_FALSE(matches(verify(lying, options)));
    registers = declared();
    registers[0] = {"toy0/boot", HashAlgorithm::sha384, Digest::zero(HashAlgorithm::sha384), Digest::zero(HashAlgorithm::sha384)};
    lying = good;
    lying.log = bytes_of(json_log(toy_events, registers));
    EXPECT_THAT(refused_by(lying), Contains("log_well_formed"));
    // A register without an event must still hold what it began with.
    toy_events.erase(toy_events.begin());
    for (std::size_t i = 0; i < toy_events.size(); ++i) toy_events[i].sequence = i + 1;
    EXPECT_THAT(refused_by(toy_evidence()), Contains("log_replay"));
    toy.boot = ToyQuote::first_boot();
    EXPECT_THAT(refused_by(toy_evidence()), IsEmpty());
}

TEST_F(ToyTest, RulesAndValuesMeanItsRegistersByNameAndAlgorithm) {
    const auto sha512 = [](std::string_view text) {
        return ContentDigest{.algorithm = HashAlgorithm::sha512, .value = hash(HashAlgorithm::sha512, as_bytes(text)).value()};
    };
    const auto sha384 = [](std::string_view text) { return ContentDigest{.value = hash(HashAlgorithm::sha384, as_bytes(text)).value()}; };
    options.waived.reference = false;
    auto &reference = options.reference;
    reference.registers["image"] = {Bytes(32, 0x1D)};
    reference.registers["toy/boot"] = {Bytes(toy.boot.bytes().begin(), toy.boot.bytes().end())};
    reference.required_events = {{.name = "settings", .register_name = "ledger", .data = bytes_of("strict"), .description = "settings"},
                                 {.name = "plugin", .register_name = "toy/ledger", .event_digest = sha512("plugin")},
                                 {.name = "plugin by another hash", .digest = sha384("plugin")},
                                 {.name = "loader", .data = bytes_of("loader")}};
    EXPECT_THAT(refused_by(toy_evidence()), IsEmpty()) << reasons(verify(toy_evidence(), options));
    // A digest in another algorithm than the register's is found where the bytes are there, and never ruled out where they are not.
    toy_events[2].data.reset();
    EXPECT_THAT(refused_by(toy_evidence()), ElementsAre("required_events"));
    reference.required_events = {{.name = "loader", .data = bytes_of("loader")}};
    reference.forbidden_events = {{.name = "plugin", .event_digest = sha384("other")}};
    EXPECT_EQ(result_of(verify(toy_evidence(), options), forbidden_events), Judgement::not_judged);
    reference.forbidden_events = {
        {.name = "plugin", .event_digest = sha512("other")},
    };
    EXPECT_EQ(result_of(verify(toy_evidence(), options), forbidden_events), Judgement::not_judged) << "boot has SHA-256";
    reference.forbidden_events.front().register_name = "ledger";
    EXPECT_THAT(refused_by(toy_evidence()), IsEmpty());
    // An unknown register rules nothing out.
    reference.forbidden_events.front().register_name = "leger";
    EXPECT_EQ(result_of(verify(toy_evidence(), options), forbidden_events), Judgement::not_judged);
    reference.forbidden_events.clear();
    reference.registers["rtmr0"] = {Bytes(48)};
    EXPECT_THAT(reason_of(verify(toy_evidence(), options), register_values), HasSubstr("rtmr0 is in no quote"));
}

// Each by the events of its own register, in that register's algorithm.
TEST_F(ToyTest, ARegisterIsClosedInEveryPartThatItsNameMeans) {
    const EventRule settings{.name = "settings", .data = bytes_of("strict"), .description = "settings"};
    const EventRule plugin{.name = "plugin", .data = bytes_of("plugin")};
    auto &closed = options.reference.closed_registers;
    closed = {{.register_name = "ledger", .events = {settings, plugin}},
              {.register_name = "toy/boot", .events = {{.name = "loader", .data = bytes_of("loader")}}}};
    EXPECT_THAT(refused_by(both()), IsEmpty());
    closed.front().events.pop_back();
    const auto verdict = verify(both(), options);
    EXPECT_THAT(refusing(verdict), ElementsAre("closed_registers"));
    EXPECT_THAT(reason_of(verdict, closed_registers), HasSubstr("toy0/ledger is \"plugin\"; expected was no further event"));
    closed.front().events.push_back(plugin);
    extend_ledger(measured("toy0/ledger", "another", {HashAlgorithm::sha512}));
    EXPECT_THAT(refused_by(both()), ElementsAre("closed_registers"));
    closed = {{.register_name = "toy1/ledger", .events = {settings, plugin, {.name = "another", .data = bytes_of("another")}}}};
    EXPECT_THAT(reason_of(verify(both(), options), closed_registers), HasSubstr("toy1/ledger (toy1/ledger is in no quote, and no role"));
    closed.front().register_name = "toy/ledger";
    EXPECT_THAT(refused_by(both()), IsEmpty());
}

TEST_F(ToyTest, ItsFactsAreJudgedAsThoseOfEveryKind) {
    EXPECT_THAT(refused_by(toy_evidence()), IsEmpty());
    toy.debug = 1;
    EXPECT_THAT(refused_by(toy_evidence()), ElementsAre("not_debug"));
    options.reference.platform.accept_debug = true;
    EXPECT_THAT(refused_by(toy_evidence()), IsEmpty());
    options.reference.platform.accept_simulated_roots = false;
    EXPECT_THAT(refused_by(toy_evidence()), ElementsAre("root_is_hardware"));
    options.reference.platform.accept_simulated_roots.reset();
    options.waived.tcb = false;
    EXPECT_THAT(refused_by(toy_evidence()), ElementsAre("tcb"));
    auto made = toy_evidence();
    made.parts[0].collateral = R"({"state":"Shiny"})";
    auto verdict = verify(made, options);
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    EXPECT_EQ(verdict.platforms().front().tcb_status, "Shiny");
    // The list names those that are accepted, and no others.
    options.reference.platform.accepted_tcb = {"Rusty"};
    EXPECT_THAT(refused_by(made), ElementsAre("tcb"));
    options.collateral["toy"] = R"({"state":"Rusty"})";
    EXPECT_THAT(refused_by(made), IsEmpty());
    EXPECT_TRUE(parse_reference_values(R"({"format":"mrd-reference-values","version":1,"tcb":["Rusty"],"toy":{}})", tees_));
    EXPECT_FALSE(parse_reference_values(R"({"format":"mrd-reference-values","version":1,"tcb":["Rusty"]})"));
}

// ---- Two parts

TEST_F(ToyTest, PartsOfTwoKindsAreVerifiedTogether) {
    const auto made = both();
    const auto verdict = verify(made, options);
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    EXPECT_TRUE(matches(verdict)) << reasons(verdict);
    EXPECT_EQ(result_of(verdict, parts_distinct), Judgement::holds);
    // What is fresh is not yet of one machine.
    EXPECT_EQ(result_of(verdict, parts_bound), Judgement::fails);
    EXPECT_THAT(reason_of(verdict, not_debug), AllOf(HasSubstr("tdx: "), HasSubstr("toy0: ")));
    EXPECT_EQ(parse_evidence(write_evidence_cbor(made)).value(), made);
}

TEST_F(ToyTest, AnyPartThatIsNotGoodMakesTheVerdictNegative) {
    toy.debug = 1;
    EXPECT_THAT(refused_by(both()), ElementsAre("not_debug"));
    toy.debug = 0;
    auto made = both();
    made.parts[1].quote.back() ^= 1;
    EXPECT_THAT(refused_by(made), ElementsAre("quote_signature"));
    made = both();
    made.parts[0].quote[600] ^= 1;
    EXPECT_THAT(refused_by(made), Contains("quote_signature"));
    made = both();
    made.parts[1].quote.clear();
    EXPECT_THAT(refused_by(made), AllOf(Contains("quote_format"), Contains("report_data"), Contains("log_replay")));
}

TEST_F(ToyTest, ThePartsThatReferenceValuesNameMustBeThere) {
    options.reference.parts = {{.name = "tdx", .kind = "tdx"}, {.name = "toy0", .kind = "toy"}};
    EXPECT_THAT(refused_by(both()), IsEmpty());
    EXPECT_THAT(refused_by(toy_evidence()), ElementsAre("parts_present"));
    // By their kind too, which the reader of the quote vouches for.
    options.reference.parts = {{.name = "toy0", .kind = "tdx"}};
    EXPECT_THAT(refused_by(both()), ElementsAre("parts_present"));
}

TEST_F(ToyTest, APartsNameMeansItsRegistersOnlyIfTheReferenceValuesSayOfWhichKindItIs) {
    options.reference.registers["toy0/image"] = {Bytes(32, 0x1D)};
    EXPECT_THAT(refused_by(both()), ElementsAre("register_values"));
    options.reference.parts = {{.name = "toy0", .kind = "toy"}};
    EXPECT_THAT(refused_by(both()), IsEmpty());
    options.reference.registers["tdx/image"] = {Bytes(32, 0x1D)};
    EXPECT_THAT(refused_by(both()), ElementsAre("register_values"));
}

TEST_F(ToyTest, OnePieceOfHardwareDoesNotStandForTwoParts) {
    auto made = toy_evidence();
    made.parts.push_back(part("toy1"));
    EXPECT_THAT(refused_by(made), Contains("parts_distinct"));
    // Another key, another piece.
    toy.key = Bytes(8, 2);
    made.parts.back() = part("toy1");
    EXPECT_THAT(refused_by(made), Not(Contains("parts_distinct")));
}

// A register of the same name in another part is another register.
TEST_F(ToyTest, AnEventCountsForItsOwnPartsRegister) {
    auto made = both();
    std::string log(made.log.begin(), made.log.end());
    for (auto at = log.find("toy0/boot"); at != std::string::npos; at = log.find("toy0/boot", at)) log.replace(at, 9, "tdx/boot");
    made.log = bytes_of(log);
    EXPECT_THAT(refused_by(made), AllOf(Contains("log_well_formed"), Contains("log_replay")));
}

}  // namespace
}  // namespace mr
