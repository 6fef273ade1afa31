// The journal at its start: what the file holds, whether it goes on, what it takes in; and its repair, which begins it anew.
#include <algorithm>
#include <span>
#include <system_error>

#include "mrd/journal/journal.h"
#include "mrd/journal/proof.h"
#include "mrd/journal/record_reader.h"
#include "mrd/log.h"
#include "mrd/own_files.h"

namespace mrd::journal {

namespace {

using Failure = std::unexpected<std::string>;
namespace fs = std::filesystem;

constexpr std::uint64_t bytes_of_progress = std::uint64_t{1} << 20U;

std::string in_use(const fs::path &file) {
    return "another mrd writes the journal " + file.string() + ": stop it first, or give this one another state directory";
}

const Present *present_register(const std::vector<Present> &registers, const RegisterState &known) {
    const auto is_same = [&](const Present &present) {
        return present.algorithm == known.algorithm && present.provider == known.provider &&
               known.name.size() == present.provider.size() + 1 + present.name.size() && known.name.ends_with(present.name);
    };
    const auto found = std::ranges::find_if(registers, is_same);
    return found == registers.end() ? nullptr : &*found;
}

std::string name_of(const Present &present) {
    return present.provider + "/" + present.name + ":" + std::string(mr::to_string(present.algorithm));
}

std::string_view text_of(Outcome outcome) {
    switch (outcome) {
    case Outcome::undone: return "undone";
    case Outcome::done: return "done";
    case Outcome::indeterminate: break;
    }
    return "indeterminate";
}

}  // namespace

// ---- Opening: what the file holds

std::expected<std::unique_ptr<Journal>, std::string> Journal::open(boost::asio::io_context &loop, Options options) {
    std::unique_ptr<Journal> journal(new Journal(loop, std::move(options)));
    if (auto own = check_own_file(journal->path("journal"), Content::open); !own) return Failure(own.error());
    auto file = journal->options_.open_file(journal->path("journal"), OpenMode::existing);
    if (!file && file.error() == std::errc::no_such_file_or_directory) return journal;
    if (!file && file.error() == std::errc::device_or_resource_busy) return Failure(in_use(journal->path("journal")));
    if (!file) return Failure(cannot("open the journal", journal->path("journal"), file.error()));
    journal->file_ = std::move(*file);
    if (auto loaded = journal->load(); !loaded) return Failure(loaded.error());
    return journal;
}

std::expected<void, std::string> Journal::load() {
    const auto unreadable = [this](const std::error_code &error) { return Failure(cannot("read the journal", path("journal"), error)); };
    const auto size = file_->size();
    if (!size) return unreadable(size.error());
    file_size_ = allocated_ = *size;
    mr::Bytes header(file_header_size);
    std::size_t filled = 0;
    while (filled < header.size()) {
        const auto count = file_->read(filled, std::span(header).subspan(filled));
        if (!count) return unreadable(count.error());
        if (*count == 0) break;
        filled += *count;
    }
    header.resize(filled);
    const auto version = read_version(header);
    if (version && *version < format_version) {
        older_format_ = *version;
        return {};
    }
    if (!version) {
        set_damaged(0, version.error());
        return {};
    }
    if (*version > format_version) {
        set_damaged(0, "it is of format version " + std::to_string(*version) + ", which this mrd does not know");
        return {};
    }
    if (header.size() < file_header_size) {
        set_damaged(0, "it is shorter than a journal's header");
        return {};
    }

    last_ = Mark::of(0, header);
    checkpoint_end_ = file_header_size;
    const auto slot = start_from_checkpoint(header);
    if (slot && slot->is_durable) synced_ = checkpoint_end_;
    next_checkpoint_ = checkpoint_end_ + options_.checkpoint_interval;
    Proof proof(*file_, std::move(state_), checkpoint_end_, file_size_);
    auto step = Proof::Step::more;
    while (step == Proof::Step::more && !proof.is_at_end()) {
        step = proof.step(bytes_of_progress);
        if (options_.on_progress) options_.on_progress();
    }
    state_ = std::move(proof.state());
    end_ = proof.offset();
    if (proof.last()) last_ = *proof.last();
    if (step == Proof::Step::unreadable) return unreadable(proof.error());
    if (step == Proof::Step::damaged) {
        set_damaged(end_, proof.what());
        return {};
    }

    const auto last = end_of_data(*file_, end_, file_size_);
    if (!last) return unreadable(last.error());
    if (*last == end_) return {};
    auto &reader = proof.reader();
    const auto more = reader.skip_damage();
    if (!more) return unreadable(more.error());
    if (*more) {
        set_damaged(end_, "the record there cannot be read, but others follow at byte " + std::to_string(reader.offset()));
    } else {
        dirty_until_ = *last;  // cut when this journal goes on
        torn_ = true;
    }
    return {};
}

void Journal::set_damaged(std::uint64_t offset, const std::string &what) {
    condition_ = Condition::damaged;
    reason_ = "the journal " + path("journal").string() + " is damaged at byte " + std::to_string(offset) + ": " + what +
              "; run `mrctl repair` to begin a new one that says what is missing";
}

// ---- Start: does it go on?

std::expected<void, std::string> Journal::start(const std::vector<Present> &registers, const std::vector<LogFiles> &firmware_logs) {
    const bool had_one = file_ != nullptr;
    const bool is_new = !had_one || older_format_.has_value() || !goes_on(registers);
    // Without an event there is nothing to keep.
    const bool is_kept = had_one && (older_format_.has_value() || condition_ == Condition::damaged || torn_ || state_.sequence() != 0);
    if (!is_new) {
        if (auto done = go_on(); !done) return done;
    } else {
        if (condition_ == Condition::damaged) log::warning("the journal of an earlier boot is damaged", {{"offset", std::to_string(end_)}});
        if (auto begun = begin_anew(); !begun) return begun;
    }
    // A full disk keeps nobody from reading what there is: a register that the journal has no room for is refused an extend.
    if (auto joined = join(registers, firmware_logs); !joined) {
        if (is_new) return joined;
        log::error(joined.error());
    }
    if (is_new) {
        // Whole: a crash before this leaves the old one, and never one without its registers or with half of the firmware's log.
        fs::path kept_as;
        if (auto placed = put_in_place(path("journal.new"), is_kept, kept_as); !placed) return placed;
        if (older_format_) {
            log::warning(
                "the journal that was there is of an older format, which this mrd does not read: it is kept aside, and a new one begins",
                {{"format", std::to_string(*older_format_)}, {"old", kept_as.string()}});
        } else {
            log::info("a new journal begins", {{"old", is_kept ? kept_as.string() : "none"}});
        }
    }
    begin_syncing();
    if (!is_new && condition_ != Condition::damaged && checkpoint_end_ > file_header_size) begin_check();
    if (no_room_.empty() && end_ + smallest_event() > options_.size_limit)
        no_room_ = text_of(Error(Full{options_.size_limit, std::nullopt}));
    return {};
}

// What the journal held before may be lost in spite of this mrd's first sync: where one failed, the kernel told the mrd of that time, and counts as written
// what never reached the disk. So all of it is written again, and its name, which a kill may have kept from being synced, is synced too.
void Journal::begin_syncing() {
    if (options_.sync != Sync::group) return;
    sync_thread_.reset();
    auto made = make_durable();
    // The first may have been told an error of before: what was written then is written again.
    if (!made) made = make_durable();
    if (!made) log::error(text_of(fail_sync(std::move(made.error())).error()));
    sync_thread_ = std::make_unique<SyncThread>(
        loop_, *file_, [this](std::uint64_t position, const AppendFile::Result<void> &result) { synced(position, result); });
}

// docs/event-log.md, "Another boot, or the same", has the rule. What proves that the registers lived on is one that holds what mrd's own events made of it; one
// that mrd never extended holds what it does after every boot. No extend leads back: one that holds again what it held before mrd's first event was reset.
bool Journal::goes_on(const std::vector<Present> &registers) const {
    // Nothing of it can be read: for repair() to decide, unless nothing of it can be in force, since no extend leads back to a register's initial value.
    if (state_.boot_id().empty())
        return condition_ == Condition::damaged &&
               std::ranges::any_of(registers, [](const Present &reg) { return reg.value != reg.initial; });
    const auto logged = state_.logged_after(held_by(registers));
    bool compared = false;
    bool equal = true;          // every owned one holds what the journal leads to
    bool lived_on = false;      // one that mrd extended does
    bool all_known = true;      // every one that mrd extended does
    bool was_reset = false;     // one that mrd extended holds what it did before
    bool was_all_reset = true;  // and so does every one that is there
    for (std::size_t number = 0; number < logged.size(); ++number) {
        const auto &reg = state_.registers()[number];
        const auto *present = present_register(registers, reg);
        const bool extended = logged[number] != reg.explained;
        if (present == nullptr) {
            all_known = all_known && !extended;
            continue;
        }
        compared = true;
        // What mrd never extended is where it was when it joined, whether or not a log leads there.
        const bool holds = present->value == logged[number] || (!extended && present->value == reg.start);
        lived_on = lived_on || (extended && holds);
        all_known = all_known && (holds || !extended);
        // Software resets it at any time: that it was says nothing.
        if (present->resettable) continue;
        equal = equal && (holds || !present->owned);
        was_reset = was_reset || (extended && present->value == reg.explained);
        was_all_reset = was_all_reset && (!extended || present->value == reg.explained);
    }
    // The machine was not started anew in this boot: some of its hardware may have been reset, but not all.
    if (state_.boot_id() == options_.boot_id) return lived_on || !was_reset || !was_all_reset;
    // Of one that is damaged all_known is not known: without a register that proves it, it is of a boot that has ended, and keeps nobody from extending. One
    // without an event would go on over a crash, too, and be of the boot before where its first records are damaged later.
    const bool has_events = state_.sequence() != 0 && condition_ != Condition::damaged;
    return !was_reset && compared && equal && (lived_on || (all_known && has_events));
}

std::expected<void, std::string> Journal::go_on() {
    if (condition_ == Condition::damaged) return {};
    if (torn_) {
        if (auto mended = mend(); !mended) log::error(text_of(mended.error()));
    }
    if (state_.boot_id() == options_.boot_id) return {};
    log::info("the journal goes on over a change of the boot id, as the registers did", {{"boot_id", options_.boot_id}});
    if (auto said = say_boot(); !said) log::error(text_of(said.error()));
    return {};
}

// The bytes are kept before they are cut off; where there is no room for them nothing is written until there is.
std::expected<void, Error> Journal::cut_torn_tail() {
    const auto kept_as = unused_name("journal.torn");
    if (const auto kept = keep_torn_tail(kept_as); !kept) {
        std::error_code ignored;
        fs::remove(kept_as, ignored);
        return fail(cannot("keep the torn end of the journal as", kept_as, kept.error()));
    }
    log::warning("the journal's last record was not whole and is cut off",
                 {{"offset", std::to_string(end_)}, {"bytes", std::to_string(dirty_until_ - end_)}, {"kept", kept_as.string()}});
    torn_ = false;
    return {};
}

AppendFile::Result<void> Journal::keep_torn_tail(const fs::path &kept_as) {
    auto kept = options_.open_file(kept_as, OpenMode::new_file);
    if (!kept) return std::unexpected(kept.error());
    mr::Bytes piece(std::size_t{1} << 16U);
    for (auto at = end_; at < dirty_until_;) {
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), dirty_until_ - at));
        const auto count = file_->read(at, std::span(piece).first(wanted));
        if (!count) return std::unexpected(count.error());
        if (*count == 0) break;
        if (auto written = write_all(**kept, at - end_, mr::ByteView(piece).first(*count)); !written) return written;
        at += *count;
    }
    if (options_.sync != Sync::group) return {};
    // Zeros may reach the disk at any time.
    if (auto synced = (*kept)->sync(); !synced) return synced;
    return options_.sync_folder(options_.folder);
}

