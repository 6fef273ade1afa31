// Somebody else extends a register of mrd; the register's history and the journal part, and what mrd says of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mr/envelope.h"
#include "tests/integration/daemon.h"
#include "tests/integration/log_reading.h"

namespace mrd {
namespace {

using mr::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DivergenceTest : public DaemonTest {
protected:
    void extend_foreign(const std::string &what) { extend_behind(program_register, mr::to_hex(digest_of(what).bytes())); }
    [[nodiscard]] std::filesystem::path state(const std::string &name) const { return folder() / "state" / name; }
};

// What the journal leads to, and what the register holds after it.
void expect_gaps(mr::Client &client, const std::vector<std::int64_t> &gaps, bool ends_at_register) {
    const auto replayed = replay_of(client, program_register);
    EXPECT_EQ(replayed.equal, gaps.empty() && ends_at_register);
    EXPECT_EQ(replayed.ends_at_register, ends_at_register);
    EXPECT_EQ(replayed.gaps, gaps);
    EXPECT_EQ(replayed.replayed == replayed.actual, ends_at_register);
}

void expect_resync(const mr::LogRecord &record, const mr::Bytes &expected, const mr::Bytes &found) {
    EXPECT_EQ(record.origin, mr::EventOrigin::resync);
    EXPECT_EQ(record.type, mr::ev_event_tag);
    EXPECT_EQ(record.binding, mr::Binding::bound);
    const auto resync = mr::decode_envelope(record.data.value());
    ASSERT_TRUE(resync) << resync.error().message;
    EXPECT_EQ(resync->header.type, "resync");
    EXPECT_EQ(resync->body.expected, expected);
    EXPECT_EQ(resync->body.found, found);
}

std::vector<mr::EventOrigin> origins(const std::vector<mr::LogRecord> &records) {
    std::vector<mr::EventOrigin> all;
    for (const auto &record : records) all.push_back(record.origin);
    return all;
}

constexpr auto of_service = mr::EventOrigin::service;
constexpr auto of_resync = mr::EventOrigin::resync;

// ---- Found and resynced

TEST_F(DivergenceTest, IsShownAtTheNextRefreshAndResyncedRightBeforeTheNextExtend) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto mine = client.extend(program_register, digest_of("a"))->reading.value;
    expect_gaps(client, {}, true);
    extend_foreign("foreign");
    const auto found = extended(mine, digest_of("foreign"));
    ASSERT_EQ(client.read(program_register, {.fresh = true})->value, found);
    auto status = register_status(client, program_register);
    EXPECT_EQ(status["diverged"], true);
    EXPECT_EQ(status["logged"], mr::to_hex(mine));
    EXPECT_EQ(status["observed"], mr::to_hex(found));
    EXPECT_EQ(status["resyncs"], 0);
    expect_gaps(client, {}, false);
    EXPECT_THAT(origins(records_of(client)), ElementsAre(of_service)) << "what was found is shown, and touches nothing";
    EXPECT_THAT(daemon.log(), HasSubstr("a register holds what the log does not explain: somebody else extended it, or records are missing "
                                        "register=tdx/rtmr3 expected=" +
                                        mr::to_hex(mine) + " found=" + mr::to_hex(found)));

    ASSERT_TRUE(client.extend("tdx/rtmr2", digest_of("other")));
    expect_gaps(client, {}, false);

