// Many processes of as many users on one mrfs at once, some of them killed in the middle, and mrd killed and started anew under them: none hangs, nobody's report is
// another's, and what a write() said was extended is in the log once, as of who wrote it.
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <set>

#include "mr/quote.h"
#include "tests/integration/as_user.h"
#include "tests/mrfs/mounted.h"

namespace mrfs {
namespace {

constexpr int processes = 64;
constexpr uid_t first_user = 1000;          // and so on: one of each process
constexpr int usual_rounds = 8;             // of each process; MRD_STRESS_ROUNDS for more, which tools/nightly does
constexpr int rounds_between_mishaps = 60;  // of all together
constexpr unsigned hangs_after = 100;       // seconds

int rounds() {
    const char *set = std::getenv("MRD_STRESS_ROUNDS");  // NOLINT(concurrency-mt-unsafe): one thread
    return set == nullptr ? usual_rounds : std::max(1, std::atoi(set));
}

class StressTest : public MountTest {
protected:
    enum class Work { extend, read, report };
    struct Worker {
        pid_t pid = 0;
        Work work = Work::extend;
        uid_t uid = 0;
        std::filesystem::path notes;  // what came of it, a line a round
        bool was_killed = false;
    };

    void SetUp() override {
        ::chmod(folder().c_str(), 0755);
        MountTest::SetUp();
    }
    [[nodiscard]] mrd::Daemon::Options mrd_options() const override {
        std::string users;
        for (int i = 0; i < processes; ++i) users += (i == 0 ? "" : ", ") + std::to_string(first_user + static_cast<uid_t>(i));
        const std::string allow = R"(allow = ["list", "read", "extend", "report", "quote"])"
                                  "\n";
        return {.config = "[[access]]\nname = \"files\"\nusers = [\"daemon\"]\n" + allow + "on_behalf_of = [" + users +
                          "]\n[[access]]\nname = \"users\"\nusers = [" + users + "]\n" + allow};
    }
    [[nodiscard]] std::vector<std::string> mrfs_options() const override { return {"--for-everyone", "--user", "daemon"}; }

    // What may come of a call while mrd is away, or has just been killed.
    static bool is_of_a_restart(long result) {
        static const std::set<long> errors{-EIO, -ENODEV, -ENXIO, -ETIMEDOUT, -EBUSY};
        return errors.contains(result);
    }
    static std::string name_of(long result) { return is_of_a_restart(result) ? "away" : "unexpected " + std::to_string(result); }

    std::string extend(int worker, int round) const {
        const auto digest = digest_bytes(std::to_string(worker) + " " + std::to_string(round));
        const auto written = write_file(measurement(worker % 2 == 0 ? "rtmr2:sha384" : "rtmr3:sha384"), digest);
        return written == 48 ? "extended " + mr::to_hex(digest) : name_of(written);
    }
    std::string read() const {
        const auto value = read_file(measurement("rtmr3:sha384"));
        if (!value) return name_of(-value.error());
        return value->size() == 48 ? "read" : "unexpected size";
    }
    // Over 64 bytes that no other process has, and no other round.
    std::string report_of(int worker, int round) const {
        auto data = filled(64, 0x5A);
        data[0] = static_cast<std::uint8_t>(worker);
        data[1] = static_cast<std::uint8_t>(round);
        data[2] = static_cast<std::uint8_t>(round >> 8);
        const auto place = report("worker" + std::to_string(worker));
        if (const auto made = result_of(::mkdir(place.c_str(), 0700)); made != 0 && made != -EEXIST) return name_of(made);
        if (const auto written = write_file(place / "inblob", data); written != 64) return name_of(written);
        const auto quote = read_file(place / "outblob");
        if (!quote) return name_of(-quote.error());
        const auto decoded = mr::decode_quote(*quote);
        if (!decoded) return "unexpected quote";
        if (!std::ranges::equal(decoded->body.report_data, data)) return "mixed";
        return ::rmdir(place.c_str()) == 0 ? "reported" : "unexpected rmdir";
    }

