// Evidence in the making, stepped: every error at every step, of one provider and of two. Its providers are of a kind that nobody builds, with registers
// of two hashes that do not begin as zero.
#include "mrd/evidence/evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/attestation/toy_tee.h"

namespace mrd {
namespace {

using Action = EvidenceMaking::Action;
using testing::ElementsAre;
using testing::SizeIs;

class EvidenceMakingTest : public testing::Test {
protected:
    static EvidenceSource source(const std::string &name, bool has_collateral = true) {
        return {.name = name,
                .kind = std::string(mr::toy_kind),
                .simulated = true,
                .has_collateral = has_collateral,
                .report_data_size = 32,
                .registers = {{0, name + "/boot", mr::Owner::owned}, {1, name + "/ledger", mr::Owner::shared}, {3, name + "/scratch"}}};
    }

    EvidenceMaking making(std::vector<EvidenceSource> sources) { return EvidenceMaking(report_data_, std::move(sources)); }

    // Signs the first two registers.
    [[nodiscard]] Quoted quote() const {
        return {.quote = toy_.encode(),
                .auxiliary = {},
                .manifest = {},
                .format = "toy_v1",
                .says = {.report_data = toy_.report_data, .registers = {{0, toy_.boot}, {1, toy_.ledger}}}};
    }

    // What reading the log gives: up to one event, which is the first that the quote can have seen.
    ReadLog read(const EvidenceMaking &making, ReadLog::End end, bool fits = true) const {
        EvidenceCut cut(making.signed_quotes(), known_);
        mr::Event event;
        event.sequence = 7;
        event.name = "other/register";
        event.index = mr::no_index;
        EXPECT_TRUE(cut.apply(event));
        return {
            .end = end, .reason = "why", .cut = std::move(cut), .log = {1, 2}, .to_cut = fits ? std::vector<bool>() : std::vector{true}};
    }

    // A quote whose provider's log had seven events when it had come.
    static Action answered(EvidenceMaking &making, const std::expected<Quoted, QuoteFailure> &quote) { return making.quoted(quote, 7); }