    const auto after = client.extend(program_register, digest_of("b"));
    ASSERT_TRUE(after) << after.error().message;
    const auto records = records_of(client);
    ASSERT_THAT(origins(records), ElementsAre(of_service, of_service, of_resync, of_service));
    EXPECT_EQ(after->sequence, 4);
    expect_resync(records[2], mine, found);
    EXPECT_EQ(after->reading.value, extended(extended(found, mr::Digest(records[2].digest)), digest_of("b")));
    EXPECT_EQ(client.read(program_register, {.fresh = true})->value, after->reading.value);
    expect_gaps(client, {3}, true);
    status = register_status(client, program_register);
    EXPECT_EQ(status["diverged"], false);
    EXPECT_EQ(status["resyncs"], 1);
    EXPECT_TRUE(replay_of(client, "tdx/rtmr2").equal);
}

TEST_F(DivergenceTest, IsFoundByAReplayWhichRereadsTheRegisters) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto mine = client.extend(program_register, digest_of("a"))->reading.value;
    expect_gaps(client, {}, true);
    extend_foreign("foreign");
    const auto replayed = replay_of(client, program_register);
    EXPECT_FALSE(replayed.equal);
    EXPECT_FALSE(replayed.ends_at_register);
    EXPECT_EQ(mr::to_hex(replayed.replayed.bytes()), mr::to_hex(mine));
    EXPECT_EQ(mr::to_hex(replayed.actual.bytes()), mr::to_hex(extended(mine, digest_of("foreign"))));
    EXPECT_EQ(register_status(client, program_register)["diverged"], true);
}

TEST_F(DivergenceTest, TwoForeignExtendsBetweenAreOneGapAndALaterOneIsAnother) {
    auto daemon = started();
    auto client = daemon.client();
    const auto mine = client.extend(program_register, digest_of("a"))->reading.value;
    extend_foreign("first");
    extend_foreign("second");
    const auto found = extended(extended(mine, digest_of("first")), digest_of("second"));
    ASSERT_EQ(client.read(program_register, {.fresh = true})->value, found);
    const auto again = client.extend(program_register, digest_of("b"))->reading.value;
    extend_foreign("third");
    const auto found_again = extended(again, digest_of("third"));
    ASSERT_EQ(client.read(program_register, {.fresh = true})->value, found_again);
    ASSERT_TRUE(client.extend(program_register, digest_of("c")));
    const auto records = records_of(client);
    ASSERT_THAT(origins(records), ElementsAre(of_service, of_resync, of_service, of_resync, of_service));
    expect_resync(records[1], mine, found);
    expect_resync(records[3], again, found_again);
    expect_gaps(client, {2, 4}, true);
    ASSERT_EQ(daemon.stop(), 0);
    const auto restarted = started();
    auto later = restarted.client();
    expect_gaps(later, {2, 4}, true);
    EXPECT_EQ(register_status(later, program_register)["resyncs"], 2);
}

TEST_F(DivergenceTest, AForeignExtendSinceTheFirstWasFoundIsInTheSameResync) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto mine = client.extend(program_register, digest_of("a"))->reading.value;
    extend_foreign("first");
    ASSERT_EQ(client.read(program_register, {.fresh = true})->value, extended(mine, digest_of("first")));
    extend_foreign("second");
    const auto found = extended(extended(mine, digest_of("first")), digest_of("second"));
    const auto value = client.extend(program_register, digest_of("b"))->reading.value;
    EXPECT_EQ(client.read(program_register, {.fresh = true})->value, value) << "what the client was told is what the register holds";
    const auto records = records_of(client);
    ASSERT_THAT(origins(records), ElementsAre(of_service, of_resync, of_service));
    expect_resync(records[1], mine, found);
    expect_gaps(client, {2}, true);
    EXPECT_EQ(register_status(client, program_register)["diverged"], false);
}

TEST_F(DivergenceTest, OfARegisterThatWasNotRereadSinceIsResyncedWhenItIsFound) {
    const auto daemon = started();
    auto client = daemon.client();
    const auto mine = client.extend(program_register, digest_of("a"))->reading.value;
    extend_foreign("foreign");
    // Nothing has looked: the extend goes on from what the log says, and the next refresh shows that it did not.
    const auto computed = client.extend(program_register, digest_of("b"));
    ASSERT_TRUE(computed);
    const auto expected = extended(mine, digest_of("b"));
    EXPECT_EQ(computed->reading.value, expected);
    const auto found = extended(extended(mine, digest_of("foreign")), digest_of("b"));
    EXPECT_EQ(client.read(program_register, {.fresh = true})->value, found);
    expect_gaps(client, {}, false);
    ASSERT_TRUE(client.extend(program_register, digest_of("c")));
    const auto records = records_of(client);
    ASSERT_THAT(origins(records), ElementsAre(of_service, of_service, of_resync, of_service));
    expect_resync(records[2], expected, found);
    expect_gaps(client, {3}, true);
}

