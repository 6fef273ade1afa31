// Virtual registers over mrd's own socket: kept over restarts and kills, gone with the boot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "mr/envelope.h"
#include "mr/event_content.h"
#include "tests/faults/kill_points.h"
#include "tests/integration/daemon.h"
#include "tests/integration/log_reading.h"

namespace mrd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char *log_only = "[[register]]\nname = \"tdx/rtmr3\"\nlog_only = true\n";
constexpr const char *carrier = "tdx/rtmr3";
constexpr const char *build = "virtual/build";

std::vector<std::string> virtual_ones(mr::Client &client) {
    std::vector<std::string> names;
    const auto registers = client.list().value();
    for (const auto &reg : registers) {
        if (reg.name.starts_with("virtual/")) names.push_back(reg.name);
    }
    return names;
}
// The types of the carrier's events that name a virtual register.
std::vector<std::string> types_in_log(mr::Client &client) {
    std::vector<std::string> types;
    const auto read = client.records(1, false, [&](const mr::LogRecord &record) {
        const auto envelope = record.data ? mr::decode_envelope(*record.data) : std::unexpected(mr::Error{});
        if (envelope && envelope->header.id) types.push_back(envelope->header.type);
        return true;
    });
    EXPECT_TRUE(read);
    return types;
}

// Users make them: a script that measures `app` runs whatever they call theirs.
TEST_F(DaemonTest, AVirtualRegisterTakesNoOthersName) {
    auto daemon = started({.config = log_only});
    auto client = daemon.client();
    for (const auto *name : {"virtual/app", "virtual/rtmr3", "virtual/own"})
        ASSERT_TRUE(client.create(name, mr::HashAlgorithm::sha384, carrier));
    const auto file = folder() / "file";
    std::ofstream(file) << "content";
    const auto measured_into = [&](const std::string &name) {
        const auto done = run_program({places::mrctl(), "measure", name, file}, folder(), {}, {{"MRD_SOCKET", daemon.socket()}});
        return done.exit_code == 0 ? done.out.substr(0, done.out.find(' ')) : done.err;
    };
    EXPECT_EQ(measured_into("app"), carrier);
    EXPECT_EQ(measured_into("rtmr3"), carrier);
    EXPECT_EQ(measured_into("virtual/app"), "virtual/app");
    EXPECT_THAT(measured_into("own"), HasSubstr("the virtual register is called virtual/own"));
}

// That what is meant by a name is not there, or not yet, lets nobody else's register take its place.
TEST_F(DaemonTest, AVirtualRegisterIsNotMeasuredIntoByARoleThatNoRegisterHas) {
    auto daemon = started({.config = log_only + std::string("[roles]\nconfig = \"none\"\n")});
    ASSERT_TRUE(daemon.client().create("virtual/config", mr::HashAlgorithm::sha384, carrier));
    const auto done = run_program({places::mrctl(), "measure", "config", "/etc/hostname"}, folder(), {}, {{"MRD_SOCKET", daemon.socket()}});
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_EQ(done.out, "");
}

TEST_F(DaemonTest, AVirtualRegisterIsKeptOverARestartAndIsGoneWithTheBoot) {
    const auto boot_id = folder() / "boot_id";
    const auto with_boot = [&](const char *id) {
        std::ofstream(boot_id) << id << '\n';
        return Daemon::Options{.environment = {}, .config = log_only};
    };
    mr::Bytes value;
    {
        auto daemon = started(with_boot("first"));
        auto client = daemon.client();
        ASSERT_TRUE(client.create(build, mr::HashAlgorithm::sha256, carrier));
        value = client.measure(build, mr::as_bytes("a"))->reading.value;
        ASSERT_TRUE(client.create("virtual/closed", mr::HashAlgorithm::sha384, carrier));
        ASSERT_TRUE(client.close("virtual/closed"));
        ASSERT_EQ(daemon.stop(), 0);
    }
    {
        auto daemon = started(with_boot("first"));
        auto client = daemon.client();
        EXPECT_THAT(virtual_ones(client), ElementsAre(build));
        EXPECT_EQ(client.read(build)->value, value);
        EXPECT_EQ(client.create(build, mr::HashAlgorithm::sha256, carrier).error().code, mr::ErrorCode::register_exists);
        EXPECT_TRUE(client.measure(build, mr::as_bytes("b")));
        EXPECT_EQ(client.close("virtual/closed").error().code, mr::ErrorCode::no_such_register);
        const auto replayed = client.replay();
        ASSERT_TRUE(replayed);
        for (const auto &reg : *replayed) EXPECT_TRUE(reg.equal) << reg.name;
        ASSERT_EQ(daemon.stop(), 0);
    }
    auto options = with_boot("second");
    options.arguments = {"--sim", "--reset"};
    auto daemon = started(options);
    auto client = daemon.client();
    EXPECT_THAT(virtual_ones(client), IsEmpty());
    EXPECT_TRUE(client.create(build, mr::HashAlgorithm::sha256, carrier));
}

