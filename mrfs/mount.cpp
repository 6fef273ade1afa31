#include "mrfs/mount.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "mrfs/confine.h"
#include "mrfs/fuse_api.h"
#include "proto/varlink/file_descriptor.h"

namespace mrfs {

namespace {

using Failure = std::unexpected<std::string>;

// A call to mrd that is under way when mrfs is to end.
constexpr timespec patience_at_the_end{.tv_sec = 3, .tv_nsec = 0};

// Of the serving process, where somebody else has ended the mount.
constexpr int exit_unmounted = 3;

std::string reason_of(int error) { return std::generic_category().message(error); }

struct ConfigurationEnd {
    void operator()(fuse_loop_config *configuration) const { ::fuse_loop_cfg_destroy(configuration); }
};

// sd_notify(3)
void tell_service_manager(std::string_view state) {
    const char *path = std::getenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe): there is one thread
    const std::string_view name(path == nullptr ? "" : path);
    sockaddr_un address{};
    if (name.empty() || name.size() >= sizeof(address.sun_path) || (name.front() != '/' && name.front() != '@')) return;
    address.sun_family = AF_UNIX;
    std::ranges::copy(name, std::begin(address.sun_path));
    if (name.front() == '@') address.sun_path[0] = '\0';
    const varlink::FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    (void)::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr *>(&address), size);
}

