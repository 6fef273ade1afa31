#include "mrd/journal/journal.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "mrd/clock.h"
#include "mrd/journal/record_reader.h"
#include "mrd/journal/space.h"
#include "mrd/log.h"

namespace mrd::journal {

namespace {

Intent record_of(const NewEvent &event, std::uint64_t number, std::int64_t time) {
    return {.number = number,
            .origin = event.origin,
            .type = event.type,
            .time = time,
            .targets = Targets(event.targets),
            .uid = event.caller->uid,
            .gid = event.caller->gid,
            .pid = event.caller->pid,
            .executable = event.caller->executable,
            .unit = event.caller->unit,
            .rule = event.caller->rule,
            .id = event.id,
            .description = event.description,
            .data = event.data,
            .on_behalf_of = event.caller->on_behalf_of};
}

Full full_journal(std::uint64_t size_limit) { return {size_limit, std::nullopt}; }

// The header as far as it is never written again.
const Mark &header_mark() {
    static const Mark mark = [] {
        mr::Bytes header;
        append_file_header(header);
        return Mark::of(0, header);
    }();
    return mark;
}

}  // namespace

Journal::~Journal() = default;

std::int64_t Journal::now() { return now_in_microseconds(); }

// ---- Writing

AppendFile::Result<void> Journal::write_all(AppendFile &file, std::uint64_t offset, mr::ByteView bytes) {
    while (!bytes.empty()) {
        const auto count = file.write(offset, bytes);
        if (!count) return std::unexpected(count.error());
        if (*count == 0) return std::unexpected(std::make_error_code(std::errc::io_error));
        offset += *count;
        bytes = bytes.subspan(*count);
    }
    return {};
}

AppendFile::Result<void> Journal::write_zeros(std::uint64_t begin, std::uint64_t end) {
    const mr::Bytes zeros(static_cast<std::size_t>(std::min<std::uint64_t>(end - begin, std::size_t{1} << 16U)));
    while (begin < end) {
        const auto piece = mr::ByteView(zeros).first(static_cast<std::size_t>(std::min<std::uint64_t>(zeros.size(), end - begin)));
        if (auto written = write_all(*file_, begin, piece); !written) return written;
        begin += piece.size();
    }
    return {};
}

std::unexpected<Error> Journal::fail(std::string reason) {
    if (condition_ != Condition::damaged) {
        condition_ = Condition::failed;
        reason_ = reason;
    }
    tell_condition();
    return std::unexpected(Error(Failed{std::move(reason)}));
}

// Once for each change: a full disk refuses every event.
void Journal::tell_condition() {
    // That of a journal which may not come to be.
    if (is_repairing_) return;
    const auto now = condition();
    if (std::exchange(told_, now) == now) return;
    switch (now) {
    case Condition::good: return log::info(log::Kind::journal, "the journal takes events again");
    case Condition::full: return log::warning(log::Kind::journal, "the journal takes no more events", {{"reason", reason()}});
    case Condition::failed:
        return log::error(log::Kind::journal, "the journal cannot be written: nothing is extended", {{"reason", reason()}});
    case Condition::damaged: return;  // told by who found it
    }
}

std::expected<void, Error> Journal::make_room(std::uint64_t size) {
    auto made = make_room_in_file(size);
    if (made) {
        no_room_.clear();
    } else {
        no_room_ = text_of(made.error());
    }
    tell_condition();
    return made;
}

std::expected<void, Error> Journal::make_room_in_file(std::uint64_t size) {
    const auto needed = end_ + size;
    if (needed > options_.size_limit) return std::unexpected(Error(full_journal(options_.size_limit)));
    if (needed <= allocated_) return {};
    // A step ahead; if there is no room for that, what is needed.
    const auto ahead = std::min(options_.size_limit, (needed / allocation_step + 1) * allocation_step);
    auto made = file_->allocate(allocated_, ahead - allocated_);
    auto allocated = ahead;
    if (!made && ahead > needed) {
        made = file_->allocate(allocated_, needed - allocated_);
        allocated = needed;
    }
    // Nothing was written: the journal is as good as before.
    if (!made) return std::unexpected(Error(Failed{cannot("make room in", path("journal"), made.error())}));
    allocated_ = allocated;
    return {};
}

std::expected<void, Error> Journal::append(const Record &record, std::size_t following) {
    if (condition_ == Condition::failed) {
        if (auto mended = mend(); !mended) return mended;
    }
    // As the write before this one has found.
    if (condition_ == Condition::damaged) return fail(reason_);
    // What it tells of belongs to this boot, and a start that could not say so goes on.
    if (auto said = std::holds_alternative<Boot>(record) ? std::expected<void, Error>() : say_boot(); !said) return said;
    scratch_.clear();
    append_record(scratch_, end_, record);
    return write_scratch(record, following);
}

std::expected<void, Error> Journal::say_boot() {
    if (state_.boot_id() == options_.boot_id) return {};
    return append(Boot{now(), options_.boot_id});
}

// With what this mrd does not know of it.
std::expected<void, Error> Journal::append_copy_of(const Head &head, mr::ByteView bytes, const Record &record) {
    scratch_.clear();
    append_copy(scratch_, end_, head.kind, head.body(bytes));
    return write_scratch(record, 0);
}

std::expected<void, Error> Journal::write_scratch(const Record &record, std::size_t following) {
    const auto size = scratch_.size();
    const bool is_intent = std::holds_alternative<Intent>(record);
    // Every open intent, this one too, keeps room for the record that settles it.
    const auto open = state_.open().size() + (is_intent ? 1 : 0);
    if (auto room = make_room(size + open * settled_size + following); !room) return room;
    if (const auto written = write_at_end(scratch_); !written) {
        dirty_until_ = end_ + size;
        return fail(condition_ == Condition::damaged ? reason_ : cannot("write", path("journal"), written.error()));
    }
    state_.apply(record);
    return {};
}

// In a file that somebody has cut off and made as long again, a write succeeds with nothing before it. One look behind the write does: had it happened before, the record
// before is gone, and if it happens after, this one is. Error: they do not stand there, or not behind the others.
std::expected<void, std::error_code> Journal::write_at_end(mr::ByteView records) {
    if (auto written = write_all(*file_, end_, records); !written) return written;
    if (!look_at(last_)) return std::unexpected(std::make_error_code(std::errc::io_error));
    last_ = Mark::of(end_, records);
    end_ += records.size();
    return {};
}

// Where it cannot be read nobody can tell. After a sync that failed the kernel may have dropped what it did not write: mend() sees to that.
bool Journal::look_at(const Mark &mark) {
    if (!sync_failure_.empty() || file_->holds(mark).value_or(true)) return true;
    was_changed_by_others(" was changed at byte " + std::to_string(mark.offset));
    return false;
}

bool Journal::has_own_share(std::int64_t uid) const { return Space(options_.size_limit, named_uids_).has_own_share(uid); }

std::uint64_t Journal::smallest_event() const {
    const Target target{.before = mr::Digest::zero(mr::HashAlgorithm::sha1),
                        .after = mr::Digest::zero(mr::HashAlgorithm::sha1),
                        .digest = mr::Digest::zero(mr::HashAlgorithm::sha1)};
    const mr::EventCaller caller;
    return size_of({.targets = {&target, 1}, .caller = &caller}) + state_.open().size() * settled_size;
}

std::size_t Journal::size_of(const NewEvent &event) { return journal::size_of(record_of(event, 0, 0)) + settled_size; }

std::optional<Full> Journal::refuses(const NewEvent &event) const {
    if (!is_for_client(event.origin)) return std::nullopt;
    const Space space(options_.size_limit, named_uids_);
    const auto size = size_of(event);
    if (auto full = space.refuses(state_, event.caller->counts_for(), size)) return full;
    const auto needed = end_ + size + state_.open().size() * settled_size + space.reserve();
    return needed > options_.size_limit ? std::optional(full_journal(options_.size_limit)) : std::nullopt;
}

// What is written into a file without its name is gone with mrd: better no extend than one that no log will have.
void Journal::look() {
    if (!file_ || condition_ == Condition::damaged) return;
    const auto size = file_->size_at(path_);
    if (!size) {
        if (size.error() == std::errc::no_such_file_or_directory) was_changed_by_others(" was removed, moved or replaced");
        return;
    }
    // Room that was made and is gone counts too: what is written to it as memory would be nowhere.
    if (*size < allocated_) return was_changed_by_others(" was cut off at byte " + std::to_string(*size));
    if (look_at(header_mark())) (void)look_at(last_);
}

void Journal::was_changed_by_others(const std::string &how) {
    condition_ = Condition::damaged;
    file_size_ = end_;
    reason_ = "the journal " + path("journal").string() + how +
              " by another process; run `mrctl repair` to begin a new one with what mrd can still read of it";
    log::error(reason_);
}

// Calls that came together are served together, and nobody can tell when between two of them the file went: one look does for all. It costs as much as writing
// a record.
void Journal::look_in_this_round() {
    if (std::exchange(looked_, true)) return;
    look();
    boost::asio::post(loop_, [this, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) looked_ = false;
    });
}