    void start(int number) {
        auto &worker = workers_.emplace_back();
        worker.work = number % 4 == 3 ? Work::report : number % 4 == 2 ? Work::read : Work::extend;
        worker.uid = first_user + static_cast<uid_t>(number);
        worker.notes = folder() / ("notes" + std::to_string(number));
        std::ofstream(worker.notes).close();
        worker.pid = ::fork();
        if (worker.pid != 0) return;
        const int notes = ::open(worker.notes.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
        mrd::become({.uid = worker.uid});
        for (int round = 0; round < rounds(); ++round) {
            ::alarm(hangs_after);
            const auto said = worker.work == Work::extend ? extend(number, round)
                              : worker.work == Work::read ? read()
                                                          : report_of(number, round);
            const auto line = said + "\n";
            (void)!::write(notes, line.data(), line.size());
        }
        ::_exit(0);
    }

    [[nodiscard]] std::vector<std::string> said(const Worker &worker) const {
        std::vector<std::string> lines;
        std::ifstream file(worker.notes);
        for (std::string line; std::getline(file, line);) lines.push_back(line);
        return lines;
    }
    [[nodiscard]] std::size_t rounds_done() const {
        std::size_t all = 0;
        for (const auto &worker : workers_) all += said(worker).size();
        return all;
    }
    [[nodiscard]] bool all_have_ended() const {
        return std::ranges::all_of(workers_, [](const Worker &worker) {
            siginfo_t ended{};
            return ::waitid(P_PID, static_cast<id_t>(worker.pid), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0;
        });
    }
    void wait_for_rounds(std::size_t more) const {
        const auto enough = rounds_done() + more;
        while (rounds_done() < enough && !all_have_ended()) ::usleep(5000);
    }

    std::vector<Worker> workers_;
};

TEST_F(StressTest, NoneHangsNobodysReportIsAnothersAndWhatWasAcknowledgedIsInTheLogOnceAsItsWriters) {
    for (int i = 0; i < processes; ++i) start(i);
    std::mt19937 random{17};
    for (int mishap = 0; mishap < 4; ++mishap) {
        wait_for_rounds(rounds_between_mishaps);
        for (int i = 0; i < 2; ++i) {
            auto &worker = workers_[random() % workers_.size()];
            worker.was_killed = true;
            ::kill(worker.pid, SIGKILL);
        }
        daemon_->process().signal(mishap % 2 == 0 ? SIGKILL : SIGTERM);
        (void)daemon_->process().wait();
        daemon_.emplace(started(mrd_options()));
    }
    for (const auto &worker : workers_) {
        int status = 0;
        ASSERT_EQ(::waitpid(worker.pid, &status, 0), worker.pid);
        EXPECT_TRUE(worker.was_killed || WIFEXITED(status)) << "it has ended by signal " << WTERMSIG(status);
    }

    std::map<std::string, std::vector<mr::EventCaller>> logged;
    ASSERT_TRUE(daemon_->client().records(1, false, [&logged](const mr::LogRecord &record) {
        if (record.caller && record.origin == mr::EventOrigin::service) logged[mr::to_hex(record.digest)].push_back(*record.caller);
        return true;
    }));
    for (const auto &[digest, callers] : logged) EXPECT_EQ(callers.size(), 1U) << digest << " is in the log more than once";
    std::map<std::string, int> told;
    std::map<Work, int> asked;  // by workers that went through all their rounds
    std::map<Work, int> done;
    for (const auto &worker : workers_) {
        for (const auto &line : said(worker)) {
            const auto word = line.substr(0, line.find(' '));
            ++told[word];
            EXPECT_TRUE(word != "unexpected" && word != "mixed") << line;
            if (!worker.was_killed) {
                ++asked[worker.work];
                if (word != "away") ++done[worker.work];
            }
            if (word != "extended") continue;
            const auto found = logged.find(line.substr(word.size() + 1));
            if (found == logged.end()) {
                ADD_FAILURE() << "a write() said that this was extended, and the log does not have it: " << line;
            } else {
                EXPECT_EQ(found->second.front().counts_for(), worker.uid) << line;
            }
        }
    }
    for (const auto *word : {"extended", "read", "reported"}) EXPECT_GT(told[word], 0) << word;
    // Whoever calls while mrd is away waits for it, or has an error: on a slow machine more than half do, and never nearly all.
    for (const auto &[work, count] : asked) EXPECT_GE(20 * done[work], count) << "of the work " << static_cast<int>(work);
    for (const auto &[word, count] : told) RecordProperty(word, count);
}

}  // namespace
}  // namespace mrfs
