// Whose turn is next of the connections that have calls waiting: users have theirs one after the other, and of one user the connections. So a user with
// thousands of connections takes no more from another than one with a single one.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <list>
#include <map>

namespace varlink {

class TurnQueue {
public:
    // One connection. It must stay where it is, and leave before it ends.
    class Member {
    public:
        explicit Member(uid_t uid) : uid_(uid) {}
        Member(const Member &) = delete;
        Member &operator=(const Member &) = delete;
        ~Member() = default;

    private:
        friend class TurnQueue;
        uid_t uid_;
        bool waits_ = false;
        std::list<Member *>::iterator position_;
    };

    // Behind the others of its user, unless it waits already.
    void enter(Member &member);
    void leave(Member &member);

    // The next one, which has left then; null: nobody waits.
    Member *next();

    [[nodiscard]] std::size_t size() const { return size_; }

private:
    std::map<uid_t, std::list<Member *>> waiting_;  // only users of whom one waits
    uid_t last_ = 0;                                // whose turn it was
    std::size_t size_ = 0;
};

}  // namespace varlink