std::expected<std::uint64_t, Error> Journal::begin(const NewEvent &event, std::size_t following) {
    look_in_this_round();
    if (condition_ == Condition::damaged) return fail(reason_);
    if (auto full = refuses(event)) {
        if (!full->share) no_room_ = text_of(*full);
        tell_condition();
        return std::unexpected(Error(std::move(*full)));
    }
    write_checkpoint_if_due();
    const auto number = state_.next_intent();
    if (auto appended = append(record_of(event, number, now()), following); !appended) return std::unexpected(appended.error());
    return number;
}

std::expected<RegisterNumber, Error> Journal::add_virtual(const Register &record) {
    look_in_this_round();
    if (condition_ == Condition::damaged) return fail(reason_);
    const auto number = static_cast<RegisterNumber>(state_.registers().size());
    if (auto appended = append(record); !appended) return std::unexpected(appended.error());
    return number;
}

std::uint64_t Journal::settle(std::uint64_t intent, Outcome outcome) {
    // A repair meanwhile has concluded it by the register's value, or has lost it.
    if (std::ranges::find(state_.open(), intent, &OpenIntent::number) == state_.open().end()) return 0;
    const Settled record{intent, outcome == Outcome::done ? state_.sequence() + 1 : 0, outcome};
    scratch_.clear();
    append_record(scratch_, end_ + owed_.size(), record);
    const bool can_write = condition_ == Condition::good || (condition_ == Condition::failed && mend_writes());
    const auto written = can_write ? write_at_end(scratch_) : std::unexpected(std::error_code());
    if (!written) {
        // Its record follows as soon as the disk takes it. Until then the intent proves the event, but only as long as nobody else extends the register:
        // so nobody is told that it is done.
        owed_.insert(owed_.end(), scratch_.begin(), scratch_.end());
        if (can_write && condition_ != Condition::damaged) (void)fail(cannot("write", path("journal"), written.error()));
    }
    state_.apply(record);
    if (outcome == Outcome::done) tell_of_event();
    return record.sequence;
}

