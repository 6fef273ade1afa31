#include "tests/journal/history.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <utility>

#include "mr/envelope.h"
#include "mr/event_log.h"
#include "mrd/journal/cursor.h"
#include "tests/mrd/fake_provider.h"

namespace mrd::journal {

namespace {

constexpr auto algorithm = mr::HashAlgorithm::sha384;
constexpr std::size_t registers = 4;  // three of the first provider, of which the last is shared, and one of the second
constexpr std::array<std::string_view, registers> names{"rtmr0", "rtmr1", "rtmr2", "pcr8"};
constexpr std::array<std::string_view, 2> provider_names{"tdx", "tpm"};
constexpr std::array<std::size_t, 2> first_of{0, 3};
constexpr std::size_t shared_register = 2;
constexpr std::uint32_t clients = 4;

mr::Bytes bytes_of(const mr::Digest &digest) { return {digest.bytes().begin(), digest.bytes().end()}; }
std::string short_form(const mr::Digest &digest) { return mr::to_hex(digest.bytes()).substr(0, 8); }
mr::Digest extended(const mr::Digest &old, const mr::Digest &by) { return mr::extend(algorithm, old.bytes(), by.bytes()).value(); }
bool contains(const std::vector<mr::Digest> &all, const mr::Digest &one) { return std::ranges::find(all, one) != all.end(); }

std::string text_of_error(const RegisterError &error) {
    if (const auto *failed = std::get_if<Failed>(&error)) return "JournalFailed: " + failed->reason;
    if (const auto *failed = std::get_if<ProviderFailed>(&error))
        return "ProviderFailed: " + failed->reason + (failed->applied == Applied::no ? " (not applied)" : " (perhaps applied)");
    return "refused, error " + std::to_string(error.index()) + " of RegisterError";
}

}  // namespace

// What mrd sees of the registers.
class History::Hardware final : public Provider, RegisterDriver {
public:
    Hardware(History &history, std::size_t provider) : history_(history), provider_(provider) {
        for (const auto &reg : history.registers_) {
            if (reg.provider != provider) continue;
            specs_.push_back(fake_register(reg.name, "XWRL"));
            specs_.back().owner = reg.owner;
        }
    }
    [[nodiscard]] std::string_view name() const override { return provider_names.at(provider_); }
    [[nodiscard]] std::string_view kind() const override { return "fake"; }
    [[nodiscard]] bool simulated() const override { return true; }
    [[nodiscard]] bool may_wait() const override { return false; }
    RegisterDriver *registers() override { return this; }

private:
    [[nodiscard]] const std::vector<RegisterSpec> &list() const override { return specs_; }
    [[nodiscard]] RegisterAbilities abilities() const override { return {.refresh = true, .extend = true}; }
    std::expected<void, ProviderError> refresh(RefreshSet, std::vector<mr::Bytes> &values) override {
        return history_.refresh(provider_, values);
    }
    std::expected<void, ProviderError> extend(RegisterIndex index, const mr::Digest &digest) override {
        return history_.extend(first_of.at(provider_) + index, digest);
    }
    std::expected<void, ProviderError> write(RegisterIndex, mr::ByteView) override { return std::unexpected(ProviderError{"no"}); }

