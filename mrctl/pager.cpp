#include "mrctl/pager.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>

#include "mrctl/output.h"

namespace mrctl {

Pager::Pager() {
    if (!obeys_escapes(STDOUT_FILENO)) return;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): mrctl has one thread
    const char *wanted = std::getenv("PAGER");
    command_ = wanted != nullptr ? wanted : "less || cat";
    if (command_.empty()) return;  // none
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
    std::cout.flush();
    // Both before there is a pager: it is to be there alone, with what was asked for before.
    on_interrupt_ = std::signal(SIGINT, SIG_IGN);
    on_quit_ = std::signal(SIGQUIT, SIG_IGN);
    pid_ = ::fork();
    if (pid_ == 0) {
        restore_signals();
        ::dup2(ends[0], STDIN_FILENO);
        // Quits at the end of what fits on one screen, lets colours through, cuts long lines, leaves the screen as it was.
        ::setenv("LESS", "FRSX", 0);  // NOLINT(concurrency-mt-unsafe)
        ::execl("/bin/sh", "sh", "-c", command_.c_str(), nullptr);
        ::_exit(127);
    }
    if (pid_ > 0) {
        terminal_ = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        ::dup2(ends[1], STDOUT_FILENO);
        // Who leaves the pager early has seen enough: that is no failure.
        std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): SIG_IGN for a known signal cannot fail
    } else {
        restore_signals();
    }
    ::close(ends[0]);
    ::close(ends[1]);
}

void Pager::restore_signals() const {
    std::signal(SIGINT, on_interrupt_);  // NOLINT(cert-err33-c): as above
    std::signal(SIGQUIT, on_quit_);      // NOLINT(cert-err33-c)
}

std::expected<void, mr::Error> Pager::finish() {
    if (pid_ <= 0) return {};
    std::cout.flush();
    std::cout.clear();
    ::dup2(terminal_, STDOUT_FILENO);
    ::close(terminal_);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    restore_signals();
    // So a shell says that there is no such program, or that it cannot be run.
    if (WIFEXITED(status) && (WEXITSTATUS(status) == 126 || WEXITSTATUS(status) == 127))
        return std::unexpected(mr::Error{mr::ErrorCode::io, "nothing was shown: the shell cannot run the pager \"" + command_ +
                                                                "\": name one in PAGER, or set it to nothing"});
    return {};
}

}  // namespace mrctl
