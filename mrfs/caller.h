// Who asks, as FUSE names him: without his supplementary groups, and by a number that his process may have left behind.
#pragma once

#include <sys/types.h>

namespace mrfs {

struct Caller {
    uid_t uid = 0;
    gid_t gid = 0;
    pid_t pid = 0;

    friend bool operator==(const Caller &, const Caller &) = default;
};

}  // namespace mrfs
