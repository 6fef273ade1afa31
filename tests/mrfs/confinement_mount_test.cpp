// What somebody can do who runs code of his own in the process that serves mrfs's files: tests/exploit/exploit.cpp is preloaded into it.
#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/exploit/orders.h"
#include "tests/mrfs/mounted.h"
#include "tests/places.h"
#include "tests/sanitized.h"

namespace mrfs {
namespace {

// It is root who mounts and serves here: what he is kept from is not kept from him by the modes of files.
class MrfsConfinement : public MountTest {
protected:
    [[nodiscard]] std::map<std::string, std::string> mrfs_environment() const override {
        std::map<std::string, std::string> all{{"LD_PRELOAD", places::exploit()}, {"ASAN_OPTIONS", "verify_asan_link_order=0"}};
        if (!at_start_.empty()) all["MRD_EXPLOIT_AT_START"] = at_start_;
        return all;
    }
    // A new one, with a log of its own; the one before may have ended.
    void start_again() {
        if (mrfs_.pid() > 0) (void)stop_mrfs();
        std::filesystem::remove(log());
        ASSERT_TRUE(start_mrfs()) << mrd::contents(log());
    }
    // Has mrfs take the order as what is written to a file, in a thread that serves. What it tells, or nothing: it was not carried out, or mrfs has ended by it.
    [[nodiscard]] std::string give(const std::string &order) const {
        (void)write_file(mountpoint() / "registers/tdx/reportdata", mr::as_bytes("exploit: " + order));
        return told_of(order);
    }
    [[nodiscard]] std::string told_of(const std::string &order) const {
        const auto text = mrd::contents(log());
        const auto at = text.rfind("exploit: " + order + ": ");
        return at == std::string::npos ? "" : text.substr(at, text.find('\n', at) - at);
    }
    static std::string told(const std::string &order, int result) { return "exploit: " + order + ": " + std::to_string(result); }
    // What serves, and is given this order, ends by it.
    void ends(const std::string &order) {
        start_again();
        const auto result = give(order);
        EXPECT_EQ(result, "");
        if (!result.empty()) return;
        EXPECT_EQ(mrfs_.wait(), 1) << order;
        const auto said = mrd::contents(log());
        EXPECT_TRUE(said.contains("was ended by the signal " + std::to_string(SIGSYS))) << order << ": " << said;
    }

    std::string at_start_;
};

TEST_F(MrfsConfinement, WhoTakesOverWhatServesRunsNothingMakesNoOtherSocketAndReachesNoOtherProcess) {
    auto orders = mrd::ends_any_build;
    if (!mrd::is_sanitized) {
        orders.insert(orders.end(), mrd::ends_it.begin(), mrd::ends_it.end());
        orders.insert(orders.end(), {"unix-datagram", "call x32"});
    }
    for (const auto &order : orders) ends(order);
    // This is how mrd is asked.
    start_again();
    EXPECT_EQ(give("unix"), told("unix", 0));
}

TEST_F(MrfsConfinement, NorChangesWhatLandlockDoesNotLookAtNorReachesOthersByANumber) {
    if (mrd::is_sanitized) GTEST_SKIP() << "a build with a sanitizer is held to less";
    // To ask mrd by a connection.
    constexpr std::array<std::string_view, 2> calls_it_needs{"connect", "sendmsg"};
    auto orders = mrd::has_forbidden_arguments;
    for (const auto *names : {&mrd::changes_what_landlock_leaves, &mrd::reaches_others}) {
        for (const auto &name : *names) {
            if (std::ranges::count(calls_it_needs, name) == 0) orders.push_back("call " + name);
        }
    }
    for (const auto &order : orders) ends(order);
    start_again();
    for (const auto &name : calls_it_needs) EXPECT_NE(give("call " + std::string(name)), "");
}

TEST_F(MrfsConfinement, NorOpensAnyFile) {
    const auto file = (folder() / "file").native();
    std::ofstream(file) << "secret";
    for (const auto &order :
         {"read " + file, "write " + file, "write " + file + ".new", "setuid-file " + file + ".new", std::string("read /etc/passwd")})
        EXPECT_EQ(give(order), told(order, EACCES));
    if (!mrd::is_sanitized) ends("remove " + file);
    EXPECT_TRUE(std::filesystem::exists(file));
    EXPECT_FALSE(std::filesystem::exists(file + ".new"));
}

// So that it is the confinement that keeps him from it: the same process, a moment before.
TEST_F(MrfsConfinement, BeforeItMrfsCouldDoAllOfThat) {
    const auto file = (folder() / "file").native();
    std::ofstream(file) << "secret";
    for (const auto &order : {"read " + file, "write " + file + ".new", "remove " + file, std::string("inet"), std::string("unix-datagram"),
                              std::string("fork"), std::string("written-code"), std::string("set-limit"), std::string("call umask")}) {
        at_start_ = order;
        start_again();
        EXPECT_EQ(told_of(order), told(order, 0));
    }
    EXPECT_FALSE(std::filesystem::exists(file));
}

}  // namespace
}  // namespace mrfs
