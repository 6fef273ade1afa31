#include "mrd/daemon/confine.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <utility>

#include "confinement/landlock.h"
#include "confinement/system_calls.h"
#include "mrd/daemon/accounts.h"
#include "mrd/log.h"
#include "mrd/opener/opener.h"
#include "mrd/opener/process.h"
#include "mrd/own_files.h"

namespace mrd {

namespace {

using Failure = std::unexpected<std::string>;

std::filesystem::path folder_of(const std::filesystem::path &file) { return file.has_parent_path() ? file.parent_path() : "."; }

// ---- What an opener opens

void add_log(opener::Places &places, const std::filesystem::path &log) {
    if (log.empty() || log == "none") return;
    places.push_back(opener::place_of_file(log));
    // A firmware's log lies beside the table that says whose it is (mrd/providers/ccel_table.h).
    if (log.filename() == "CCEL") places.push_back(opener::place_of_file(log.parent_path().parent_path() / "CCEL"));
}

// The folder may be root's, who has made it; its mode follows the rules, unless it is written.
void add_socket(opener::Places &places, const Listener &listener) {
    auto place = opener::place_of_file(listener.file->path());
    place.kind = opener::Place::Kind::socket_file;
    if (!listener.config->mode) place.modes = {mode_for_all, mode_for_mrd};
    places.push_back(std::move(place));
}

constexpr const char *journal_name = "the system's journal";

// Who starts it again gives it another socket.
void add_log_socket(opener::Places &places, std::span<const std::uint8_t> address) {
    if (address.empty()) return;
    places.push_back(
        {.kind = opener::Place::Kind::socket, .path = journal_name, .address = {address.begin(), address.end()}, .type = SOCK_DGRAM});
}

ProviderNeeds needs_of_all(const CommandLine &command_line, const std::vector<ProviderConfig> &providers) {
    const auto &config = command_line.config;
    ProviderNeeds all;
    all.places.push_back({.kind = opener::Place::Kind::processes, .path = "/proc"});
    if (config.journal.firmware_log) add_log(all.places, *config.journal.firmware_log);
    for (const auto &provider : providers) {
        auto needs = needs_of(provider);
        all.places.insert(all.places.end(), needs.places.begin(), needs.places.end());
        all.listed.insert(all.listed.end(), needs.listed.begin(), needs.listed.end());
        all.device_requests.insert(all.device_requests.end(), needs.device_requests.begin(), needs.device_requests.end());
        if (provider.firmware_log) add_log(all.places, *provider.firmware_log);
        add_log(all.places, is_simulated(provider) ? command_line.simulated_td.ccel : kernel_firmware_log(provider.type));
        for (const auto &log : provider.earlier_logs) add_log(all.places, log);
    }
    return all;
}

// ---- What mrd itself may open

// Rules are of what a path leads to: what of /proc the kernel would forget meanwhile is kept.
void allow_of_proc(confinement::FilesAllowed &files, const char *path) {
    static std::vector<varlink::FileDescriptor> kept;
    kept.emplace_back(::open(path, O_PATH | O_CLOEXEC));
    files.allow(path, confinement::Access::read);
}

confinement::FilesAllowed own_files(const CommandLine &command_line, const ProviderNeeds &needs) {
    const auto &config = command_line.config;
    confinement::FilesAllowed files;
    files.allow(config.state, confinement::Access::manage).allow(config.boot_id_file, confinement::Access::read);
    // What replaces the file has another inode.
    if (!command_line.config_file.empty()) files.allow(folder_of(command_line.config_file), confinement::Access::read);
    for (const auto &folder : needs.listed) files.allow(folder, confinement::Access::list);
    // Names in the access rules that are loaded again.
    for (const char *table : {"/etc/passwd", "/etc/group", "/etc/nsswitch.conf"}) files.allow(table, confinement::Access::read);
    // Whose process a descriptor is of, and who is nobody.
    for (const char *path : {"/proc/self/fdinfo", "/proc/sys/kernel/overflowuid"}) allow_of_proc(files, path);
    return files;
}

constexpr std::uint64_t pass_rights = 83;  // SO_PASSRIGHTS (Linux 6.16), by which a socket takes no descriptors: proto/varlink/server.cpp

std::expected<void, std::string> keep_own_calls(const ProviderNeeds &needs) {
    confinement::SystemCalls calls;
    // What is open: files, sockets, pipes. tee(): is there a writer at the other end of a log that is a FIFO?
    calls.allow({"read", "write", "readv", "writev", "pread64", "pwrite64", "lseek", "getdents64", "fsync", "fdatasync", "fallocate",
                 "ftruncate", "flock", "fstatfs", "tee"});
    for (const std::uint64_t command : {F_GETFD + 0U, F_SETFD + 0U, F_GETFL + 0U, F_SETFL + 0U, F_DUPFD_CLOEXEC + 0U})
        calls.allow_where("fcntl", {{.argument = 1, .value = command}});
    // A socket that does not wait; is there more to read of one that was closed; is it a terminal?
    for (const std::uint64_t request : {std::uint64_t{FIONBIO}, std::uint64_t{FIONREAD}, std::uint64_t{TCGETS}})
        calls.allow_where("ioctl", {{.argument = 1, .value = request}});
    for (const auto request : needs.device_requests) calls.allow_where("ioctl", {{.argument = 1, .value = request}});
    // By a path: what Landlock looks at. A file that is made is no program that runs as its owner, and a second name (of a journal that is put aside) is in the same
    // folder as the first.
    constexpr std::uint64_t set_ids = S_ISUID | S_ISGID;
    calls.allow_where("open", {{.argument = 2, .value = 0, .mask = set_ids}});
    calls.allow_where("openat", {{.argument = 3, .value = 0, .mask = set_ids}});
    calls.allow({"rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir"});
    // And what it does not: that a file is there, its size, owner and times; no change of any of it. (The C library's fstat() is newfstatat(), whose path cannot be
    // looked at.)
    calls.allow({"stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "getcwd"});
    // Connections that are accepted, and the event loop.
    calls.allow({"accept", "accept4", "listen", "recvmsg", "recvfrom", "shutdown", "getsockopt", "getsockname", "getpeername"});
    calls.allow({"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "poll", "ppoll", "eventfd2", "timerfd_create",
                 "timerfd_settime", "pipe2"});
    // To whom a socket is connected, and nobody else: an address is stronger than the connection, and that in a message cannot be looked at.
    calls.allow_where("sendto", {{.argument = 4, .value = 0}});
    for (const std::uint64_t option : {std::uint64_t{SO_SNDTIMEO}, pass_rights})
        calls.allow_where("setsockopt", {{.argument = 1, .value = SOL_SOCKET}, {.argument = 2, .value = option}});
    calls.allow_where("setsockopt", {{.argument = 1, .value = IPPROTO_TCP}, {.argument = 2, .value = TCP_QUICKACK}});
    // Threads, and no process: the C library takes the older call where there is no newer one, whose flags cannot be looked at.
    constexpr std::uint64_t thread = CLONE_VM | CLONE_THREAD;
    calls.allow_where("clone", {{.argument = 0, .value = thread, .mask = thread}}).refuse({"clone3"}, ENOSYS);
    calls.allow({"set_robust_list", "rseq", "sched_getaffinity"});
    calls.allow_where("prlimit64", {{.argument = 0, .value = 0}, {.argument = 2, .value = 0}});  // asks of itself, and sets nothing
    // Who it is, and how much memory there is (sorting).
    calls.allow({"getuid", "geteuid", "getgid", "getegid", "sysinfo"});
    // Who looks for a name of the machine's asks a daemon first.
    calls.refuse_where("socket", {{.argument = 0, .value = AF_UNIX}}, EAFNOSUPPORT);
    return calls.enforce();
}

std::expected<void, std::string> give_files(const CommandLine &command_line, const std::vector<Listener> &listeners,
                                            const confinement::Identity &identity) {
    if (auto given = give_folder(command_line.config.state, identity.uid, identity.gid); !given) return given;
    for (const auto &listener : listeners) {
        if (!listener.file) continue;
        constexpr auto as_it_is = static_cast<uid_t>(-1);
        const auto owner = listener.config->owner ? as_it_is : identity.uid;
        const auto group = listener.config->group ? as_it_is : identity.gid;
        if (::lchown(listener.config->path.c_str(), owner, group) != 0)
            return Failure("cannot give the socket " + listener.config->path + " to mrd's user: " + std::generic_category().message(errno));
    }
    return {};
}

}  // namespace

varlink::FileDescriptor connect_to_journal(std::span<const std::uint8_t> address) {
    auto connecting = opener::connect(journal_name, address, SOCK_DGRAM);
    return connecting.error == 0 ? std::move(connecting.socket) : varlink::FileDescriptor();
}

std::expected<std::optional<confinement::Identity>, std::string> configured_user(const Config &config) {
    if (!config.user) return std::nullopt;
    const auto &name = *config.user;
    uid_t number = 0;
    const auto end = std::from_chars(name.data(), name.data() + name.size(), number);
    const bool is_number = end.ec == std::errc() && end.ptr == name.data() + name.size();
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else asks
    const auto *entry = is_number ? ::getpwuid(number) : ::getpwnam(name.c_str());
    if (entry == nullptr) return Failure("service.user = \"" + name + "\": this machine has no such user; name one that it has");
    return confinement::Identity{.uid = entry->pw_uid, .gid = entry->pw_gid};
}

std::expected<std::optional<confinement::Identity>, std::string> wanted_identity(const Config &config) {
    auto user = configured_user(config);
    if (!user || !*user) return user;
    if ((*user)->uid == ::geteuid()) return std::nullopt;
    if (::geteuid() != 0)
        return Failure("service.user = \"" + *config.user + "\": only root can become another user: start mrd as root, or as that user");
    return user;
}

std::optional<std::string> warning_of_root(const Config &config, const std::vector<ProviderConfig> &providers) {
    if (::geteuid() != 0 || config.user || std::ranges::any_of(providers, &is_simulated)) return std::nullopt;
    if (!user_in_file("mrd")) return std::nullopt;
    return "mrd stays root, without its capabilities, though this machine has the user mrd for it: start it by its unit, or say "
           "service.user = \"mrd\", or "
           "\"root\" if it is to be so";
}

std::expected<std::vector<varlink::FileDescriptor>, std::string> confine(const CommandLine &command_line,
                                                                         const std::vector<ProviderConfig> &providers,
                                                                         const std::vector<Listener> &listeners,
                                                                         const std::optional<confinement::Identity> &identity) {
    const auto &config = command_line.config;
    ::tzset();  // the log's times are the machine's, whose file is none of mrd's
    if (identity) {
        if (auto given = give_files(command_line, listeners, *identity); !given) return Failure(given.error());
    }
    const bool must = config.confined == Confined::required;
    std::vector<varlink::FileDescriptor> openers;
    auto needs = needs_of_all(command_line, providers);
    for (const auto &listener : listeners) {
        if (listener.file) add_socket(needs.places, listener);
    }
    add_log_socket(needs.places, log::journal_address());
    if (config.confined != Confined::off) {
        auto started = opener::start_openers(needs.places, identity, must);
        if (!started) return Failure(started.error());
        openers = std::move(*started);
    }
    if (config.confined != Confined::off || identity) {
        if (auto reduced = confinement::reduce_rights(identity, 0); !reduced) return Failure(reduced.error());
    }
    const auto who = "uid " + std::to_string(::geteuid());
    if (config.confined == Confined::off) {
        log::warning("mrd is not confined, as service.confinement says", {{"user", who}});
        return openers;
    }
    confinement::hide_memory();
    const auto files = own_files(command_line, needs).enforce();
    if (!files && must) return Failure(files.error() + opener::or_best_effort);
    const auto calls = keep_own_calls(needs);
    if (!calls && must) return Failure(calls.error() + opener::or_best_effort);
    if (!files) log::warning("mrd may open files that are not its own", {{"reason", files.error()}});
    if (!calls) log::warning("mrd may make any system call", {{"reason", calls.error()}});
    log::info("confined", {{"user", who},
                           {"capabilities", "none"},
                           {"files", files ? "its own (Landlock " + std::to_string(*files) + ")" : "all of its user"},
                           {"calls", !calls                                    ? "all"
                                     : confinement::system_calls_are_reduced() ? "reduced list (sanitizer)"
                                                                               : "list"},
                           {"openers", std::to_string(openers.size())}});
    return openers;
}

}  // namespace mrd
