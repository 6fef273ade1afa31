// mrd-quoting-service as a process: beside an mrd on the same state, confined, and refusing what it cannot do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "mr/tdreport.h"
#include "mrd/providers/sim/report.h"
#include "tests/integration/mrctl.h"
#include "tests/mrd/datagram_socket.h"
#include "tests/places.h"
#include "tests/providers/qgs/frames.h"
#include "tests/quoting_service/connection.h"
#include "tests/sanitized.h"

namespace mrd {
namespace {

using quoting_service::Connection;
using ::testing::HasSubstr;

class QuotingServiceProgram : public MrctlTest {
protected:
    [[nodiscard]] std::string path() const { return (folder() / "qgs.socket").native(); }
    [[nodiscard]] std::vector<std::string> command(const std::vector<std::string> &more = {}) const {
        std::vector<std::string> all{places::mrd_quoting_service(), "--state", folder() / "state", "--listen", path()};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    // Returns when it is ready.
    Process serve(const std::vector<std::string> &more = {}, std::map<std::string, std::string> environment = {}) {
        const DatagramSocket manager((folder() / ("notify" + std::to_string(++count_))).native());
        environment["NOTIFY_SOCKET"] = manager.path();
        Process process(command(more), {.environment = environment, .errors = folder() / "service.log"});
        EXPECT_EQ(manager.next(patience), "READY=1") << log();
        return process;
    }
    [[nodiscard]] std::string log() const { return contents(folder() / "service.log"); }
    [[nodiscard]] mr::Bytes answer_to(mr::ByteView request) const {
        const Connection connection(path());
        EXPECT_TRUE(connection.send(request));
        return connection.rest();
    }
    std::string refused(const std::vector<std::string> &arguments, int exit_code) {
        const auto done = run_program(arguments, folder());
        EXPECT_EQ(done.exit_code, exit_code) << done.out;
        return done.err;
    }

private:
    int count_ = 0;
};

// Whichever is started first.
TEST_F(QuotingServiceProgram, QuotesWhatAnMrdOnTheSameStateReportsAndTheQuoteVerifiesUnderItsRoot) {
    auto service = serve();
    start();
    const auto nonce = hex(7, 64);
    const auto file = [this](const std::string &name) { return (folder() / name).native(); };
    for (const char *time : {"before", "after"}) {
        output({"extend", "rtmr3", "--digest", hex(9)});
        ASSERT_EQ(mrctl({"report", "--data", nonce, "-o", file("report")}).exit_code, 0);
        const auto report = contents(file("report"));
        const auto framed = answer_to(qgs::quote_message(mr::as_bytes(report)).bytes());
        ASSERT_GT(framed.size(), 1000U) << log();
        const auto bare = answer_to(mr::as_bytes(report));
        std::ofstream(file("quote"), std::ios::binary).write(reinterpret_cast<const char *>(bare.data()), static_cast<long>(bare.size()));
        output({"collateral", "-o", file("collateral.json"), "--root", file("root.pem")});
        const auto verify = [&](std::vector<std::string> more) {
            more.insert(more.begin(), {"verify", "--quote", file("quote"), "--collateral", file("collateral.json"), "--nonce", nonce,
                                       "--without", "reference"});
            return mrctl(more);
        };
        const auto verified = verify({"--roots", file("root.pem")});
        EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
        EXPECT_THAT(verified.out, HasSubstr("verified, but not hardware")) << time;
        EXPECT_EQ(verify({}).exit_code, 1) << "not under Intel's";
        if (time == std::string("after")) break;
        // A new TD; the service holds nothing of the old one.
        EXPECT_EQ(daemon().stop(), 0);
        start({.arguments = {"--sim", "--reset"}});
    }
    service.signal(SIGTERM);
    EXPECT_EQ(service.wait(), 0) << log();
    EXPECT_FALSE(std::filesystem::exists(path())) << "its socket goes with it";
}

TEST_F(QuotingServiceProgram, IsNotStartedTwiceOnOneSocketAndTakesWhatAKilledOneLeft) {
    auto service = serve();
    EXPECT_THAT(refused(command(), 1), HasSubstr(path()));
    service.signal(SIGKILL);
    (void)service.wait();
    EXPECT_TRUE(std::filesystem::exists(path()));
    serve();
}

TEST_F(QuotingServiceProgram, NamesTheOptionOrTheFileThatIsWrong) {
    const auto program = places::mrd_quoting_service();
    EXPECT_THAT(refused({program}, 2), HasSubstr("--listen"));
    EXPECT_THAT(refused({program, "--listen", "qgs.socket"}, 2), HasSubstr("vsock:4050"));
    EXPECT_THAT(refused(command({"--format", "tdx_v6"}), 2), HasSubstr("--format must be"));
    EXPECT_THAT(refused(command({"--provider", "a/b"}), 2), HasSubstr("--provider"));
    EXPECT_THAT(refused(command({"--report-key", folder() / "none"}), 1), HasSubstr((folder() / "none").native()));
    std::ofstream(folder() / "short") << "short";
    EXPECT_THAT(refused(command({"--report-key", folder() / "short"}), 1), HasSubstr("has 5 bytes: a key has 32"));
    std::ofstream(folder() / "hex") << std::string(64, 'a') << '\n';
    EXPECT_THAT(refused(command({"--report-key", folder() / "hex"}), 1), HasSubstr("has 65 bytes: a key has 32, as such and not as hex"));
    std::filesystem::create_directory(folder() / "state");
    std::filesystem::permissions(folder() / "state", std::filesystem::perms(0777));
    EXPECT_THAT(refused(command(), 1), HasSubstr((folder() / "state").native()));
}

TEST_F(QuotingServiceProgram, SaysWhyAReportIsNotQuoted) {
    auto service = serve();
    mr::Bytes report(mr::tdreport_size);
    report[0] = mr::tdreport_type_tdx;
    EXPECT_EQ(answer_to(report), mr::Bytes());
    EXPECT_THAT(log(), HasSubstr("mrd makes it when it starts with the simulator"));
    start();
    EXPECT_EQ(answer_to(report), mr::Bytes());
    EXPECT_THAT(log(), HasSubstr("the report type is not that"));
}

// What somebody can do who runs code of his own in it: a TDREPORT of whose hashed bytes the order is, by a module whose key the test has.
class QuotingServiceConfinement : public QuotingServiceProgram {
protected:
    static constexpr std::string_view key = "the key of a module of this test";
    Process exploitable() {
        std::ofstream(folder() / "key") << key << '\n';
        return serve({"--report-key", folder() / "key"}, {{"LD_PRELOAD", places::exploit()}, {"ASAN_OPTIONS", "verify_asan_link_order=0"}});
    }
    mr::Bytes give(const std::string &order) {
        const auto text = "exploit: " + order;
        mr::TdInfo td;
        std::array<char, sizeof(td.attributes) + sizeof(td.xfam) + sizeof(td.mrtd)> bytes{};
        if (text.size() >= bytes.size()) throw std::runtime_error("this order is too long");
        std::ranges::copy(text, bytes.begin());
        std::memcpy(&td.attributes, bytes.data(), sizeof(td.attributes));
        std::memcpy(&td.xfam, bytes.data() + sizeof(td.attributes), sizeof(td.xfam));
        std::memcpy(td.mrtd.data(), bytes.data() + sizeof(td.attributes) + sizeof(td.xfam), sizeof(td.mrtd));
        sim::ReportKey bytes_of_key{};
        std::ranges::copy(key, bytes_of_key.begin());
        return answer_to(sim::ReportMaker::open(bytes_of_key).value().make(td, {}));
    }
};

TEST_F(QuotingServiceConfinement, WhoTakesItOverRunsNothingMakesNoSocketAndReachesNoOtherProcess) {
    std::vector<std::string> orders{"run", "inet", "netlink", "vsock", "mount", "unshare", "bpf", "user", "parents-memory"};
    if (!is_sanitized)
        orders.insert(orders.end(), {"unix", "fork", "ptrace", "kill", "written-code", "remove " + path(), "call bind", "call connect",
                                     "call chmod", "call prctl"});
    for (const auto &order : orders) {
        auto service = exploitable();
        EXPECT_EQ(give(order), mr::Bytes()) << order;
        EXPECT_EQ(service.wait(), 1000 + SIGSYS) << order << ": " << log();
    }
}

TEST_F(QuotingServiceConfinement, NorOpensOrChangesAFileThatIsNotThePlatforms) {
    std::ofstream(folder() / "file") << "secret";
    auto service = exploitable();
    const auto result_of = [this](const std::string &order) -> std::string {
        EXPECT_GT(give(order).size(), 1000U) << order << ": " << log();
        const auto text = log();
        const auto begin = "exploit: " + order + ": ";
        const auto at = text.rfind(begin);
        return at == std::string::npos ? "not carried out" : text.substr(at + begin.size(), text.find('\n', at) - at - begin.size());
    };
    const auto denied = std::to_string(EACCES);
    for (const auto &order : {"read " + (folder() / "file").native(), std::string("read /etc/hostname"), std::string("read /proc/1/maps")})
        EXPECT_EQ(result_of(order), denied) << order;
    // The platform's it reads: the test can tell the one from the other.
    EXPECT_EQ(result_of("read " + (folder() / "state").native()), "0");
    for (const auto &name : {"file", "state/new"}) EXPECT_EQ(result_of("write " + (folder() / name).native()), denied) << name;
}

}  // namespace
}  // namespace mrd
