// Explores the journal's file: the real Journal on a disk that fails, through every history of some extends with at most so many mishaps: mrd is killed, the
// machine crashes and loses any choice of what was not synced, another kernel is started over registers that live on, a write or a sync fails, somebody else
// extends. After each start the log is held against what clients were told and what the registers took.
//
// A journal has a file and a thread and cannot be copied, so each history is played from its beginning; what keeps them few is the number of mishaps.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mrd/journal/cursor.h"
#include "mrd/journal/journal.h"
#include "tests/journal/faulty_file.h"
#include "tests/mrd/every_path.h"
#include "tests/mrd/temporary_folder.h"

namespace mrd::journal {
namespace {

constexpr auto algorithm = mr::HashAlgorithm::sha384;
constexpr std::size_t registers = 2;

mr::Digest digest_of(std::size_t event) { return mr::Digest(mr::Bytes(48, static_cast<std::uint8_t>(event + 1))); }
mr::Digest extended(const mr::Digest &old, const mr::Digest &by) { return mr::extend(algorithm, old.bytes(), by.bytes()).value(); }

// One history, along a path of choices.
class History {
public:
    History(Choices &choices, Sync sync, std::size_t extends, std::size_t mishaps)
        : choices_(choices), sync_(sync), mishaps_(mishaps), told_(extends) {
        reset_registers();
    }
    ~History() {
        disk_.kill();
        journal_.reset();
    }
    History(const History &) = delete;
    History &operator=(const History &) = delete;

    void play() {
        start();
        for (std::size_t event = 0; event < told_.size() && violation_.empty(); ++event) extend(event);
        // Whatever came of it, a start on a good disk ends it.
        if (violation_.empty()) restart(How::kill);
        if (violation_.empty()) check_log();
    }

    [[nodiscard]] const std::string &violation() const { return violation_; }
    [[nodiscard]] const std::string &story() const { return story_; }

private:
    enum class How : std::uint8_t { kill, crash, kexec };
    struct Register {
        mr::Digest value;
        std::vector<mr::Digest> taken = {};
    };

    void tell(const std::string &line) { story_ += "  " + line + "\n"; }
    void violate(const std::string &what) {
        if (violation_.empty()) violation_ = what;
    }

    void reset_registers() { registers_.fill({.value = mr::Digest::zero(algorithm)}); }
    void take(std::size_t reg, const mr::Digest &by) {
        registers_.at(reg).value = extended(registers_.at(reg).value, by);
        registers_.at(reg).taken.push_back(by);
    }
    [[nodiscard]] std::vector<Present> present() const {
        std::vector<Present> all;
        for (const auto &reg : registers_) {
            all.push_back({.provider = "tdx",
                           .name = "r" + std::to_string(all.size()),
                           .algorithm = algorithm,
                           .initial = mr::Digest::zero(algorithm),
                           .value = reg.value});
        }
        return all;
    }
    std::expected<std::unique_ptr<Journal>, std::string> opened(boost::asio::io_context &loop) {
        return Journal::open(loop, {.folder = folder_.path(),
                                    .boot_id = "boot " + std::to_string(boot_),
                                    .sync = sync_,
                                    .open_file = disk_.opener(),
                                    .sync_folder = disk_.folder_syncer()});
    }

    // ---- Lives

    void start() {
        disk_.heal();
        disk_.step_syncs();
        loop_ = std::make_unique<boost::asio::io_context>();
        auto journal = opened(*loop_);
        if (!journal) return violate("the journal cannot be opened: " + journal.error());
        journal_ = std::move(*journal);
        if (auto started = journal_->start(present(), {}); !started) return violate("the journal does not start: " + started.error());
        tell("mrd starts: " + std::to_string(journal_->state().sequence()) + " events");
    }

