// Each rule of the registers' design (flags, names, who else writes, lazy refresh, report data) has a test of its name here, as far as the
// table alone decides it; what needs the queue and a provider is in provider_registers_test.cpp.
#include "mrd/registers/register_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mr/bytes.h"
#include "tests/registers/digests.h"

namespace mrd {
namespace {

using mr::HashAlgorithm;
using mr::Owner;
using ReadAction = ReadPlan::Action;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr RegisterAbilities everything{.refresh = true, .extend = true, .write = true};
constexpr std::int64_t first_generation = 1000;
constexpr std::uint64_t intent = 7;

mr::Flags flags(std::string_view letters) { return mr::Flags::from_string(letters).value(); }

RegisterSpec rtmr(std::string name, RefreshSet set = 0, Owner owner = Owner::owned) {
    return {.name = std::move(name), .hash = HashAlgorithm::sha384, .size = 48, .flags = flags("XWRL"), .owner = owner, .refresh_set = set};
}

std::expected<RegisterTable, std::string> build(std::vector<RegisterSpec> specs, RegisterAbilities abilities = everything) {
    return RegisterTable::build("tdx", std::move(specs), abilities, first_generation);
}

template <class Error>
bool refuses(const std::expected<void, RegisterError> &answer) {
    return !answer && std::holds_alternative<Error>(answer.error());
}

// A table and the hardware behind it, moved by hand.
class RegisterTableTest : public ::testing::Test {
protected:
    enum : RegisterIndex { mrtd, rtmr2, rtmr3, reportdata, report0, other_device };

    static std::vector<RegisterSpec> specs(Owner owner_of_rtmr2) {
        return {{.name = "mrtd", .hash = HashAlgorithm::sha384, .size = 48, .flags = flags("R")},
                rtmr("rtmr2", 0, owner_of_rtmr2),
                rtmr("rtmr3"),
                {.name = "reportdata", .hash = {}, .size = 64, .flags = flags("WRF"), .carries_generation = true},
                {.name = "report0", .hash = {}, .size = 1024, .flags = flags("RLF"), .carries_generation = true},
                rtmr("other_device", 1)};
    }

    void SetUp() override { set_up(Owner::owned); }

    void set_up(Owner owner_of_rtmr2) {
        auto built = build(specs(owner_of_rtmr2));
        ASSERT_TRUE(built) << built.error();
        table_.emplace(std::move(*built));
        hardware_.clear();
        for (RegisterIndex index = 0; index < table_->size(); ++index) hardware_.emplace_back(table_->spec(index).size);
        refresh(0);
        refresh(1);
    }

    RegisterTable &table() { return *table_; }

    mr::Digest hardware(RegisterIndex index) { return mr::Digest(hardware_[index]); }
    mr::Digest known(RegisterIndex index) { return mr::Digest(table().value(index)); }
    void set_hardware(RegisterIndex index, const mr::Digest &value) { hardware_[index].assign(value.bytes().begin(), value.bytes().end()); }

    Refreshed refresh(RefreshSet set) { return table().refresh_ends(table().begin_refresh(set), &hardware_); }

    // What the refresh says of the extend that failed.
    std::optional<journal::Outcome> outcome_after_refresh() {
        const auto settled = refresh(0).settled;
        return settled.empty() ? std::nullopt : std::optional(settled.front().outcome);
    }
    void fail(RegisterIndex index) { table().extend_failed(std::array{index}, intent); }

    // The provider's part of an extend.
    void extend_hardware(RegisterIndex index, const mr::Digest &by) { set_hardware(index, extended(hardware(index), by)); }

    mr::Digest extend(RegisterIndex index, const mr::Digest &by) {
        const auto begun = table().extend_begins(index, by);
        EXPECT_TRUE(begun);
        extend_hardware(index, by);
        table().extend_succeeded(index);
        return begun->after;
    }

    std::int64_t write(std::uint8_t byte) {
        table().write_begins(reportdata);
        hardware_[reportdata].assign(64, byte);
        table().write_succeeded(reportdata, hardware_[reportdata]);
        return *table().generation(reportdata);
    }

    ReadAction action(RegisterIndex index, bool fresh = false) { return table().plan_read(index, fresh).action; }

