// The provider fails before or after its effect, with and without being readable afterwards: the log and the register agree, and the client is told
// no more than is known.
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

class ProviderFailure : public DaemonTest {
protected:
    Daemon failing(const std::string &faults) { return started({.faults = faults}); }
};

std::string applied(const std::expected<mr::Extended, mr::Error> &answer) {
    if (answer) return "answered";
    if (answer.error().code != ErrorCode::provider_failed) return answer.error().message;
    return nlohmann::json::parse(answer.error().parameters)["applied"];
}

std::vector<std::string> ids(mr::Client &client) {
    std::vector<std::string> all;
    for (const auto &record : records_of(client)) all.push_back(record.id.value_or("-"));
    return all;
}

void expect_equal(mr::Client &client, const mr::Bytes &value) {
    const auto replayed = replay_of(client, program_register);
    EXPECT_TRUE(replayed.equal);
    EXPECT_EQ(mr::to_hex(replayed.actual.bytes()), mr::to_hex(value));
}

TEST_F(ProviderFailure, BeforeItsEffectIsToldAsNotAppliedAndFreesTheId) {
    const auto daemon = failing("extend:fail-before@1");
    auto client = daemon.client();
    EXPECT_EQ(applied(client.extend(program_register, digest_of("a"), {.id = "once"})), "no");
    EXPECT_THAT(ids(client), IsEmpty());
    expect_equal(client, zero());
    EXPECT_THAT(last_failure(client, program_register), HasSubstr("simulated failure before extend 1"));
    EXPECT_EQ(client.extend(program_register, mr::Digest(mr::Bytes(20))).error().code, ErrorCode::wrong_length);
    EXPECT_THAT(last_failure(client, program_register), HasSubstr("simulated failure before extend 1")) << "a wrong call proves nothing";
    const auto again = client.extend(program_register, digest_of("b"), {.id = "once"});
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->sequence, 1);
    EXPECT_EQ(last_failure(client, program_register), "");
    EXPECT_THAT(ids(client), ElementsAre("once"));
    expect_equal(client, extended(zero(), digest_of("b")));
}

TEST_F(ProviderFailure, AfterItsEffectIsASuccessThatIsLoggedOnce) {
    const auto daemon = failing("extend:fail-after@1");
    auto client = daemon.client();
    const auto first = client.extend(program_register, digest_of("a"), {.id = "once"});
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(first->sequence, 1);
    EXPECT_EQ(first->reading.value, extended(zero(), digest_of("a")));
    const auto again = client.extend(program_register, digest_of("a"), {.id = "once"});
    ASSERT_TRUE(again);
    EXPECT_EQ(again->sequence, 1);
    EXPECT_THAT(ids(client), ElementsAre("once"));
    expect_equal(client, extended(zero(), digest_of("a")));
}

struct Unreadable {
    const char *extend;
    bool happened;
    // With it the rereads of these numbers fail; the first is that of the start.
    [[nodiscard]] std::string unreadable(int first, int last) const {
        return std::string(extend) + ",refresh:fail@" + std::to_string(first) + "-" + std::to_string(last);
    }
    // NOLINTNEXTLINE(readability-identifier-naming): GoogleTest calls it so
    friend void PrintTo(const Unreadable &one, std::ostream *out) { *out << one.extend; }
};
class UnreadableAfterwards : public ProviderFailure, public ::testing::WithParamInterface<Unreadable> {
protected:
    [[nodiscard]] static mr::Bytes value() { return GetParam().happened ? extended(zero(), digest_of("a")) : zero(); }
};
INSTANTIATE_TEST_SUITE_P(All, UnreadableAfterwards,
                         ::testing::Values(Unreadable{"extend:fail-before@1", false}, Unreadable{"extend:fail-after@1", true}),
                         [](const auto &tested) { return tested.param.happened ? "AfterItsEffect" : "BeforeItsEffect"; });

TEST_P(UnreadableAfterwards, RefusesFurtherExtendsUntilItCanBeReread) {
    const auto daemon = failing(GetParam().unreadable(2, 6));
    auto client = daemon.client();
    EXPECT_EQ(applied(client.extend(program_register, digest_of("a"), {.id = "once"})), "unknown");
    EXPECT_NE(last_failure(client, program_register), "");
    for (const std::string id : {"once", "other"})
        EXPECT_EQ(client.extend(program_register, digest_of("a"), {.id = id}).error().code, ErrorCode::indeterminate);
    EXPECT_EQ(client.cap(program_register).error().code, ErrorCode::indeterminate);
    EXPECT_TRUE(client.extend("tdx/rtmr2", digest_of("b"), {.id = "elsewhere"})) << "another register is not concerned";
    EXPECT_EQ(register_status(client, program_register)["indeterminate"], true);
    EXPECT_THAT(ids(client), ElementsAre("elsewhere"));
    EXPECT_EQ(client.read(program_register, {.fresh = true}).error().code, ErrorCode::provider_failed);

    // Not even a read is needed: the next extend rereads the register in its own turn, and that settles the first.
    const auto again = client.extend(program_register, digest_of("a"), {.id = "once"});
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->sequence, 2);
    EXPECT_EQ(again->reading.value, extended(zero(), digest_of("a"))) << "it is there once, whether it had happened or not";
    EXPECT_EQ(register_status(client, program_register)["indeterminate"], false);
    EXPECT_EQ(last_failure(client, program_register), "");
    EXPECT_EQ(client.extend(program_register, digest_of("b"), {.id = "once"}).error().code, ErrorCode::duplicate_event);
    EXPECT_THAT(ids(client), ElementsAre("elsewhere", "once"));
    expect_equal(client, extended(zero(), digest_of("a")));
}