std::expected<void, std::string> Journal::begin_anew() {
    const auto new_path = path("journal.new");
    // Left over from a kill, unless somebody has it open.
    if (const auto left = options_.open_file(new_path, OpenMode::existing); !left && left.error() == std::errc::device_or_resource_busy)
        return Failure(in_use(new_path));
    std::error_code ignored;
    fs::remove(new_path, ignored);
    auto file = options_.open_file(new_path, OpenMode::new_file);
    if (!file) return Failure(cannot("create the journal", new_path, file.error()));
    file_ = std::move(*file);
    state_ = State();
    end_ = allocated_ = dirty_until_ = synced_ = 0;
    checkpoint_end_ = file_header_size;
    next_checkpoint_ = checkpoint_end_ + options_.checkpoint_interval;
    slot_.reset();
    name_is_durable_ = false;
    sync_failure_.clear();
    torn_ = false;
    owed_.clear();
    condition_ = Condition::good;
    reason_.clear();
    if (auto room = make_room(file_header_size); !room) return Failure(text_of(room.error()));
    mr::Bytes header;
    append_file_header(header);
    if (auto written = write_all(*file_, 0, header); !written) return Failure(cannot("write the journal", new_path, written.error()));
    last_ = Mark::of(0, header);
    end_ = file_header_size;
    if (auto appended = append(Boot{now(), options_.boot_id}); !appended) return Failure(text_of(appended.error()));
    return {};
}

