#include "proto/varlink/buffer_budget.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace varlink {

namespace {

constexpr uid_t root = 0;

}  // namespace

void BufferBudget::update(Holder &holder, std::size_t bytes, Waiting waiting, std::size_t progress, TimePoint now) {
    if (bytes == 0 && waiting == Waiting::for_nothing) return remove(holder);
    const bool was_known = std::exchange(holder.known_, true);
    if (!was_known) {
        holder.position_ = holders_.size();
        holders_.push_back(&holder);
    }
    // While it waits for mrd it takes nothing.
    if (!was_known || (waiting == Waiting::for_reader && holder.waiting_ != waiting)) {
        holder.since_ = now;
        holder.taken_ = 0;
    }
    if (progress > 0 || holder.waiting_ != waiting) holder.waiting_since_ = now;
    holder.taken_ += progress;
    holder.waiting_ = waiting;
    total_ += bytes - holder.bytes_;
    if (bytes != holder.bytes_) held_by_[holder.uid_] += bytes - holder.bytes_;
    holder.bytes_ = bytes;
}

void BufferBudget::remove(Holder &holder) {
    if (!holder.known_) return;
    total_ -= holder.bytes_;
    if (holder.bytes_ != 0) held_by_[holder.uid_] -= holder.bytes_;
    holders_[holder.position_] = holders_.back();
    holders_[holder.position_]->position_ = holder.position_;
    holders_.pop_back();
    holder.known_ = false;
    holder.waiting_ = Waiting::for_nothing;
    holder.bytes_ = 0;
}

std::size_t BufferBudget::held_by_root() const {
    const auto found = held_by_.find(root);
    return found == held_by_.end() ? 0 : found->second;
}

BufferBudget::Holder *BufferBudget::excess(Holder &updated, TimePoint now) const {
    if (updated.bytes_ > limit_ / connection_part) return &updated;
    const bool others_are_over = total_ - held_by_root() > limit_ - limit_ / root_part;
    if (total_ <= limit_ && !others_are_over) return nullptr;

    std::optional<uid_t> payer;
    std::size_t most = 0;
    for (const auto &[uid, bytes] : held_by_) {
        // Where the others are within their part, root is beyond its reserve.
        if (bytes <= most || (uid == root && others_are_over)) continue;
        payer = uid;
        most = bytes;
    }
    const auto weight = [now](const Holder &holder) {
        // With the millisecond that passes before anybody could have read it.
        const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(now - holder.since_).count() + 1;
        return static_cast<double>(holder.bytes_) * static_cast<double>(time) / static_cast<double>(holder.taken_ + 1);
    };
    Holder *heaviest = nullptr;
    for (auto *holder : holders_) {
        if (holder->uid_ == payer && (heaviest == nullptr || weight(*holder) > weight(*heaviest))) heaviest = holder;
    }
    return heaviest;
}

std::vector<BufferBudget::Holder *> BufferBudget::overdue(TimePoint now) {
    std::erase_if(held_by_, [](const auto &held) { return held.second == 0; });
    std::vector<Holder *> found;
    std::ranges::copy_if(holders_, std::back_inserter(found), [&](const Holder *holder) {
        switch (holder->waiting_) {
        case Waiting::for_nothing: return false;
        case Waiting::for_rest_of_message: return now - holder->waiting_since_ > max_frame_time_;
        case Waiting::for_reader: return now - holder->waiting_since_ > max_unread_time_;
        }
        return false;
    });
    return found;
}

}  // namespace varlink