    void restart(How how) {
        constexpr std::array names{"mrd is KILLED", "the machine CRASHES", "ANOTHER KERNEL is started over the same registers"};
        tell(names.at(static_cast<std::size_t>(how)));
        ++life_;
        disk_.kill();
        journal_.reset();
        waiting_ = 0;
        disk_.heal();
        if (how != How::kill) ++boot_;
        if (how == How::kexec) was_kexec_ = true;
        if (how == How::crash) {
            if (sync_ == Sync::none) {
                for (const auto &entry : std::filesystem::directory_iterator(folder_.path())) std::filesystem::remove(entry.path());
            } else {
                disk_.crash(folder_.path(), [this] { return choices_.yes(); });
                check_disk();
            }
            reset_registers();
            others_have_extended_ = was_kexec_ = false;
            std::ranges::fill(told_, std::nullopt);
        }
        if (violation_.empty()) start();
    }

    // A moment at which anything may come. False: mrd is not the same any more.
    bool moment() {
        if (mishaps_ == 0 || !violation_.empty() || !choices_.yes()) return violation_.empty();
        --mishaps_;
        switch (choices_.choose(sync_ == Sync::group ? 6 : 5)) {
        case 0: restart(How::kill); return false;
        case 1: restart(How::crash); return false;
        case 2: restart(How::kexec); return false;
        case 3:
            tell("somebody else extends r0");
            others_have_extended_ = true;
            take(0, mr::Digest(mr::Bytes(48, 0xF0)));
            return true;
        case 4:
            tell("the next write is to FAIL");
            disk_.fail_call(FaultyDisk::Call::write, 1, Fault::torn_write);
            return true;
        default:
            tell("the next sync is to FAIL");
            disk_.fail_call(FaultyDisk::Call::sync, 1, Fault::io_error);
            return true;
        }
    }

    // ---- One extend, as mrd/registers does it

    void extend(std::size_t event) {
        const auto name = "event " + std::to_string(event);
        const auto number = static_cast<RegisterNumber>(event % registers);
        if (!moment()) return;
        const auto &before = journal_->state().registers()[number].logged;
        // Where somebody else has extended it a resync would come first; here it is left alone.
        if (before != registers_.at(number).value) return;
        const Target target{.reg = number, .before = before, .after = extended(before, digest_of(event)), .digest = digest_of(event)};
        static const mr::EventCaller caller{.uid = 1000};
        const auto intent = journal_->begin({.targets = {&target, 1}, .caller = &caller});
        tell(name + (intent ? ": its intent is written" : " is refused: " + text_of(intent.error())));
        if (!intent || !moment()) return;
        take(number, target.digest);
        tell("the hardware extends");
        if (!moment()) return;
        const auto sequence = journal_->settle(*intent, Outcome::done);
        if (!moment()) return;
        ++waiting_;
        journal_->when_durable([this, event, name, sequence, life = life_](const std::expected<void, Error> &durable) {
            if (life != life_) return;
            --waiting_;
            tell(name + (durable ? " is answered" : ": " + text_of(durable.error())));
            if (durable) told_[event] = sequence;
        });
        if (!moment()) return;
        // The sync may also end with the next one's.
        if (waiting_ > 0 && (event + 1 == told_.size() || choices_.yes())) end_sync();
        (void)moment();
    }

    void end_sync() {
        if (!disk_.begin_sync()) return violate("somebody waits for ever");
        loop_->restart();
        loop_->poll();  // what waits beside it
        disk_.release_sync();
        loop_->restart();
        loop_->run_one();
    }

    // ---- What must hold

    struct Logged {
        std::size_t reg = 0;
        mr::Digest digest;
    };
    std::vector<Logged> log_of(const Journal &journal) {
        std::vector<Logged> log;
        if (!journal.file()) return log;
        Cursor cursor(*journal.file(), journal.end());
        mr::Event event;
        for (;;) {
            const auto step = cursor.next(event, 1000);
            if (!step) violate("the log cannot be read: " + step.error());
            if (!step || *step == Cursor::Step::end) return log;
            if (*step == Cursor::Step::busy) continue;
            if (event.sequence != log.size() + 1) violate("the log has a hole");
            log.push_back({static_cast<std::size_t>(event.name.find("r1") != std::string::npos), mr::Digest(event.digests.front().value)});
        }
    }
    void check_told(const std::vector<Logged> &log, const std::string &where) {
        for (std::size_t event = 0; event < told_.size(); ++event) {
            const auto sequence = told_[event].value_or(0);
            if (told_[event] && (sequence > log.size() || log[sequence - 1].digest != digest_of(event)))
                violate("event " + std::to_string(event) + " was answered and is not " + where);
        }
    }

