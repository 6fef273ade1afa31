#include "mrd/opener/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <system_error>
#include <utility>

#include "confinement/landlock.h"
#include "confinement/system_calls.h"
#include "libmr/src/input_file.h"
#include "mrd/opener/actions.h"

namespace mrd::opener {

namespace {

using Failure = std::unexpected<std::string>;

// ---- The opener's side

// What it has open, and nothing else.
constexpr int socket_number = 3;
constexpr int alive_number = 4;
constexpr int null_number = 0;

// Standard streams lead nowhere, and what mrd had open (locks, sockets, other openers' ends) is not kept open by it.
bool keep_only(int socket, int alive) {
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    // Above all that is going to be put in its place.
    constexpr int above = alive_number + 1;
    const int kept_socket = ::fcntl(socket, F_DUPFD_CLOEXEC, above);
    const int kept_alive = ::fcntl(alive, F_DUPFD_CLOEXEC, above);
    if (null < 0 || kept_socket < 0 || kept_alive < 0) return false;
    for (const int stream : {null_number, 1, 2}) {
        if (::dup2(null, stream) < 0) return false;
    }
    if (::dup3(kept_socket, socket_number, O_CLOEXEC) < 0 || ::dup3(kept_alive, alive_number, O_CLOEXEC) < 0) return false;
    if (::syscall(SYS_close_range, alive_number + 1, ~0U, 0) == 0) return true;
    // Before Linux 5.9.
    const auto most = static_cast<int>(::sysconf(_SC_OPEN_MAX));
    for (int number = alive_number + 1; number < most; ++number) ::close(number);
    return true;
}

confinement::Capabilities needed_by(Duty duty) {
    return confinement::capability(duty == Duty::callers ? CAP_SYS_PTRACE : CAP_DAC_OVERRIDE);
}

// Nothing: it is no address of TCP.
std::optional<std::uint16_t> tcp_port_of(std::span<const std::uint8_t> address) {
    sa_family_t family = 0;
    if (address.size() < sizeof(family)) return std::nullopt;
    std::memcpy(&family, address.data(), sizeof(family));
    if (family == AF_INET && address.size() == sizeof(sockaddr_in)) {
        sockaddr_in to{};
        std::memcpy(&to, address.data(), sizeof(to));
        return ntohs(to.sin_port);
    }
    if (family == AF_INET6 && address.size() == sizeof(sockaddr_in6)) {
        sockaddr_in6 to{};
        std::memcpy(&to, address.data(), sizeof(to));
        return ntohs(to.sin6_port);
    }
    return std::nullopt;
}

confinement::FilesAllowed files_of(const Places &places) {
    confinement::FilesAllowed allowed;
    for (const auto &place : places) {
        const auto &root = place.root.empty() ? place.path : place.root;
        switch (place.kind) {
        case Place::Kind::file:
        case Place::Kind::folder: allowed.allow(root, place.writable ? confinement::Access::write : confinement::Access::read); break;
        case Place::Kind::processes: allowed.allow(root, confinement::Access::read); break;
        case Place::Kind::instances: allowed.allow(root, confinement::Access::manage); break;
        case Place::Kind::socket_file: allowed.allow(root, confinement::Access::remove); break;
        case Place::Kind::socket:
            if (const auto port = tcp_port_of(place.address)) allowed.allow_connecting_to(*port);
            break;
        }
    }
    return allowed;
}

std::expected<void, std::string> keep_calls_of(Duty duty, const Places &places) {
    confinement::SystemCalls calls;
    // Answers, to mrd alone.
    calls.allow({"recvfrom"}).allow_where("sendto", {{.argument = 4, .value = 0}});
    // Answers with a descriptor.
    if (duty != Duty::callers) calls.allow_where("sendmsg", {{.argument = 0, .value = std::uint64_t{socket_number}}});
    switch (duty) {
    case Duty::callers: calls.allow({"readlinkat"}); break;
    case Duty::quotes:
        calls.allow({"openat", "openat2", "mkdirat", "unlinkat", "getdents64", "lseek"});
        for (const std::uint64_t command : {F_DUPFD_CLOEXEC + 0U, F_GETFL + 0U, F_SETFD + 0U})
            calls.allow_where("fcntl", {{.argument = 1, .value = command}});
        calls.allow_where("kill", {{.argument = 1, .value = 0}});
        break;
    case Duty::files:
        calls.allow({"openat", "openat2"});
        for (const auto &place : places) {
            if (place.kind == Place::Kind::socket_file) calls.allow({"unlinkat"});
            for (const auto mode : place.modes) calls.allow_where("fchmodat", {{.argument = 2, .value = mode}});
            if (place.kind != Place::Kind::socket) continue;
            sa_family_t family = 0;
            std::memcpy(&family, place.address.data(), sizeof(family));
            const auto flags = static_cast<std::uint64_t>(flags_of_connection(place.type));
            calls.allow_where("socket", {{.argument = 0, .value = family}, {.argument = 1, .value = flags}}).allow({"connect"});
        }
        break;
    }
    return calls.enforce();
}

std::expected<void, std::string> give_up_rights(Duty duty, const Places &places, const std::optional<confinement::Identity> &identity,
                                                bool must_be_confined, pid_t mrd) {
    if (auto reduced = confinement::reduce_rights(identity, needed_by(duty)); !reduced) return reduced;
    confinement::hide_memory();
    // The kernel forgets it where a process's rights change: behind that.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || ::getppid() != mrd) return Failure("mrd has ended");
    if (duty != Duty::callers) {
        if (const auto kept = files_of(places).enforce(); !kept && must_be_confined) return Failure(kept.error());
    }
    if (auto kept = keep_calls_of(duty, places); !kept && must_be_confined) return kept;
    return {};
}

void send_answer(Answer &answer, int descriptor) {
    if (descriptor < 0) {
        if (::send(socket_number, &answer, sizeof(answer), MSG_NOSIGNAL) < 0) ::_exit(0);
        return;
    }
    iovec bytes{&answer, sizeof(answer)};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    auto *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
    if (::sendmsg(socket_number, &message, MSG_NOSIGNAL) < 0) ::_exit(0);
}

void put_text(Answer &answer, std::string_view text) {
    answer.text_size = static_cast<std::uint32_t>(std::min(text.size(), answer.text.size()));
    std::copy_n(text.begin(), answer.text_size, answer.text.begin());
}

class Opener {
public:
    Opener(Places places, pid_t owner) : places_(std::move(places)), owner_(owner) {}

