#include "mrd/registers/set_reads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "mrd/daemon/daemon.h"
#include "tests/mrd/fake_provider.h"
#include "tests/mrd/test_journal.h"

namespace mrd {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SetReads : public ::testing::Test {
protected:
    enum : RegisterIndex { fixed, owned, shared, other_set };

    void SetUp() override {
        std::vector<RegisterSpec> specs{fake_register("fixed", "R"), fake_register("owned", "XWRL"), fake_register("shared", "XWRL"),
                                        fake_register("other_set", "XWRL")};
        specs[shared].owner = mr::Owner::shared;
        specs[other_set].refresh_set = 1;
        ASSERT_TRUE(daemon_.add(std::make_unique<FakeProvider>(hardware_, "tdx", specs, false), specs));
        ASSERT_TRUE(registers_.start_journal({}));
        hardware_.take_calls();
    }

    Registers::Place place(RegisterIndex index) { return {registers_.providers().front(), index}; }

    std::expected<SetsRead, RegisterError> read(const std::vector<RegisterIndex> &indices, bool fresh) {
        std::vector<Registers::Place> places;
        for (const auto index : indices) places.push_back(place(index));
        std::optional<std::expected<SetsRead, RegisterError>> answer;
        read_sets(mrd_itself, places, fresh, [&](std::expected<SetsRead, RegisterError> read) { answer = std::move(read); });
        return std::move(answer).value();
    }

    FakeHardware hardware_;
    boost::asio::io_context loop_;
    TestJournal journal_{loop_};
    Daemon daemon_{loop_, *journal_};
    Registers &registers_ = daemon_.registers();
};

TEST_F(SetReads, CauseOneReadForEachSetThatHasALiveRegister) {
    const auto answer = read({fixed, owned, shared, other_set}, true);
    ASSERT_TRUE(answer);
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0", "refresh 1"));
    EXPECT_TRUE(answer->in_sync());
    EXPECT_TRUE(answer->was_refreshed(place(owned)));
    EXPECT_TRUE(answer->was_refreshed(place(other_set)));
    EXPECT_FALSE(answer->was_refreshed(place(fixed))) << "nothing rereads it";
}

TEST_F(SetReads, RereadWhatOthersExtendAlsoWhereTheCacheServesTheRest) {
    const auto answer = read({owned, shared, other_set}, false);
    ASSERT_TRUE(answer);
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0"));
    EXPECT_TRUE(answer->was_refreshed(place(owned)));
    EXPECT_FALSE(answer->was_refreshed(place(other_set)));
}

TEST_F(SetReads, OfNothingThatIsLiveAreAnsweredAtOnce) {
    const auto answer = read({fixed}, true);
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->in_sync());
    EXPECT_THAT(hardware_.take_calls(), IsEmpty());
}

TEST_F(SetReads, FailWhereOneOfThemFailsWhenAllHaveEnded) {
    hardware_.fail_next("refresh", FakeHardware::Failure::before);
    EXPECT_FALSE(read({owned, other_set}, true));
    EXPECT_THAT(hardware_.take_calls(), ElementsAre("refresh 0", "refresh 1"));
}

TEST_F(SetReads, KnowWhetherSomethingWasWrittenSince) {
    const auto answer = read({owned}, true);
    ASSERT_TRUE(answer->in_sync());
    place(owned).provider->extend(owned, mr::Digest(mr::Bytes(48, 1)), {}, [](const auto &) {});
    EXPECT_FALSE(answer->in_sync());
}

}  // namespace
}  // namespace mrd