void Journal::tell_of_event() const {
    for (const auto &handler : on_event_) handler();
}

// ---- Failure

// The file is as if no write had failed.
std::expected<void, Error> Journal::mend_writes() {
    if (condition_ == Condition::damaged) return fail(reason_);
    if (torn_) {
        if (auto cut = cut_torn_tail(); !cut) return cut;
    }
    if (dirty_until_ > end_) {
        if (auto zeroed = write_zeros(end_, dirty_until_); !zeroed) return fail(cannot("write", path("journal"), zeroed.error()));
        dirty_until_ = 0;
    }
    if (!owed_.empty()) {
        if (auto written = write_at_end(owed_); !written)
            return fail(condition_ == Condition::damaged ? reason_ : cannot("write", path("journal"), written.error()));
        owed_.clear();
        tell_of_event();  // who was told before could not read it yet
    }
    is_mended();
    return {};
}

void Journal::is_mended() {
    if (condition_ == Condition::damaged) return;
    condition_ = sync_failure_.empty() ? Condition::good : Condition::failed;
    reason_ = sync_failure_;
    tell_condition();
}

std::expected<void, Error> Journal::mend() {
    if (auto mended = mend_writes(); !mended) return mended;
    if (sync_failure_.empty()) return {};
    if (sync_thread_ && sync_thread_->is_busy()) return fail(sync_failure_);
    if (auto made = make_durable(); !made) return fail_sync(std::move(made.error()));
    sync_failure_.clear();
    is_mended();
    return {};
}

