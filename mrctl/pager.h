// A pager between standard output and a person who looks at it.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <expected>
#include <string>

#include "mr/error.h"

namespace mrctl {

// While it lives, standard output goes through $PAGER, or less, if it is a terminal that obeys escape sequences. Its end waits for the pager's, and until then
// ^C and ^\ are the pager's alone: it has the terminal.
class Pager {
public:
    Pager();
    Pager(const Pager &) = delete;
    Pager &operator=(const Pager &) = delete;
    ~Pager() { (void)finish(); }

    // Waits for the pager's end. Error: io: there is no such pager, and what was printed is lost.
    std::expected<void, mr::Error> finish();

private:
    using Handler = void (*)(int);

    void restore_signals() const;

    std::string command_;
    pid_t pid_ = -1;
    int terminal_ = -1;
    Handler on_interrupt_ = SIG_DFL;
    Handler on_quit_ = SIG_DFL;
};

}  // namespace mrctl
