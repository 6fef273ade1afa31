#include "mrfs/confine.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

#include "confinement/landlock.h"
#include "confinement/system_calls.h"

namespace mrfs {

namespace {

void *wait_for_cancellation(void * /*none*/) {
    for (;;) ::pause();
}

// libfuse ends its threads by it, and the C library loads a library for it when it is first used.
void prepare_cancellation() {
    pthread_t thread{};
    if (::pthread_create(&thread, nullptr, &wait_for_cancellation, nullptr) != 0) return;
    ::pthread_cancel(thread);
    ::pthread_join(thread, nullptr);
}

std::expected<void, std::string> keep_own_calls() {
    confinement::SystemCalls calls;
    // Requests and their answers, and what is said on standard error.
    calls.allow({"read", "write", "readv", "writev"});
    // Connections to mrd, and no other kind of socket: with datagrams he would write to the system's journal, and to the service manager.
    constexpr std::uint64_t flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
    calls.allow_where("socket", {{.argument = 0, .value = AF_UNIX}, {.argument = 1, .value = SOCK_STREAM, .mask = ~flags}});
    calls.allow({"connect", "sendto", "sendmsg", "recvfrom", "recvmsg", "shutdown", "getsockopt", "getpeername", "poll", "ppoll"});
    for (const std::uint64_t command : {F_GETFD + 0U, F_SETFD + 0U, F_GETFL + 0U, F_SETFL + 0U})
        calls.allow_where("fcntl", {{.argument = 1, .value = command}});
    // Threads, and no process: the C library takes the older call where there is no newer one, whose flags cannot be looked at.
    constexpr std::uint64_t thread = CLONE_VM | CLONE_THREAD;
    calls.allow_where("clone", {{.argument = 0, .value = thread, .mask = thread}}).refuse({"clone3"}, ENOSYS);
    calls.allow({"set_robust_list", "rseq", "sched_getaffinity", "getuid", "geteuid", "getgid", "getegid"});
    calls.allow_where("prctl", {{.argument = 0, .value = PR_SET_NAME}});
    calls.allow_where("prlimit64", {{.argument = 0, .value = 0}, {.argument = 2, .value = 0}});  // asks of itself, and sets nothing
    // What libraries look for and go on without.
    calls.refuse({"open", "openat", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "stat", "lstat"}, EACCES);
    calls.refuse_where("newfstatat", {{.argument = 3, .value = 0, .mask = AT_EMPTY_PATH}}, EACCES);  // the same, in the C library's words
    calls.allow_where("ioctl", {{.argument = 1, .value = TCGETS}});                                  // isatty()
    return calls.enforce();
}

}  // namespace

std::expected<void, std::string> confine_serving(const std::optional<confinement::Identity> &identity) {
    prepare_cancellation();
    if (auto reduced = confinement::reduce_rights(identity, 0); !reduced) return reduced;
    // Where the other process ends nobody is left to end the mount. Whoever changes his user has to say so anew.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    confinement::hide_memory();
    // An older kernel has no Landlock. It is the second of two locks: no file can be opened by a system call that is left either.
    (void)confinement::FilesAllowed().enforce();
    return keep_own_calls();
}

std::expected<void, std::string> confine_keeper(pid_t serving) {
    if (::geteuid() != 0) return {};
    if (auto reduced = confinement::reduce_rights(std::nullopt, confinement::capability(CAP_SYS_ADMIN) | confinement::capability(CAP_KILL));
        !reduced)
        return reduced;
    confinement::hide_memory();
    // A build with a sanitizer keeps nobody from any call, but from this one.
    if (confinement::system_calls_are_reduced()) return {};
    confinement::SystemCalls calls;
    calls.allow({"umount2", "wait4", "rt_sigtimedwait", "read", "write", "writev", "poll", "getuid", "geteuid"});
    calls.allow_where("kill", {{.argument = 0, .value = static_cast<std::uint64_t>(serving)}});
    // sd_notify
    calls.allow_where("socket", {{.argument = 0, .value = AF_UNIX}}).allow({"sendto"});
    calls.refuse({"open", "openat", "access", "stat", "lstat", "readlink", "readlinkat"}, EACCES);
    calls.allow_where("ioctl", {{.argument = 1, .value = TCGETS}});
    // What libfuse would unmount by.
    calls.refuse({"clone", "clone3", "fork", "vfork", "execve"}, EPERM);
    return calls.enforce();
}

}  // namespace mrfs