    // Until mrd has ended.
    [[noreturn]] void serve() {
        // One byte more than a request has: what is longer is no request.
        std::array<std::uint8_t, sizeof(Request) + 1> message{};
        for (;;) {
            const auto size = ::recv(socket_number, message.data(), message.size(), 0);
            if (size < 0 && errno == EINTR) continue;
            if (size <= 0) ::_exit(0);
            answer(std::span(message).first(static_cast<std::size_t>(size)));
        }
    }

private:
    void answer(std::span<const std::uint8_t> message) {
        Answer answer;
        varlink::FileDescriptor descriptor;
        if (const auto step = decide(message, places_, instances_)) {
            carry_out(*step, answer, descriptor);
        } else {
            answer.error = step.error();
        }
        answer.has_descriptor = descriptor ? 1 : 0;
        send_answer(answer, descriptor.get());
        if (!descriptor) return;
        // mrd's closing is to be the last one: it does not go on before this end is closed.
        descriptor.reset();
        Answer closed;
        send_answer(closed, -1);
    }

    void carry_out(const Step &step, Answer &answer, varlink::FileDescriptor &descriptor) {
        switch (step.operation) {
        case Operation::open:
            descriptor = open_without_links(step.path, step.flags);
            if (!descriptor) answer.error = errno;
            break;
        case Operation::make:
            if (const auto made = make_instance_of(owner_, made_++, step.path)) {
                instances_.insert(*made);
                put_text(answer, made->native());
            } else {
                answer.error = made.error();
            }
            break;
        case Operation::remove: {
            const int what = step.place->kind == Place::Kind::instances ? AT_REMOVEDIR : 0;
            const auto folder = open_without_links(step.path.parent_path(), O_PATH | O_DIRECTORY);
            if (!folder || (::unlinkat(folder.get(), step.path.filename().c_str(), what) != 0 && errno != ENOENT)) answer.error = errno;
            instances_.erase(step.path);
            break;
        }
        case Operation::remove_left:
            // What is this mrd's own is in use.
            remove_instances_of(instances_.empty() ? owner_ : 0, step.path);
            break;
        case Operation::connect: {
            auto connecting = connect_to(step.place->address, step.place->type);
            answer.error = connecting.error;
            if (connecting.error == 0 || connecting.error == EINPROGRESS) descriptor = std::move(connecting.socket);
            break;
        }
        case Operation::executable:
            if (const auto path = executable_of(step.process); path.empty()) {
                answer.error = ENOENT;
            } else {
                put_text(answer, path);
            }
            break;
        case Operation::set_mode: answer.error = set_socket_mode_of(step.path, step.mode); break;
        }
    }

