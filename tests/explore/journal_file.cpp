// Explores the journal's file: the real Journal on a disk that fails, through every history of some extends with at most so many mishaps: mrd is killed, the
// machine crashes and loses any choice of what was not synced, another kernel is started over registers that live on, a write or a sync fails, somebody else
// extends, a byte of the file changes and the journal is repaired, a provider comes late with its firmware's log. After each start the log is held against what clients were told and what the registers took.
//
// A journal has a file and a thread and cannot be copied, so each history is played from its beginning; what keeps them few is the number of mishaps.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "mr/envelope.h"
#include "mrd/journal/checkpoint.h"
#include "mrd/journal/cursor.h"
#include "mrd/journal/journal.h"
#include "mrd/journal/record_reader.h"
#include "tests/explore/fingerprint.h"
#include "tests/journal/faulty_file.h"
#include "tests/mrd/every_path.h"
#include "tests/mrd/temporary_folder.h"

namespace mrd::journal {
namespace {

constexpr auto algorithm = mr::HashAlgorithm::sha384;
constexpr std::size_t registers = 2;

// How often each thing may happen, and how.
struct Bounds {
    Sync sync = Sync::none;
    std::size_t extends = 2;
    std::size_t mishaps = 2;
    bool checkpoints = false;  // before each event but the first, which are large for it
    bool damage = false;       // is a mishap
    bool cap = false;          // the first event is one
    bool late = false;         // a provider with a firmware's log comes between the first two events
};
constexpr std::size_t firmware_events = 2;  // of its register

struct HashOfHash {
    std::size_t operator()(const Fingerprint::Hash &hash) const { return hash[0]; }
};
using States = std::unordered_set<Fingerprint::Hash, HashOfHash>;

mr::Digest extended(const mr::Digest &old, const mr::Digest &by) { return mr::extend(algorithm, old.bytes(), by.bytes()).value(); }

// One history, along a path of choices.
class History {
public:
    History(Choices &choices, const Bounds &bounds, States &states)
        : choices_(choices), bounds_(bounds), states_(states), mishaps_(bounds.mishaps), told_(bounds.extends) {
        reset_registers();
        if (bounds.late) write_firmware_log();
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
        if (late_has_come_) all.push_back(late_register());
        return all;
    }

    // ---- The provider that comes late, whose register only its firmware extends

    static mr::Digest firmware_digest(std::size_t event) { return mr::Digest(mr::Bytes(48, static_cast<std::uint8_t>(0xA0 + event))); }
    void write_firmware_log() const {
        mr::Bytes log;
        mr::append_tcg_header(log, {.algorithms = {{mr::tcg_id(algorithm), 48}}, .vendor_info = {}});
        for (std::size_t i = 0; i < firmware_events; ++i) {
            const auto digest = firmware_digest(i);
            mr::Event event;
            event.index = 7;
            event.type = mr::ev_ipl;
            event.digests = {{mr::tcg_id(algorithm), digest.bytes()}};
            mr::append_tcg_event(log, event);
        }
        std::ofstream(firmware_folder_.path() / "log", std::ios::binary)
            .write(reinterpret_cast<const char *>(log.data()), static_cast<std::streamsize>(log.size()));
    }
    static Present late_register() {
        auto value = mr::Digest::zero(algorithm);
        const auto initial = value;
        for (std::size_t i = 0; i < firmware_events; ++i) value = extended(value, firmware_digest(i));
        return {.provider = "tpm", .name = "pcr7", .algorithm = algorithm, .initial = initial, .value = value};
    }
    [[nodiscard]] std::vector<LogFiles> firmware_logs() const {
        return late_has_come_ ? std::vector<LogFiles>{{"tpm", firmware_folder_.path() / "log"}} : std::vector<LogFiles>();
    }
    void come_late() {
        if (!bounds_.late || std::exchange(late_has_come_, true)) return;
        tell("another provider comes");
        if (mishaps_ > 0 && choices_.yes()) {
            --mishaps_;
            constexpr std::array faults{Fault::torn_write, Fault::lost_write, Fault::torn_kill};
            const auto write = 1 + choices_.choose(2);  // its register, its firmware's log
            disk_.fail_call(FaultyDisk::Call::write, write, faults.at(choices_.choose(faults.size())));
            tell("write " + std::to_string(write) + " of it FAILS");
        }
        (void)journal_->join({late_register()}, firmware_logs());
        if (disk_.is_killed()) restart(How::kill);
    }
    // At the end, on a good disk: its log is there whole.
    void check_firmware(std::size_t in_log) {
        if (in_log != 0 && in_log != firmware_events) violate("a part of the firmware's log is missing");
        if (late_has_come_ && in_log == 0) violate("the firmware's log is missing");
    }

