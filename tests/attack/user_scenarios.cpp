// Sixteen users with connections of their own, half of them hostile in a way of their own each: the others get their share, and nobody learns what another said.
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <stdexcept>

#include "mr/bytes.h"
#include "tests/attack/scenario.h"

namespace mrd::attack {

namespace {

using Clock = std::chrono::steady_clock;

constexpr uid_t first_user = 50'000;
constexpr std::size_t users = 16;
constexpr std::size_t hostile_users = 8;
constexpr std::size_t flood_calls = 300;  // of each hostile user: as many as a socket takes, and several turns of a connection

// Fewer places than those take who take places. They extend, read and have the log; what was said in it, quotes and all else they may not.
std::string config(std::size_t max_connections) {
    std::string list;
    for (uid_t user = first_user; user < first_user + users; ++user) list += (list.empty() ? "" : ", ") + std::to_string(user);
    return "[service]\nmax_connections = " + std::to_string(max_connections) +
           "\n[journal]\nsize_limit = 16777216\n[[access]]\nname = \"users\"\nusers = [" + list +
           "]\nallow = [\"list\", \"read\", \"log\", \"extend\"]\n";
}

// The credentials of this thread alone, for as long as this: the kernel takes those of who connects.
class AsUser {
public:
    explicit AsUser(uid_t user) {
        if (::syscall(SYS_setresgid, -1, user, -1) != 0 || ::syscall(SYS_setresuid, -1, user, -1) != 0)
            throw std::runtime_error("only root can be other users");
    }
    AsUser(const AsUser &) = delete;
    AsUser &operator=(const AsUser &) = delete;
    ~AsUser() {
        ::syscall(SYS_setresuid, -1, 0, -1);
        ::syscall(SYS_setresgid, -1, 0, -1);
    }
};

varlink::FileDescriptor connect_as(const Attackers &attackers, uid_t user) {
    const AsUser as(user);
    return attackers.connect();
}

std::string call(std::string_view method, const std::string &parameters, std::string_view flags = {}) {
    return R"({"method":"io.mrd.)" + std::string(method) + R"(","parameters":)" + parameters + std::string(flags) + '}' + '\0';
}
std::string extend(uid_t user, std::size_t data, std::string_view flags = {}) {
    auto text = "secret of " + std::to_string(user) + " ";
    text.resize(std::max(text.size(), data), 'x');
    return call("Registers.Extend",
                R"({"name":"rtmr3","digest":")" + std::string(96, '5') + R"(","description":"a secret","data":")" +
                    mr::to_base64(mr::as_bytes(text)) + "\"}",
                flags);
}

// Whole messages, as many as that; fewer: the peer has closed, or nothing comes.
std::string receive(const varlink::FileDescriptor &socket, std::size_t messages) {
    std::string bytes;
    std::size_t whole = 0;
    const auto end = Clock::now() + std::chrono::seconds(30);
    while (whole < messages && Clock::now() < end) {
        pollfd entry{socket.get(), POLLIN, 0};
        if (::poll(&entry, 1, 1000) != 1) continue;
        std::array<char, std::size_t{1} << 16U> piece{};
        const auto size = ::recv(socket.get(), piece.data(), piece.size(), 0);
        if (size <= 0) break;
        whole += static_cast<std::size_t>(std::count(piece.begin(), piece.begin() + size, '\0'));
        bytes.append(piece.data(), static_cast<std::size_t>(size));
    }
    return bytes;
}

// The whole log as this connection may see it: the answers of one call.
std::string whole_log(const varlink::FileDescriptor &socket) {
    Attackers::send(socket, call("EventLog.Records", R"({"from":1})", R"(,"more":true)"));
    std::string records;
    std::size_t had = 0;
    const auto goes_on = [&records] {
        return !records.ends_with('\0') || records.ends_with(std::string_view("\"continues\":true}\0", 18));
    };
    do {
        had = records.size();
        records += receive(socket, 1);
    } while (records.size() > had && goes_on());
    return records;
}

// mrd, as long as this: what is sent meanwhile is all there when it goes on. It is a child of this process.
class Stopped {
public:
    explicit Stopped(const varlink::FileDescriptor &connected) {
        ucred listener{};
        socklen_t size = sizeof(listener);
        siginfo_t stopped{};
        if (::getsockopt(connected.get(), SOL_SOCKET, SO_PEERCRED, &listener, &size) != 0 || ::kill(listener.pid, SIGSTOP) != 0 ||
            ::waitid(P_PID, static_cast<id_t>(listener.pid), &stopped, WSTOPPED) != 0)
            throw std::runtime_error("mrd cannot be stopped");
        pid_ = listener.pid;
    }
    Stopped(const Stopped &) = delete;
    Stopped &operator=(const Stopped &) = delete;
    ~Stopped() { ::kill(pid_, SIGCONT); }

private:
    pid_t pid_ = -1;
};

// Each hostile user has sent hundreds of Extends when the others send one each, all before mrd serves any of them. The log says whose turn was when: no time is
// measured, for a slow machine is no unfair one.
void share_beside_a_flood(Attackers &attackers) {
    std::vector<varlink::FileDescriptor> sockets;
    for (uid_t user = first_user; user < first_user + users; ++user) {
        sockets.push_back(connect_as(attackers, user));
        // mrd has accepted it, and reads.
        Attackers::send(sockets.back(), call("Registers.Read", R"({"name":"rtmr3"})"));
        if (!receive(sockets.back(), 1).contains("reading")) return attackers.fail("a user was not served before the flood");
    }
    const auto calls_of = [](std::size_t user) { return user < hostile_users ? flood_calls : 1; };
    {
        const Stopped stopped(sockets.front());
        for (std::size_t user = 0; user < users; ++user) {
            std::string bytes;
            for (std::size_t i = 0; i < calls_of(user); ++i) bytes += extend(first_user + static_cast<uid_t>(user), 10);
            if (Attackers::send(sockets[user], bytes) != bytes.size()) return attackers.fail("the flood does not fit the socket");
        }
    }
    for (std::size_t user = 0; user < users; ++user) {
        const auto answers = receive(sockets[user], calls_of(user));
        if (static_cast<std::size_t>(std::ranges::count(answers, '\0')) != calls_of(user) || answers.contains("\"error\""))
            return attackers.fail("uid " + std::to_string(first_user + user) + " was not served: " + answers.substr(0, 200));
    }

    const auto log = whole_log(attackers.connect());
    constexpr std::string_view caller = R"("caller":{"uid":)";
    std::size_t flood = 0;
    std::size_t flood_before = 0;  // the last one of those who are not hostile
    std::size_t honest = 0;
    for (auto at = log.find(caller); at != std::string::npos; at = log.find(caller, at + 1)) {
        uid_t user = 0;
        std::from_chars(log.data() + at + caller.size(), log.data() + log.size(), user);
        if (user >= first_user + hostile_users) {
            ++honest;
            flood_before = flood;
        } else if (user >= first_user) {
            ++flood;
        }
    }
    std::printf("  Extends of a flood that were served before the others' only ones: %zu of %zu\n", flood_before, flood);
    if (honest != users - hostile_users || flood != hostile_users * flood_calls)
        attackers.fail("the log has " + std::to_string(honest) + " and " + std::to_string(flood) + " events of the flood's users");
    // One turn of each hostile connection, and perhaps a second one, comes before; a flood has five.
    if (flood_before > flood / 2)
        attackers.fail("a flood took the others' turn: " + std::to_string(flood_before) + " of its " + std::to_string(flood) +
                       " calls were served before");
}

// What each of the hostile ones does with each of its connections; none reads an answer.
void attack_as(Attackers &attackers, uid_t user) {
    auto socket = connect_as(attackers, user);
    const std::size_t much = attackers.small() ? 20 : 300;
    std::string bytes;
    switch (user - first_user) {
    case 0:  // half of a large message
        bytes = R"({"method":")" + std::string(std::size_t{512} << 10U, 'x');
        break;
    case 1:  // the log, again and again
        for (std::size_t i = 0; i < much; ++i) bytes += call("EventLog.Records", "{}", R"(,"more":true)");
        break;
    case 2:  // the hardware, again and again
        for (std::size_t i = 0; i < 10 * much; ++i) bytes += call("Registers.Read", R"({"name":"rtmr3","fresh":true})");
        break;
    case 3:  // as much of the journal as it can have
        for (std::size_t i = 0; i < much; ++i) bytes += extend(user, std::size_t{32} << 10U, R"(,"oneway":true)");
        break;
    case 4:  // the same, in small events
        for (std::size_t i = 0; i < 10 * much; ++i) bytes += extend(user, 10, R"(,"oneway":true)");
        break;
    case 5:  // what it may not
        for (std::size_t i = 0; i < much; ++i) {
            bytes += call("Attestation.Quote", R"({"reportData":")" + std::string(128, '7') + "\"}");
            bytes += call("Registers.Cap", R"({"name":"rtmr3"})") + call("EventLog.Repair", "{}");
            bytes += call("Registers.Write", R"({"name":"reportdata","value":")" + std::string(128, '7') + "\"}");
        }
        break;
    case 6:  // changes, and events to come
        bytes = call("Registers.Watch", "{}", R"(,"more":true)");
        attackers.keep_open(connect_as(attackers, user));
        Attackers::send(attackers.open().back(), call("EventLog.Records", R"({"follow":true})", R"(,"more":true)"));
        break;
    default:  // places
        for (std::size_t i = 0; i < much; ++i) attackers.keep_open(connect_as(attackers, user));
    }
    Attackers::send(socket, bytes, std::chrono::milliseconds(200));
    attackers.keep_open(std::move(socket));
}