    History &history_;
    std::size_t provider_;
    std::vector<RegisterSpec> specs_;
};

// One mrd, from its start to its end.
struct History::Life {
    boost::asio::io_context loop;
    std::unique_ptr<Journal> journal;
    std::unique_ptr<Daemon> daemon;
    std::array<ProviderRegisters *, providers> there{};
};

std::string History::Register::full_name() const { return std::string(provider_names.at(provider)) + "/" + name; }
ProviderRegisters *History::provider_of(std::size_t reg) const { return life_ ? life_->there.at(registers_[reg].provider) : nullptr; }
RegisterIndex History::index_of(std::size_t reg) const { return reg - first_of.at(registers_[reg].provider); }

History::History(std::uint32_t seed) : random_(seed), sync_(chance(70) ? Sync::group : Sync::none) {
    for (std::size_t i = 0; i < registers; ++i) {
        registers_.push_back({.provider = i < first_of[late_one] ? 0U : late_one,
                              .name = std::string(names.at(i)),
                              .owner = i == shared_register ? mr::Owner::shared : mr::Owner::owned});
    }
    write_firmware_logs();
    reset_registers();
}

History::~History() {
    disk_.kill();
    life_.reset();
}

void History::tell(std::string line) {
    // The same in every run.
    if (const auto at = line.find(folder_.path().native()); at != std::string::npos)
        line.replace(at, folder_.path().native().size(), "STATE");
    story_ += line + "\n";
}

void History::violation(const std::string &what) {
    tell("VIOLATION: " + what);
    violations_.push_back(what);
}

// ---- The hardware

void History::write_firmware_logs() {
    const auto add = [this](mr::Bytes &log, std::size_t reg, std::uint32_t index, const std::string &what) {
        const auto digest = mr::hash(algorithm, mr::as_bytes(what)).value();
        mr::Event event;
        event.index = index;
        event.type = mr::ev_ipl;
        event.digests.push_back({mr::tcg_id(algorithm), digest.bytes()});
        event.data = mr::as_bytes(what);
        mr::append_tcg_event(log, event);
        firmware_.at(registers_[reg].provider).events.emplace_back(reg, digest);
    };
    for (std::size_t provider = 0; provider < providers; ++provider) {
        mr::Bytes log;
        mr::append_tcg_header(log,
                              {.index = provider == late_one ? 0U : 1U, .algorithms = {{mr::tcg_id(algorithm), 48}}, .vendor_info = {}});
        if (provider == late_one) {
            constexpr std::uint32_t of_pcr8 = 8;
            for (const auto *what : {"loader", "kernel"}) add(log, 3, of_pcr8, what);
        } else {
            // An index of a CCEL counts from 1.
            add(log, 0, 1, "firmware");
            add(log, 1, 2, "settings");
            add(log, 0, 1, "more firmware");
        }
        firmware_.at(provider).log = firmware_folder_.path() / provider_names.at(provider);
        std::ofstream(firmware_.at(provider).log, std::ios::binary)
            .write(reinterpret_cast<const char *>(log.data()), static_cast<std::streamsize>(log.size()));
    }
}

void History::reset_registers() {
    for (auto &reg : registers_) reg.value = mr::Digest::zero(algorithm);
    for (const auto &firmware : firmware_) {
        for (const auto &[reg, digest] : firmware.events) registers_[reg].value = extended(registers_[reg].value, digest);
    }
    for (auto &reg : registers_) {
        reg.taken.clear();
        reg.held = {reg.value};
        reg.has_unseen = false;
        reg.floor = 0;
    }
}

void History::take(Register &reg, const mr::Digest &digest) {
    reg.value = extended(reg.value, digest);
    reg.taken.push_back(digest);
    reg.held.push_back(reg.value);
}

void History::extend_foreign() {
    auto &reg = registers_[below(registers)];
    mr::Bytes digest(mr::digest_size(algorithm));
    for (auto &byte : digest) byte = static_cast<std::uint8_t>(below(256));
    take(reg, mr::Digest(digest));
    reg.has_unseen = true;
    foreign_ = true;
    must_be_equal_ = false;
    tell("  somebody else extends " + reg.name + ": " + short_form(reg.value));
    count("foreign extends");
}

// Other things happen while the provider works.
void History::meanwhile() {
    if (is_quiet_ || depth_ > 1 || disk_.is_killed()) return;
    ++depth_;
    if (chance(4)) extend_foreign();
    if (chance(6)) send_new(below(registers), false);
    if (chance(1)) {
        tell("  mrd is killed");
        disk_.kill();
    }
    --depth_;
}

std::expected<void, ProviderError> History::refresh(std::size_t provider, std::vector<mr::Bytes> &values) {
    last_call_read_.at(provider) = false;
    if (disk_.is_killed()) return std::unexpected(ProviderError{"mrd is dead"});
    meanwhile();
    if (!is_quiet_ && chance(10)) {
        tell("  a reread fails");
        count("failed rereads");
        return std::unexpected(ProviderError{"it cannot be read"});
    }
    for (auto &reg : registers_) {
        if (reg.provider != provider) continue;
        values[index_of(static_cast<std::size_t>(&reg - registers_.data()))] = bytes_of(reg.value);
        reg.has_unseen = false;
    }
    last_call_read_.at(provider) = true;
    resynced_.at(provider).reset();
    meanwhile();
    return {};
}

std::expected<void, ProviderError> History::extend(std::size_t number, const mr::Digest &digest) {
    if (disk_.is_killed()) return std::unexpected(ProviderError{"mrd is dead"});
    auto &reg = registers_[number];
    auto &resynced = resynced_.at(reg.provider);
    const auto known = by_digest_.find(bytes_of(digest));
    const bool is_resync = known == by_digest_.end();
    if (!std::exchange(last_call_read_.at(reg.provider), false) && (is_resync || reg.owner == mr::Owner::shared) && resynced != number)
        violation(std::string(is_resync ? "a resync of " : "an extend of ") + reg.name + " without a reread right before it");
    resynced = is_resync ? std::optional(number) : std::nullopt;
    if (is_resync) count("resyncs");
    meanwhile();
    if (disk_.is_killed()) return std::unexpected(ProviderError{"mrd is dead"});
    if (!is_quiet_ && chance(5)) {
        tell("  the hardware fails before it extends " + reg.name);
        count("failures of the hardware");
        return std::unexpected(ProviderError{"it failed before", chance(50) ? Applied::no : Applied::unknown});
    }
    if (!is_resync) {
        auto &event = events_[known->second];
        if (contains(reg.taken, digest) && (event.answer || must_be_equal_)) violation(event.id + " is extended twice");
        event.is_exact = !reg.has_unseen;
    }
    take(reg, digest);
    tell("  " + reg.name + " takes " + (is_resync ? "a resync" : events_[known->second].id) + ": " + short_form(reg.value));
    meanwhile();
    if (!is_quiet_ && chance(5)) {
        tell("  the hardware fails after it");
        count("failures of the hardware");
        return std::unexpected(ProviderError{"it failed after", Applied::unknown});
    }
    return {};
}

// ---- Clients

namespace {

mr::Envelope cap_of(const std::string &reg, const std::string &id) {
    return {.header = {.type = "cap", .register_name = reg}, .body = {.description = id}};
}

}  // namespace

void History::send_new(std::size_t reg, bool caps) {
    const auto number = events_.size();
    const auto id = "event " + std::to_string(number);
    const auto digest =
        (caps ? mr::envelope_digest(cap_of(registers_[reg].full_name(), id), algorithm) : mr::hash(algorithm, mr::as_bytes(id))).value();
    by_digest_.emplace(bytes_of(digest), number);
    events_.push_back({.id = id, .reg = reg, .uid = below(clients), .digest = digest, .caps = caps});
    send(number);
}

void History::send(std::size_t number) {
    if (events_[number].is_sent || provider_of(events_[number].reg) == nullptr) return;
    auto &event = events_[number];
    event.is_sent = true;
    event.is_told_no = false;
    tell(event.id + " is sent to " + registers_[event.reg].name + (event.caps ? ", as a cap" : ""));
    count("extends sent");
    ++waiting_;
    EventDetails details{.caller = std::make_shared<const mr::EventCaller>(mr::EventCaller{.uid = event.uid})};
    if (event.caps) {
        details.origin = Origin::cap;
        details.type = mr::ev_event_tag;
        details.data = mr::encode_envelope(cap_of(registers_[event.reg].full_name(), event.id));
    } else {
        details.id = event.id;
        // Some take many pages.
        details.data = mr::Bytes(chance(15) ? below(30'000) : below(300), static_cast<std::uint8_t>(number));
    }
    provider_of(event.reg)->extend(index_of(event.reg), event.digest, std::move(details),
                                   [this, number, life = lives_](const std::expected<ProviderRegisters::Extended, RegisterError> &answer) {
                                       if (life == lives_ && !disk_.is_killed()) answered(number, answer);
                                   });
}

void History::answered(std::size_t number, const std::expected<ProviderRegisters::Extended, RegisterError> &answer) {
    auto &event = events_[number];
    event.is_sent = false;
    --waiting_;
    if (!answer) {
        tell(event.id + ": " + text_of_error(answer.error()));
        count("extends refused");
        const auto *failed = std::get_if<ProviderFailed>(&answer.error());
        event.is_told_no = failed != nullptr && failed->applied == Applied::no;
        if (event.answer) count("answered, and refused when sent again");
        return;
    }
    tell(event.id + " is answered: " + std::to_string(answer->sequence) + " " + short_form(answer->value));
    count("extends answered");
    if (event.answer && (event.answer->sequence != answer->sequence || event.answer->value != answer->value))
        violation(event.id + " has two answers");
    auto &reg = registers_[event.reg];
    if (event.is_exact && !contains(reg.held, answer->value))
        violation(event.id + " is answered with a value that " + reg.name + " never held");
    if (event.is_exact)
        reg.floor = std::max(reg.floor, static_cast<std::size_t>(std::ranges::find(reg.held, answer->value) - reg.held.begin()));
    event.answer = *answer;
}

void History::read() {
    const auto number = below(registers);
    auto *provider = provider_of(number);
    const bool fresh = chance(70);
    if (provider == nullptr) return;
    const auto &asked = registers_[number];
    const auto floor = fresh || asked.owner == mr::Owner::shared ? asked.held.size() - 1 : asked.floor;
    provider->read(mrd_itself, index_of(number), fresh,
                   [this, number, floor, provider, life = lives_](const std::expected<bool, RegisterError> &done) {
                       if (!done || life != lives_ || disk_.is_killed()) return;
                       auto &reg = registers_[number];
                       const auto found = std::ranges::find(reg.held, mr::Digest(provider->table().value(index_of(number))));
                       const auto place = static_cast<std::size_t>(found - reg.held.begin());
                       count("reads answered");
                       if (found == reg.held.end()) return violation("a read of " + reg.name + " is told a value that it never held");
                       if (place < floor) violation("a read of " + reg.name + " is told an older value than it was to get");
                       reg.floor = std::max(reg.floor, place);
                   });
}

void History::fail_disk() {
    using Call = FaultyDisk::Call;
    constexpr std::array of_writes{Fault::io_error,   Fault::no_space, Fault::short_write, Fault::torn_write,
                                   Fault::lost_write, Fault::kill,     Fault::torn_kill};
    const bool is_sync = sync_ == Sync::group && chance(40);
    const auto fault = is_sync ? (chance(80) ? Fault::io_error : Fault::kill) : of_writes.at(below(of_writes.size()));
    const bool is_of_checkpoint = !is_sync && chance(20);
    const auto of_write = is_of_checkpoint ? (chance(50) ? Call::checkpoint : Call::slot) : chance(10) ? Call::allocate : Call::write;
    const auto call = is_sync ? (chance(15) ? Call::sync_folder : Call::sync) : of_write;
    const bool lasts = chance(30);
    const auto number = 1 + (is_of_checkpoint ? 0 : below(6));
    if (is_sync) has_lost_pages_ = true;
    const auto *of_sort = is_sync ? "sync " : call == Call::checkpoint ? "checkpoint " : call == Call::slot ? "slot " : "write ";
    tell("the disk is to fail at " + std::string(of_sort) + std::to_string(number) + " from now, fault " +
         std::to_string(static_cast<int>(fault)) + (lasts ? ", and goes on to fail" : ""));
    count("faults of the disk");
    disk_.fail_call(call, number, fault, lasts);
}

void History::act() {
    const auto what = below(100);
    if (!life_->there[late_one] && chance(10)) come_late();
    const auto some_event = [this] { return events_.empty() ? 0 : below(static_cast<std::uint32_t>(events_.size())); };
    if (what < 45) {
        send_new(below(registers), false);
    } else if (what < 60) {
        // Sent again: one that was not answered, or one that was.
        if (const auto number = some_event(); number < events_.size() && !events_[number].caps) send(number);
    } else if (what < 70) {
        read();
    } else if (what < 76) {
        extend_foreign();
    } else if (what < 86) {
        end_sync();
    } else if (what < 90) {
        fail_disk();
    } else if (what < 93) {
        tell("the disk works again");
        if (!disk_.is_killed()) disk_.heal();
    } else if (what < 97) {
        const bool fails = sync_ == Sync::group && chance(30);
        if (fails) has_lost_pages_ = true;
        tell(fails ? "the kernel fails to write some pages" : "the kernel writes some pages");
        disk_.write_back([this] { return chance(50); }, fails);
    } else if (what < 98 && sync_ == Sync::group && has_lost_pages_) {
        tell("the kernel forgets the pages that it takes to be on the disk");
        count("evictions of lost pages");
        may_be_damaged_ = true;
        must_be_equal_ = false;
        disk_.evict();
    } else if (what == 99) {
        send_new(below(registers), true);
    }
    settle_syncs();
}

void History::settle_syncs() {
    if (waiting_ == 0 || sync_is_running_ || disk_.is_killed()) return;
    sync_is_running_ = true;
    life_->loop.restart();
    life_->loop.poll();  // it is asked for
    if (!disk_.begin_sync()) violation("somebody waits for ever");
}

void History::end_sync() {
    if (!sync_is_running_ || disk_.is_killed()) return;
    life_->loop.restart();
    life_->loop.poll();  // what waits beside it
    disk_.release_sync();
    life_->loop.restart();
    life_->loop.run_one();
    sync_is_running_ = false;
    count("syncs");
    settle_syncs();
}

void History::end_syncs() {
    while (sync_is_running_ && !disk_.is_killed() && violations_.empty()) end_sync();
}

// ---- Lives

mr::Bytes History::identity() {
    // Its first record: the moment it began.
    constexpr std::size_t of_beginning = 48;
    const auto all = mr::ByteView(disk_.bytes(journal_path()));
    const auto records = all.subspan(std::min(all.size(), file_header_size));
    const auto first = records.first(std::min(records.size(), of_beginning));
    return {first.begin(), first.end()};
}

void History::begin_era() {
    identity_ = identity();
    tell("a new journal");
    count("new journals");
    if (!may_begin_anew_ && !(is_after_kexec_ && (foreign_ || !proves_itself())))
        violation("a new journal begins where the old one had to go on");
    for (auto &event : events_) event.answer.reset();
    must_be_equal_ = std::ranges::all_of(registers_, [](const Register &reg) { return reg.taken.empty(); });
    may_begin_anew_ = may_be_damaged_ = has_lost_pages_ = may_lack_firmware_ = false;
    foreign_ = !must_be_equal_;
}

bool History::start(bool with_faults) {
    disk_.heal();
    disk_.step_syncs();
    if (with_faults) fail_disk();
    ++lives_;
    count("starts");
    tell(std::string("mrd starts, in ") + boot_id_);
    const bool is_late = chance(25);
    if (is_late) tell("  without " + std::string(provider_names[late_one]));
    is_quiet_ = true;
    auto life = std::make_unique<Life>();
    const auto started = [&]() -> std::expected<void, std::string> {
        auto opened = Journal::open(life->loop, {.folder = folder_.path(),
                                                 .boot_id = boot_id_,
                                                 .sync = sync_,
                                                 .checkpoint_interval = 2000,
                                                 .open_file = disk_.opener(),
                                                 .sync_folder = disk_.folder_syncer()});
        if (!opened) return std::unexpected(opened.error());
        life->journal = std::move(*opened);
        life->daemon = std::make_unique<Daemon>(life->loop, *life->journal);
        std::vector<LogFiles> logs;
        for (std::size_t provider = 0; provider < providers; ++provider) {
            if (provider == late_one && is_late) continue;
            if (auto added = add(*life, provider); !added) return added;
            logs.push_back({std::string(provider_names.at(provider)), firmware_.at(provider).log});
        }
        if (auto begun = life->daemon->registers().start_journal(logs); !begun) return begun;
        if (!life->journal->is_checked()) count("starts from a checkpoint");
        while (!life->journal->is_checked()) life->loop.run_one();
        life->loop.restart();
        return {};
    }();
    is_quiet_ = false;
    life_ = std::move(life);
    if (const auto now = identity(); now != identity_ && !now.empty()) begin_era();
    if (with_faults) may_lack_firmware_ = true;  // of the new one too
    if (started) return !disk_.is_killed();
    tell("mrd does not start: " + started.error());
    if (!with_faults) violation("mrd does not start: " + started.error());
    return false;
}

std::expected<void, std::string> History::add(Life &life, std::size_t provider) {
    auto hardware = std::make_unique<Hardware>(*this, provider);
    auto specs = hardware->registers()->list();
    if (auto added = life.daemon->add(std::move(hardware), std::move(specs)); !added) return added;
    life.there.at(provider) = life.daemon->registers().providers().back();
    return {};
}

// As Daemon does it when a provider has been tried again.
void History::come_late() {
    if (disk_.is_killed()) return;
    const std::string name(provider_names[late_one]);
    tell("  " + name + " comes");
    count("late providers");
    const bool was_quiet = std::exchange(is_quiet_, true);
    if (auto added = add(*life_, late_one); !added) violation(name + " does not come: " + added.error());
    auto &all = life_->daemon->registers();
    if (auto joined = all.join(*life_->there[late_one], {{name, firmware_[late_one].log}}); !joined) tell(joined.error());
    if (disk_.is_killed() || life_->journal->condition() != Journal::Condition::good) may_lack_firmware_ = true;
    is_quiet_ = was_quiet;
}

// Over a kexec: one of the registers that are there has been extended.
bool History::proves_itself() const {
    return std::ranges::any_of(
        registers_, [this](const Register &reg) { return !reg.taken.empty() && life_ && life_->there.at(reg.provider) != nullptr; });
}

void History::end_life() {
    disk_.kill();
    life_.reset();
    disk_.heal();
    waiting_ = 0;
    sync_is_running_ = false;
    for (auto &event : events_) event.is_sent = false;
}

void History::restart() {
    if (life_ && !disk_.is_killed() && chance(30)) end_syncs();
    end_life();
    const auto reached = std::array{0U, 50U, 90U, 100U}.at(below(4));
    const auto has_reached = [this, reached] { return chance(reached); };
    const auto how = below(100);
    if (how < 55) {
        tell("mrd has ended");
        count("kills");
    } else if (how < 85) {
        tell("THE MACHINE CRASHES");
        count("crashes of the machine");
        if (sync_ == Sync::group) {
            disk_.crash(folder_.path(), has_reached);
            check_disk();
        } else {
            for (const auto &entry : std::filesystem::directory_iterator(folder_.path())) std::filesystem::remove(entry.path());
            identity_.clear();
        }
        reset_registers();
        boot_id_ = "boot " + std::to_string(lives_ + 1);
        may_begin_anew_ = true;
        may_be_damaged_ = false;
        foreign_ = false;
        must_be_equal_ = true;
    } else {
        const bool loses = sync_ == Sync::group && (has_lost_pages_ || chance(50));
        tell(loses ? "ANOTHER KERNEL IS STARTED, AND PAGES ARE LOST" : "ANOTHER KERNEL IS STARTED");
        count("kexecs");
        if (loses) {
            disk_.crash(folder_.path(), has_reached);
            check_disk();
            may_begin_anew_ = may_be_damaged_ = true;
            must_be_equal_ = false;
        }
        boot_id_ = "boot " + std::to_string(lives_ + 1);
        is_after_kexec_ = true;
    }
    // It may die again before it is ready, or soon after.
    while (violations_.empty() && chance(30)) {
        if (start(true)) {
            for (auto i = below(4); i > 0 && !disk_.is_killed(); --i) act();
        }
        end_life();
    }
    if (!violations_.empty() || !start(false)) return;
    may_begin_anew_ = is_after_kexec_ = false;
    if (!life_->there[late_one] && chance(50)) come_late();
    is_quiet_ = true;
    check_log();
    if (violations_.empty()) check_registers();
    if (violations_.empty()) check_extends();
    is_quiet_ = false;
}

std::optional<std::vector<History::LoggedEvent>> History::read_log(const Journal &journal) {
    std::vector<LoggedEvent> log;
    Cursor cursor(*journal.file(), journal.end());
    mr::Event event;
    for (;;) {
        const auto step = cursor.next(event, 1000);
        if (!step) {
            violation("the log cannot be read: " + step.error());
            return std::nullopt;
        }
        if (*step == Cursor::Step::end) return log;
        if (*step == Cursor::Step::busy) continue;
        LoggedEvent one{.sequence = event.sequence, .origin = event.origin, .digest = mr::Digest(event.digests.front().value)};
        if (event.id) one.id = std::string(*event.id);
        if (event.origin == mr::EventOrigin::resync && event.data) {
            if (const auto resync = mr::decode_envelope(*event.data)) one.found = resync->body.found;
        }
        const auto reg = std::ranges::find_if(registers_, [&](const Register &known) { return event.name == known.full_name(); });
        if (reg == registers_.end()) {
            violation("the log names the register " + std::string(event.name));
            return std::nullopt;
        }
        one.reg = static_cast<std::size_t>(reg - registers_.begin());
        log.push_back(std::move(one));
    }
}

void History::check_answers(const std::vector<LoggedEvent> &log, const std::string &where) {
    for (const auto &event : events_) {
        if (!event.answer) continue;
        const auto sequence = static_cast<std::size_t>(event.answer->sequence);
        if (sequence == 0 || sequence > log.size() || log[sequence - 1].digest != event.digest)
            violation(event.id + " was answered and is not " + where);
    }
}

void History::check_disk() {
    const bool has_answers = std::ranges::any_of(events_, [](const Event &event) { return event.answer.has_value(); });
    if (!has_answers) return;
    boost::asio::io_context loop;
    const auto journal = Journal::open(loop, {.folder = folder_.path(), .boot_id = boot_id_, .open_file = disk_.opener()});
    if (!journal || !(*journal)->file()) return violation("the journal is not on the disk");
    if (const auto log = read_log(**journal)) check_answers(*log, "on the disk");
}

void History::check_log() {
    auto &journal = *life_->journal;
    if (journal.condition() == Journal::Condition::damaged) {
        tell(journal.reason());
        count("damaged journals");
        if (!may_be_damaged_) return violation("the journal is damaged, and nothing was lost");
        if (const auto log = read_log(journal)) check_answers(*log, "before the damage");
        const auto number = events_.size();
        send_new(0, false);
        if (events_[number].answer) violation("a damaged journal takes an extend");
        const auto kept = life_->daemon->registers().repair_journal();
        if (!kept) return violation(kept.error());
        identity_ = identity();
        must_be_equal_ = false;
    }
    may_be_damaged_ = false;
    if (journal.condition() != Journal::Condition::good) return violation("a good disk, and the journal is not: " + journal.reason());
    const auto log = read_log(journal);
    if (!log) return;
    check_answers(*log, "in the log");
    std::vector<std::size_t> taken(registers);  // so many of the hardware's are accounted for
    std::vector<mr::Digest> values(registers, mr::Digest::zero(algorithm));
    std::vector<bool> capped(registers);
    std::array<std::size_t, providers> of_firmware{};
    std::map<mr::Bytes, std::uint64_t> seen;
    for (std::size_t i = 0; i < log->size(); ++i) {
        const auto &event = (*log)[i];
        const auto &reg = registers_[event.reg];
        const auto name = "event " + std::to_string(event.sequence) + " of the log";
        if (event.sequence != i + 1) violation(name + " follows " + std::to_string(i));
        if (event.origin == mr::EventOrigin::firmware) {
            const auto &all = firmware_.at(reg.provider).events;
            const auto number = of_firmware.at(reg.provider)++;
            if (number >= all.size() || all[number] != std::pair(event.reg, event.digest)) violation(name + " is none of the firmware's");
            for (std::size_t other = 0; other < registers; ++other) {
                if (registers_[other].provider == reg.provider && taken[other] > 0)
                    violation(name + " is the firmware's, and stands behind one of mrd's");
            }
            values[event.reg] = extended(values[event.reg], event.digest);
            continue;
        }
        if (!seen.emplace(bytes_of(event.digest), event.sequence).second) violation(name + " is there twice");
        if (capped[event.reg]) violation(name + " is of a register that was capped before");
        const auto known = by_digest_.find(bytes_of(event.digest));
        if (event.origin == mr::EventOrigin::resync) {
            if (known != by_digest_.end() || !event.found) violation(name + " is a resync that says nothing");
            if (event.found && !contains(reg.held, mr::Digest(*event.found))) violation(name + " found what " + reg.name + " never held");
            if (event.found) values[event.reg] = mr::Digest(*event.found);
        } else if (known == by_digest_.end()) {
            violation(name + " was sent by nobody");
        } else {
            const auto &sent = events_[known->second];
            if (sent.is_told_no) violation(name + " is one that its client was told had not happened");
            if (event.id.value_or("") != (sent.caps ? "" : sent.id)) violation(name + " has another id");
            capped[event.reg] = capped[event.reg] || sent.caps;
        }
        // In the order in which the register took them.
        const auto from = reg.taken.begin() + static_cast<std::ptrdiff_t>(taken[event.reg]);
        const auto found = std::find(from, reg.taken.end(), event.digest);
        if (found == reg.taken.end()) {
            violation(name + " did not happen, or not in this order");
        } else {
            taken[event.reg] = static_cast<std::size_t>(found - reg.taken.begin()) + 1;
        }
        values[event.reg] = extended(values[event.reg], event.digest);
        if (known != by_digest_.end()) {
            const auto &answer = events_[known->second].answer;
            if (answer && answer->value != values[event.reg]) violation(name + " was answered with another value");
        }
    }
    for (std::size_t provider = 0; provider < providers; ++provider) {
        const bool is_whole = of_firmware.at(provider) == firmware_.at(provider).events.size();
        if (!is_whole && of_firmware.at(provider) > 0)
            violation("a part of the firmware's log of " + std::string(provider_names.at(provider)) + " is missing");
        if (!is_whole && may_lack_firmware_) must_be_equal_ = false;
        if (!is_whole && must_be_equal_ && life_->there.at(provider) != nullptr)
            violation("the firmware's log of " + std::string(provider_names.at(provider)) + " is not in the log");
        figures_["firmware's events in logs"] += of_firmware.at(provider);
    }
    for (std::size_t i = 0; i < registers; ++i) {
        const auto number = journal.state().find(provider_names.at(registers_[i].provider), registers_[i].name, algorithm);
        if (number && journal.state().registers()[*number].logged != values[i])
            violation(registers_[i].name + " is not what the log leads to");
        const auto *provider = provider_of(i);
        if (provider == nullptr) continue;
        // A repair takes over a cap whose event is among what is missing.
        const bool cap_is_lost =
            journal.state().repairs() > 0 && std::ranges::any_of(events_, [i](const auto &sent) { return sent.caps && sent.reg == i; });
        if (provider->capped(index_of(i)) != capped[i] && (capped[i] || !cap_is_lost))
            violation(registers_[i].name + " is capped, or not, against the log");
        const auto &logged = provider->table().logged(index_of(i));
        if (!logged || *logged != values[i]) violation(registers_[i].name + " is to hold what the log does not lead to");
    }
    figures_["events in logs"] += log->size();
}

void History::check_registers() {
    for (std::size_t i = 0; i < registers; ++i) {
        auto *provider = provider_of(i);
        if (provider == nullptr) continue;
        bool read_well = false;
        provider->read(mrd_itself, index_of(i), true,
                       [&](const std::expected<bool, RegisterError> &done) { read_well = done.has_value(); });
        if (!read_well) violation(registers_[i].name + " cannot be read");
        const auto &table = provider->table();
        const bool is_equal = *table.logged(index_of(i)) == registers_[i].value;
        if (is_equal == table.needs_resync(index_of(i)))
            violation(registers_[i].name + (is_equal ? " is" : " is not") + " said to differ from the log");
        if (!is_equal && must_be_equal_) violation(registers_[i].name + " differs from the log, and nobody has touched it");
        if (!is_equal) count("registers that differ from the log");
    }
}

void History::check_extends() {
    for (std::size_t i = 0; i < registers; ++i) {
        if (provider_of(i) == nullptr) continue;
        const auto number = events_.size();
        send_new(i, false);
        settle_syncs();
        end_syncs();
        const auto &event = events_[number];
        if (event.is_sent) violation(event.id + " is not answered");
        if (provider_of(i)->capped(index_of(i)) == event.answer.has_value())
            violation(registers_[i].name + (event.answer ? " is capped and was extended" : " cannot be extended"));
        if (event.answer && event.is_exact && event.answer->value != registers_[i].value)
            violation(event.id + " is answered with what " + registers_[i].name + " does not hold");
    }
}

void History::run() {
    if (!start(false)) return;
    may_begin_anew_ = false;
    for (auto lives = 3 + below(5); lives > 0 && violations_.empty(); --lives) {
        for (auto actions = 5 + below(40); actions > 0 && !disk_.is_killed() && violations_.empty(); --actions) act();
        if (violations_.empty()) restart();
    }
}

}  // namespace mrd::journal
