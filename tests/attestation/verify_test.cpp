// From evidence, or a quote and its logs, to the verdict. The quote's own statements: single_change_test.cpp, real_quotes_test.cpp.
#include "mr/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <set>

#include "mr/envelope.h"
#include "mr/event_log.h"
#include "tests/attestation/log_lines.h"
#include "tests/attestation/machine.h"
#include "tests/attestation/tee/tdx/sample_quotes.h"
#include "tests/attestation/tee/tdx/test_platform.h"
#include "tests/attestation/verdict_text.h"
#include "tests/event_log/built_log.h"

namespace mr {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

TEST_F(MachineTest, EvidenceOfWhatItSaysIsVerified) {
    expect_nonce();
    const auto verdict = verify(evidence(), options);
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    EXPECT_THAT(false_ones(verdict), ElementsAre("root_is_hardware")) << reasons(verdict);
    EXPECT_THAT(reason_of(verdict, log_well_formed), HasSubstr("3 events"));
}

TEST_F(MachineTest, WhatIsWaivedByNameIsNotJudgedAndDoesNotFail) {
    const auto verdict = verify(evidence(), options);
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    for (const auto name :
         {report_data, reference_values, register_values, required_events, forbidden_events, closed_registers, alternatives, evidence_age})
        EXPECT_EQ(result_of(verdict, name), Judgement::not_judged) << name;
}

TEST_F(MachineTest, WhatIsNeitherGivenNorWaivedIsNoSilentYes) {
    auto without_collateral = evidence();
    without_collateral.parts[0].collateral.reset();
    const Waived all = options.waived;
    EXPECT_THAT(refusing(verify(without_collateral, options)), IsEmpty());
    options.waived = {};
    EXPECT_THAT(refusing(verify(evidence(), options)), ElementsAre("report_data", "reference_values"));
    EXPECT_FALSE(verify(evidence(), options).verified());
    struct Case {
        bool Waived::*waived;
        std::string refusing;
    };
    for (const auto &[waived, statement] :
         {Case{&Waived::nonce, "report_data"}, Case{&Waived::reference, "reference_values"}, Case{&Waived::tcb, "tcb"}}) {
        options.waived = all;
        options.waived.*waived = false;
        const auto verdict = verify(without_collateral, options);
        EXPECT_FALSE(verdict.verified()) << statement;
        EXPECT_THAT(refusing(verdict), Contains(statement));
    }
    // The same of a quote without evidence around it.
    options.waived = {};
    EXPECT_THAT(refusing(verify(platform.quote(), {}, options)),
                AllOf(Contains("report_data"), Contains("reference_values"), Contains("tcb")));
    options.waived = all;
    EXPECT_TRUE(verify(platform.quote(), {}, options).verified());
}

// A waiver is about what is not there.
TEST_F(MachineTest, WhatIsGivenCountsWhateverIsWaived) {
    auto forged = evidence();
    forged.parts[0].collateral = forged_collateral();
    EXPECT_THAT(refusing(verify(forged, options)), Contains("tcb_info_signature"));
    expect_nonce();
    options.report_data->back() ^= 1;
    EXPECT_THAT(refusing(verify(evidence(), options)), ElementsAre("report_data"));
    options.report_data.reset();
    options.reference.registers["mrtd"] = {Bytes(48, 1)};
    EXPECT_THAT(refusing(verify(evidence(), options)), ElementsAre("register_values"));
    options.reference.registers.clear();
    // Reference values that name a TCB ask for it.
    options.reference.tcb_required = true;
    EXPECT_TRUE(verify(evidence(), options).verified());
    auto stripped = evidence();
    stripped.parts[0].collateral.reset();
    EXPECT_THAT(refusing(verify(stripped, options)), Contains("tcb"));
}

TEST_F(MachineTest, ReferenceValuesThatDemandNothingOfWhatRunsCountAsNotGiven) {
    options.waived.reference = false;
    const auto refused_for = [&] { return refusing(verify(evidence(), options)); };
    options.reference.forbidden_events = {{.name = "a shell", .description = "shell"}};
    options.reference.maximum_age_seconds = 60;
    options.reference.tcb_required = true;
    options.reference.platform.accept_debug = true;
    EXPECT_THAT(refused_for(), ElementsAre("reference_values"));
    EXPECT_THAT(reason_of(verify(evidence(), options), reference_values), HasSubstr("requiredEvents"));
    options.reference.required_events = {{.name = "the kernel", .description = "kernel"}};
    EXPECT_THAT(refused_for(), IsEmpty());
    options.reference.required_events.front().register_name = "tdx/rtmr9";
    EXPECT_THAT(reason_of(verify(evidence(), options), required_events),
                HasSubstr("the kernel (tdx/rtmr9 is in no quote, and no role (roles has those that there are); there are rtmr0, rtmr1"));
    options.reference.required_events.clear();
    // What whoever starts the machine says of it is not what runs.
    options.reference.registers["mrconfigid"] = {Bytes(platform.body.mrconfigid.begin(), platform.body.mrconfigid.end())};
    EXPECT_THAT(refused_for(), ElementsAre("reference_values"));
    options.reference.registers["mrtd"] = {Bytes(platform.body.mrtd.begin(), platform.body.mrtd.end())};
    EXPECT_THAT(refused_for(), IsEmpty());
}

// As a caller may give them: also those whose difference is no number of 64 bits.
TEST_F(MachineTest, AnAgeIsJudgedAtWhateverTimeAndByWhateverClock) {
    constexpr auto first = std::numeric_limits<std::int64_t>::min();
    constexpr auto last = std::numeric_limits<std::int64_t>::max();
    auto made = evidence();
    options.reference.maximum_age_seconds = 60;
    const auto told = [&](UnixTime now, std::int64_t clock) {
        options.time = now;
        made.time = clock;
        const auto verdict = verify(made, options);
        EXPECT_EQ(result_of(verdict, evidence_age), Judgement::fails) << now << " " << clock;
        return reason_of(verdict, evidence_age);
    };
    for (const auto now : {first, first + 1, first + 2'000'000'000})
        for (const auto clock : {std::int64_t{0}, std::int64_t{1'700'000'000'000'000}, last})
            EXPECT_THAT(told(now, clock), testing::MatchesRegex("made [0-9]+ s in the future.*"));
    for (const auto clock : {first, std::int64_t{0}, std::int64_t{1'700'000'000'000'000}, last})
        EXPECT_THAT(told(last, clock), testing::MatchesRegex("[0-9]+ s old.*"));
    EXPECT_THAT(told(first, first), testing::MatchesRegex("made [0-9]+ s in the future.*"));
    EXPECT_THAT(told(first, 0), HasSubstr("made " + std::to_string(last) + " s"));
}

TEST_F(MachineTest, WithoutATrustAnchorOfItsOwnItIsNotVerified) {
    options.anchors = intel_trust_anchors();
    const auto verdict = verify(evidence(), options);
    EXPECT_FALSE(verdict.verified());
    EXPECT_THAT(false_ones(verdict), Contains("certificate_chain"));
    EXPECT_THAT(reason_of(verdict, certificate_chain), HasSubstr("O=")) << "the common name is that of Intel's root";
}

TEST_F(MachineTest, ReportDataIsWhatWasExpectedOrNot) {
    expect_nonce();
    options.report_data->back() ^= 1;
    auto verdict = verify(evidence(), options);
    EXPECT_FALSE(verdict.verified());
    EXPECT_THAT(false_ones(verdict), Contains("report_data"));

    // What is shorter is followed by zero bytes: with some of them it is the same.
    platform.body.report_data = {};
    std::ranges::fill_n(platform.body.report_data.begin(), 16, 1);
    for (std::size_t zeros = 0; zeros <= 48; ++zeros) {
        options.report_data = Bytes(16, 1);
        options.report_data->resize(16 + zeros);
        EXPECT_TRUE(verify(evidence(), options).verified()) << zeros;
    }
    options.report_data = Bytes(17, 1);
    EXPECT_FALSE(verify(evidence(), options).verified());

    // The evidence's own word is not what counts, but must not differ.
    options.report_data = Bytes(16, 1);
    auto lying = evidence();
    lying.report_data = {9};
    EXPECT_THAT(false_ones(verify(lying, options)), Contains("evidence_claims"));
}

// It would be that of a variable that was cut off, or of anybody who gave none.
TEST_F(MachineTest, ANonceThatIsTooShortTooLongOrZeroIsNone) {
    for (const auto &[nonce, why] : {std::pair(Bytes(), "0 bytes"), std::pair(Bytes(1, 7), "1 bytes"), std::pair(Bytes(15, 7), "15 bytes"),
                                     std::pair(Bytes(65, 7), "65 bytes"), std::pair(Bytes(16), "zero"), std::pair(Bytes(64), "zero")}) {
        platform.body.report_data = {};
        std::ranges::copy(ByteView(nonce).first(std::min(nonce.size(), report_data_size)), platform.body.report_data.begin());
        options.report_data = nonce;
        const auto verdict = verify(evidence(), options);
        EXPECT_THAT(refusing(verdict), ElementsAre("report_data"));
        EXPECT_THAT(reason_of(verdict, report_data), HasSubstr(why));
    }
}

TEST_F(MachineTest, AnEventThatIsMissingAddedSwappedOrChangedDoesNotReplay) {
    const auto whole = events;
    for (std::size_t i = 0; i < whole.size(); ++i) {
        events = whole;
        events.erase(events.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_THAT(false_ones(verify(evidence(), options)), Contains("log_replay")) << i;
        events = whole;
        events.insert(events.begin() + static_cast<std::ptrdiff_t>(i), measured("tdx/rtmr3", "more"));
        // As a firmware's event, which it is here, it makes a gap at 0: what the registers held when the journal began was something else.
        EXPECT_FALSE(matches(verify(evidence(), options))) << i;
        for (std::size_t bit = 0; bit < 8 * 48; bit += 37) {
            events = whole;
            events[i].digests.front().second[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
            EXPECT_THAT(false_ones(verify(evidence(), options)), Contains("log_replay")) << i;
        }
    }
    events = whole;
    std::swap(events[1].digests, events[2].digests);
    EXPECT_THAT(false_ones(verify(evidence(), options)), Contains("log_replay"));
}

TEST_F(MachineTest, AnEventOfAnotherRegisterOfTheSameMachineChangesNothing) {
    auto other = measured("tpm/pcr16", "other");
    other.origin = EventOrigin::service;
    other.sequence = 4;
    events.push_back(other);
    auto lines = lines_of(evidence());
    const std::string zeros(96, '0');
    lines[0]["registers"].push_back({{"name", "tpm/pcr16"}, {"hash", "sha384"}, {"initial", zeros}, {"start", zeros}});
    const auto made = with_lines(evidence(), lines);
    EXPECT_TRUE(verify(made, options).verified());
    // And matches no rule, since the quote does not vouch for it.
    options.reference.required_events = {{.name = "other", .digest = ContentDigest{.value = Digest(other.digests.front().second)}}};
    EXPECT_THAT(false_ones(verify(made, options)), ElementsAre("root_is_hardware", "required_events"));
}

// The hardware's initial values are zero, whatever a log says.
TEST_F(MachineTest, ALogCannotChooseWhereARegisterBegan) {
    auto lying = evidence();
    const Digest chosen(platform.body.rtmr[3]);
    events.clear();
    std::vector<LogRegister> registers;
    for (std::size_t i = 0; i < 4; ++i) {
        const Digest value(platform.body.rtmr.at(i));
        registers.push_back({"tdx/rtmr" + std::to_string(i), HashAlgorithm::sha384, value, value});
    }
    lying.log = bytes_of(json_log({}, registers));
    const auto verdict = verify(lying, options);
    EXPECT_FALSE(verdict.verified());
    EXPECT_FALSE(matches(verdict)) << reasons(verdict);
}

TEST_F(MachineTest, AGapIsStatedAndAcceptedOnlyByAPolicyThatSaysSo) {
    const auto expected = platform.body.rtmr[3];
    const auto foreign = hash(HashAlgorithm::sha384, as_bytes("foreign"));
    const auto found = extend(HashAlgorithm::sha384, expected, foreign->bytes());
    std::ranges::copy(found->bytes(), platform.body.rtmr[3].begin());
    add(resync("tdx/rtmr3", expected, found->bytes()));
    add(measured("tdx/rtmr3", "later"));
    auto verdict = verify(evidence(), options);
    EXPECT_FALSE(verdict.verified());
    EXPECT_THAT(false_ones(verdict), ElementsAre("root_is_hardware", "history_complete")) << reasons(verdict);
    EXPECT_THAT(reason_of(verdict, history_complete), HasSubstr("at event 4"));
    options.reference.accept_gaps = true;
    verdict = verify(evidence(), options);
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    EXPECT_EQ(result_of(verdict, history_complete), Judgement::fails);  // still said
}

// A plugin that somebody else wrote is measured as it comes, and whoever carries the evidence puts its content in as the event's data.
TEST_F(MachineTest, AFilesContentNeverSpeaksAsAnEnvelope) {
    const Envelope lie{.header = {.type = "measure", .register_name = "tdx/rtmr3"},
                       .body = {.description = "patch", .data = bytes_of("patch")}};
    const auto whole = encode_envelope(lie);
    auto version_1 = whole;
    version_1[0] = 1;
    const Digest image = hash(HashAlgorithm::sha384, as_bytes("patch")).value();
    const auto before = platform.body.rtmr;
    const auto events_before = events;
    for (const auto &content : {whole, version_1, redact_envelope(whole, std::array{HashAlgorithm::sha384}).value()}) {
        platform.body.rtmr = before;
        events = events_before;
        add(measured("tdx/rtmr3", content, {HashAlgorithm::sha384}, ev_event_tag));
        for (const EventRule &rule : {EventRule{.name = "the patch", .description = "patch"},
                                      EventRule{.name = "the patch", .data_digest = ContentDigest{.value = image}},
                                      EventRule{.name = "the patch", .data = bytes_of("patch")}}) {
            options.reference = {};
            options.reference.required_events = {rule};
            EXPECT_FALSE(verify(evidence(), options).verified());
            EXPECT_EQ(result_of(verify(evidence(), options), required_events), Judgement::fails);
        }
    }
    // Nor does it end a register, or begin it anew.
    for (const auto &content : {encode_envelope({.header = {.type = "cap", .register_name = "tdx/rtmr3"}}),
                                encode_envelope(resync_envelope("rtmr3", Bytes(48, 1), Bytes(48, 2)))}) {
        platform.body.rtmr = before;
        events = events_before;
        auto event = measured("tdx/rtmr3", content, {HashAlgorithm::sha384}, ev_event_tag);
        event.origin = EventOrigin::resync;
        add(event);
        EXPECT_EQ(result_of(verify(evidence(), options), log_replay), Judgement::holds) << reasons(verify(evidence(), options));
    }
}

// Whoever extends behind mrd's back can write the resync too, with any history before it.
TEST_F(MachineTest, WhatStandsBeforeAGapIsNoRequiredEvent) {
    options.reference.accept_gaps = true;
    options.reference.required_events = {{.name = "the kernel", .description = "kernel"}};
    ASSERT_TRUE(verify(evidence(), options).verified());
    auto invented = enveloped("tdx/rtmr3", {.description = "patch"});
    invented.origin = EventOrigin::service;
    const auto real = platform.body.rtmr[3];
    const auto expected = extend(HashAlgorithm::sha384, real, invented.digests.front().second);
    invented.sequence = events.size() + 1;
    events.push_back(invented);
    add(resync("tdx/rtmr3", expected->bytes(), real));
    options.reference.required_events = {{.name = "the patch", .description = "patch"}};
    auto verdict = verify(evidence(), options);
    EXPECT_EQ(result_of(verdict, log_replay), Judgement::holds) << reasons(verdict);
    EXPECT_FALSE(verdict.verified());
    EXPECT_THAT(reason_of(verdict, required_events), HasSubstr("only before a gap"));
    // Another register's gap says nothing of this one.
    options.reference.required_events = {
        {.name = "the firmware", .digest = ContentDigest{.value = hash(HashAlgorithm::sha384, as_bytes("firmware")).value()}}};
    EXPECT_TRUE(verify(evidence(), options).verified());
    // After the gap it counts.
    options.reference.required_events = {{.name = "the patch", .description = "patch"}};
    add(enveloped("tdx/rtmr3", {.description = "patch"}));
    EXPECT_TRUE(verify(evidence(), options).verified());
}

TEST_F(MachineTest, ARegisterThatOthersExtendIsNotCoveredAndSaidToBe) {
    platform.body.rtmr[2].fill(0x77);
    // Owned, says the evidence: then the log is wrong.
    EXPECT_THAT(false_ones(verify(evidence(), options)), Contains("log_replay"));
    shared.insert("tdx/rtmr2");
    auto verdict = verify(evidence(), options);
    EXPECT_FALSE(verdict.verified());
    EXPECT_THAT(false_ones(verdict), ElementsAre("root_is_hardware", "registers_covered")) << reasons(verdict);
    options.reference.uncovered_registers = {"rtmr2"};
    verdict = verify(evidence(), options);
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    EXPECT_THAT(reason_of(verdict, registers_covered), HasSubstr("rtmr2"));
}

TEST_F(MachineTest, RegisterValuesAreAmongThoseThatAreAllowedOrNot) {
    const auto bytes_of_register = [&](std::size_t i) { return Bytes(platform.body.rtmr.at(i).begin(), platform.body.rtmr.at(i).end()); };
    options.reference.registers["mrtd"] = {Bytes(48, 1), Bytes(platform.body.mrtd.begin(), platform.body.mrtd.end())};
    options.reference.registers["rtmr0"] = {bytes_of_register(0)};
    EXPECT_TRUE(verify(evidence(), options).verified());
    options.reference.registers["rtmr3"] = {bytes_of_register(0)};
    const auto verdict = verify(evidence(), options);
    EXPECT_FALSE(verdict.verified());
    EXPECT_THAT(reason_of(verdict, register_values), HasSubstr("rtmr3"));
    EXPECT_THAT(reason_of(verdict, register_values), Not(HasSubstr("rtmr0")));
}

TEST_F(MachineTest, EventsThatMustBeThereAndMustNotBeThere) {
    options.reference.required_events = {{.name = "the kernel", .description = "kernel"}};
    options.reference.forbidden_events = {{.name = "a shell", .description = "shell"}};
    EXPECT_TRUE(verify(evidence(), options).verified());
    options.reference.required_events.push_back({.name = "an initrd", .description = "initrd"});
    auto verdict = verify(evidence(), options);
    EXPECT_FALSE(verdict.verified());
    EXPECT_THAT(reason_of(verdict, required_events), HasSubstr("an initrd"));
    options.reference.required_events.pop_back();
    options.reference.forbidden_events.push_back(
        {.name = "that configuration", .digest = ContentDigest{.value = hash(HashAlgorithm::sha384, as_bytes("configuration")).value()}});
    verdict = verify(evidence(), options);
    EXPECT_FALSE(verdict.verified());
    EXPECT_THAT(reason_of(verdict, forbidden_events), HasSubstr("that configuration (event 3 of rtmr3 is \"configuration\")"));
}

// What was hashed is not in the log: it may be what is forbidden.
TEST_F(MachineTest, LeavingOutAnEventsDataHidesNothingThatIsForbidden) {
    options.reference.forbidden_events = {{.name = "the kernel", .description = "kernel"}};
    EXPECT_THAT(false_ones(verify(evidence(), options)), Contains("forbidden_events"));
    for (const auto &lie : {std::optional<Bytes>(), std::optional<Bytes>(bytes_of("x"))}) {
        events[1].data = lie;
        const auto verdict = verify(evidence(), options);
        EXPECT_EQ(result_of(verdict, forbidden_events), Judgement::not_judged) << reasons(verdict);
        EXPECT_FALSE(verdict.verified());
    }
    // In another register everything is known.
    options.reference.forbidden_events.front().register_name = "rtmr0";
    EXPECT_TRUE(verify(evidence(), options).verified());
    // A digest may be that of an envelope's content, too; only what was extended is known without the data.
    options.reference.forbidden_events = {{.name = "other", .digest = ContentDigest{.value = Digest(Bytes(48, 7))}}};
    EXPECT_EQ(result_of(verify(evidence(), options), forbidden_events), Judgement::not_judged);
    options.reference.forbidden_events = {{.name = "other", .event_digest = ContentDigest{.value = Digest(Bytes(48, 7))}}};
    EXPECT_TRUE(verify(evidence(), options).verified());
}

// Type and framing of an event are the log's word: relabelled, a forbidden event is still that.
TEST_F(MachineTest, CallingAnEventAnotherThingHidesNothingThatIsForbidden) {
    options.reference.forbidden_events = {{.name = "the kernel", .description = "kernel"}};
    const auto envelope = *events[1].data;
    for (const std::uint32_t type : {5U, 6U, 0xAU, 0xDU, 0x80000002U, 0x08000001U}) {
        for (const auto &head : {Bytes(), Bytes{0x34, 0x12, 0, 0, static_cast<std::uint8_t>(envelope.size()), 0, 0, 0}}) {
            events[1].type = type;
            events[1].data = head;
            events[1].data->insert(events[1].data->end(), envelope.begin(), envelope.end());
            const auto verdict = verify(evidence(), options);
            EXPECT_NE(result_of(verdict, forbidden_events), Judgement::holds) << type << reasons(verdict);
            EXPECT_FALSE(verdict.verified());
        }
    }
}

// A register that is only called as if it were the signed one, in its bank: its events lead to no value that is signed.
TEST_F(MachineTest, ANameThatReadsAsASignedRegistersOwnWithABankIsNotThatRegister) {
    add(enveloped("tdx/rtmr3", {.description = "console shell"}));
    options.reference.forbidden_events = {{.name = "a shell", .register_name = "rtmr3", .description = "console shell"}};
    EXPECT_THAT(refusing(verify(evidence(), options)), ElementsAre("forbidden_events"));
    const auto whole = events;
    for (const std::string name : {"tdx/rtmr3:sha384:sha384", "tdx/rtmr3:sha256:sha384", "rtmr3:sha384:sha384"}) {
        events = whole;
        for (auto &event : events) {
            if (event.name == "tdx/rtmr3") {
                event.name = name;
                event.index = tcg_index(name).value_or(no_index);
            }
        }
        options.reference.required_events = {};
        EXPECT_THAT(refusing(verify(evidence(), options)), Contains("log_replay")) << name;
        // What nothing extended, in the name that is signed.
        auto forged = by_service(measured("tdx/rtmr3", "what is asked for"));
        forged.sequence = events.size() + 1;
        events.push_back(forged);
        options.reference.required_events = {{.name = "good", .data = bytes_of("what is asked for")}};
        EXPECT_THAT(refusing(verify(evidence(), options)), AllOf(Contains("log_replay"), Contains("required_events"))) << name;
    }
}

TEST_F(MachineTest, WhatARequiredEventRestsOnIsSaid) {
    options.reference.required_events = {{.name = "the kernel", .description = "kernel"},
                                         {.name = "the settings", .data = bytes_of("configuration")}};
    auto verdict = verify(evidence(), options);
    EXPECT_EQ(reason_of(verdict, required_events),
              "all 2 are in the log; on an envelope in rtmr3, which whoever may extend it by digest can state too: the kernel");
    options.reference.log_only_registers = {"rtmr3"};
    verdict = verify(evidence(), options);
    EXPECT_EQ(reason_of(verdict, required_events), "all 2 are in the log; on an envelope in rtmr3, which takes nothing else: the kernel");
    add(measured("tdx/rtmr3", Bytes{1, 0, 0, 8, ':', 'n', ':', 'G'}));
    options.reference.required_events = {{.name = "G", .data = bytes_of("G"), .description = "n"}};
    verdict = verify(evidence(), options);
    EXPECT_EQ(reason_of(verdict, required_events),
              "all 1 are in the log; on dstack's form, which any content that is measured there can have: G");
}

// Who measured it, the log alone says.
TEST_F(MachineTest, APlainEventInALogOnlyRegisterContradictsItWhoeverIsSaidToHaveMeasuredIt) {
    options.reference.log_only_registers = {"rtmr2"};
    ASSERT_TRUE(verify(evidence(), options).verified()) << reasons(verify(evidence(), options));
    for (const auto origin : {EventOrigin::firmware, EventOrigin::service}) {
        const auto events_before = events;
        const auto rtmr_before = platform.body.rtmr;
        auto plain = measured("tdx/rtmr2", "plain");
        add(plain);
        events.back().origin = origin;
        EXPECT_THAT(false_ones(verify(evidence(), options)), Contains("log_well_formed"));
        // What the reference values name is known to be there.
        options.reference.required_events = {{.name = "named", .register_name = "rtmr2", .data = bytes_of("plain")}};
        EXPECT_EQ(result_of(verify(evidence(), options), log_well_formed), Judgement::holds);
        options.reference.required_events = {{.name = "of another register", .register_name = "rtmr3", .data = bytes_of("plain")}};
        EXPECT_EQ(result_of(verify(evidence(), options), log_well_formed), Judgement::fails);
        options.reference.required_events = {{.name = "by digest", .digest = ContentDigest{.value = Digest(plain.digests.front().second)}}};
        EXPECT_EQ(result_of(verify(evidence(), options), log_well_formed), Judgement::holds);
        options.reference.required_events = {
            {.name = "by its own digest", .event_digest = ContentDigest{.value = Digest(plain.digests.front().second)}}};
        EXPECT_EQ(result_of(verify(evidence(), options), log_well_formed), Judgement::holds);
        options.reference.required_events = {};
        options.reference.closed_registers = {{.register_name = "rtmr2", .after = EventRule{.name = "begin", .data = bytes_of("plain")}}};
        EXPECT_EQ(result_of(verify(evidence(), options), log_well_formed), Judgement::holds);
        options.reference.closed_registers = {};
        events = events_before;
        platform.body.rtmr = rtmr_before;
    }
    // Nor does a role that means nothing here protect anything.
    options.reference.roles = {{"image", {"rtmr33"}}};
    options.reference.log_only_registers = {"image"};
    EXPECT_EQ(result_of(verify(evidence(), options), log_well_formed), Judgement::not_judged);
    options.reference.log_only_registers = {"RTMR2"};
    auto verdict = verify(evidence(), options);
    EXPECT_EQ(result_of(verdict, log_well_formed), Judgement::not_judged);
    EXPECT_THAT(reason_of(verdict, log_well_formed), HasSubstr("logOnlyRegisters: RTMR2 is in no quote"));
    EXPECT_FALSE(verdict.verified());
}

TEST_F(MachineTest, AGapThatTheReferenceValuesNameIsAcceptedAsTheRegistersFirstEventOnly) {
    const auto foreign = filled(0x5A);
    std::ranges::copy(foreign.bytes(), platform.body.rtmr[2].begin());
    add(resync("tdx/rtmr2", Bytes(48), foreign.bytes()));
    EXPECT_THAT(false_ones(verify(evidence(), options)), Contains("history_complete"));
    options.reference.accepted_gaps = {{.register_name = "rtmr2", .found = filled(0x5B)}, {.register_name = "rtmr1", .found = foreign}};
    EXPECT_THAT(false_ones(verify(evidence(), options)), Contains("history_complete"));
    options.reference.accepted_gaps.push_back({.register_name = "rtmr2", .found = foreign});
    auto verdict = verify(evidence(), options);
    EXPECT_EQ(result_of(verdict, history_complete), Judgement::holds) << reasons(verdict);
    EXPECT_TRUE(verdict.verified()) << reasons(verdict);
    // What stands before a gap is what somebody who extends behind mrd's back makes of it: there it is not the one that was meant.
    add(measured("tdx/rtmr1", "first"));
    const Digest before(platform.body.rtmr[1]);
    std::ranges::copy(foreign.bytes(), platform.body.rtmr[1].begin());
    add(resync("tdx/rtmr1", before.bytes(), foreign.bytes()));
    verdict = verify(evidence(), options);
    EXPECT_THAT(false_ones(verdict), Contains("history_complete"));
    EXPECT_THAT(reason_of(verdict, history_complete), Not(HasSubstr("rtmr2")));
}

TEST_F(MachineTest, AnEventOfARegisterThatTheLogDoesNotLeadToProvesNothing) {
    shared.insert("tdx/rtmr2");
    options.reference.uncovered_registers = {"rtmr2"};
    auto invented = measured("tdx/rtmr2", "never measured");
    invented.origin = EventOrigin::service;
    invented.sequence = events.size() + 1;
    events.push_back(invented);
    ASSERT_TRUE(verify(evidence(), options).verified());
    options.reference.required_events = {{.name = "invented", .digest = ContentDigest{.value = Digest(invented.digests.front().second)}}};
    EXPECT_THAT(false_ones(verify(evidence(), options)), Contains("required_events"));
    // And what others extended may be forbidden.
    options.reference.required_events.clear();
    options.reference.forbidden_events = {{.name = "other", .digest = ContentDigest{.value = Digest(Bytes(48, 7))}}};
    auto verdict = verify(evidence(), options);
    EXPECT_EQ(result_of(verdict, forbidden_events), Judgement::not_judged);
    EXPECT_FALSE(verdict.verified());
    options.reference.forbidden_events.front().register_name = "rtmr3";
    EXPECT_TRUE(verify(evidence(), options).verified());
}

TEST_F(MachineTest, AForbiddenEventMayHideInAGap) {
    options.reference.accept_gaps = true;
    options.reference.forbidden_events = {{.name = "other", .digest = ContentDigest{.value = Digest(Bytes(48, 7))}}};
    const auto real = platform.body.rtmr[3];
    add(resync("tdx/rtmr3", real, real));
    const auto verdict = verify(evidence(), options);
    EXPECT_EQ(result_of(verdict, log_replay), Judgement::holds);
    EXPECT_EQ(result_of(verdict, forbidden_events), Judgement::not_judged) << reasons(verdict);
    EXPECT_FALSE(verdict.verified());
}

// The type of an event is not bound: any text with two colons can be called dstack's.
TEST_F(MachineTest, APayloadIsDstacksOnlyTogetherWithItsName) {
    constexpr std::uint32_t dstack_event = 0x08000001;
    auto relabelled = measured("tdx/rtmr3", Bytes{1, 0, 0, 8, ':', 'n', ':', 'G'});
    relabelled.origin = EventOrigin::service;
    add(relabelled);
    events.back().type = dstack_event;
    events.back().data = bytes_of("G");
    events.back().description = "n";
    const EventRule payload{.name = "G", .data = bytes_of("G")};
    options.reference.required_events = {payload};
    EXPECT_THAT(false_ones(verify(evidence(), options)), Contains("required_events"));
    options.reference.required_events.front().description = "other";
    EXPECT_THAT(false_ones(verify(evidence(), options)), Contains("required_events"));
    options.reference.required_events.front().description = "n";
    EXPECT_TRUE(verify(evidence(), options).verified());
}

TEST_F(MachineTest, NameAndPayloadOfDstacksSecondKindOfEventAreWhatARuleAsksFor) {
    auto event = measured("tdx/rtmr3", R"({"name":"compose-hash","payload":"abcd","type":134217729})");
    event.origin = EventOrigin::service;
    add(event);
    events.back().type = 0x08000001;
    events.back().data = Bytes{0xAB, 0xCD};
    events.back().description = "compose-hash";
    options.reference.required_events = {{.name = "compose", .data = Bytes{0xAB, 0xCD}, .description = "compose-hash"}};
    EXPECT_TRUE(verify(evidence(), options).verified()) << reasons(verify(evidence(), options));
    options.reference.required_events.front().description = "other";
    EXPECT_THAT(false_ones(verify(evidence(), options)), Contains("required_events"));
}

// A log that does not lead to the registers proves neither.
TEST_F(MachineTest, RulesAreNotJudgedOnALogThatDoesNotReplay) {
    options.reference.required_events = {{.name = "the kernel", .description = "kernel"}};
    options.reference.forbidden_events = {{.name = "a shell", .description = "shell"}};
    events.pop_back();
    const auto verdict = verify(evidence(), options);
    EXPECT_EQ(result_of(verdict, required_events), Judgement::not_judged);
    EXPECT_EQ(result_of(verdict, forbidden_events), Judgement::not_judged);
    EXPECT_FALSE(verdict.verified());
}

TEST_F(MachineTest, TheAgeIsThatOfTheEvidence) {
    options.reference.maximum_age_seconds = 60;
    EXPECT_TRUE(verify(evidence(), options).verified());
    auto old = evidence();
    old.time -= 61 * 1'000'000;
    EXPECT_THAT(false_ones(verify(old, options)), Contains("evidence_age"));
    auto future = evidence();
    future.time += 301 * 1'000'000;
    EXPECT_THAT(false_ones(verify(future, options)), Contains("evidence_age"));
    // A quote does not say when it was made.
    EXPECT_THAT(false_ones(verify(platform.quote(), {}, options)), Contains("evidence_age"));
}

TEST_F(MachineTest, EventsThatWereAskedForWhereThereIsNoLogAreFalse) {
    const auto quote = platform.quote();
    options.collateral["tdx"] = write_collateral(platform.collateral());
    EXPECT_TRUE(verify(quote, {}, options).verified());
    options.reference.required_events = {{.name = "the kernel", .description = "kernel"}};
    EXPECT_THAT(false_ones(verify(quote, {}, options)), ElementsAre("root_is_hardware", "required_events"));
    options.reference.required_events.clear();
    options.reference.forbidden_events = {{.name = "a shell", .description = "shell"}};
    EXPECT_THAT(false_ones(verify(quote, {}, options)), ElementsAre("root_is_hardware", "forbidden_events"));
}

TEST_F(MachineTest, ALogThatCannotBeReadIsOneFalseStatement) {
    auto broken = evidence();
    broken.log = bytes_of("no log");
    const auto verdict = verify(broken, options);
    EXPECT_FALSE(verdict.verified());
    EXPECT_THAT(false_ones(verdict), ElementsAre("root_is_hardware", "log_well_formed"));
    EXPECT_EQ(result_of(verdict, log_replay), Judgement::not_judged);
}

TEST_F(MachineTest, CollateralOfTheCallersGoesBeforeTheEvidences) {
    auto made = evidence();
    made.parts[0].collateral = forged_collateral();
    EXPECT_FALSE(verify(made, options).verified());
    options.collateral["tdx"] = write_collateral(platform.collateral());
    EXPECT_TRUE(verify(made, options).verified());
}

TEST_F(MachineTest, AFlippedByteOfTheSignedPartIsNotVerified) {
    const auto made = evidence();
    for (std::size_t at = 48; at < 632; at += 13) {
        auto flipped = made;
        flipped.parts[0].quote[at] ^= 1;
        const auto verdict = verify(flipped, options);
        EXPECT_FALSE(verdict.verified()) << at;
        EXPECT_THAT(false_ones(verdict), Contains("quote_signature")) << at;
    }
}

TEST_F(MachineTest, AReasonStaysShortWhateverTheLog) {
    options.reference.forbidden_events = {{.name = "configuration", .data = bytes_of("configuration")}};
    for (int i = 0; i < 200; ++i) add(measured("tdx/rtmr3", "configuration"));
    const auto verdict = verify(evidence(), options);
    EXPECT_THAT(false_ones(verdict), Contains("forbidden_events"));
    EXPECT_THAT(reason_of(verdict, forbidden_events), SizeIs(testing::Le(1000U)));
    EXPECT_THAT(reason_of(verdict, forbidden_events), HasSubstr("the first of 201"));
}

TEST_F(MachineTest, EventsThatAreCutStillReplayAndWhatTheyNoLongerSayIsNeitherFoundNorRuledOut) {
    options.reference.required_events = {{.name = "the kernel", .description = "kernel"}};
    options.reference.forbidden_events = {{.name = "a shell", .data = bytes_of("shell")}};
    for (auto *event : {&events.at(1), &events.at(2)}) {
        event->data.reset();
        event->description.reset();
    }
    auto cut = evidence();
    cut.cut = EvidenceCutContent{.events = 2, .bytes = 99};
    const auto verdict = verify(cut, options);
    EXPECT_TRUE(matches(verdict));
    EXPECT_EQ(result_of(verdict, log_well_formed), Judgement::holds);
    EXPECT_THAT(reason_of(verdict, log_well_formed), HasSubstr("3 events, 2 of them cut: 99 bytes"));
    EXPECT_EQ(result_of(verdict, required_events), Judgement::fails);
    EXPECT_EQ(result_of(verdict, forbidden_events), Judgement::not_judged);
    cut.cut->events = 4;
    EXPECT_EQ(result_of(verify(cut, options), log_well_formed), Judgement::fails) << "there are only three";
}

// ---- Real quotes and logs of one boot

struct Pair {
    std::string quote;
    std::vector<std::string> logs;
    UnixTime time;
    bool own_root = false;
    // NOLINTNEXTLINE(readability-identifier-naming): GoogleTest calls it so
    friend void PrintTo(const Pair &pair, std::ostream *out) { *out << pair.quote; }
};

const std::vector<Pair> real_pairs{
    {"ccel/gcp-cos113/quote.bin", {"ccel/gcp-cos113/ccel.bin"}, 1737806400},
    {"ccel/cctrusted-grub-ima/quote.bin",
     {"ccel/cctrusted-grub-ima/ccel.bin", "ccel/cctrusted-grub-ima/ima_ascii_runtime_measurements.txt"},
     1737806400,
     true},
    {"jsonlog/near-dstack/quote.bin", {"jsonlog/near-dstack/tcb_info.json"}, 1786708800},
    {"jsonlog/dstack-sdk/quote.bin", {"jsonlog/dstack-sdk/eventlog.json"}, 1737806400},
};

class RealPairs : public testing::TestWithParam<Pair> {
protected:
    void SetUp() override {
        if (!have_samples()) GTEST_SKIP() << "skipped: no sample data beside the repository";
        quote = sample_bytes(GetParam().quote);
        for (const auto &name : GetParam().logs) logs.push_back(sample_bytes(name));
        options.time = GetParam().time;
        options.waived = {.nonce = true, .reference = true, .tcb = true};
        if (GetParam().own_root) options.anchors = own_root();
    }

    // The last certificate in the quote.
    [[nodiscard]] TrustAnchors own_root() const {
        const auto decoded = decode_quote(quote);
        const std::string_view pem(reinterpret_cast<const char *>(decoded->inner_certification_data.data()),
                                   decoded->inner_certification_data.size());
        const auto last = pem.substr(pem.rfind("-----BEGIN"));
        return parse_trust_anchors(as_bytes(last.substr(0, last.find('\0')))).value();
    }

    [[nodiscard]] std::vector<ByteView> views() const { return {logs.begin(), logs.end()}; }

    Bytes quote;
    std::vector<Bytes> logs;
    VerifyOptions options;
};

TEST_P(RealPairs, TheLogExplainsTheQuoteThatItsRootVouchesFor) {
    const auto verdict = verify(quote, views(), options);
    EXPECT_TRUE(matches(verdict)) << reasons(verdict);
    for (const auto name : {quote_format, quote_signature, qe_report_signature, certificate_chain, certificates_valid, not_debug})
        EXPECT_EQ(result_of(verdict, name), Judgement::holds) << reasons(verdict);
    EXPECT_EQ(result_of(verdict, root_is_hardware), GetParam().own_root ? Judgement::fails : Judgement::holds);
}

// A development machine's root has the same name as Intel's.
TEST_P(RealPairs, UnderAnotherRootTheyAreNotVerified) {
    options.anchors = GetParam().own_root ? intel_trust_anchors() : TestPlatform().anchors();
    EXPECT_THAT(false_ones(verify(quote, views(), options)), Contains("certificate_chain"));
}

TEST_P(RealPairs, WithoutAnyOneEventTheyDoNotMatch) {
    std::vector<OwnedEvent> events;
    for (const auto &log : logs) {
        auto reader = EventLogReader::open(log);
        ASSERT_TRUE(reader) << reader.error().message;
        auto some = read_all(*reader);
        events.insert(events.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
    }
    const auto verdict_over = [&](const std::vector<OwnedEvent> &some) {
        const auto log = json_log(some);
        const std::vector<ByteView> view{as_bytes(log)};
        return verify(quote, view, options);
    };
    ASSERT_TRUE(matches(verdict_over(events)));
    std::size_t dropped = 0;
    for (std::size_t i = 0; i < events.size(); ++i) {
        if (!is_measured(events[i].view())) continue;
        auto without = events;
        without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_FALSE(matches(verdict_over(without))) << "event " << i;
        ++dropped;
    }
    EXPECT_GT(dropped, 20U);
}

TEST_P(RealPairs, WithAnyByteOfTheSignedPartFlippedTheyAreNotVerified) {
    const auto size = decode_quote(quote)->signed_part.size();
    for (std::size_t at = 0; at < size; ++at) {
        auto flipped = quote;
        flipped[at] ^= 1;
        const auto verdict = verify(flipped, views(), options);
        EXPECT_FALSE(verdict.verified()) << at;
        EXPECT_NE(verdict.find(quote_signature) == nullptr ? Judgement::not_judged : result_of(verdict, quote_signature), Judgement::holds)
            << at;
    }
}

INSTANTIATE_TEST_SUITE_P(Verify, RealPairs, testing::ValuesIn(real_pairs), [](const auto &pair) {
    auto name = pair.param.quote.substr(0, pair.param.quote.rfind('/'));
    std::ranges::replace_if(name, [](char c) { return c == '/' || c == '-'; }, '_');
    return name;
});

// ---- TDREPORTs

TEST(VerifyReport, OffItsMachineATdreportHasHashesAndProvesNothing) {
    if (!have_samples()) GTEST_SKIP() << "skipped: no sample data beside the repository";
    for (const auto *name : {"azure-hcl", "coco-tdx15-servtd", "intel-tdx10"}) {
        auto report = sample_bytes("tdreport/" + std::string(name) + "/tdreport.bin");
        const VerifyOptions options;
        auto verdict = verify(report, {}, options);
        EXPECT_EQ(result_of(verdict, report_hashes), Judgement::holds) << name;
        EXPECT_FALSE(verdict.verified()) << name;
        EXPECT_THAT(false_ones(verdict), ElementsAre("quote_format"));
        for (const std::size_t at : {256U, 494U, 512U, 1023U}) {
            auto changed = report;
            changed[at] ^= 1;
            EXPECT_EQ(result_of(verify(changed, {}, options), report_hashes), Judgement::fails) << at;
        }
    }
}

// It would count as a log, and say that nothing happened: of another machine, of a TPM, or of banks that nothing signs.
TEST_F(MachineTest, ALogOfNothingThatIsSignedIsNoLogOfIt) {
    options.collateral["tdx"] = write_collateral(platform.collateral());
    const auto record = [](const std::string &name, HashAlgorithm algorithm) {
        auto event = measured(name, "something");
        event.sequence = 1;
        event.digests = {{tcg_id(algorithm), Bytes(digest_size(algorithm), 0xAA)}};
        return json_log({event});
    };
    const auto judge = [&](const std::vector<std::string> &texts) {
        std::vector<ByteView> logs;
        for (const auto &text : texts) logs.push_back(as_bytes(text));
        return verify(platform.quote(), logs, options);
    };
    const std::vector<std::string> others{record("tpm/pcr7", HashAlgorithm::sha384), record("tdx/rtmr2", HashAlgorithm::sha256),
                                          record("tdx/mrtd", HashAlgorithm::sha384), record("tdx/rtmr9", HashAlgorithm::sha384)};
    const auto own = json_log(events);
    EXPECT_EQ(refusing(judge({own})), std::vector<std::string>());
    for (const auto &other : others) {
        const auto beside = judge({own, other});
        EXPECT_EQ(refusing(beside), std::vector<std::string>{"log_replay"}) << other;
        EXPECT_THAT(reason_of(beside, log_replay), HasSubstr("it is the log of something else")) << other;
    }
    // Where nothing was extended every log of something else would lead to it.
    platform.body.rtmr = {};
    EXPECT_EQ(refusing(judge({json_log({})})), std::vector<std::string>());
    for (const auto &other : others) EXPECT_EQ(refusing(judge({other})), std::vector<std::string>{"log_replay"}) << other;
}

TEST_F(MachineTest, EventsOfWhatIsNotSignedInALogAreCounted) {
    options.collateral["tdx"] = write_collateral(platform.collateral());
    auto all = events;
    all.push_back(measured("tpm/pcr7", "of another"));
    all.back().sequence = all.size();
    const auto log = json_log(all);
    const auto verdict = verify(platform.quote(), std::array{as_bytes(log)}, options);
    EXPECT_EQ(refusing(verdict), std::vector<std::string>());
    EXPECT_THAT(reason_of(verdict, log_well_formed), HasSubstr("1 of them of no register that is signed"));
}

// mrd's own has the events of all its providers, and of these the quote signs one.
TEST_F(MachineTest, OfALogOfSeveralProvidersTheOneThatIsSignedCounts) {
    options.collateral["tdx"] = write_collateral(platform.collateral());
    auto all = events;
    all.insert(all.begin() + 1, measured("other/rtmr3", "of another"));
    all.push_back(measured("other/rtmr0", "of another, too"));
    for (std::size_t i = 0; i < all.size(); ++i) all[i].sequence = i + 1;
    const auto zero = Digest::zero(HashAlgorithm::sha384);
    const auto started = extend(HashAlgorithm::sha384, zero.bytes(), zero.bytes()).value();
    const auto log =
        json_log(all, {{"tdx/rtmr3", HashAlgorithm::sha384, zero, zero}, {"other/rtmr3", HashAlgorithm::sha384, zero, started}});
    const auto judge = [&] { return verify(platform.quote(), std::array{as_bytes(log)}, options); };
    const auto verdict = judge();
    EXPECT_EQ(refusing(verdict), std::vector<std::string>());
    EXPECT_THAT(reason_of(verdict, log_well_formed), HasSubstr("2 of them of no register that is signed"));
    EXPECT_THAT(reason_of(verdict, log_replay),
                HasSubstr("by the events of tdx; nothing signs the registers of other, which are called the same"));
    EXPECT_TRUE(matches(verdict)) << "another's gap is not this one's";

    // What happened in the other's registers proves nothing, and is not held against this one.
    const auto rule_for = [](const std::string &kind, const OwnedEvent &event) {
        return parse_reference_values(R"({"format": "mrd-reference-values", "version": 1, ")" + kind +
                                      R"(": [{"name": "it", "register": "rtmr3", "digest": ")" + to_hex(event.digests.front().second) +
                                      "\"}]}")
            .value();
    };
    const auto &others = all[1];
    options.reference = rule_for("requiredEvents", others);
    EXPECT_EQ(refusing(judge()), std::vector<std::string>{"required_events"});
    options.reference = rule_for("forbiddenEvents", others);
    EXPECT_EQ(refusing(judge()), std::vector<std::string>());
    options.reference = rule_for("requiredEvents", events.back());
    EXPECT_EQ(refusing(judge()), std::vector<std::string>());

    // Also where the log need not lead to these registers, and together it does not.
    options.reference.uncovered_registers = {"rtmr0", "rtmr3"};
    EXPECT_EQ(refusing(judge()), std::vector<std::string>());

    // Nor do the registers of one provider stand for what another's do not lead to.
    options.reference = {};
    platform.body.rtmr[0] = {};
    const auto refused = judge();
    EXPECT_THAT(refusing(refused), ::testing::Contains("log_replay"));
    EXPECT_THAT(reason_of(refused, log_replay), HasSubstr("such registers of tdx, other, and those of none of them alone lead there"));
}

// Whoever carries a quote could leave the log out.
TEST_F(MachineTest, WhatReferenceValuesSayOfGapsAsksForALog) {
    const auto mrtd = "\"registers\": {\"mrtd\": [\"" + to_hex(platform.body.mrtd) + "\"]}";
    const auto zeros = std::string(96, '0');
    const auto refused = [&](const std::string &member) {
        options.reference = parse_reference_values(R"({"format": "mrd-reference-values", "version": 1, )" + member + mrtd + "}").value();
        return refusing(verify(platform.quote(), {}, options));
    };
    const std::vector<std::string> all{"log_well_formed", "log_replay", "history_complete", "registers_covered"};
    EXPECT_EQ(refused(""), std::vector<std::string>());
    EXPECT_EQ(refused(R"("gaps": "accept", )"), std::vector<std::string>());
    EXPECT_EQ(refused(R"("acceptedGaps": [], )"), std::vector<std::string>());
    EXPECT_EQ(refused(R"("gaps": "refuse", )"), all);
    EXPECT_EQ(refused(R"("uncoveredRegisters": ["rtmr0"], )"), all);
    EXPECT_EQ(refused(R"("acceptedGaps": [{"register": "rtmr2", "found": ")" + zeros + R"("}], )"), all);
}

}  // namespace
}  // namespace mr