    // After a crash of the machine: what was answered is on the disk.
    void check_disk() {
        if (std::ranges::none_of(told_, [](const auto &told) { return told.has_value(); })) return;
        boost::asio::io_context loop;
        const auto journal = opened(loop);
        if (!journal) return violate("the journal is not on the disk: " + journal.error());
        check_told(log_of(**journal), "on the disk");
    }

    void check_log() {
        if (journal_->condition() != Journal::Condition::good) return violate("a good disk, and the journal is not: " + journal_->reason());
        const auto log = log_of(*journal_);
        // Over a kexec in which somebody else extends nothing proves that the registers are the old ones.
        if (!was_kexec_ || !others_have_extended_) check_told(log, "in the log");
        std::array<std::size_t, registers> next{};
        for (const auto &[reg, digest] : log) {
            const auto &taken = registers_.at(reg).taken;
            const auto found = std::find(taken.begin() + static_cast<std::ptrdiff_t>(next.at(reg)), taken.end(), digest);
            if (found == taken.end()) return violate("an event of the log did not happen, or not in this order");
            next.at(reg) = static_cast<std::size_t>(found - taken.begin()) + 1;
        }
        if (others_have_extended_) return;
        for (std::size_t reg = 0; reg < registers; ++reg) {
            const auto &state = journal_->state().registers()[reg];
            if (state.logged != registers_.at(reg).value || state.start_is_unexplained())
                violate("nobody else has extended r" + std::to_string(reg) + ", and the log does not lead to what it holds");
        }
        if (!journal_->state().open().empty()) violate("an intent stays open");
    }

    Choices &choices_;
    Sync sync_;
    std::size_t mishaps_;
    TemporaryFolder folder_;
    FaultyDisk disk_;
    std::array<Register, registers> registers_;
    std::vector<std::optional<std::uint64_t>> told_;  // by which number each event's client was told of it, in this boot
    std::unique_ptr<boost::asio::io_context> loop_;
    std::unique_ptr<Journal> journal_;
    std::size_t boot_ = 1;
    std::size_t life_ = 0;
    std::size_t waiting_ = 0;
    bool others_have_extended_ = false;
    bool was_kexec_ = false;
    std::string story_;
    std::string violation_;
};

}  // namespace
}  // namespace mrd::journal

int main(int argc, char **argv) {
    using mrd::journal::Sync;
    std::size_t extends = 2;
    std::size_t mishaps = 2;
    bool group = false;
    CLI::App app("Explores every history of the journal's file within bounds.");
    app.add_option("--extends", extends)->capture_default_str();
    app.add_option("--mishaps", mishaps)->capture_default_str();
    app.add_flag("--group", group, "a reply waits until the event is durable (sync = \"group\")");
    CLI11_PARSE(app, argc, argv);
    // The journal logs each mishap, thousands of times.
    if (std::freopen("/dev/null", "w", stderr) == nullptr) return 1;

    const auto begun = std::chrono::steady_clock::now();
    mrd::Choices choices;
    std::size_t histories = 0;
    do {
        ++histories;
        mrd::journal::History history(choices, group ? Sync::group : Sync::none, extends, mishaps);
        history.play();
        if (history.violation().empty()) continue;
        std::printf("%sVIOLATION: %s\nhistory %zu, the path %s\n", history.story().c_str(), history.violation().c_str(), histories,
                    choices.text().c_str());
        return 1;
    } while (choices.advance());
    const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    std::printf("%zu histories, %.1f s: all hold\n", histories, took);
    return 0;
}