TEST_F(DivergenceTest, OfASharedRegisterIsResyncedWithoutBeingCalledOne) {
    const auto daemon = started({.config = "[[register]]\nname = \"tdx/rtmr3\"\nowner = \"shared\"\n"});
    auto client = daemon.client();
    const auto mine = client.extend(program_register, digest_of("a"))->reading.value;
    extend_foreign("loader");
    const auto found = extended(mine, digest_of("loader"));
    ASSERT_TRUE(client.extend(program_register, digest_of("b")));
    EXPECT_EQ(register_status(client, program_register)["diverged"], false);
    const auto records = records_of(client);
    ASSERT_THAT(origins(records), ElementsAre(of_service, of_resync, of_service));
    expect_resync(records[1], mine, found);
    expect_gaps(client, {2}, true);
}

TEST_F(DivergenceTest, OfACappedRegisterIsShownAndNeverResynced) {
    auto daemon = started();
    auto client = daemon.client();
    ASSERT_EQ(client.cap(program_register), 1);
    const auto capped = client.read(program_register)->value;
    extend_foreign("foreign");
    ASSERT_EQ(client.read(program_register, {.fresh = true})->value, extended(capped, digest_of("foreign")));
    const auto expect_shown = [&](mr::Client &asked) {
        const auto status = register_status(asked, program_register);
        EXPECT_EQ(status["diverged"], true);
        EXPECT_EQ(status["capped"], true);
        EXPECT_EQ(status["logged"], mr::to_hex(capped));
        EXPECT_EQ(asked.extend(program_register, digest_of("a")).error().code, ErrorCode::capped);
        EXPECT_EQ(asked.cap(program_register).error().code, ErrorCode::capped);
        EXPECT_THAT(origins(records_of(asked)), ElementsAre(of_service));
        expect_gaps(asked, {}, false);
    };
    expect_shown(client);
    ASSERT_EQ(daemon.stop(), 0);
    const auto again = started();
    auto later = again.client();
    expect_shown(later);
}

// ---- While mrd is not there

TEST_F(DivergenceTest, ThatCameWhileMrdWasDownIsShownAtStartAndTheJournalGoesOn) {
    auto daemon = started();
    const auto mine = daemon.client().extend(program_register, digest_of("a"))->reading.value;
    ASSERT_EQ(daemon.stop(), 0);
    extend_foreign("foreign");
    const auto again = started();
    auto client = again.client();
    EXPECT_EQ(register_status(client, program_register)["diverged"], true);
    EXPECT_THAT(again.log(), HasSubstr("a register holds what the log does not explain"));
    EXPECT_THAT(origins(records_of(client)), ElementsAre(of_service));
    EXPECT_FALSE(std::filesystem::exists(state("journal.1")));
    expect_gaps(client, {}, false);
    EXPECT_EQ(client.extend(program_register, digest_of("b"))->sequence, 3);
    expect_resync(records_of(client).at(1), mine, extended(mine, digest_of("foreign")));
    expect_gaps(client, {2}, true);
}

class OpenIntent : public DivergenceTest, public ::testing::WithParamInterface<const char *> {};
INSTANTIATE_TEST_SUITE_P(All, OpenIntent, ::testing::Values("intent-written", "provider-ended"),
                         [](const auto &tested) { return std::string(tested.param) == "provider-ended" ? "After" : "Before"; });

