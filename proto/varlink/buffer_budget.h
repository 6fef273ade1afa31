// What all connections of a server may hold together, of received bytes that are not parsed yet and of answers that are not sent yet; who has to go where it is
// too much, and whose time is over. No sockets and no clock: a test steps it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "proto/varlink/limits.h"

namespace varlink {

inline constexpr std::size_t connection_part = 2;  // one connection holds at most the limit divided by this
inline constexpr std::size_t root_part = 8;        // and the others than root leave root the limit divided by this

class BufferBudget {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    // What a connection waits for from its peer while it holds something. Not: for a call's end, or for a call.
    enum class Waiting : std::uint8_t { for_nothing, for_rest_of_message, for_reader };

    // One connection's part. Known to the budget while it holds bytes or waits, and it must stay where it is.
    class Holder {
    public:
        explicit Holder(uid_t uid) : uid_(uid) {}
        Holder(const Holder &) = delete;
        Holder &operator=(const Holder &) = delete;
        ~Holder() = default;

        [[nodiscard]] bool known() const { return known_; }
        [[nodiscard]] Waiting waiting() const { return waiting_; }

    private:
        friend class BufferBudget;
        uid_t uid_;
        bool known_ = false;
        Waiting waiting_ = Waiting::for_nothing;
        std::size_t position_ = 0;  // among the holders
        std::size_t bytes_ = 0;
        std::size_t taken_ = 0;  // progress, since then
        TimePoint since_;        // known, or what it was answered last waits to be read
        TimePoint waiting_since_;
    };

    explicit BufferBudget(const Limits &limits)
        : limit_(limits.max_buffered), max_frame_time_(limits.max_frame_time), max_unread_time_(limits.max_unread_time) {}

    // `progress`: bytes of messages that the peer has finished, or of what waits for it that it has taken, since the last update.
    void update(Holder &holder, std::size_t bytes, Waiting waiting, std::size_t progress, TimePoint now);
    void remove(Holder &holder);

    // Who has to be closed, after this update, so that the limit holds; null: nobody. The uid that holds the most pays, so that none pays that holds no more
    // than the limit divided by the number of uids; root pays nothing for its reserve. Of its connections the one goes that holds the most bytes for the
    // longest, for what it has taken meanwhile (bytes times time, divided by these bytes): the time for which it would hold them at its pace. Whoever reads what
    // is sent to him goes after all who do not, however much it is, and however slowly he comes to it; the time that he has waited for mrd's answer is not his.
    [[nodiscard]] Holder *excess(Holder &updated, TimePoint now) const;

    // From now on a peer that takes nothing of its answers has no more time than that.
    void set_max_unread_time(std::chrono::milliseconds time) { max_unread_time_ = time; }

    // Those whose peers have let their time pass.
    [[nodiscard]] std::vector<Holder *> overdue(TimePoint now);

    [[nodiscard]] std::size_t total() const { return total_; }
    [[nodiscard]] bool empty() const { return holders_.empty(); }

private:
    [[nodiscard]] std::size_t held_by_root() const;

    std::size_t limit_;
    std::chrono::milliseconds max_frame_time_;
    std::chrono::milliseconds max_unread_time_;
    std::size_t total_ = 0;
    std::map<uid_t, std::size_t> held_by_;  // bytes
    std::vector<Holder *> holders_;
};

}  // namespace varlink
