// Members that are all to be told that something has changed, some of them in each turn of the event loop, however many there are and however often it changes.
// Decisions only: who tells them says what is the latest then.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <list>
#include <utility>

namespace mrd {

// Members that one turn of the event loop tells: each costs a message, and a system call to send it.
inline constexpr std::size_t told_in_a_turn = 32;

template <class Member>
class Rounds {
public:
    using Position = typename std::list<Member>::iterator;

    // It knows what there is, and is not visited before the next round.
    Position add(Member member) { return members_.insert(next_, std::move(member)); }
    void remove(Position position) {
        if (position == next_) ++next_;
        members_.erase(position);
        left_ = std::min(left_, members_.size());
    }

    template <class Predicate>
    void remove_if(const Predicate &predicate) {
        for (auto at = members_.begin(); at != members_.end();) {
            const auto position = at++;
            if (predicate(*position)) remove(position);
        }
    }

    // Each is to be visited from now on, once.
    void begin() { left_ = members_.size(); }
    [[nodiscard]] bool over() const { return left_ == 0; }
    // The next one to visit. Precondition: it is not over.
    Position next() {
        if (next_ == members_.end()) next_ = members_.begin();
        --left_;
        return std::exchange(next_, std::next(next_));
    }

    [[nodiscard]] std::size_t size() const { return members_.size(); }

private:
    std::list<Member> members_;
    Position next_ = members_.end();
    std::size_t left_ = 0;  // members to visit, from next_ on
};

}  // namespace mrd