    // Its digest is its own.
    [[nodiscard]] bool is_cap(std::size_t event) const { return bounds_.cap && event == 0; }
    static mr::Envelope cap_of_r0() { return {.header = {.type = "cap", .register_name = "tdx/r0"}}; }
    [[nodiscard]] mr::Digest digest_of(std::size_t event) const {
        if (is_cap(event)) return mr::envelope_digest(cap_of_r0(), algorithm).value();
        return mr::Digest(mr::Bytes(48, static_cast<std::uint8_t>(event + 1)));
    }

    std::expected<std::unique_ptr<Journal>, std::string> opened(boost::asio::io_context &loop) {
        return Journal::open(loop, {.folder = folder_.path(),
                                    .boot_id = "boot " + std::to_string(boot_),
                                    .sync = bounds_.sync,
                                    .checkpoint_interval = bounds_.checkpoints ? 1 : checkpoint_interval,
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
        if (auto started = journal_->start(present(), firmware_logs()); !started)
            return violate("the journal does not start: " + started.error());
        tell("mrd starts: " + std::to_string(journal_->state().sequence()) + " events, " + std::to_string(journal_->state().checkpoints()) +
             " checkpoints" + (journal_->is_checked() ? "" : ", the last of which it believed"));
        while (!journal_->is_checked()) loop_->run_one();
        loop_->restart();
        if (journal_->condition() == Journal::Condition::damaged) repair();
        count_state();
    }

    // What stood before the damage stays, no cap is lifted, and extends go on.
    void repair() {
        tell("it is DAMAGED, and repaired");
        if (!is_damaged_) return violate("the journal is damaged, and nothing was: " + journal_->reason());
        const auto log = log_of(*journal_);
        for (auto &told : told_) {
            if (told && *told > log.size()) told.reset();
        }
        if (journal_->begin({.targets = {}, .caller = &caller()})) violate("a damaged journal takes an extend");
        const auto next_intent = journal_->state().next_intent();
        if (auto repaired = journal_->repair(present()); !repaired) return violate("the journal cannot be repaired: " + repaired.error());
        has_lost_events_ = true;
        if (journal_->state().next_intent() < next_intent) violate("the number of an intent is given twice");
        check_told(log_of(*journal_), "in the repaired log");
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
            if (bounds_.sync == Sync::none) {
                for (const auto &entry : std::filesystem::directory_iterator(folder_.path())) std::filesystem::remove(entry.path());
            } else {
                disk_.crash(folder_.path(), [this] { return choices_.yes(); });
                check_disk();
            }
            reset_registers();
            others_have_extended_ = was_kexec_ = is_damaged_ = has_lost_events_ = is_capped_ = false;
            std::ranges::fill(told_, std::nullopt);
        }
        if (violation_.empty()) start();
    }

    // A moment at which anything may come. False: mrd is not the same any more.
    bool moment() {
        count_state();
        if (mishaps_ == 0 || !violation_.empty() || !choices_.yes()) return violation_.empty();
        --mishaps_;
        enum class Mishap : std::uint8_t { kill, crash, kexec, foreign, write, sync, slot, damage };
        std::vector<Mishap> all{Mishap::kill, Mishap::crash, Mishap::kexec, Mishap::foreign, Mishap::write};
        if (bounds_.sync == Sync::group) all.push_back(Mishap::sync);
        if (bounds_.checkpoints) all.push_back(Mishap::slot);
        if (bounds_.damage) all.push_back(Mishap::damage);
        switch (all.at(choices_.choose(all.size()))) {
        case Mishap::kill: restart(How::kill); return false;
        case Mishap::crash: restart(How::crash); return false;
        case Mishap::kexec: restart(How::kexec); return false;
        case Mishap::foreign:
            tell("somebody else extends r0");
            others_have_extended_ = true;
            take(0, mr::Digest(mr::Bytes(48, static_cast<std::uint8_t>(0xF0U + mishaps_))));
            return true;
        case Mishap::write:
            tell("the next write is to FAIL");
            disk_.fail_call(FaultyDisk::Call::write, 1, Fault::torn_write);
            return true;
        case Mishap::sync:
            tell("the next sync is to FAIL");
            disk_.fail_call(FaultyDisk::Call::sync, 1, Fault::io_error);
            return true;
        case Mishap::slot:
            tell("mrd is to be KILLED while it writes the next slot");
            disk_.fail_call(FaultyDisk::Call::slot, 1, Fault::torn_kill);
            return true;
        case Mishap::damage: break;
        }
        damage();
        return false;
    }

    // mrd is killed, and finds another byte in a record or slot.
    void damage() {
        disk_.kill();
        journal_.reset();
        disk_.heal();
        const auto path = folder_.path() / "journal";
        std::vector<std::uint64_t> places{first_slot, first_slot + slot_size};
        bool ends_in_intent = false;
        std::vector<std::uint64_t> caps;  // the records that say of one
        {
            const auto file = disk_.opener()(path, OpenMode::existing);
            if (!file) return violate("the journal is gone");
            RecordReader reader(**file, file_header_size, disk_.bytes(path).size());
            for (auto found = reader.next(); found && *found; found = reader.next()) {
                places.push_back((*found)->offset + ((*found)->head.is_checkpoint() ? (*found)->bytes.size() / 2 : record_head_size));
                const auto record = decode_record((*found)->head, (*found)->bytes);
                const auto *intent = record ? std::get_if<Intent>(&*record) : nullptr;
                ends_in_intent = intent != nullptr;
                const bool says_cap =
                    (intent != nullptr && intent->origin == Origin::cap) || (record && std::holds_alternative<Repair>(*record));
                if (says_cap) caps.push_back(places.back());
            }
        }
        const auto last = places.back();
        if (!bounds_.checkpoints) places.erase(places.begin(), places.begin() + slots);
        const auto place = places.at(choices_.choose(places.size()));
        tell("byte " + std::to_string(place) + " of the file is ANOTHER ONE");
        disk_.bytes(path).at(place) ^= 0x10U;
        is_damaged_ = true;
        // It is cut off as if it had never been whole; what the register took is then in no log.
        if (place == last && ends_in_intent) has_lost_events_ = true;
        // Nothing else need say that it was one; and of an open one nobody can tell where somebody else has extended the register.
        if (std::ranges::find(caps, place) != caps.end() || (place == last && others_have_extended_)) is_capped_ = false;
        restart(How::kill);
    }

    void count_state() {
        if (!journal_) return;
        Fingerprint out;
        mr::Bytes state;
        append_state(state, journal_->state());
        out.add(mr::ByteView(state)).add(journal_->condition()).add(journal_->end()).add(journal_->state().checkpoints());
        for (const auto &reg : registers_) out.add(reg.value);
        for (const auto &told : told_) out.add(told);
        out.add(mishaps_).add(waiting_).add(boot_);
        states_.insert(out.hash());
    }

    // ---- One extend, as mrd/registers does it

    void extend(std::size_t event) {
        const auto name = "event " + std::to_string(event);
        const auto number = static_cast<RegisterNumber>(event % registers);
        if (event == 1) come_late();
        if (!violation_.empty() || !moment() || journal_->state().registers()[number].capped_by != 0) return;
        if (journal_->state().registers()[number].logged != registers_.at(number).value && !resync(number)) return;
        const auto before = journal_->state().registers()[number].logged;
        if (before != registers_.at(number).value) return;  // meanwhile
        const Target target{.reg = number, .before = before, .after = extended(before, digest_of(event)), .digest = digest_of(event)};
        // So large that a checkpoint comes before the next one.
        const auto data = is_cap(event) ? mr::encode_envelope(cap_of_r0()) : mr::Bytes(bounds_.checkpoints ? 6'000 : 0);
        const auto intent = journal_->begin({.targets = {&target, 1},
                                             .origin = is_cap(event) ? Origin::cap : Origin::service,
                                             .type = mr::ev_event_tag,
                                             .caller = &caller(),
                                             .data = data});
        tell(name + (intent ? ": its intent is written" : " is refused: " + text_of(intent.error())));
        if (!goes_on(intent.has_value())) return;
        take(number, target.digest);
        tell("the hardware extends");
        if (!moment()) return;
        const auto sequence = journal_->settle(*intent, Outcome::done);
        if (!moment()) return;
        ++waiting_;
        journal_->when_durable([this, event, name, sequence, life = life_](const std::expected<void, Error> &durable) {
            if (life != life_) return;
            --waiting_;
            if (disk_.is_killed()) return;
            tell(name + (durable ? " is answered" : ": " + text_of(durable.error())));
            if (durable) told_[event] = sequence;
            if (durable && is_cap(event)) is_capped_ = true;
        });
        if (!moment()) return;
        // The sync may also end with the next one's.
        if (waiting_ > 0 && (event + 1 == told_.size() || choices_.yes())) end_sync();
        (void)moment();
    }

    // False: it was refused, or mrd is not the same any more.
    bool goes_on(bool is_written) {
        if (!disk_.is_killed()) return is_written && moment();
        restart(How::kill);
        return false;
    }

    // False: it went wrong, or mrd is not the same any more.
    bool resync(RegisterNumber number) {
        const auto expected = journal_->state().registers()[number].logged;
        const auto found = registers_.at(number).value;
        const auto bytes_of = [](const mr::Digest &digest) { return mr::Bytes(digest.bytes().begin(), digest.bytes().end()); };
        const auto data = mr::encode_envelope({.header = {.type = "resync", .register_name = "tdx/r" + std::to_string(number)},
                                               .body = {.expected = bytes_of(expected), .found = bytes_of(found)}});
        const auto digest = mr::envelope_digest(data, algorithm).value();
        const Target target{.reg = number, .before = found, .after = extended(found, digest), .digest = digest};
        const auto intent = journal_->begin(
            {.targets = {&target, 1}, .origin = Origin::resync, .type = mr::ev_event_tag, .caller = &caller(), .data = data});
        tell("the resync of r" + std::to_string(number) + (intent ? ": its intent is written" : " is refused: " + text_of(intent.error())));
        if (!goes_on(intent.has_value())) return false;
        take(number, digest);
        if (!moment()) return false;
        journal_->settle(*intent, Outcome::done);
        return true;
    }

    static const mr::EventCaller &caller() {
        static const mr::EventCaller one{.uid = 1000};
        return one;
    }

    void end_sync() {
        loop_->restart();
        loop_->poll();  // it is asked for
        if (!disk_.begin_sync()) return violate("somebody waits for ever");
        loop_->restart();
        loop_->poll();  // what waits beside it
        disk_.release_sync();
        loop_->restart();
        loop_->run_one();
    }

    // ---- What must hold

    static constexpr std::size_t of_firmware = registers;
    struct Logged {
        std::size_t reg = 0;  // or of_firmware
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
            const auto reg = event.name == "tdx/r0" ? 0 : event.name == "tdx/r1" ? 1 : of_firmware;
            log.push_back({reg, mr::Digest(event.digests.front().value)});
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
        // Over a kexec in which a register does not hold what the log says, or that finds damage, nothing need prove that the registers are the old ones; and where
        // damage takes what ended an event, the register says what became of it only as long as nobody else extends it.
        const bool differs = others_have_extended_ || has_lost_events_;
        const bool may_be_another = was_kexec_ && (differs || is_damaged_);
        if (!may_be_another && !(is_damaged_ && others_have_extended_)) check_told(log, "in the log");
        if (is_capped_ && !was_kexec_ && journal_->state().registers()[0].capped_by == 0) violate("r0 was capped, and is not any more");
        check_firmware(static_cast<std::size_t>(std::ranges::count(log, of_firmware, &Logged::reg)));
        std::array<std::size_t, registers> next{};
        for (const auto &[reg, digest] : log) {
            if (reg == of_firmware) continue;
            const auto &taken = registers_.at(reg).taken;
            const auto found = std::find(taken.begin() + static_cast<std::ptrdiff_t>(next.at(reg)), taken.end(), digest);
            if (found == taken.end()) return violate("an event of the log did not happen, or not in this order");
            next.at(reg) = static_cast<std::size_t>(found - taken.begin()) + 1;
        }
        if (differs || may_be_another) return;
        for (std::size_t reg = 0; reg < registers; ++reg) {
            const auto &state = journal_->state().registers()[reg];
            if (state.logged != registers_.at(reg).value || state.start_is_unexplained())
                violate("nobody else has extended r" + std::to_string(reg) + ", and the log does not lead to what it holds");
        }
        if (!journal_->state().open().empty()) violate("an intent stays open");
    }

    Choices &choices_;
    const Bounds &bounds_;
    States &states_;
    std::size_t mishaps_;
    TemporaryFolder folder_;
    TemporaryFolder firmware_folder_;
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
    bool is_damaged_ = false;       // a byte of it was changed
    bool has_lost_events_ = false;  // by a repair
    bool is_capped_ = false;        // r0, and its client knows it
    bool late_has_come_ = false;
    std::string story_;
    std::string violation_;
};

}  // namespace
}  // namespace mrd::journal

int main(int argc, char **argv) {
    using mrd::journal::Sync;
    mrd::journal::Bounds bounds;
    bool group = false;
    CLI::App app("Explores every history of the journal's file within bounds.");
    app.add_option("--extends", bounds.extends)->capture_default_str();
    app.add_option("--mishaps", bounds.mishaps)->capture_default_str();
    app.add_flag("--group", group, "a reply waits until the event is durable (sync = \"group\")");
    app.add_flag("--checkpoints", bounds.checkpoints, "there is one before each event but the first");
    app.add_flag("--damage", bounds.damage, "a byte of the file may change, and the journal is repaired");
    app.add_flag("--cap", bounds.cap, "the first event is a cap");
    app.add_flag("--late", bounds.late, "a provider with a firmware's log comes between the first two events, and may fail to be taken in");
    CLI11_PARSE(app, argc, argv);
    if (group) bounds.sync = Sync::group;
    // The journal logs each mishap, thousands of times.
    if (std::freopen("/dev/null", "w", stderr) == nullptr) return 1;

    const auto begun = std::chrono::steady_clock::now();
    mrd::Choices choices;
    mrd::journal::States states;
    std::size_t histories = 0;
    do {
        ++histories;
        mrd::journal::History history(choices, bounds, states);
        history.play();
        if (history.violation().empty()) continue;
        std::printf("%sVIOLATION: %s\nhistory %zu, the path %s\n", history.story().c_str(), history.violation().c_str(), histories,
                    choices.text().c_str());
        return 1;
    } while (choices.advance());
    const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    std::printf("%zu histories, %zu states, %.1f s: all hold\n", histories, states.size(), took);
    return 0;
}