    Places places_;
    pid_t owner_;
    std::set<std::filesystem::path> instances_;
    std::uint64_t made_ = 0;
};

[[noreturn]] void run_opener(Duty duty, Places places, const std::optional<confinement::Identity> &identity, bool must_be_confined,
                             int socket, int alive, pid_t mrd) {
    // The service manager and a terminal tell all processes to stop: mrd has more to open until it has.
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE}) (void)std::signal(number, SIG_IGN);
    (void)::prctl(PR_SET_NAME, "mrd-opener", 0, 0, 0);
    if (!keep_only(socket, alive)) ::_exit(1);
    Answer ready;
    if (auto reduced = give_up_rights(duty, places, identity, must_be_confined, mrd); !reduced) {
        ready.error = EPERM;
        put_text(ready, reduced.error());
    }
    send_answer(ready, -1);
    if (ready.error != 0) ::_exit(1);
    Opener(std::move(places), mrd).serve();
}

// ---- mrd's side

class Asked {
public:
    explicit Asked(varlink::FileDescriptor socket) : socket_(std::move(socket)) {}

    struct Got {
        Answer answer;
        varlink::FileDescriptor descriptor;
    };
    Got ask(const Request &request) {
        const std::scoped_lock one_at_a_time(mutex_);
        Got got;
        if (::send(socket_.get(), &request, sizeof(request), MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof(request))) return dead();
        if (!receive(got)) return dead();
        if (got.answer.has_descriptor == 0) return got;
        Got closed;
        if (!got.descriptor || !receive(closed)) return dead();
        return got;
    }
    // What it says first.
    std::optional<Got> ready() {
        Got got;
        return receive(got) ? std::optional(std::move(got)) : std::nullopt;
    }

private:
    static Got dead() {
        Got got;
        got.answer.error = EPIPE;
        return got;
    }

    bool receive(Got &got) {
        iovec bytes{&got.answer, sizeof(got.answer)};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
        msghdr message{};
        message.msg_iov = &bytes;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        ssize_t size = 0;
        do size = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
        while (size < 0 && errno == EINTR);
        if (size != static_cast<ssize_t>(sizeof(got.answer)) || got.answer.text_size > got.answer.text.size()) return false;
        const auto *header = CMSG_FIRSTHDR(&message);
        if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(header), sizeof(number));
            got.descriptor = varlink::FileDescriptor(number);
        }
        return true;
    }

    std::mutex mutex_;
    varlink::FileDescriptor socket_;
};

// Started once, before there is a second thread, and kept to the process's end.
struct Openers {
    bool started = false;
    std::unique_ptr<Asked> files;
    std::unique_ptr<Asked> quotes;
    std::unique_ptr<Asked> callers;
};
Openers &openers() {
    static Openers all;
    return all;
}

Request request_for(Operation operation, std::string_view path) {
    Request request;
    request.operation = operation;
    // One that is too long is refused.
    request.path_size = static_cast<std::uint32_t>(path.size());
    std::copy_n(path.begin(), std::min(path.size(), request.path.size()), request.path.begin());
    return request;
}

Places for_duty(const Places &places, Duty duty) {
    Places mine;
    if (duty == Duty::callers) return mine;
    for (const auto &place : places) {
        if ((place.kind == Place::Kind::instances) == (duty == Duty::quotes)) mine.push_back(place);
    }
    return mine;
}

bool is_instance(const std::filesystem::path &path) { return owner_of_instance(path.parent_path().filename().native()) != 0; }

std::string_view text_of(const Answer &answer) { return {answer.text.data(), answer.text_size}; }

}  // namespace

std::expected<std::vector<varlink::FileDescriptor>, std::string> start_openers(const Places &places,
                                                                               const std::optional<confinement::Identity> &identity,
                                                                               bool must_be_confined) {
    auto &all = openers();
    std::vector<varlink::FileDescriptor> ends;
    const auto mrd = ::getpid();
    for (const auto duty : {Duty::files, Duty::quotes, Duty::callers}) {
        auto mine = for_duty(places, duty);
        if (duty != Duty::callers && mine.empty()) continue;
        std::array<int, 2> sockets{};
        std::array<int, 2> pipe{};
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()) != 0 || ::pipe2(pipe.data(), O_CLOEXEC) != 0)
            return Failure("cannot make a socket to an opener: " + std::generic_category().message(errno));
        varlink::FileDescriptor own(sockets[0]);
        const varlink::FileDescriptor its(sockets[1]);
        varlink::FileDescriptor end(pipe[0]);
        const varlink::FileDescriptor alive(pipe[1]);
        const auto child = ::fork();
        if (child < 0) return Failure("cannot make an opener: " + std::generic_category().message(errno));
        if (child == 0) run_opener(duty, std::move(mine), identity, must_be_confined, its.get(), alive.get(), mrd);
        auto &asked = duty == Duty::files ? all.files : duty == Duty::quotes ? all.quotes : all.callers;
        asked = std::make_unique<Asked>(std::move(own));
        ends.push_back(std::move(end));
    }
    // All are made: each has closed what it does not need when it says so.
    for (auto *asked : {all.files.get(), all.quotes.get(), all.callers.get()}) {
        if (asked == nullptr) continue;
        const auto ready = asked->ready();
        if (!ready) return Failure("an opener has ended while it was started");
        if (ready->answer.error != 0)
            return Failure("an opener cannot be confined: " + std::string(text_of(ready->answer)) + or_best_effort);
    }
    all.started = true;
    return ends;
}

