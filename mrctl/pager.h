// A pager between standard output and a person who looks at it.
#pragma once

#include <sys/types.h>

namespace mrctl {

// While it lives, standard output goes through $PAGER, or less, if it is a terminal. Its end waits for the pager's.
class Pager {
public:
    Pager();
    Pager(const Pager &) = delete;
    Pager &operator=(const Pager &) = delete;
    ~Pager();

private:
    pid_t pid_ = -1;
    int terminal_ = -1;
};

}  // namespace mrctl