std::unexpected<Error> Journal::fail_sync(std::string reason) {
    sync_failure_ = std::move(reason);
    return fail(sync_failure_);
}

// Precondition: the sync thread is idle.
std::expected<void, std::string> Journal::make_durable() {
    if (synced_ < end_) {
        if (auto rewritten = rewrite_unsynced(); !rewritten) return std::unexpected(cannot("sync", path("journal"), rewritten.error()));
        synced_ = end_;
    }
    if (!name_is_durable_) {
        if (auto synced = options_.sync_folder(options_.folder); !synced)
            return std::unexpected(cannot("sync", options_.folder, synced.error()));
        name_is_durable_ = true;
    }
    return {};
}

// After a failed sync the kernel may count pages as clean that never reached the disk: what was not synced is checked and written again.
AppendFile::Result<void> Journal::rewrite_unsynced() {
    RecordReader reader(*file_, std::max<std::uint64_t>(synced_, file_header_size), end_);
    while (!reader.is_at_end()) {
        const auto found = reader.next();
        if (!found) return std::unexpected(found.error());
        if (!*found) return std::unexpected(std::make_error_code(std::errc::io_error));
        if (auto written = write_all(*file_, (*found)->offset, (*found)->bytes); !written) return written;
        if (options_.on_progress) options_.on_progress();
    }
    return file_->sync();
}

// The extend took place, and the log has it as long as mrd, or the machine, runs: more cannot be promised now.
Error Journal::not_safe() const {
    if (!owed_.empty()) return Failed{"the event has happened, but the log cannot be written, so that it may be lost: " + reason_};
    return Failed{"the event is in the log, but the log cannot be synced: " + sync_failure_};
}

void Journal::wait_until_durable(Done done) {
    if (!owed_.empty() || !sync_failure_.empty()) {
        // Who sends again, and nothing else, is answered too when the disk works again.
        if (auto mended = mend(); !mended) return done(std::unexpected(not_safe()));
    }
    if (!sync_thread_ || end_ <= synced_) return done({});
    waiting_.push_back({end_, std::move(done)});
    if (!std::exchange(will_ask_, true)) ask_for_sync_in_a_later_round(rounds_before_sync, 0);
}

// Of events that come together only the first would be in a sync that is asked for at once: the others would wait for that one and then for their own. Not before
// the second round: what the loop found meanwhile it does behind what is posted in the first.
void Journal::ask_for_sync_in_a_later_round(int rounds, std::uint64_t seen) {
    boost::asio::post(loop_, [this, alive = std::weak_ptr(alive_), rounds, seen] {
        if (alive.expired()) return;
        if (end_ != seen && rounds > 1 && end_ - synced_ < bytes_before_sync) return ask_for_sync_in_a_later_round(rounds - 1, end_);
        will_ask_ = false;
        sync_thread_->ask(end_);
    });
}

void Journal::synced(std::uint64_t position, const AppendFile::Result<void> &result) {
    if (!result) (void)fail_sync(cannot("sync", path("journal"), result.error()));
    // A sync that succeeds after one that failed proves nothing: the kernel may have dropped what the first did not write.
    const bool is_durable = sync_failure_.empty();
    if (is_durable) {
        synced_ = std::max(synced_, position);
        write_slot_if_due();
    }
    while (!waiting_.empty() && waiting_.front().position <= position) {
        auto waiting = std::move(waiting_.front());
        waiting_.pop_front();
        if (is_durable) {
            waiting.done({});
        } else {
            waiting.done(std::unexpected(not_safe()));
        }
    }
}

}  // namespace mrd::journal