// Without a way back for who is not root: then by the program that libfuse has for it.
void end_mount(fuse_session *session, const std::string &mountpoint) {
    if (::umount2(mountpoint.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return;
    ::fuse_session_unmount(session);
}

std::expected<fuse_session *, std::string> mount(const MountOptions &options, const std::string &mountpoint, Served &served) {
    struct stat status{};
    if (::stat(mountpoint.c_str(), &status) != 0) {
        // What an mrfs that was killed with both its processes has left.
        if (errno == ENOTCONN && ::umount2(mountpoint.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
            return Failure(options.mountpoint + " is a mount whose process has gone: end it with: fusermount3 -u " + options.mountpoint);
        if (::stat(mountpoint.c_str(), &status) != 0)
            return Failure(options.mountpoint + ": " + reason_of(errno) + ": name a folder that is there");
    }
    if (!S_ISDIR(status.st_mode)) return Failure(options.mountpoint + " is no folder: name one");
    std::string name = "mrfs";
    std::string option = "-o";
    std::string values = options.for_everyone ? "fsname=mrfs,subtype=mrfs,allow_other" : "fsname=mrfs,subtype=mrfs";
    std::array<char *, 3> words{name.data(), option.data(), values.data()};
    fuse_args arguments{.argc = static_cast<int>(words.size()), .argv = words.data(), .allocated = 0};
    // As long as the process: libfuse gives back all of it only by unmounting, and what is at the mountpoint at the end may not be ours.
    static fuse_session *session = nullptr;
    session = ::fuse_session_new(&arguments, &fuse_operations(), sizeof(fuse_operations()), &served);
    ::fuse_opt_free_args(&arguments);
    if (session == nullptr) return Failure("libfuse does not take its options");
    if (::fuse_session_mount(session, mountpoint.c_str()) != 0)
        return Failure("cannot mount on " + options.mountpoint + ": /dev/fuse, and root or fusermount3, are needed");
    return session;
}

// What the serving process does, with its exit code.
int serve(fuse_session *session, const MountOptions &options, const varlink::FileDescriptor &told) {
    if (const auto confined = confine_serving(options.identity); !confined) {
        (void)!::write(told.get(), confined.error().data(), confined.error().size());
        return EXIT_FAILURE;
    }
    if (::fuse_set_signal_handlers(session) != 0) return EXIT_FAILURE;
    const std::unique_ptr<fuse_loop_config, ConfigurationEnd> configuration(::fuse_loop_cfg_create());
    ::fuse_loop_cfg_set_max_threads(configuration.get(), max_threads);
    ::fuse_loop_cfg_set_idle_threads(configuration.get(), max_idle_threads);
    ::fuse_loop_cfg_set_clone_fd(configuration.get(), 0);
    constexpr char ready = '\0';
    (void)!::write(told.get(), &ready, sizeof(ready));
    const int ended = ::fuse_session_loop_mt(session, configuration.get());
    if (ended == 0) return exit_unmounted;
    return ended > 0 ? EXIT_SUCCESS : EXIT_FAILURE;  // the number of a signal, or an error
}

sigset_t awaited_signals() {
    sigset_t signals{};
    ::sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) ::sigaddset(&signals, signal);
    return signals;
}

// Nothing: it serves. Otherwise why it does not.
std::optional<std::string> wait_until_ready(const varlink::FileDescriptor &told) {
    std::array<char, 512> said{};
    ssize_t size = -1;
    do {
        size = ::read(told.get(), said.data(), said.size());
    } while (size < 0 && errno == EINTR);
    if (size == 1 && said[0] == '\0') return std::nullopt;
    if (size <= 0) return "the serving process has ended before it served";
    return std::string(said.data(), static_cast<std::size_t>(size));
}

struct End {
    int status;           // of waitpid()
    bool killed = false;  // for it would not end
};

// Passes on what ends it, and waits for its end.
End wait_for_end(pid_t serving) {
    const auto signals = awaited_signals();
    bool is_ending = false;
    bool killed = false;
    for (;;) {
        int status = 0;
        if (::waitpid(serving, &status, WNOHANG) == serving) return {.status = status, .killed = killed};
        const int signal = is_ending ? ::sigtimedwait(&signals, nullptr, &patience_at_the_end) : ::sigwaitinfo(&signals, nullptr);
        if (signal < 0 && errno == EAGAIN) {
            ::kill(serving, SIGKILL);
            killed = true;
        } else if (signal > 0 && signal != SIGCHLD) {
            ::kill(serving, SIGTERM);
            is_ending = true;
        }
    }
}

}  // namespace

std::expected<void, std::string> serve_mount(const MountOptions &options, Served served) {
    std::error_code error;
    // It is unmounted by it, whatever the working folder is then.
    const auto mountpoint = std::filesystem::absolute(options.mountpoint, error).native();
    if (error) return Failure("there is no working folder: name the mountpoint from the root");
    const auto session = mount(options, mountpoint, served);
    if (!session) return Failure(session.error());
    std::array<int, 2> ends{};
    const auto fail = [&](const std::string &why) {
        end_mount(*session, mountpoint);
        return Failure(why);
    };
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail("no pipe: " + reason_of(errno));
    varlink::FileDescriptor told(ends[0]);
    varlink::FileDescriptor telling(ends[1]);
    const auto signals = awaited_signals();
    sigset_t before{};
    ::sigprocmask(SIG_BLOCK, &signals, &before);
    const pid_t serving = ::fork();
    if (serving < 0) return fail("no second process: " + reason_of(errno));
    if (serving == 0) {
        told.reset();
        ::sigprocmask(SIG_SETMASK, &before, nullptr);
        ::_exit(serve(*session, options, telling));
    }
    telling.reset();
    if (const auto confined = confine_keeper(serving); !confined) {
        ::kill(serving, SIGKILL);
        ::waitpid(serving, nullptr, 0);
        return fail(confined.error());
    }
    const auto failed = wait_until_ready(told);
    if (!failed) tell_service_manager("READY=1");
    const auto [status, killed] = wait_for_end(serving);
    tell_service_manager("STOPPING=1");
    // What is at the mountpoint then is not ours.
    if (WIFEXITED(status) && WEXITSTATUS(status) == exit_unmounted) return {};
    end_mount(*session, mountpoint);
    if (failed) return Failure(*failed);
    if (WIFEXITED(status) && WEXITSTATUS(status) != EXIT_SUCCESS) return Failure("the serving process has failed");
    if (WIFSIGNALED(status) && !killed) return Failure("the serving process was ended by the signal " + std::to_string(WTERMSIG(status)));
    return {};
}

}  // namespace mrfs
