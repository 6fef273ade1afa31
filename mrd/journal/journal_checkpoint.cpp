// Checkpoints: when one is written and the slot that names it, how a start begins at the last, and the check of what it then has not read.
#include <boost/asio/post.hpp>
#include <utility>

#include "mrd/journal/checkpoint.h"
#include "mrd/journal/cursor.h"
#include "mrd/journal/journal.h"
#include "mrd/journal/space.h"
#include "mrd/log.h"

namespace mrd::journal {

// ---- Writing

// Before an intent: nothing is owed then. One that cannot be written now is written later: it says nothing that the records do not.
void Journal::write_checkpoint_if_due() {
    if (end_ < next_checkpoint_ || condition_ != Condition::good || !owed_.empty()) return;
    checkpoint_.clear();
    append_state(checkpoint_, state_);
    scratch_.clear();
    const Checkpoint record{state_.checkpoints() + 1, checkpoint_};
    const auto size = append_record(scratch_, end_, record);
    const auto due = checkpoint_end_ + checkpoint_share * size;
    next_checkpoint_ = std::max(due, end_ + options_.checkpoint_interval);
    const auto room = size + state_.open().size() * settled_size;
    const bool fits = end_ + room + Space(options_.size_limit).reserve() <= options_.size_limit;
    // Not for want of room either: what there is belongs to events.
    if (due > end_ || size > max_checkpoint_body || !fits || !make_room_in_file(room)) return;
    const auto begin = end_;
    if (const auto written = write_at_end(scratch_); !written) {
        dirty_until_ = end_ + size;
        if (condition_ != Condition::damaged) (void)fail(cannot("write", path("journal"), written.error()));
        return;
    }
    slot_ = Slot{.number = record.number, .offset = begin};
    state_.apply(record);
    checkpoint_end_ = end_;
    write_slot_if_due();
}

// With Sync::group when what it names is durable. Where it cannot be written the next start reads more.
void Journal::write_slot_if_due() {
    const bool is_durable = options_.sync == Sync::group;
    if (!slot_ || (is_durable && (!sync_failure_.empty() || synced_ < checkpoint_end_))) return;
    slot_->is_durable = is_durable;
    mr::Bytes bytes;
    append_slot(bytes, *slot_);
    (void)write_all(*file_, first_slot + slot_->number % slots * slot_size, bytes);
    slot_.reset();
}

// ---- Reading

// The last one that its slot names and that can be read.
std::optional<Slot> Journal::start_from_checkpoint(mr::ByteView header) {
    std::vector<Slot> found;
    for (std::size_t number = 0; number < slots; ++number) {
        if (const auto slot = read_slot(header, number)) found.push_back(*slot);
    }
    std::ranges::sort(found, std::greater(), &Slot::number);
    for (const auto &slot : found) {
        RecordReader reader(*file_, slot.offset, file_size_);
        const auto bytes = reader.next();
        if (!bytes || !*bytes || slot.offset < file_header_size) continue;
        const auto record = decode_record((*bytes)->head, (*bytes)->bytes);
        const auto *checkpoint = record ? std::get_if<Checkpoint>(&*record) : nullptr;
        if (checkpoint == nullptr || checkpoint->number != slot.number) continue;
        auto state = read_state(checkpoint->state);
        if (!state) continue;
        state_ = std::move(*state);
        state_.apply(*record);
        last_ = Mark::of(slot.offset, (*bytes)->bytes);
        checkpoint_end_ = reader.offset();
        return slot;
    }
    return std::nullopt;
}

// ---- The check behind it

void Journal::begin_check() {
    end_check();
    checked_file_ = file_;
    check_ = std::make_unique<Proof>(*checked_file_, State(), file_header_size, checkpoint_end_);
    check_->prove_extends_together();
    go_on_checking();
}

void Journal::go_on_checking() {
    boost::asio::post(loop_, [this, alive = std::weak_ptr(alive_), check = check_.get()] {
        if (alive.expired() || check_.get() != check) return;
        const auto step = check_->step(check_step);
        if (step == Proof::Step::more && !check_->is_at_end()) return go_on_checking();
        if (step != Proof::Step::more && !check_->is_at_end()) {
            found_damaged({check_->offset(), step == Proof::Step::damaged      ? check_->what()
                                             : step == Proof::Step::unreadable ? "it cannot be read: " + check_->error().message()
                                                                               : "the record there cannot be read"});
        }
        end_check();
    });
}

void Journal::found_damaged(const Damage &damage) {
    if (condition_ == Condition::damaged) return;
    file_size_ = end_;
    set_damaged(damage.offset, damage.what);
    // The state is what mrd wrote, or the checkpoint says and the events since: the registers agree with it. The log is only what can be read.
    end_ = damage.offset;
    log::error(reason_);
}

void Journal::end_check() {
    check_.reset();
    checked_file_.reset();
    for (auto &done : std::exchange(when_checked_, {})) done();
}

void Journal::when_checked(std::move_only_function<void()> done) {
    if (is_checked()) return done();
    when_checked_.push_back(std::move(done));
}

}  // namespace mrd::journal
