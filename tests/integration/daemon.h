// mrd as a process on the simulator, in a folder of its own.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "mr/client.h"
#include "tests/integration/process.h"
#include "tests/integration/readiness.h"
#include "tests/mrd/temporary_folder.h"
#include "tests/places.h"

namespace mrd {

// The service has a class of this name, and a test's program may be linked with it.
inline namespace as_a_process {

class Daemon {
public:
    struct Options {
        std::vector<std::string> arguments = {"--sim"};
        std::map<std::string, std::string> environment = {};
        std::string faults = {};  // tests/faults/faults.h
        std::string kill = {};    // tests/faults/kill_points.h
        std::string guest = {};   // tests/faults/guest.h: in the place of what is configured as tsm
        std::string config = {};  // the configuration file's text
        std::string socket = {};  // empty: folder/io.mrd
        std::string state = {};   // empty: folder/state
        std::function<void()> in_child = {};
    };

    // Returns when mrd has told the service manager that it is ready, or has ended.
    Daemon(const std::filesystem::path &folder, Options options) : log_(folder / ("log" + std::to_string(++count))) {
        const auto notify_path = (folder / ("notify" + std::to_string(count))).native();
        const Readiness readiness(notify_path);
        socket_ = options.socket.empty() ? (folder / "io.mrd").native() : options.socket;
        // What is shipped, unless something is to go wrong.
        const bool is_whole = options.faults.empty() && options.kill.empty() && options.guest.empty();
        if (!options.faults.empty()) options.environment["MRD_SIM_FAULTS"] = options.faults;
        if (!options.kill.empty()) options.environment["MRD_KILL"] = options.kill;
        if (!options.guest.empty()) options.environment["MRD_GUEST"] = options.guest;
        std::vector<std::string> command{is_whole ? places::mrd() : places::mrd_with_faults(), "--socket", socket_, "--state",
                                         options.state.empty() ? (folder / "state").native() : options.state};
        if (!options.config.empty()) {
            const auto file = folder / "mrd.toml";
            std::ofstream(file) << options.config;
            command.insert(command.end(), {"--config", file});
        }
        command.insert(command.end(), options.arguments.begin(), options.arguments.end());
        options.environment["NOTIFY_SOCKET"] = notify_path;
        process_ = Process(command, {.environment = options.environment, .errors = log_, .in_child = options.in_child});
        ready_ = readiness.wait_for(process_);
    }

    [[nodiscard]] bool ready() const { return ready_; }
    [[nodiscard]] const std::string &socket() const { return socket_; }
    [[nodiscard]] std::string log() const { return contents(log_); }
    Process &process() { return process_; }

    // SIGTERM, and the exit code.
    std::optional<int> stop() {
        process_.signal(SIGTERM);
        return process_.wait();
    }

    [[nodiscard]] mr::Client client() const {
        auto client = mr::Client::connect({.socket = socket_});
        if (!client) throw std::runtime_error(client.error().message);
        return std::move(*client);
    }

private:
    static inline int count = 0;

    std::filesystem::path log_;
    std::string socket_;
    Process process_;
    bool ready_ = false;
};

}  // namespace as_a_process

class DaemonTest : public ::testing::Test {
protected:
    [[nodiscard]] const std::filesystem::path &folder() const { return folder_.path(); }

    // One that is ready.
    Daemon started(Daemon::Options options = {}) {
        Daemon daemon(folder(), std::move(options));
        if (!daemon.ready()) throw std::runtime_error("mrd does not start: " + daemon.log());
        return daemon;
    }
    // One that refuses to: its log.
    std::string refused(Daemon::Options options, int exit_code = 1) {
        Daemon daemon(folder(), std::move(options));
        EXPECT_FALSE(daemon.ready());
        if (daemon.ready()) return {};
        EXPECT_EQ(daemon.process().wait(), exit_code);
        return daemon.log();
    }

    void extend_behind(const std::string &name, const std::string &hex) {
        const auto done = run_program({places::mrd_sim_extend(), folder() / "state", name, hex}, folder());
        ASSERT_EQ(done.exit_code, 0) << done.err;
    }

private:
    TemporaryFolder folder_;
};

// One that programs extend.
inline constexpr const char *program_register = "tdx/rtmr3";

inline mr::Digest digest_of(std::string_view text) { return mr::hash(mr::HashAlgorithm::sha384, mr::as_bytes(text)).value(); }
inline mr::Bytes bytes_of(const mr::Digest &digest) { return {digest.bytes().begin(), digest.bytes().end()}; }
inline mr::Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }
inline mr::Bytes extended(mr::ByteView old, const mr::Digest &by) {
    const auto value = mr::extend(mr::HashAlgorithm::sha384, old, by.bytes()).value();
    return {value.bytes().begin(), value.bytes().end()};
}
inline mr::Bytes zero() { return mr::Bytes(48); }

inline mr::ReportData nonce(std::uint32_t number) {
    mr::ReportData data{};
    data.back() = 1;  // none is all zero
    for (std::size_t i = 0; i < 4; ++i) data.at(i) = static_cast<std::uint8_t>(number >> (8 * i));
    return data;
}

}  // namespace mrd
