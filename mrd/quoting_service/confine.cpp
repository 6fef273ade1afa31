#include "mrd/quoting_service/confine.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ctime>
#include <optional>
#include <utility>

#include "confinement/landlock.h"
#include "confinement/rights.h"
#include "confinement/system_calls.h"
#include "mrd/log.h"
#include "mrd/opener/process.h"
#include "mrd/opener/request.h"

namespace mrd::quoting_service {
namespace {

std::expected<void, std::string> keep_own_calls() {
    confinement::SystemCalls calls;
    calls.allow({"read", "write", "readv", "writev", "pread64", "lseek"});
    for (const std::uint64_t command : {F_GETFD + 0U, F_SETFD + 0U, F_GETFL + 0U, F_SETFL + 0U})
        calls.allow_where("fcntl", {{.argument = 1, .value = command}});
    for (const std::uint64_t request : {std::uint64_t{FIONBIO}, std::uint64_t{TCGETS}})
        calls.allow_where("ioctl", {{.argument = 1, .value = request}});
    // The platform's files, which are read.
    calls.allow_where("open", {{.argument = 1, .value = O_RDONLY, .mask = O_ACCMODE | O_CREAT}});
    calls.allow_where("openat", {{.argument = 2, .value = O_RDONLY, .mask = O_ACCMODE | O_CREAT}});
    calls.allow({"stat", "lstat", "newfstatat", "statx", "readlink", "readlinkat", "geteuid", "getuid"});
    // A file that has gone is not made anew.
    calls.refuse_where("open", {{.argument = 1, .value = O_CREAT, .mask = O_CREAT}}, EACCES);
    calls.refuse_where("openat", {{.argument = 2, .value = O_CREAT, .mask = O_CREAT}}, EACCES);
    calls.allow({"accept4", "recvmsg", "recvfrom", "shutdown", "getpeername"});
    calls.allow_where("getsockopt", {{.argument = 1, .value = SOL_SOCKET}});
    calls.allow_where("sendto", {{.argument = 4, .value = 0}});  // to whom it is connected
    calls.allow({"epoll_ctl", "epoll_wait", "epoll_pwait", "poll", "timerfd_settime"});
    return calls.enforce();
}

}  // namespace

std::expected<std::vector<varlink::FileDescriptor>, std::string> confine(const std::filesystem::path &state,
                                                                         const std::vector<std::filesystem::path> &sockets) {
    ::tzset();  // the log's times are the machine's
    opener::Places places;
    for (const auto &socket : sockets) {
        places.push_back(opener::place_of_file(socket));
        places.back().kind = opener::Place::Kind::socket_file;
    }
    auto openers = opener::start_openers(places, std::nullopt, false);
    if (!openers) return openers;
    if (auto reduced = confinement::reduce_rights(std::nullopt, 0); !reduced) return std::unexpected(std::move(reduced.error()));
    confinement::hide_memory();
    if (const auto kept = confinement::FilesAllowed().allow(state, confinement::Access::read).enforce(); !kept)
        log::warning("the quoting service may open files that are not its own", {{"reason", kept.error()}});
    if (const auto kept = keep_own_calls(); !kept) log::warning("the quoting service may make any system call", {{"reason", kept.error()}});
    return openers;
}

}  // namespace mrd::quoting_service