TEST_P(OpenIntent, WhoseRegisterSomebodyElseExtendedIsIndeterminateAndItsIdIsFree) {
    mr::Bytes mine;
    {
        auto daemon = started();
        mine = daemon.client().extend(program_register, digest_of("a"))->reading.value;
        ASSERT_EQ(daemon.stop(), 0);
    }
    {
        auto daemon = started({.kill = GetParam()});
        EXPECT_FALSE(daemon.client().extend(program_register, digest_of("open"), {.id = "open"}));
        ASSERT_EQ(daemon.process().wait(), 1000 + SIGKILL);
    }
    extend_foreign("foreign");
    const bool happened = std::string(GetParam()) == "provider-ended";
    const auto found = extended(happened ? extended(mine, digest_of("open")) : mine, digest_of("foreign"));
    const auto daemon = started();
    auto client = daemon.client();
    EXPECT_THAT(daemon.log(), HasSubstr("an extend was under way when mrd ended register=tdx/rtmr3 outcome=indeterminate"));
    const auto status = register_status(client, program_register);
    EXPECT_EQ(status["diverged"], true);
    EXPECT_EQ(status["logged"], mr::to_hex(mine));
    EXPECT_EQ(status["observed"], mr::to_hex(found));
    EXPECT_THAT(origins(records_of(client)), ElementsAre(of_service));
    // With another digest: an id that is not free refuses that.
    const auto other = client.extend(program_register, digest_of("other"), {.id = "open"});
    ASSERT_TRUE(other) << other.error().message;
    const auto records = records_of(client);
    ASSERT_THAT(origins(records), ElementsAre(of_service, of_resync, of_service));
    expect_resync(records[1], mine, found);
    expect_gaps(client, {2}, true);
}

TEST_F(DivergenceTest, AJournalThatWasDeletedLeavesAGapAtZero) {
    auto daemon = started();
    const auto mine = daemon.client().extend(program_register, digest_of("a"))->reading.value;
    ASSERT_EQ(daemon.stop(), 0);
    std::filesystem::remove(state("journal"));
    auto again = started();
    {
        auto client = again.client();
        EXPECT_THAT(records_of(client), IsEmpty());
        EXPECT_EQ(register_status(client, program_register)["startUnexplained"], true);
        EXPECT_EQ(register_status(client, "tdx/rtmr2")["startUnexplained"], false);
        expect_gaps(client, {0}, true);
        EXPECT_TRUE(replay_of(client, "tdx/rtmr2").equal);
        ASSERT_TRUE(client.extend(program_register, digest_of("b")));
        const auto records = records_of(client);
        ASSERT_THAT(origins(records), ElementsAre(of_resync, of_service));
        expect_resync(records[0], zero(), mine);
        expect_gaps(client, {0, 1}, true);
    }
    ASSERT_EQ(again.stop(), 0);
    const auto third = started();
    auto client = third.client();
    expect_gaps(client, {0, 1}, true);
    EXPECT_EQ(client.extend(program_register, digest_of("c"))->sequence, 3);
    expect_gaps(client, {0, 1}, true);
}

// ---- Another boot

class BootTest : public DivergenceTest {
protected:
    Daemon booted(const std::string &boot, std::vector<std::string> arguments = {"--sim"}) {
        const auto file = folder() / "boot_id";
        std::ofstream(file) << boot << '\n';
        return started({.arguments = std::move(arguments), .config = "[service]\nboot_id_file = \"" + file.native() + "\"\n"});
    }
};

TEST_F(BootTest, ThatTheRegistersSurviveLetsTheJournalGoOnWithCapAndIds) {
    const std::vector<std::string> survives{"--sim", "--sim-survives-boot"};
    auto daemon = booted("boot-1", survives);
    mr::Extended first;
    {
        auto client = daemon.client();
        first = client.extend(program_register, digest_of("a"), {.id = "once"}).value();
        ASSERT_EQ(client.cap("tdx/rtmr2"), 2);
    }
    ASSERT_EQ(daemon.stop(), 0);
    for (const std::string boot : {"boot-2", "boot-2", "boot-3"}) {
        auto again = booted(boot, survives);
        auto client = again.client();
        EXPECT_EQ(records_of(client).size(), 2U);
        expect_gaps(client, {}, true);
        EXPECT_EQ(client.extend(program_register, digest_of("a"), {.id = "once"})->sequence, first.sequence);
        EXPECT_EQ(client.extend("tdx/rtmr2", digest_of("b")).error().code, ErrorCode::capped);
        EXPECT_FALSE(std::filesystem::exists(state("journal.1")));
        EXPECT_EQ(again.stop(), 0);
    }
    const auto last = booted("boot-3", survives);
    EXPECT_EQ(last.client().extend(program_register, digest_of("c"))->sequence, 3);
}