TEST_P(UnreadableAfterwards, IsSettledByARead) {
    const auto daemon = failing(GetParam().unreadable(2, 3));
    auto client = daemon.client();
    EXPECT_EQ(applied(client.extend(program_register, digest_of("a"), {.id = "once"})), "unknown");
    EXPECT_EQ(client.read(program_register, {.fresh = true}).error().code, ErrorCode::provider_failed);
    EXPECT_EQ(register_status(client, program_register)["indeterminate"], true);
    EXPECT_EQ(client.read(program_register, {.fresh = true})->value, value());
    EXPECT_EQ(register_status(client, program_register)["indeterminate"], false);
    EXPECT_EQ(last_failure(client, program_register).empty(), GetParam().happened);
    EXPECT_EQ(ids(client), GetParam().happened ? std::vector<std::string>{"once"} : std::vector<std::string>{});
    expect_equal(client, value());
}

TEST_P(UnreadableAfterwards, AndKilledIsSettledByTheRegisterAtTheNextStart) {
    {
        auto daemon = failing(GetParam().unreadable(2, 3));
        EXPECT_EQ(applied(daemon.client().extend(program_register, digest_of("a"), {.id = "once"})), "unknown");
        daemon.process().signal(SIGKILL);
        ASSERT_EQ(daemon.process().wait(), 1000 + SIGKILL);
    }
    const auto daemon = started();
    auto client = daemon.client();
    expect_equal(client, value());
    EXPECT_EQ(ids(client), GetParam().happened ? std::vector<std::string>{"once"} : std::vector<std::string>{});
    EXPECT_EQ(client.extend(program_register, digest_of("a"), {.id = "once"})->sequence, 1);
    EXPECT_THAT(ids(client), ElementsAre("once"));
    expect_equal(client, extended(zero(), digest_of("a")));
}

TEST_P(UnreadableAfterwards, AndExtendedBySomebodyElseIsNeverCalledDone) {
    const auto daemon = failing(GetParam().unreadable(2, 3));
    auto client = daemon.client();
    EXPECT_EQ(applied(client.extend(program_register, digest_of("a"), {.id = "once"})), "unknown");
    extend_behind(program_register, mr::to_hex(digest_of("foreign").bytes()));
    EXPECT_FALSE(client.read(program_register, {.fresh = true}));
    const auto found = extended(value(), digest_of("foreign"));
    EXPECT_EQ(client.read(program_register, {.fresh = true})->value, found);
    EXPECT_EQ(register_status(client, program_register)["diverged"], true);
    EXPECT_THAT(ids(client), IsEmpty());
    EXPECT_TRUE(client.extend(program_register, digest_of("b"), {.id = "once"})) << "the id is free";
    const auto records = records_of(client);
    ASSERT_EQ(records.size(), 2U);
    const auto resync = mr::decode_envelope(records[0].data.value());
    EXPECT_EQ(resync->body.expected, zero());
    EXPECT_EQ(resync->body.found, found);
    EXPECT_TRUE(replay_of(client, program_register).ends_at_register);
}

class ResyncFailure : public ProviderFailure, public ::testing::WithParamInterface<const char *> {};
INSTANTIATE_TEST_SUITE_P(All, ResyncFailure,
                         ::testing::Values("extend:fail-before@1", "extend:fail-after@1", "extend:fail-before@2", "extend:fail-after@2"),
                         [](const auto &tested) { return "Case" + std::to_string(tested.index); });

TEST_P(ResyncFailure, LeavesLogAndRegisterInAgreementAndAtMostOneResync) {
    const std::string faults = GetParam();
    const auto daemon = failing(faults);
    auto client = daemon.client();
    extend_behind(program_register, mr::to_hex(digest_of("foreign").bytes()));
    ASSERT_TRUE(client.read(program_register, {.fresh = true}));
    const auto first = client.extend(program_register, digest_of("a"), {.id = "once"});
    EXPECT_EQ(applied(first), faults.find("before") != std::string::npos ? "no" : "answered");
    const auto again = client.extend(program_register, digest_of("a"), {.id = "once"});
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->sequence, 2);
    EXPECT_THAT(ids(client), ElementsAre("-", "once"));
    const auto replayed = replay_of(client, program_register);
    EXPECT_TRUE(replayed.ends_at_register);
    EXPECT_THAT(replayed.gaps, ElementsAre(1));
}

}  // namespace
}  // namespace mrd