std::expected<void, std::string> Journal::put_in_place(const fs::path &new_file, bool keep_old, fs::path &kept_as) {
    std::error_code error;
    if (options_.sync == Sync::group) {
        if (auto synced = file_->sync(); !synced) return Failure(cannot("sync the journal", new_file, synced.error()));
        synced_ = end_;
    }
    if (keep_old && fs::exists(fs::symlink_status(path("journal"), error))) {
        // The old one keeps a name at every moment: a kill between the two lines leaves it with both.
        kept_as = unused_name("journal");
        fs::create_hard_link(path("journal"), kept_as, error);
        if (error) return Failure(cannot("keep the old journal as", kept_as, error));
    }
    fs::rename(new_file, path("journal"), error);
    if (error) return Failure(cannot("put the new journal in place as", path("journal"), error));
    return {};
}

fs::path Journal::unused_name(std::string_view prefix) const {
    for (std::uint64_t number = 1;; ++number) {
        auto name = path(std::string(prefix) + "." + std::to_string(number));
        std::error_code ignored;
        if (!fs::exists(fs::symlink_status(name, ignored))) return name;
    }
}

State::Held Journal::held_by(const std::vector<Present> &registers) const {
    State::Held held(state_.registers().size());
    for (std::size_t number = 0; number < held.size(); ++number) {
        if (const auto *present = present_register(registers, state_.registers()[number])) held[number] = present->value;
    }
    return held;
}

// Of registers whose provider is not there nobody can tell yet.
void Journal::settle_open(const std::vector<Present> &registers) {
    if (state_.open().empty()) return;
    for (const auto &[number, outcome] : state_.conclude(held_by(registers))) {
        const auto &intent = *std::ranges::find(state_.open(), number, &OpenIntent::number);
        log::warning("an extend was under way when mrd ended",
                     {{"register", state_.registers()[intent.targets.front().reg].name}, {"outcome", text_of(outcome)}});
        settle(number, outcome);
    }
}

std::expected<void, std::string> Journal::add_registers(const std::vector<Present> &registers) {
    for (const auto &present : registers) {
        if (state_.find(present.provider, present.name, present.algorithm)) continue;
        if (state_.registers().size() == max_registers)
            return Failure("more than " + std::to_string(max_registers) + " registers: the journal cannot hold them");
        if (auto appended = append(Register{present.algorithm, present.initial, present.value, present.provider, present.name}); !appended)
            return Failure("the journal has no room for the register " + name_of(present) + ": " + text_of(appended.error()));
    }
    return {};
}

}  // namespace mrd::journal
