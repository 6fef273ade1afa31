// How many requests of one user may wait for mrd at once: each takes a thread, of which there are so many.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <map>

namespace mrfs {

inline constexpr std::size_t max_threads = 256;
inline constexpr std::size_t max_calls_of_a_user = 160;
inline constexpr std::size_t max_calls = 248;      // of all users; the other threads are for what asks nobody
inline constexpr std::size_t calls_for_root = 16;  // of these: nobody else has them

class CallShares {
public:
    // False: one too many.
    bool begin(uid_t uid);
    // Of one that has begun.
    void end(uid_t uid);

private:
    std::map<uid_t, std::size_t> calls_;  // of who has any
    std::size_t all_ = 0;
};

}  // namespace mrfs