TEST_F(BootTest, ThatTheRegistersDoNotSurviveBeginsANewJournalAndKeepsTheOld) {
    auto daemon = booted("boot-1");
    ASSERT_TRUE(daemon.client().extend(program_register, digest_of("a"), {.id = "once"}));
    ASSERT_EQ(daemon.client().cap("tdx/rtmr2"), 2);
    ASSERT_EQ(daemon.stop(), 0);
    const auto old = contents(state("journal"));
    const auto again = booted("boot-2");
    auto client = again.client();
    EXPECT_THAT(records_of(client), IsEmpty());
    expect_gaps(client, {}, true);
    EXPECT_EQ(client.extend(program_register, digest_of("b"), {.id = "once"})->sequence, 1)
        << "the id is free, and the sequence begins anew";
    EXPECT_TRUE(client.extend("tdx/rtmr2", digest_of("c"))) << "a cap ends with the boot";
    EXPECT_EQ(contents(state("journal.1")), old);
}

TEST_F(DivergenceTest, AResetBeginsANewJournalAndKeepsTheOld) {
    auto daemon = started();
    ASSERT_TRUE(daemon.client().extend(program_register, digest_of("a")));
    ASSERT_EQ(daemon.stop(), 0);
    const auto old = contents(state("journal"));
    const auto again = started({.arguments = {"--sim", "--reset"}});
    auto client = again.client();
    EXPECT_THAT(records_of(client), IsEmpty());
    EXPECT_EQ(register_status(client, program_register)["diverged"], false);
    expect_gaps(client, {}, true);
    EXPECT_EQ(contents(state("journal.1")), old);
}

// ---- A damaged journal

class DamagedJournal : public DivergenceTest {
protected:
    static constexpr int events = 20;

    // Flips a byte there; returns the register's value.
    mr::Bytes damage(double part) {
        auto daemon = started();
        mr::Bytes value;
        {
            auto client = daemon.client();
            for (int i = 0; i < events; ++i) value = client.extend(program_register, digest_of(std::to_string(i)))->reading.value;
        }
        EXPECT_EQ(daemon.stop(), 0);
        const auto size = static_cast<std::streamoff>(contents(state("journal")).find_last_not_of('\0') + 1);
        std::fstream file(state("journal"), std::ios::in | std::ios::out | std::ios::binary);
        const auto offset = static_cast<std::streamoff>(static_cast<double>(size) * part);
        file.seekg(offset);
        const auto byte = static_cast<char>(file.get() ^ 1);
        file.seekp(offset);
        file.put(byte);
        return value;
    }
};