varlink::FileDescriptor open(const std::filesystem::path &path, int flags) {
    if (!openers().started) return varlink::FileDescriptor(::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY));
    auto request = request_for(Operation::open, path.native());
    request.access = static_cast<std::uint8_t>(flags & O_ACCMODE);
    auto *asked = openers().quotes && is_instance(path) ? openers().quotes.get() : openers().files.get();
    if (asked == nullptr) {
        errno = EACCES;
        return {};
    }
    auto got = asked->ask(request);
    if (got.descriptor && (flags & O_NONBLOCK) == 0) (void)::fcntl(got.descriptor.get(), F_SETFL, flags & O_ACCMODE);
    errno = got.answer.error;
    return std::move(got.descriptor);
}

std::expected<mr::Bytes, std::string> read_file(const std::filesystem::path &path, std::size_t limit) {
    auto opened = open(path, O_RDONLY | O_NONBLOCK);
    if (!opened) return Failure(mr::cannot("open", path.native(), errno).error().message);
    const auto file = mr::take_input(std::move(opened), path.native());
    if (!file) return Failure(file.error().message);
    auto bytes = mr::read_all_input(file->get(), limit, path.native());
    if (!bytes) return Failure(bytes.error().message);
    return std::move(*bytes);
}

std::expected<std::filesystem::path, int> make_instance(const std::filesystem::path &folder) {
    static std::atomic<std::uint64_t> made = 0;
    if (!openers().started) return make_instance_of(::getpid(), made++, folder);
    if (!openers().quotes) return std::unexpected(EACCES);
    const auto got = openers().quotes->ask(request_for(Operation::make, folder.native()));
    if (got.answer.error != 0) return std::unexpected(got.answer.error);
    return std::filesystem::path(text_of(got.answer));
}

void remove_instance(const std::filesystem::path &instance) {
    if (!openers().started) {
        (void)::rmdir(instance.c_str());
    } else if (openers().quotes) {
        (void)openers().quotes->ask(request_for(Operation::remove, instance.native()));
    }
}

void remove_socket(const std::filesystem::path &file) {
    if (!openers().started) {
        (void)::unlink(file.c_str());
    } else if (openers().files) {
        (void)openers().files->ask(request_for(Operation::remove, file.native()));
    }
}

int set_socket_mode(const std::filesystem::path &file, mode_t mode) {
    if (!openers().started) return set_socket_mode_of(place_of_file(file).path, mode);
    if (!openers().files) return EACCES;
    auto request = request_for(Operation::set_mode, file.native());
    request.mode = static_cast<std::uint16_t>(mode);
    return openers().files->ask(request).answer.error;
}

void remove_left_instances(const std::filesystem::path &folder) {
    if (!openers().started) {
        remove_instances_of(::getpid(), folder);
    } else if (openers().quotes) {
        (void)openers().quotes->ask(request_for(Operation::remove_left, folder.native()));
    }
}

Connecting connect(const std::string &name, std::span<const std::uint8_t> address, int type) {
    if (!openers().started) return connect_to(address, type);
    Connecting connecting;
    if (!openers().files) {
        connecting.error = EACCES;
        return connecting;
    }
    auto got = openers().files->ask(request_for(Operation::connect, name));
    return {.socket = std::move(got.descriptor), .error = got.answer.error};
}

std::optional<std::string> executable(pid_t process) {
    std::string path;
    if (!openers().started) {
        path = executable_of(process);
    } else {
        auto request = request_for(Operation::executable, {});
        request.process = process;
        const auto got = openers().callers->ask(request);
        if (got.answer.error == 0) path = text_of(got.answer);
    }
    return path.empty() ? std::nullopt : std::optional(std::move(path));
}

}  // namespace mrd::opener