void attack_by_users(Attackers &attackers) {
    share_beside_a_flood(attackers);
    const auto of_each = std::max<std::size_t>(attackers.count() / users, 1);
    for (std::size_t i = 0; i < of_each; ++i) {
        for (uid_t user = first_user; user < first_user + hostile_users; ++user) attack_as(attackers, user);
    }
    std::vector<double> times;
    for (std::size_t i = 0; i < of_each; ++i) {
        for (uid_t user = first_user + hostile_users; user < first_user + users; ++user) {
            const auto who = "uid " + std::to_string(user);
            const auto socket = connect_as(attackers, user);
            const auto begin = Clock::now();
            Attackers::send(socket, extend(user, 1000));
            const auto extended = receive(socket, 1);
            times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
            if (!extended.contains(R"("sequence":)")) attackers.fail(who + " did not get its share of extends: " + extended.substr(0, 200));
            Attackers::send(socket, call("Registers.Read", R"({"name":"rtmr3"})"));
            if (!receive(socket, 1).contains("reading")) attackers.fail(who + " was not served a Read");
            const auto records = whole_log(socket);
            if (!records.contains(R"("sequence":1,)")) attackers.fail(who + " was not served the log");
            for (const auto *secret : {"secret", "c2VjcmV0", "caller"}) {
                if (records.contains(secret)) attackers.fail(who + " was told what others said, in a record");
            }
            Attackers::send(socket, call("Attestation.Quote", R"({"reportData":")" + std::string(128, '7') + "\"}"));
            if (!receive(socket, 1).contains("PermissionDenied")) attackers.fail(who + " got a quote");
        }
    }
    std::ranges::sort(times);
    std::printf("  Extend of the %zu users that are not hostile: p50 %8.2f ms    p99 %8.2f ms\n", users - hostile_users,
                times[times.size() / 2], times[times.size() * 99 / 100]);
}

}  // namespace

std::vector<Scenario> user_scenarios() {
    return {{.name = "users",
             .what = "clients of 16 users, half of them hostile, each in a way of its own",
             .clients = 64,
             .small_clients = 32,
             .max_rss_mib = 192,
             .small_max_rss_mib = 128,
             .config = config(512),
             .small_config = config(48),
             .needs_root = true,
             .attack = &attack_by_users}};
}

}  // namespace mrd::attack