TEST_F(DamagedJournal, StillLetsMrdStartAndReadButRefusesExtendsUntilItIsRepaired) {
    const auto value = damage(0.5);
    const auto damaged = contents(state("journal"));
    auto daemon = started();
    {
        auto client = daemon.client();
        EXPECT_EQ(client.read(program_register, {.fresh = true})->value, value);
        const auto refused = client.extend(program_register, digest_of("b"));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::journal_failed);
        EXPECT_THAT(refused.error().message, ::testing::ContainsRegex("damaged at byte [0-9]+"));
        EXPECT_THAT(refused.error().message, HasSubstr("mrctl repair"));
        EXPECT_EQ(status_of(client)["journal"]["condition"], "damaged");
        EXPECT_THAT(last_failure(client, program_register), HasSubstr("damaged"));
        EXPECT_EQ(client.read(program_register, {.fresh = true})->value, value);
        std::vector<mr::LogRecord> before;
        const auto incomplete = client.records(1, false, [&](const mr::LogRecord &record) {
            before.push_back(record);
            return true;
        });
        ASSERT_FALSE(incomplete) << "what stands after the damage is missing: nobody may take this for the whole log";
        EXPECT_EQ(incomplete.error().code, ErrorCode::journal_failed);
        EXPECT_EQ(client.export_log("json", [](mr::ByteView) { return true; }).error().code, ErrorCode::journal_failed);
        EXPECT_GT(before.size(), 5U);
        EXPECT_LT(before.size(), 15U);
        expect_gaps(client, {}, false);

        const auto kept = client.repair();
        ASSERT_TRUE(kept) << kept.error().message;
        EXPECT_EQ(*kept, state("journal.1").native());
        EXPECT_EQ(last_failure(client, program_register), "") << "that was of the old one";
        EXPECT_EQ(contents(*kept), damaged);
        EXPECT_EQ(status_of(client)["journal"]["condition"], "good");
        EXPECT_EQ(status_of(client)["journal"]["repairs"], 1);
        EXPECT_EQ(records_of(client).size(), before.size());
        expect_gaps(client, {}, false);
        EXPECT_EQ(register_status(client, program_register)["diverged"], true);

        ASSERT_TRUE(client.extend(program_register, digest_of("b")));
        const auto gap = static_cast<std::int64_t>(before.size()) + 1;
        const auto records = records_of(client);
        ASSERT_EQ(records.size(), before.size() + 2);
        mr::Bytes last = zero();
        for (const auto &record : before) last = extended(last, mr::Digest(record.digest));
        expect_resync(records[before.size()], last, value);
        expect_gaps(client, {gap}, true);
        EXPECT_EQ(client.repair().error().code, ErrorCode::journal_failed) << "nothing is damaged any more";
    }
    ASSERT_EQ(daemon.stop(), 0);
    const auto again = started();
    auto client = again.client();
    EXPECT_EQ(replay_of(client, program_register).gaps.size(), 1U);
    EXPECT_TRUE(replay_of(client, program_register).ends_at_register);
    EXPECT_TRUE(client.extend(program_register, digest_of("c")));
}

TEST_F(DamagedJournal, WhoseFirstByteIsWrongIsRepairedToOneWithAGapAtZero) {
    const auto value = damage(0);
    const auto daemon = started();
    auto client = daemon.client();
    const auto refused = client.extend(program_register, digest_of("b"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::journal_failed);
    EXPECT_THAT(refused.error().message, HasSubstr("damaged at byte 0"));
    ASSERT_TRUE(client.repair());
    EXPECT_THAT(records_of(client), IsEmpty());
    expect_gaps(client, {0}, true);
    ASSERT_TRUE(client.extend(program_register, digest_of("b")));
    expect_resync(records_of(client).at(0), zero(), value);
    expect_gaps(client, {0, 1}, true);
}

TEST_F(DamagedJournal, WhoseEndIsCutOffGoesOnAndTheRegisterSaysWhatIsMissing) {
    const auto value = damage(0);
    // As before the flip, but shorter.
    {
        std::fstream file(state("journal"), std::ios::in | std::ios::out | std::ios::binary);
        file.put('m');
    }
    std::filesystem::resize_file(state("journal"), 2000);
    const auto daemon = started();
    auto client = daemon.client();
    EXPECT_THAT(daemon.log(), HasSubstr("the journal's last record was not whole and is cut off"));
    EXPECT_TRUE(std::filesystem::exists(state("journal.torn.1")));
    EXPECT_EQ(register_status(client, program_register)["diverged"], true);
    expect_gaps(client, {}, false);
    const auto before = records_of(client).size();
    EXPECT_LT(before, static_cast<std::size_t>(events));
    ASSERT_TRUE(client.extend(program_register, digest_of("b")));
    const auto records = records_of(client);
    EXPECT_EQ(mr::decode_envelope(records.at(before).data.value())->body.found, value);
    expect_gaps(client, {static_cast<std::int64_t>(before) + 1}, true);
}

}  // namespace
}  // namespace mrd
