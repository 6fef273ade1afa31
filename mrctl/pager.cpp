#include "mrctl/pager.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
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
    const std::string pager = wanted != nullptr ? wanted : "less || cat";
    if (pager.empty()) return;  // none
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
    std::cout.flush();
    pid_ = ::fork();
    if (pid_ == 0) {
        ::dup2(ends[0], STDIN_FILENO);
        // Quits at the end of what fits on one screen, lets colours through, cuts long lines, leaves the screen as it was.
        ::setenv("LESS", "FRSX", 0);  // NOLINT(concurrency-mt-unsafe)
        ::execl("/bin/sh", "sh", "-c", pager.c_str(), nullptr);
        ::_exit(127);
    }
    if (pid_ > 0) {
        terminal_ = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        ::dup2(ends[1], STDOUT_FILENO);
        // Who leaves the pager early has seen enough: that is no failure.
        std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): SIG_IGN for a known signal cannot fail
    }
    ::close(ends[0]);
    ::close(ends[1]);
}

Pager::~Pager() {
    if (pid_ <= 0) return;
    std::cout.flush();
    std::cout.clear();
    ::dup2(terminal_, STDOUT_FILENO);
    ::close(terminal_);
    int status = 0;
    ::waitpid(pid_, &status, 0);
}

}  // namespace mrctl