    std::optional<RegisterTable> table_;
    std::vector<mr::Bytes> hardware_;
};

// ---- Flags

TEST(RegisterTableFlags, TheFiveFlagsAreIndependentBitsAndLiveAndRtmrCombineThem) {
    EXPECT_EQ(mr::Flags(mr::Flag::extensible).bits(), 1);
    EXPECT_EQ(mr::Flags(mr::Flag::writable).bits(), 2);
    EXPECT_EQ(mr::Flags(mr::Flag::readable).bits(), 4);
    EXPECT_EQ(mr::Flags(mr::Flag::live).bits(), 8);
    EXPECT_EQ(mr::Flags(mr::Flag::file).bits(), 16);
    EXPECT_EQ(mr::flags_live, flags("RL"));
    EXPECT_EQ(mr::flags_rtmr, flags("XRL"));
}

TEST(RegisterTableFlags, EveryCombinationAllowsExactlyWhatItsXWAndRSay) {
    int built = 0;
    for (std::uint8_t bits = 1; bits < 32; ++bits) {
        mr::Flags combination;
        for (const auto flag : {mr::Flag::extensible, mr::Flag::writable, mr::Flag::readable, mr::Flag::live, mr::Flag::file}) {
            if ((bits & static_cast<std::uint8_t>(flag)) != 0) combination = combination | flag;
        }
        SCOPED_TRACE(combination.to_string());
        const bool x = combination.has(mr::Flag::extensible);
        const bool w = combination.has(mr::Flag::writable);
        const bool r = combination.has(mr::Flag::readable);
        const auto table = build({{.name = "r", .hash = HashAlgorithm::sha384, .size = 48, .flags = combination}});
        if (!table) {
            EXPECT_THAT(table.error(), HasSubstr("live, but not readable"));
            EXPECT_TRUE(combination.has(mr::Flag::live) && !r);
            continue;
        }
        ++built;
        EXPECT_EQ(table->may_read(0).has_value(), r);
        EXPECT_EQ(table->may_extend(0, 48).has_value(), x && w);
        EXPECT_EQ(table->may_measure(0).has_value(), x);
        EXPECT_EQ(table->may_write(0, 48).has_value(), w && !x);
    }
    EXPECT_EQ(built, 23);
}

TEST(RegisterTableFlags, XWithWIsARunTimeRegisterExtendedAndMeasuredButNeverWritten) {
    const auto table = build({rtmr("rtmr3")});
    ASSERT_TRUE(table);
    EXPECT_TRUE(table->may_extend(0, 48));
    EXPECT_TRUE(table->may_measure(0));
    EXPECT_TRUE(refuses<NotWritable>(table->may_write(0, 48)));
}

TEST(RegisterTableFlags, XWithoutWIsLogCentricAndTakesMeasureButNoBareDigest) {
    const auto table = build({{.name = "log", .hash = HashAlgorithm::sha384, .size = 48, .flags = flags("XRL")}});
    ASSERT_TRUE(table);
    EXPECT_TRUE(refuses<LogOnly>(table->may_extend(0, 48)));
    EXPECT_TRUE(table->may_measure(0));
    EXPECT_TRUE(refuses<NotWritable>(table->may_write(0, 48)));
}

TEST(RegisterTableFlags, WWithoutXIsAPlainStoreWrittenButNeverExtendedOrMeasured) {
    const auto table = build({{.name = "reportdata", .hash = {}, .size = 64, .flags = flags("WRF")}});
    ASSERT_TRUE(table);
    EXPECT_TRUE(refuses<NotExtensible>(table->may_extend(0, 64)));
    EXPECT_TRUE(refuses<NotExtensible>(table->may_measure(0)));
    EXPECT_TRUE(table->may_write(0, 64));
}

TEST(RegisterTableFlags, NeitherXNorWRefusesExtendMeasureAndWrite) {
    const auto table = build({{.name = "mrtd", .hash = HashAlgorithm::sha384, .size = 48, .flags = flags("R")},
                              {.name = "report0", .hash = {}, .size = 1024, .flags = flags("RLF")}});
    ASSERT_TRUE(table);
    for (RegisterIndex index = 0; index < 2; ++index) {
        EXPECT_TRUE(refuses<NotExtensible>(table->may_extend(index, table->spec(index).size)));
        EXPECT_TRUE(refuses<NotExtensible>(table->may_measure(index)));
        EXPECT_TRUE(refuses<NotWritable>(table->may_write(index, table->spec(index).size)));
        EXPECT_TRUE(table->may_read(index));
    }
}

TEST(RegisterTableFlags, WithoutRAReadIsRefusedAndTheErrorNamesTheRegister) {
    const auto table = build({{.name = "secret", .hash = HashAlgorithm::sha384, .size = 48, .flags = flags("XW")}});
    ASSERT_TRUE(table);
    const auto answer = table->may_read(0);
    ASSERT_TRUE(refuses<NotReadable>(answer));
    EXPECT_EQ(std::get<NotReadable>(answer.error()).name, "tdx/secret");
}

TEST(RegisterTableFlags, ADigestOrValueOfAnotherLengthIsRefusedWithBothLengths) {
    const auto table = build({rtmr("rtmr3"), {.name = "reportdata", .hash = {}, .size = 64, .flags = flags("WRF")}});
    ASSERT_TRUE(table);
    const auto check = [](const std::expected<void, RegisterError> &answer, const std::string &name, std::size_t wanted,
                          std::size_t given) {
        ASSERT_TRUE(refuses<WrongLength>(answer));
        const auto &error = std::get<WrongLength>(answer.error());
        EXPECT_EQ(error.name, name);
        EXPECT_EQ(error.expected, wanted);
        EXPECT_EQ(error.actual, given);
    };
    for (const std::size_t size : {0U, 32U, 47U, 49U, 1000U}) check(table->may_extend(0, size), "tdx/rtmr3", 48, size);
    for (const std::size_t size : {0U, 63U, 65U}) check(table->may_write(1, size), "tdx/reportdata", 64, size);
}

TEST(RegisterTableFlags, ARegisterThatIsNotOursToExtendIsRefusedBeforeItsLengthIsLookedAt) {
    const auto table = build({rtmr("rtmr0", 0, Owner::observed)});
    ASSERT_TRUE(table);
    EXPECT_TRUE(refuses<NotExtensible>(table->may_extend(0, 1)));
}

// ---- A table is checked when it is built

struct BadTable {
    const char *name;
    std::vector<RegisterSpec> specs;
    RegisterAbilities abilities;
    std::string error;
};

class RegisterTableConstruction : public ::testing::TestWithParam<BadTable> {};

TEST_P(RegisterTableConstruction, IsRefusedWithTheRegistersNameAndTheReason) {
    const auto table = RegisterTable::build("tdx", GetParam().specs, GetParam().abilities, first_generation);
    ASSERT_FALSE(table);
    EXPECT_EQ(table.error(), GetParam().error);
}

constexpr RegisterAbilities without_refresh{.refresh = false, .extend = true, .write = true};
constexpr RegisterAbilities without_extend{.refresh = true, .extend = false, .write = true};
constexpr RegisterAbilities without_write{.refresh = true, .extend = true, .write = false};

INSTANTIATE_TEST_SUITE_P(
    All, RegisterTableConstruction,
    ::testing::Values(
        BadTable{
            "LiveWithoutRefresh", {rtmr("a")}, without_refresh, "register \"tdx/a:sha384\": it is live, but the provider cannot refresh"},
        BadTable{"LiveWithoutR",
                 {{.name = "a", .hash = {}, .size = 1, .flags = flags("WL")}},
                 everything,
                 "register \"tdx/a\": it is live, but not readable"},
        BadTable{"WritableWithoutWrite",
                 {{.name = "a", .hash = {}, .size = 1, .flags = flags("WR")}},
                 without_write,
                 "register \"tdx/a\": it is writable, but the provider cannot write"},
        BadTable{"ExtensibleWithoutExtend",
                 {rtmr("a")},
                 without_extend,
                 "register \"tdx/a:sha384\": it is extensible, but the provider cannot extend"},
        BadTable{"ExtensibleWithoutHash",
                 {{.name = "a", .hash = {}, .size = 48, .flags = flags("XRL")}},
                 everything,
                 "register \"tdx/a\": it is extensible, but has no hash"},
        BadTable{"UnknownHash",
                 {{.name = "a", .hash = static_cast<HashAlgorithm>(99), .size = 48, .flags = flags("R")}},
                 everything,
                 "register \"tdx/a:" + std::string(mr::to_string(static_cast<HashAlgorithm>(99))) + "\": its hash is not known"},
        BadTable{"SizeNotOfItsHash",
                 {{.name = "a", .hash = HashAlgorithm::sha256, .size = 48, .flags = flags("R")}},
                 everything,
                 "register \"tdx/a:sha256\": its size is not that of its hash"},
        BadTable{"DuplicateName",
                 {{.name = "a", .hash = {}, .size = 1, .flags = flags("R")}, {.name = "a", .hash = {}, .size = 2, .flags = flags("R")}},
                 everything,
                 "register \"tdx/a\": the provider has two of that name"},
        BadTable{"DuplicateBank", {rtmr("a"), rtmr("a")}, everything, "register \"tdx/a:sha384\": the provider has two of that name"},
        BadTable{"EmptyName", {{.name = "", .hash = {}, .size = 1, .flags = flags("R")}}, everything, "register \"tdx/\": it has no name"},
        BadTable{"NoFlagAtAll", {{.name = "a", .hash = {}, .size = 1, .flags = {}}}, everything, "register \"tdx/a\": it has no flag"},
        BadTable{"SlashInName",
                 {{.name = "a/b", .hash = {}, .size = 1, .flags = flags("R")}},
                 everything,
                 "register \"tdx/a/b\": its name holds a slash, a colon or a blank"},
        BadTable{"ColonInName",
                 {{.name = "a:b", .hash = {}, .size = 1, .flags = flags("R")}},
                 everything,
                 "register \"tdx/a:b\": its name holds a slash, a colon or a blank"},
        BadTable{"SharedWhereOthersAreNotSeen",
                 {{.name = "a",
                   .hash = HashAlgorithm::sha384,
                   .size = 48,
                   .flags = flags("XWRL"),
                   .owner = Owner::shared,
                   .others_unseen = "nobody looks"}},
                 everything,
                 "register \"tdx/a:sha384\": it cannot be shared: nobody looks"},
        BadTable{
            "NoSize", {{.name = "a", .hash = {}, .size = 0, .flags = flags("R")}}, everything, "register \"tdx/a\": its size is zero"}),
    [](const auto &tested) { return tested.param.name; });

TEST(RegisterTableSpecs, AHashIsRequiredForXAndOptionalOtherwise) {
    EXPECT_TRUE(build({{.name = "mrconfigid", .hash = {}, .size = 48, .flags = flags("R")}}));
    EXPECT_TRUE(build({{.name = "mrtd", .hash = HashAlgorithm::sha384, .size = 48, .flags = flags("R")}}));
    EXPECT_FALSE(build({{.name = "rtmr3", .hash = {}, .size = 48, .flags = flags("XWRL")}}));
}

TEST(RegisterTableSpecs, ARunTimeRegisterNeedsExtendButNotWrite) { EXPECT_TRUE(build({rtmr("rtmr3")}, without_write)); }

// ---- Names

TEST(RegisterTableNames, AreProviderSlashName) {
    const auto table = build({rtmr("rtmr2"), rtmr("rtmr3")});
    ASSERT_TRUE(table);
    EXPECT_EQ(table->name(1), "tdx/rtmr3");
    EXPECT_THAT(table->find("rtmr3"), ElementsAre(1));
}

TEST(RegisterTableNames, CarryTheHashWhereARegisterHasSeveralBanks) {
    const auto table = build({{.name = "pcr10", .hash = HashAlgorithm::sha256, .size = 32, .flags = flags("XWRL"), .refresh_set = 0},
                              {.name = "pcr10", .hash = HashAlgorithm::sha384, .size = 48, .flags = flags("XWRL"), .refresh_set = 1},
                              {.name = "pcr11", .hash = HashAlgorithm::sha256, .size = 32, .flags = flags("XWRL"), .refresh_set = 0}});
    ASSERT_TRUE(table);
    EXPECT_EQ(table->name(0), "tdx/pcr10:sha256");
    EXPECT_EQ(table->name(1), "tdx/pcr10:sha384");
    EXPECT_EQ(table->name(2), "tdx/pcr11");
    EXPECT_THAT(table->find("pcr10"), ElementsAre(0, 1));
    EXPECT_THAT(table->find("pcr10:sha384"), ElementsAre(1));
    EXPECT_THAT(table->find("pcr11:sha256"), ElementsAre(2));
    EXPECT_EQ(table->refresh_sets(), 2U);
}

TEST(RegisterTableNames, ABareIntegerIsNoName) {
    const auto table = build({rtmr("rtmr0"), rtmr("rtmr1"), rtmr("rtmr2"), rtmr("rtmr3")});
    ASSERT_TRUE(table);
    for (const auto *name : {"0", "1", "3", "-1", "", "rtmr", "rtmr33", "rtmr3:sha256", "RTMR3"})
        EXPECT_THAT(table->find(name), IsEmpty()) << name;
}

// ---- Who else writes

TEST_F(RegisterTableTest, ReadingASharedRegisterAlwaysRefreshesItsSet) {
    set_up(Owner::shared);
    EXPECT_TRUE(table().in_sync(0));
    EXPECT_EQ(action(rtmr2), ReadAction::start);
    EXPECT_EQ(table().counters().cached_reads, 0);
}

TEST(RegisterTableSpecs, NoReadIsFreshOfALiveRegisterThatDoesNotShowWhatOthersExtended) {
    auto unseen = rtmr("rtmr3");
    unseen.others_unseen = "nobody looks";
    auto fixed = unseen;
    fixed.name = "mrtd";
    fixed.flags = flags("R");
    const auto table = build({unseen, fixed, rtmr("rtmr2")});
    ASSERT_TRUE(table);
    EXPECT_EQ(table->why_not_fresh(0), "nobody looks");
    EXPECT_EQ(table->why_not_fresh(1), "") << "it does not change";
    EXPECT_EQ(table->why_not_fresh(2), "");
}

TEST_F(RegisterTableTest, TheInSyncFlagServesOwnedRegistersOnly) {
    EXPECT_EQ(action(rtmr2), ReadAction::serve);
    // Others extend an observed register too: nothing here would ever mark its set out of sync.
    set_up(Owner::observed);
    EXPECT_EQ(action(rtmr3), ReadAction::serve);
    EXPECT_EQ(action(rtmr2), ReadAction::start);
}

TEST_F(RegisterTableTest, AnObservedRegisterIsNeverExtended) {
    set_up(Owner::observed);
    EXPECT_TRUE(refuses<NotExtensible>(table().may_extend(rtmr2, 48)));
    EXPECT_TRUE(refuses<NotExtensible>(table().may_measure(rtmr2)));
    EXPECT_TRUE(table().may_read(rtmr2));
}

TEST_F(RegisterTableTest, ASharedReadJoinsOnlyARefreshThatHasNotBegun) {
    set_up(Owner::shared);
    const auto first = table().plan_read(rtmr2, false);
    const auto second = table().plan_read(rtmr2, false);
    EXPECT_EQ(second.action, ReadAction::join);
    EXPECT_EQ(second.refresh, first.refresh);
    table().refresh_begins(first.refresh);
    EXPECT_EQ(action(rtmr2), ReadAction::start);
}

// ---- Lazy refresh

TEST(RegisterTableRefresh, EachSetHasOneInSyncWhichIsFalseAtFirst) {
    const auto table = build({rtmr("a", 0), rtmr("b", 1), rtmr("c", 1)});
    ASSERT_TRUE(table);
    EXPECT_EQ(table->refresh_sets(), 2U);
    EXPECT_FALSE(table->in_sync(0));
    EXPECT_FALSE(table->in_sync(1));
}

TEST_F(RegisterTableTest, ARefreshMarksItsOwnSetInSyncAndNoOther) {
    extend(rtmr3, digest(1));
    refresh(1);
    EXPECT_FALSE(table().in_sync(0));
    EXPECT_TRUE(table().in_sync(1));
}

TEST_F(RegisterTableTest, AReadOfALiveRegisterWhoseSetIsNotInSyncRefreshesTheWholeSetOnce) {
    extend(rtmr3, digest(1));
    hardware_[report0].assign(1024, 7);
    const auto before = table().counters().refreshes;
    const auto plan = table().plan_read(rtmr3, false);
    ASSERT_EQ(plan.action, ReadAction::start);
    table().refresh_begins(plan.refresh);
    EXPECT_THAT(table().refresh_ends(plan.refresh, &hardware_).changed, ElementsAre(report0));
    EXPECT_EQ(action(rtmr2), ReadAction::serve);
    EXPECT_EQ(action(rtmr3), ReadAction::serve);
    EXPECT_EQ(action(report0), ReadAction::serve);
    EXPECT_EQ(table().value(report0)[0], 7);
    EXPECT_EQ(table().counters().refreshes, before + 1);
}

TEST_F(RegisterTableTest, LaterReadsComeFromTheCacheUntilTheNextWriteToAnyRegisterOfTheProvider) {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(action(rtmr3), ReadAction::serve);
    write(1);
    EXPECT_EQ(action(rtmr3), ReadAction::start);
    set_up(Owner::owned);
    extend(rtmr2, digest(1));
    EXPECT_EQ(action(rtmr3), ReadAction::start);
    EXPECT_EQ(action(other_device), ReadAction::start) << "of another set of the same provider";
}

TEST_F(RegisterTableTest, ARegisterThatIsNotLiveCausesNoRefresh) {
    write(1);
    EXPECT_EQ(action(mrtd), ReadAction::serve);
    EXPECT_EQ(action(reportdata), ReadAction::serve);
    EXPECT_EQ(action(mrtd, true), ReadAction::serve) << "also where a fresh value is asked for";
    EXPECT_EQ(table().value(reportdata)[0], 1);
}

TEST_F(RegisterTableTest, AnExtendMarksTheCacheOutOfSyncBeforeTheProviderIsCalled) {
    ASSERT_TRUE(table().extend_begins(rtmr3, digest(1)));
    EXPECT_FALSE(table().in_sync(0));
    EXPECT_FALSE(table().in_sync(1));
    table().extend_succeeded(rtmr3);
    EXPECT_FALSE(table().in_sync(0));
}

TEST_F(RegisterTableTest, AnExtendThatFailsLeavesTheCacheOutOfSync) {
    ASSERT_TRUE(table().extend_begins(rtmr3, digest(1)));
    fail(rtmr3);
    EXPECT_FALSE(table().in_sync(0));
}

TEST_F(RegisterTableTest, AWriteOfReportdataMarksTheCacheOutOfSyncBeforeTheProviderIsCalledAlsoIfItFails) {
    table().write_begins(reportdata);
    EXPECT_FALSE(table().in_sync(0));
    table().write_failed(reportdata);
    EXPECT_FALSE(table().in_sync(0));
    refresh(0);
    write(1);
    EXPECT_FALSE(table().in_sync(0));
}

TEST_F(RegisterTableTest, NReadersWaitingAtOnceCauseOneRefresh) {
    extend(rtmr3, digest(1));
    const auto before = table().counters().refreshes;
    const auto first = table().plan_read(rtmr3, false);
    ASSERT_EQ(first.action, ReadAction::start);
    for (int i = 0; i < 10; ++i) {
        const auto next = table().plan_read(i % 2 == 0 ? rtmr2 : report0, i % 3 == 0);
        EXPECT_EQ(next.action, ReadAction::join);
        EXPECT_EQ(next.refresh, first.refresh);
    }
    table().refresh_begins(first.refresh);
    const auto during = table().plan_read(rtmr3, false);
    EXPECT_EQ(during.action, ReadAction::join);
    EXPECT_EQ(during.refresh, first.refresh);
    table().refresh_ends(first.refresh, &hardware_);
    EXPECT_EQ(table().counters().refreshes, before + 1);
}

TEST_F(RegisterTableTest, AReadDoesNotJoinARunningRefreshThatBeganBeforeTheLastCompletedWrite) {
    extend(rtmr3, digest(1));
    const auto old = table().plan_read(rtmr3, false);
    table().refresh_begins(old.refresh);
    extend(rtmr2, digest(2));
    const auto next = table().plan_read(rtmr3, false);
    EXPECT_EQ(next.action, ReadAction::start);
    EXPECT_NE(next.refresh, old.refresh);
}

TEST_F(RegisterTableTest, AReadJoinsARunningRefreshWhileAWriteThatBeganLaterHasNotEnded) {
    extend(rtmr3, digest(1));
    const auto running = table().plan_read(rtmr3, false);
    table().refresh_begins(running.refresh);
    ASSERT_TRUE(table().extend_begins(rtmr2, digest(2)));
    EXPECT_EQ(action(rtmr3), ReadAction::join);
}

TEST_F(RegisterTableTest, AFreshReadRefreshesThoughTheSetIsInSync) { EXPECT_EQ(action(rtmr3, true), ReadAction::start); }

TEST_F(RegisterTableTest, AFreshReadJoinsOnlyARefreshThatBeginsAfterItArrived) {
    const auto first = table().plan_read(rtmr3, true);
    EXPECT_EQ(table().plan_read(rtmr3, true).refresh, first.refresh) << "asked for, not begun";
    table().refresh_begins(first.refresh);
    const auto second = table().plan_read(rtmr3, true);
    EXPECT_EQ(second.action, ReadAction::start);
    EXPECT_NE(second.refresh, first.refresh);
}

TEST_F(RegisterTableTest, ARefreshThatAWriteOvertookDoesNotMarkTheTableInSync) {
    const auto id = table().begin_refresh(0);
    const auto seen = hardware_;
    extend(rtmr3, digest(1));
    table().refresh_ends(id, &seen);
    EXPECT_FALSE(table().in_sync(0));
    EXPECT_EQ(action(rtmr2), ReadAction::start);
}

TEST_F(RegisterTableTest, ARefreshThatBeganWhileAWriteWasUnderWayDoesNotMarkTheTableInSync) {
    ASSERT_TRUE(table().extend_begins(rtmr3, digest(1)));
    const auto id = table().begin_refresh(0);
    table().extend_succeeded(rtmr3);
    table().refresh_ends(id, &hardware_);
    EXPECT_FALSE(table().in_sync(0));
}

TEST_F(RegisterTableTest, AnOvertakenRefreshTakesNoValueBackAndAccusesNobody) {
    const auto id = table().begin_refresh(0);
    const auto seen = hardware_;
    const auto after = extend(rtmr3, digest(1));
    table().refresh_ends(id, &seen);
    EXPECT_EQ(known(rtmr3), after);
    EXPECT_FALSE(table().divergence(rtmr3));
}

TEST_F(RegisterTableTest, NorDoesOneThatBeganWhileTheWriteWasUnderWay) {
    ASSERT_TRUE(table().extend_begins(rtmr3, digest(1)));
    const auto id = table().begin_refresh(0);
    const auto seen = hardware_;
    table().extend_succeeded(rtmr3);
    const auto after = known(rtmr3);
    table().refresh_ends(id, &seen);
    EXPECT_EQ(known(rtmr3), after);
    EXPECT_FALSE(table().divergence(rtmr3));
}

TEST_F(RegisterTableTest, AFailedRefreshLeavesTheCacheOutOfSyncAndTheNextReadTriesAgain) {
    extend(rtmr3, digest(1));
    const auto plan = table().plan_read(rtmr3, false);
    table().refresh_begins(plan.refresh);
    EXPECT_THAT(table().refresh_ends(plan.refresh, nullptr).changed, IsEmpty());
    EXPECT_FALSE(table().in_sync(0));
    EXPECT_EQ(action(rtmr3), ReadAction::start);
}

TEST_F(RegisterTableTest, AFailedFreshRefreshStopsServingTheOldValue) {
    ASSERT_TRUE(table().in_sync(0));
    table().refresh_ends(table().begin_refresh(0), nullptr);
    EXPECT_FALSE(table().in_sync(0));
    EXPECT_EQ(action(rtmr3), ReadAction::start);
}

// ---- Logged and observed

TEST_F(RegisterTableTest, LoggedIsWhatOurExtendsSayOfRegistersThatAreExtended) {
    set_up(Owner::shared);
    EXPECT_EQ(table().logged(rtmr3), digest(0));
    EXPECT_FALSE(table().logged(mrtd)) << "static";
    const auto after = extend(rtmr3, digest(1));
    EXPECT_EQ(table().logged(rtmr3), after);
}

TEST_F(RegisterTableTest, EveryRefreshComparesLoggedWithObservedAndADifferenceIsRecorded) {
    const auto logged = extend(rtmr3, digest(1));
    extend_hardware(rtmr3, digest(66));
    refresh(0);
    ASSERT_TRUE(table().divergence(rtmr3));
    EXPECT_EQ(table().divergence(rtmr3)->expected, logged);
    EXPECT_EQ(table().divergence(rtmr3)->found, hardware(rtmr3));
    EXPECT_EQ(table().logged(rtmr3), logged) << "the log does not change because somebody else extended";
    EXPECT_EQ(known(rtmr3), hardware(rtmr3)) << "readers see what the hardware holds";
    EXPECT_EQ(table().divergences(rtmr3), 1);
    EXPECT_FALSE(table().divergence(rtmr2));
}

TEST_F(RegisterTableTest, ADivergenceIsCountedOnceForEachValueThatIsFound) {
    extend_hardware(rtmr3, digest(66));
    refresh(0);
    refresh(0);
    EXPECT_EQ(table().divergences(rtmr3), 1);
    extend_hardware(rtmr3, digest(66));
    refresh(0);
    EXPECT_EQ(table().divergences(rtmr3), 2);
    EXPECT_EQ(table().divergence(rtmr3)->expected, digest(0));
}

TEST_F(RegisterTableTest, ASharedRegisterThatOthersExtendedHasNotDiverged) {
    set_up(Owner::shared);
    extend_hardware(rtmr2, digest(66));
    refresh(0);
    EXPECT_FALSE(table().divergence(rtmr2));
    EXPECT_EQ(known(rtmr2), hardware(rtmr2));
}

// ---- Extending

TEST_F(RegisterTableTest, AnExtendAnswersHOfOldAndDigestAtOnceWithoutARefresh) {
    const auto refreshes = table().counters().refreshes;
    const auto begun = table().extend_begins(rtmr3, digest(1));
    ASSERT_TRUE(begun);
    EXPECT_EQ(begun->before, digest(0));
    EXPECT_EQ(begun->after, extended(digest(0), digest(1)));
    table().extend_succeeded(rtmr3);
    EXPECT_EQ(known(rtmr3), begun->after);
    EXPECT_EQ(table().hex(rtmr3), mr::to_hex(begun->after.bytes()));
    EXPECT_EQ(table().counters().refreshes, refreshes);
}

TEST_F(RegisterTableTest, AnOwnedRegisterIsExtendedFromTheLogNotFromWhatOthersMayHaveDone) {
    extend_hardware(rtmr3, digest(66));  // not seen by any refresh
    const auto begun = table().extend_begins(rtmr3, digest(1));
    ASSERT_TRUE(begun);
    EXPECT_EQ(begun->before, digest(0));
    extend_hardware(rtmr3, digest(1));
    table().extend_succeeded(rtmr3);
    refresh(0);
    EXPECT_TRUE(table().divergence(rtmr3)) << "and the next refresh shows it";
}

TEST_F(RegisterTableTest, ARegisterThatHasDivergedIsExtendedFromWhatTheLastRefreshSaw) {
    extend(rtmr3, digest(1));
    extend_hardware(rtmr3, digest(66));
    refresh(0);
    const auto begun = table().extend_begins(rtmr3, digest(2));
    ASSERT_TRUE(begun);
    EXPECT_EQ(begun->before, hardware(rtmr3));
    extend_hardware(rtmr3, digest(2));
    table().extend_succeeded(rtmr3);
    refresh(0);
    EXPECT_FALSE(table().divergence(rtmr3));
    EXPECT_EQ(table().logged(rtmr3), hardware(rtmr3));
    EXPECT_EQ(table().divergences(rtmr3), 1) << "that it happened is not forgotten";
}

TEST_F(RegisterTableTest, ASharedRegisterIsExtendedFromWhatTheLastRefreshSaw) {
    set_up(Owner::shared);
    extend_hardware(rtmr2, digest(66));
    refresh(0);
    const auto begun = table().extend_begins(rtmr2, digest(1));
    ASSERT_TRUE(begun);
    EXPECT_EQ(begun->before, hardware(rtmr2));
}

TEST_F(RegisterTableTest, WhatTheJournalSaysIsComparedWithWhatTheRegisterHolds) {
    table().set_logged(rtmr3, digest(7));
    ASSERT_TRUE(table().divergence(rtmr3));
    EXPECT_EQ(table().divergence(rtmr3)->expected, digest(7));
    EXPECT_EQ(table().divergence(rtmr3)->found, digest(0));
    table().set_logged(rtmr3, digest(0));
    EXPECT_FALSE(table().divergence(rtmr3));
}

TEST_F(RegisterTableTest, ARegisterThatHoldsSomethingElseThanTheLogExplainsNeedsAResyncBeforeItsNextExtend) {
    set_up(Owner::shared);
    EXPECT_FALSE(table().needs_resync(rtmr2));
    EXPECT_FALSE(table().needs_resync(rtmr3));
    extend_hardware(rtmr2, digest(66));
    extend_hardware(rtmr3, digest(66));
    EXPECT_FALSE(table().needs_resync(rtmr3)) << "not seen yet";
    refresh(0);
    EXPECT_TRUE(table().needs_resync(rtmr2)) << "shared ones too";
    EXPECT_TRUE(table().needs_resync(rtmr3));
    const auto begun = table().extend_begins(rtmr3, digest(1));
    ASSERT_TRUE(begun);
    EXPECT_EQ(begun->before, hardware(rtmr3));
    extend_hardware(rtmr3, digest(1));
    table().extend_succeeded(rtmr3);
    EXPECT_FALSE(table().needs_resync(rtmr3)) << "that extend was it";
}

TEST_F(RegisterTableTest, AnExtendThatNobodyWasAskedForLeavesTheRegisterAsItWasButTheCacheOutOfSync) {
    ASSERT_TRUE(table().extend_begins(rtmr3, digest(1)));
    table().extend_cancelled(rtmr3);
    EXPECT_EQ(table().logged(rtmr3), digest(0));
    EXPECT_FALSE(table().in_sync(0));
    EXPECT_FALSE(table().indeterminate(rtmr3));
    const auto begun = table().extend_begins(rtmr3, digest(2));
    ASSERT_TRUE(begun);
    EXPECT_EQ(begun->before, digest(0));
}

TEST_F(RegisterTableTest, AfterAFailedExtendFurtherOnesAreRefusedUntilARefreshTells) {
    ASSERT_TRUE(table().extend_begins(rtmr3, digest(1)));
    fail(rtmr3);
    EXPECT_TRUE(table().indeterminate(rtmr3));
    const auto refused = table().extend_begins(rtmr3, digest(2));
    ASSERT_FALSE(refused);
    EXPECT_EQ(std::get<Indeterminate>(refused.error()).name, "tdx/rtmr3");
    EXPECT_TRUE(table().extend_begins(rtmr2, digest(2))) << "another register is not concerned";
    table().extend_succeeded(rtmr2);
    table().refresh_ends(table().begin_refresh(0), nullptr);
    EXPECT_TRUE(table().indeterminate(rtmr3)) << "a refresh that failed has told nothing";
    refresh(1);
    EXPECT_TRUE(table().indeterminate(rtmr3)) << "nor one of another set";
    EXPECT_THAT(refresh(0).settled, ElementsAre(Refreshed::Settled{intent, journal::Outcome::undone})) << "for the journal";
    EXPECT_FALSE(table().indeterminate(rtmr3));
    EXPECT_THAT(refresh(0).settled, IsEmpty()) << "each is told once";
    EXPECT_TRUE(table().extend_begins(rtmr3, digest(2)));
}

TEST_F(RegisterTableTest, AFailedExtendWhoseRegisterHoldsTheOldValueHasNotHappened) {
    const auto logged = extend(rtmr3, digest(1));
    ASSERT_TRUE(table().extend_begins(rtmr3, digest(2)));
    fail(rtmr3);
    EXPECT_EQ(outcome_after_refresh(), journal::Outcome::undone);
    EXPECT_EQ(table().logged(rtmr3), logged);
    EXPECT_FALSE(table().divergence(rtmr3));
}

TEST_F(RegisterTableTest, AFailedExtendWhoseRegisterHoldsTheNewValueHasHappenedAndIsNoDivergence) {
    const auto begun = table().extend_begins(rtmr3, digest(1));
    ASSERT_TRUE(begun);
    extend_hardware(rtmr3, digest(1));
    fail(rtmr3);
    EXPECT_EQ(outcome_after_refresh(), journal::Outcome::done);
    EXPECT_EQ(table().logged(rtmr3), begun->after);
    EXPECT_FALSE(table().divergence(rtmr3));
}

TEST_F(RegisterTableTest, AFailedExtendWhoseRegisterHoldsNeitherValueStaysUnknownAndShowsAsDivergence) {
    ASSERT_TRUE(table().extend_begins(rtmr3, digest(1)));
    extend_hardware(rtmr3, digest(66));
    fail(rtmr3);
    EXPECT_EQ(outcome_after_refresh(), journal::Outcome::indeterminate);
    EXPECT_TRUE(table().divergence(rtmr3));
    EXPECT_FALSE(table().indeterminate(rtmr3)) << "what it holds is known now: it can be extended from there";
}

TEST_F(RegisterTableTest, ARefreshThatBeganBeforeTheFailedExtendDoesNotSettleIt) {
    const auto id = table().begin_refresh(0);
    const auto seen = hardware_;
    ASSERT_TRUE(table().extend_begins(rtmr3, digest(1)));
    extend_hardware(rtmr3, digest(1));
    fail(rtmr3);
    table().refresh_ends(id, &seen);
    EXPECT_TRUE(table().indeterminate(rtmr3));
}

TEST_F(RegisterTableTest, AFailedExtendOfSeveralRegistersIsSettledWhenEachOfThemHasTold) {
    ASSERT_TRUE(table().extend_begins(rtmr3, digest(1)));
    ASSERT_TRUE(table().extend_begins(other_device, digest(1)));
    extend_hardware(rtmr3, digest(1));
    extend_hardware(other_device, digest(1));
    table().extend_failed(std::array<RegisterIndex, 2>{rtmr3, other_device}, intent);
    const auto first = refresh(0);
    EXPECT_THAT(first.settled, IsEmpty());
    EXPECT_THAT(first.diverged, IsEmpty()) << "nobody knows yet what the log says";
    EXPECT_TRUE(table().indeterminate(rtmr3));
    EXPECT_THAT(refresh(1).settled, ElementsAre(Refreshed::Settled{intent, journal::Outcome::done}));
    EXPECT_EQ(table().logged(rtmr3), hardware(rtmr3));
    EXPECT_EQ(table().logged(other_device), hardware(other_device));
}

TEST_F(RegisterTableTest, WhatOnlySomeRegistersTookIsNoEventAndTheyShowAsDiverged) {
    ASSERT_TRUE(table().extend_begins(rtmr3, digest(1)));
    ASSERT_TRUE(table().extend_begins(other_device, digest(1)));
    extend_hardware(rtmr3, digest(1));
    table().extend_failed(std::array<RegisterIndex, 2>{rtmr3, other_device}, intent);
    refresh(0);
    const auto last = refresh(1);
    EXPECT_THAT(last.settled, ElementsAre(Refreshed::Settled{intent, journal::Outcome::indeterminate}));
    EXPECT_THAT(last.diverged, ElementsAre(rtmr3)) << "though it was read by the refresh before";
    EXPECT_FALSE(table().divergence(other_device));
}

// ---- Counters

TEST_F(RegisterTableTest, ReadsCachedReadsRefreshesAndWritesAreCounted) {
    const auto start = table().counters();
    action(rtmr3);             // cached
    extend(rtmr3, digest(1));  // a write
    const auto plan = table().plan_read(rtmr3, false);
    action(rtmr2);  // joins: a read, not cached
    table().refresh_begins(plan.refresh);
    table().refresh_ends(plan.refresh, nullptr);  // counts though it failed
    write(1);                                     // a write
    table().write_begins(reportdata);             // counts though it fails
    table().write_failed(reportdata);
    const auto &end = table().counters();
    EXPECT_EQ(end.reads - start.reads, 3);
    EXPECT_EQ(end.cached_reads - start.cached_reads, 1);
    EXPECT_EQ(end.refreshes - start.refreshes, 1);
    EXPECT_EQ(end.writes - start.writes, 3);
}

// ---- reportdata and report0

TEST_F(RegisterTableTest, OnlyReportdataAndReport0CarryAGeneration) {
    EXPECT_EQ(table().generation(reportdata), first_generation);
    EXPECT_EQ(table().generation(report0), first_generation);
    for (const auto index : {mrtd, rtmr2, rtmr3, other_device}) EXPECT_FALSE(table().generation(index));
    extend(rtmr3, digest(1));
    EXPECT_EQ(table().generation(reportdata), first_generation) << "an extend is no new report data";
}

TEST_F(RegisterTableTest, EachWriteCountsInTheGenerationAlsoOneOfTheSameValue) {
    EXPECT_EQ(write(5), first_generation + 1);
    EXPECT_EQ(write(5), first_generation + 2);
}

TEST_F(RegisterTableTest, AFailedWriteCountsInTheGenerationSoThatNobodyTakesAnothersReportForHisOwn) {
    const auto mine = write(1);
    table().write_begins(reportdata);
    hardware_[reportdata].assign(64, 9);  // it took effect all the same
    table().write_failed(reportdata);
    EXPECT_TRUE(refuses<GenerationMismatch>(table().check_generation(reportdata, mine)));
    refresh(0);
    EXPECT_TRUE(refuses<GenerationMismatch>(table().check_generation(report0, mine)));
    EXPECT_EQ(table().value(reportdata)[0], 9);
}

TEST_F(RegisterTableTest, AStoreWhoseWriteFailedIsRereadAtTheNextRead) {
    write(1);
    EXPECT_EQ(action(reportdata), ReadAction::serve);
    table().write_begins(reportdata);
    hardware_[reportdata].assign(64, 2);  // it happened all the same
    table().write_failed(reportdata);
    ASSERT_EQ(action(reportdata), ReadAction::start);
    refresh(0);
    EXPECT_EQ(action(reportdata), ReadAction::serve);
    EXPECT_EQ(table().value(reportdata)[0], 2);
}

TEST_F(RegisterTableTest, AReadOfReport0AfterAWriteOrAnExtendMakesANewOneAndWithNoneBetweenReturnsTheCachedOne) {
    EXPECT_EQ(action(report0), ReadAction::serve);
    write(1);
    EXPECT_EQ(action(report0), ReadAction::start);
    refresh(0);
    EXPECT_EQ(action(report0), ReadAction::serve);
    extend(rtmr3, digest(1));
    refresh(1);
    EXPECT_EQ(action(report0), ReadAction::join) << "the refresh that is asked for already";
    refresh(0);
    EXPECT_EQ(action(report0), ReadAction::serve);
}

TEST_F(RegisterTableTest, AReport0CarriesTheGenerationOfTheReportDataThatItIsOver) {
    const auto generation = write(1);
    EXPECT_EQ(table().generation(report0), generation - 1) << "still over the old";
    refresh(0);
    EXPECT_EQ(table().generation(report0), generation);
    EXPECT_TRUE(table().check_generation(report0, generation));
    EXPECT_TRUE(table().check_generation(reportdata, generation));
}

TEST_F(RegisterTableTest, AReport0ReadBeforeAWriteKeepsTheOldGenerationThoughItsRefreshEndsLater) {
    const auto id = table().begin_refresh(0);
    const auto seen = hardware_;
    const auto generation = write(1);
    table().refresh_ends(id, &seen);
    EXPECT_EQ(table().generation(report0), generation - 1);
    EXPECT_EQ(table().generation(reportdata), generation);
}

TEST_F(RegisterTableTest, AReadThatWantsAGenerationFailsWithGenerationMismatchIfItHasMoved) {
    const auto mine = write(1);
    const auto others = write(2);
    refresh(0);
    for (const auto index : {reportdata, report0}) {
        const auto answer = table().check_generation(index, mine);
        ASSERT_TRUE(refuses<GenerationMismatch>(answer));
        EXPECT_EQ(std::get<GenerationMismatch>(answer.error()).expected, mine);
        EXPECT_EQ(std::get<GenerationMismatch>(answer.error()).actual, others);
        EXPECT_TRUE(table().check_generation(index, others));
    }
}

TEST_F(RegisterTableTest, AReport0OverOldReportDataFailsTheGenerationOfTheNewer) {
    const auto mine = write(1);
    EXPECT_TRUE(refuses<GenerationMismatch>(table().check_generation(report0, mine)));
}

// ---- What is read by reports, none of which is made to open the provider

std::vector<RegisterSpec> of_a_report() {
    return {{.name = "host_data", .hash = {}, .size = 16, .flags = mr::Flag::readable},
            {.name = "rim", .hash = {}, .size = 64, .flags = mr::Flag::readable, .hash_by_value = true}};
}
RegisterTable unread(std::vector<RegisterSpec> specs) {
    return RegisterTable::build("cca", std::move(specs), {.refresh = true, .by_report = true}, 1).value();
}

TEST(RegisterTableByReport, NobodyIsServedWhatWasNotReadYetAndThenItIsCached) {
    auto table = unread(of_a_report());
    EXPECT_FALSE(table.serve_cached(0));
    const auto first = table.plan_read(0, false);
    EXPECT_EQ(first.action, ReadPlan::Action::start);
    table.refresh_begins(first.refresh);
    EXPECT_EQ(table.plan_read(1, false).action, ReadPlan::Action::join) << "the report that is made is for it too";
    table.refresh_ends(first.refresh, nullptr);
    const auto second = table.plan_read(0, false);
    EXPECT_EQ(second.action, ReadPlan::Action::start) << "that one failed";
    table.refresh_begins(second.refresh);
    const std::vector<mr::Bytes> values{mr::Bytes(16, 1), mr::Bytes(32, 2)};
    EXPECT_EQ(table.refresh_ends(second.refresh, &values).changed.size(), 2U);
    EXPECT_TRUE(table.serve_cached(0));
    EXPECT_EQ(table.plan_read(1, true).action, ReadPlan::Action::serve);
}

TEST(RegisterTableByReport, AHashThatTheFirstValueSaysIsKnownFromThenOn) {
    auto table = unread(of_a_report());
    EXPECT_EQ(table.spec(1).hash, std::nullopt);
    const std::vector<mr::Bytes> values{mr::Bytes(16, 1), mr::Bytes(48, 2)};
    EXPECT_TRUE(table.awaits_first_value(1));
    EXPECT_EQ(table.refresh_ends(table.begin_refresh(0), &values).first, (std::vector<RegisterIndex>{0, 1}));
    EXPECT_FALSE(table.awaits_first_value(1));
    EXPECT_EQ(table.spec(1).hash, mr::HashAlgorithm::sha384);
    EXPECT_EQ(table.spec(1).size, 48U);
    EXPECT_EQ(table.name(1), "cca/rim");
    EXPECT_TRUE(table.refresh_ends(table.begin_refresh(0), &values).first.empty());
    // It keeps its place, where it vanishes and where the provider is opened again.
    EXPECT_TRUE(table.is_place_of(1, of_a_report()[1]));
    EXPECT_TRUE(unread(of_a_report()).follow(table));
    auto extended = of_a_report();
    extended[1].flags = mr::flags_rtmr;
    EXPECT_FALSE(RegisterTable::build("cca", extended, {.refresh = true, .extend = true}, 1));
}

}  // namespace
}  // namespace mrd