// ---- Kills

class VirtualKillPoints : public DaemonTest, public ::testing::WithParamInterface<std::string_view> {};
INSTANTIATE_TEST_SUITE_P(All, VirtualKillPoints, ::testing::ValuesIn(faults::kill_points), [](const auto &tested) {
    std::string name;
    for (const char c : tested.param) name += c == '-' ? '_' : c;
    return name;
});

// Each step is cut off, and sent again: what was done is not done twice, and what was not is.
TEST_P(VirtualKillPoints, LoseNothingOfAVirtualRegisterAndRepeatNothing) {
    const std::string config = std::string(log_only) + (GetParam().starts_with("sync-") ? "[journal]\nsync = \"group\"\n" : "");
    const auto killed_at_first = [&] { return started({.kill = std::string(GetParam()), .config = config}); };
    const auto measure = [](mr::Client &client) { return client.measure(build, mr::as_bytes("a"), {.id = "once"}); };
    {
        auto daemon = killed_at_first();
        auto client = daemon.client();
        EXPECT_FALSE(client.create(build, mr::HashAlgorithm::sha256, carrier));
        ASSERT_EQ(daemon.process().wait(), ended_by_kill);
    }
    {
        auto daemon = started({.config = config});
        auto client = daemon.client();
        const bool was_made = !virtual_ones(client).empty();
        const auto again = client.create(build, mr::HashAlgorithm::sha256, carrier);
        EXPECT_EQ(again.has_value(), !was_made);
        EXPECT_TRUE(again || again.error().code == mr::ErrorCode::register_exists);
        EXPECT_THAT(types_in_log(client), ElementsAre("create"));
        ASSERT_EQ(daemon.stop(), 0);
    }
    {
        auto daemon = killed_at_first();
        auto client = daemon.client();
        EXPECT_FALSE(measure(client));
        ASSERT_EQ(daemon.process().wait(), ended_by_kill);
    }
    mr::Bytes value;
    {
        auto daemon = started({.config = config});
        auto client = daemon.client();
        const auto done = measure(client);
        ASSERT_TRUE(done) << done.error().message;
        value = client.read(build)->value;
        EXPECT_EQ(done->reading.value, value);
        EXPECT_THAT(types_in_log(client), ElementsAre("create", "measure"));
        ASSERT_EQ(daemon.stop(), 0);
    }
    {
        auto daemon = killed_at_first();
        auto client = daemon.client();
        EXPECT_EQ(client.read(build)->value, value);
        EXPECT_FALSE(client.close(build));
        ASSERT_EQ(daemon.process().wait(), ended_by_kill);
    }
    auto daemon = started({.config = config});
    auto client = daemon.client();
    const bool was_closed = virtual_ones(client).empty();
    EXPECT_EQ(client.close(build).has_value(), !was_closed);
    EXPECT_THAT(types_in_log(client), ElementsAre("create", "measure", "close"));
    const auto replayed = client.replay();
    ASSERT_TRUE(replayed);
    for (const auto &reg : *replayed) EXPECT_TRUE(reg.equal) << reg.name;
    EXPECT_TRUE(client.create(build, mr::HashAlgorithm::sha256, carrier)) << "its owner may have the name again";
}

}  // namespace
}  // namespace mrd
