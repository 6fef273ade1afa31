// Whose turn it is of the calls to a provider that wait: users have theirs one after the other, and root, while it waits, every other one; a user's calls have
// theirs in their order. So whoever has thousands of calls waiting delays another's by one. Decisions only.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <utility>

namespace mrd {

// What mrd asks for itself, for several users or for none, is done as root's is.
inline constexpr uid_t mrd_itself = 0;

template <class Call>
class CallTurns {
public:
    void add(uid_t user, Call call) {
        of_users_[user].push_back({++last_number_, std::move(call)});
        ++size_;
    }
    // Its turn comes when none waits that was added before.
    void add_last(Call call) {
        last_ones_.push_back({++last_number_, std::move(call)});
        ++size_;
    }

    // Nothing: none waits.
    std::optional<Call> next() {
        if (!last_ones_.empty() && last_ones_.front().number < first_number()) return take(last_ones_);
        const auto of_user = whose_turn();
        if (of_user == of_users_.end()) return std::nullopt;
        const auto user = of_user->first;
        root_had_the_last_ = user == root;
        if (user != root) last_user_ = user;
        auto call = take(of_user->second);
        if (of_user->second.empty()) of_users_.erase(of_user);
        return call;
    }

    [[nodiscard]] std::size_t size() const { return size_; }

private:
    static constexpr uid_t root = 0;

    struct Waiting {
        std::uint64_t number = 0;  // in the order in which they were added
        Call call;
    };
    using InOrder = std::deque<Waiting>;

    [[nodiscard]] std::uint64_t first_number() const {
        auto first = std::numeric_limits<std::uint64_t>::max();
        for (const auto &[user, calls] : of_users_) first = std::min(first, calls.front().number);
        return first;
    }

    typename std::map<uid_t, InOrder>::iterator whose_turn() {
        const auto of_root = of_users_.find(root);
        const bool only_root = of_root != of_users_.end() && of_users_.size() == 1;
        if (of_root != of_users_.end() && (only_root || !root_had_the_last_)) return of_root;
        auto next = of_users_.upper_bound(last_user_);
        if (next == of_users_.end()) next = of_users_.upper_bound(root);
        return next;
    }

    std::optional<Call> take(InOrder &from) {
        std::optional<Call> call(std::move(from.front().call));
        from.pop_front();
        --size_;
        return call;
    }

    std::map<uid_t, InOrder> of_users_;  // only of whom one waits
    InOrder last_ones_;
    std::uint64_t last_number_ = 0;
    std::size_t size_ = 0;
    uid_t last_user_ = root;  // whose turn it was last but for root's
    bool root_had_the_last_ = false;
};

}  // namespace mrd