    // Of the log, before its events.
    static mr::LogRegister boot_of(const std::string &name) {
        return {name + "/boot", mr::HashAlgorithm::sha256, mr::ToyQuote::first_boot(), mr::ToyQuote::first_boot()};
    }
    std::vector<mr::LogRegister> known_{boot_of("toy0"), boot_of("toy1")};
    mr::ReportData report_data_{5};
    mr::ToyQuote toy_;
};

TEST_F(EvidenceMakingTest, GoesFromAQuoteOverTheLogAndCollateralToTheAnswer) {
    auto steps = making({source("toy0")});
    EXPECT_EQ(steps.begin(7), Action::quote);
    EXPECT_EQ(answered(steps, quote()), Action::settle);
    EXPECT_EQ(steps.settled(9, 1234), Action::room);
    EXPECT_EQ(steps.has_room(), Action::read_log);
    EXPECT_EQ(steps.until(), 9U);
    EXPECT_EQ(steps.log_read(read(steps, ReadLog::End::found)), Action::collateral);
    EXPECT_EQ(steps.collateral(QuoteCollateral{.json = "{}", .root_pem = {}}), Action::answer);
    const auto &evidence = steps.evidence();
    EXPECT_EQ(evidence.report_data, report_data_);
    ASSERT_THAT(evidence.parts, SizeIs(1));
    EXPECT_EQ(evidence.parts[0].name, "toy0");
    EXPECT_EQ(evidence.parts[0].kind, "toy");
    EXPECT_TRUE(evidence.parts[0].simulated);
    EXPECT_EQ(evidence.parts[0].quote, toy_.encode());
    EXPECT_EQ(evidence.parts[0].quote_format, "toy_v1");
    EXPECT_EQ(evidence.parts[0].collateral, "{}");
    EXPECT_EQ(evidence.time, 1234);
    EXPECT_EQ(evidence.sequence, 7);
    EXPECT_EQ(evidence.log, (mr::Bytes{1, 2}));
    EXPECT_FALSE(evidence.cut);
    // Those that the quote signs: nobody vouches for the third.
    EXPECT_THAT(evidence.registers, ElementsAre(mr::EvidenceRegister{"toy0/boot", mr::Owner::owned, toy_.boot, toy_.boot},
                                                mr::EvidenceRegister{"toy0/ledger", mr::Owner::shared, toy_.ledger, std::nullopt}));
}

TEST_F(EvidenceMakingTest, OfTwoProvidersHasTwoPartsAndTheirRegisters) {
    auto steps = making({source("toy0", false), source("toy1")});
    EXPECT_EQ(steps.begin(7), Action::quote);
    EXPECT_EQ(steps.source(), 0U);
    // Each quote is over what is made of the report data for its part.
    EXPECT_EQ(steps.report_data(), mr::part_report_data("toy", "toy0", report_data_, 32).value());
    EXPECT_EQ(answered(steps, quote()), Action::quote);
    EXPECT_EQ(steps.source(), 1U);
    EXPECT_EQ(steps.report_data(), mr::part_report_data("toy", "toy1", report_data_, 32).value());
    EXPECT_EQ(answered(steps, quote()), Action::settle);
    EXPECT_EQ(steps.settled(7, 1), Action::room);
    EXPECT_EQ(steps.has_room(), Action::read_log);
    EXPECT_EQ(steps.log_read(read(steps, ReadLog::End::found)), Action::collateral);
    EXPECT_EQ(steps.source(), 1U) << "only that one has some";
    EXPECT_EQ(steps.collateral(QuoteCollateral{.json = "{}", .root_pem = {}}), Action::answer);
    EXPECT_THAT(steps.evidence().parts, SizeIs(2));
    EXPECT_FALSE(steps.evidence().parts[0].collateral);
    EXPECT_TRUE(steps.evidence().parts[1].collateral);
    EXPECT_THAT(steps.evidence().registers, SizeIs(4));
}

// Extends do not stop while quotes are made: each shows the log up to where it was taken, and no further.
TEST_F(EvidenceMakingTest, OfTwoProvidersAPartSaysUpToWhereItsQuoteShowsTheLog) {
    auto steps = making({source("toy0", false), source("toy1", false)});
    const auto extended = [](std::uint8_t byte) {
        return mr::extend(mr::HashAlgorithm::sha256, mr::ToyQuote::first_boot().bytes(), mr::Bytes(32, byte)).value();
    };
    steps.begin(0);
    EXPECT_EQ(steps.quoted(quote(), 1), Action::quote);  // as it was before event 1
    toy_.boot = extended(2);
    EXPECT_EQ(steps.quoted(quote(), 2), Action::settle);
    ASSERT_THAT(steps.signed_quotes(), SizeIs(2));
    EXPECT_EQ(steps.signed_quotes()[0].first, 0U);
    EXPECT_EQ(steps.signed_quotes()[1].first, 1U) << "what was settled before it was asked for is in it";
    steps.settled(2, 1);
    steps.has_room();
    EvidenceCut cut(steps.signed_quotes(), known_);
    for (const std::uint8_t number : {std::uint8_t{1}, std::uint8_t{2}}) {
        const mr::Bytes digest(32, number);
        mr::Event event;
        event.sequence = number;
        event.name = number == 1 ? "toy0/boot" : "toy1/boot";
        event.index = mr::no_index;
        event.type = mr::ev_ipl;
        event.origin = mr::EventOrigin::service;
        event.digests = {{mr::tcg_id(mr::HashAlgorithm::sha256), digest}};
        EXPECT_TRUE(cut.apply(event));
    }
    ASSERT_TRUE(cut.found());
    EXPECT_EQ(steps.log_read({.end = ReadLog::End::found, .reason = {}, .cut = std::move(cut), .log = {1}, .to_cut = {}}), Action::answer);
    const auto &evidence = steps.evidence();
    EXPECT_EQ(evidence.sequence, 2);
    EXPECT_EQ(evidence.parts[0].sequence, 0);
    EXPECT_FALSE(evidence.parts[1].sequence) << "all of it";
    EXPECT_EQ(evidence.registers[0].logged, mr::ToyQuote::first_boot());
    EXPECT_EQ(evidence.registers[2].logged, extended(2));
    EXPECT_TRUE(evidence.coherent());
}

TEST_F(EvidenceMakingTest, AQuoteThatIsTooLongForAPartIsInvalidAndCollateralThatIsIsLeftOut) {
    auto steps = making({source("toy0"), source("toy1")});
    steps.begin(7);
    auto large = quote();
    large.quote.resize(max_part_size / 4 * 3);
    answered(steps, quote());
    EXPECT_EQ(answered(steps, large), Action::fail);
    EXPECT_EQ(steps.failure().provider, "toy1");
    EXPECT_EQ(steps.failure().quote.cause, QuoteFailure::Cause::invalid);
    steps = making({source("toy0")});
    steps.begin(7);
    large.quote.resize(max_part_size / 2);
    EXPECT_EQ(answered(steps, large), Action::settle);
    steps.settled(7, 1);
    steps.has_room();
    EXPECT_EQ(steps.log_read(read(steps, ReadLog::End::found)), Action::collateral);
    EXPECT_EQ(steps.collateral(QuoteCollateral{.json = std::string(max_part_size / 2, ' '), .root_pem = {}}), Action::answer);
    EXPECT_FALSE(steps.evidence().parts[0].collateral);
}

TEST_F(EvidenceMakingTest, ALogThatDoesNotFitIsCutFirst) {
    auto steps = making({source("toy0", false)});
    steps.begin(7);
    answered(steps, quote());
    steps.settled(7, 1);
    steps.has_room();
    EXPECT_EQ(steps.log_read(read(steps, ReadLog::End::found, false)), Action::cut_log);
    EXPECT_THAT(steps.to_cut(), ElementsAre(true));
    EXPECT_EQ(steps.log_cut(CutLog{.log = {9}, .cut = {.events = 1, .bytes = 5}}), Action::answer);
    EXPECT_EQ(steps.evidence().log, mr::Bytes{9});
    EXPECT_EQ(steps.evidence().cut, (mr::EvidenceCutContent{.events = 1, .bytes = 5}));
}

// Somebody else extended a register in between, or the quote is of another machine: once more, and then as it is.
TEST_F(EvidenceMakingTest, ALogThatDoesNotExplainTheQuoteMeansOneMoreQuoteAndThenIsGivenAllTheSame) {
    auto steps = making({source("toy0", false)});
    for (int round = 1; round <= EvidenceMaking::max_rounds; ++round) {
        EXPECT_EQ(steps.begin(7), Action::quote);
        EXPECT_EQ(answered(steps, quote()), Action::settle);
        EXPECT_EQ(steps.settled(8, 1), Action::room);
        EXPECT_EQ(steps.has_room(), Action::read_log);
        EXPECT_EQ(steps.log_read(read(steps, ReadLog::End::not_found)),
                  round < EvidenceMaking::max_rounds ? Action::reread : Action::answer);
    }
    EXPECT_THAT(steps.evidence().parts, SizeIs(1)) << "the last quote alone";
    EXPECT_THAT(steps.evidence().registers, SizeIs(2));
}

// The cut looks for what the quote signs of the registers that only mrd extends, from the event on that the quote was asked for after.
TEST_F(EvidenceMakingTest, ThePlaceInTheLogIsThatOfTheOwnedRegistersSignedValues) {
    auto steps = making({source("toy0")});
    toy_.boot = mr::extend(mr::HashAlgorithm::sha256, mr::ToyQuote::first_boot().bytes(), mr::Bytes(32, 3)).value();
    steps.begin(1);
    answered(steps, quote());
    EvidenceCut cut(steps.signed_quotes(), known_);
    EXPECT_FALSE(cut.found());
    const mr::Bytes digest(32, 3);
    mr::Event event;
    event.sequence = 1;
    event.name = "toy0/boot";
    event.index = mr::no_index;
    event.type = mr::ev_ipl;
    event.origin = mr::EventOrigin::service;
    event.digests = {{mr::tcg_id(mr::HashAlgorithm::sha256), digest}};
    EXPECT_TRUE(cut.apply(event));
    EXPECT_TRUE(cut.found());
}

// ---- Every error at every step

TEST_F(EvidenceMakingTest, AnyFailureOfAnyQuoteInAnyRoundIsTheEndAndNamesItsProvider) {
    using Cause = QuoteFailure::Cause;
    const auto answers = [] {
        std::vector<QuoteFailure> all;
        for (const auto cause : {Cause::timed_out, Cause::cancelled, Cause::unavailable, Cause::failed, Cause::invalid, Cause::no_report,
                                 Cause::not_supported})
            all.push_back({.cause = cause, .reason = "reason"});
        return all;
    }();
    for (const auto &answer : answers) {
        for (int failing_round = 1; failing_round <= EvidenceMaking::max_rounds; ++failing_round) {
            for (const std::size_t failing_source : {0U, 1U}) {
                auto steps = making({source("toy0"), source("toy1")});
                for (int round = 1; round < failing_round; ++round) {
                    steps.begin(7);
                    answered(steps, quote());
                    answered(steps, quote());
                    steps.settled(7, 1);
                    steps.has_room();
                    ASSERT_EQ(steps.log_read(read(steps, ReadLog::End::not_found)), Action::reread);
                }
                steps.begin(7);
                if (failing_source == 1) answered(steps, quote());
                ASSERT_EQ(answered(steps, std::unexpected(answer)), Action::fail);
                EXPECT_EQ(steps.failure().cause, EvidenceFailure::Cause::no_quote);
                EXPECT_EQ(steps.failure().provider, "toy" + std::to_string(failing_source));
                EXPECT_EQ(steps.failure().quote.cause, answer.cause);
                EXPECT_EQ(steps.failure().quote.reason, "reason");
            }
        }
    }
}

TEST_F(EvidenceMakingTest, ALogThatCannotBeReadOrCutOrIsTooLargeIsTheEndInAnyRound) {
    for (int failing_round = 1; failing_round <= EvidenceMaking::max_rounds; ++failing_round) {
        const auto at_the_log = [&] {
            auto steps = making({source("toy0")});
            for (int round = 1; round <= failing_round; ++round) {
                steps.begin(7);
                answered(steps, quote());
                steps.settled(7, 1);
                steps.has_room();
                if (round < failing_round) {
                    EXPECT_EQ(steps.log_read(read(steps, ReadLog::End::not_found)), Action::reread);
                }
            }
            return steps;
        };
        auto unread = at_the_log();
        EXPECT_EQ(unread.log_read(read(unread, ReadLog::End::failed)), Action::fail);
        EXPECT_EQ(unread.failure().cause, EvidenceFailure::Cause::journal_failed);
        EXPECT_EQ(unread.failure().reason, "why");
        auto large = at_the_log();
        EXPECT_EQ(large.log_read(read(large, ReadLog::End::too_large)), Action::fail);
        EXPECT_EQ(large.failure().cause, EvidenceFailure::Cause::log_too_large);
        auto uncut = at_the_log();
        ASSERT_EQ(uncut.log_read(read(uncut, ReadLog::End::found, false)), Action::cut_log);
        EXPECT_EQ(uncut.log_cut(std::unexpected("lost")), Action::fail);
        EXPECT_EQ(uncut.failure().cause, EvidenceFailure::Cause::journal_failed);
        EXPECT_EQ(uncut.failure().reason, "lost");
    }
}

// A verifier can have it from elsewhere.
TEST_F(EvidenceMakingTest, CollateralThatCannotBeHadIsLeftOut) {
    for (const std::size_t lacking : {0U, 1U}) {
        auto steps = making({source("toy0"), source("toy1")});
        steps.begin(7);
        answered(steps, quote());
        answered(steps, quote());
        steps.settled(7, 1);
        steps.has_room();
        auto action = steps.log_read(read(steps, ReadLog::End::found));
        for (std::size_t i = 0; i < 2; ++i) {
            ASSERT_EQ(action, Action::collateral);
            EXPECT_EQ(steps.source(), i);
            action =
                i == lacking ? steps.collateral(std::unexpected("none")) : steps.collateral(QuoteCollateral{.json = "{}", .root_pem = {}});
        }
        EXPECT_EQ(action, Action::answer);
        EXPECT_FALSE(steps.evidence().parts[lacking].collateral);
        EXPECT_TRUE(steps.evidence().parts[1 - lacking].collateral);
    }
}

}  // namespace
}  // namespace mrd
