// What clients can do to each other with calls for evidence: leave it unread, want none, go. Each time honest clients ask for it too, and get it.
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "tests/attack/scenario.h"

namespace mrd::attack {

namespace {

using Clock = std::chrono::steady_clock;

std::string evidence(std::string_view flag = {}) {
    return R"({"method":"io.mrd.Attestation.Evidence","parameters":{"reportData":")" + std::string(128, '7') + "\"}" + std::string(flag) +
           '}' + '\0';
}

// Its whole answer, within the call's own deadline.
bool is_given_evidence(const varlink::FileDescriptor &socket) {
    Attackers::send(socket, evidence());
    std::string answer;
    const auto end = Clock::now() + std::chrono::seconds(40);
    while (!answer.ends_with('\0') && Clock::now() < end) {
        pollfd entry{socket.get(), POLLIN, 0};
        if (::poll(&entry, 1, 1000) != 1) continue;
        std::array<char, std::size_t{1} << 16U> bytes{};
        const auto size = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
        if (size <= 0) break;
        answer.append(bytes.data(), static_cast<std::size_t>(size));
    }
    return answer.ends_with('\0') && answer.starts_with(R"({"parameters":{"evidence":)");
}

void ask_honestly(Attackers &attackers, const char *when) {
    constexpr std::size_t calls = 10;
    std::array<double, calls> times{};
    for (auto &time : times) {
        const auto socket = attackers.connect();
        const auto begin = Clock::now();
        if (!is_given_evidence(socket)) attackers.fail(std::string("an honest client got no evidence, ") + when);
        time = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
    }
    std::ranges::sort(times);
    std::printf("  Evidence, %-14s p50 %8.2f ms    p99 %8.2f ms\n", when, times[calls / 2], times.back());
}

void unread(Attackers &attackers) {
    ask_honestly(attackers, "alone");
    for (std::size_t i = 0; i < attackers.count(); ++i) {
        auto socket = attackers.connect();
        attackers.send(socket, evidence());
        attackers.keep_open(std::move(socket));
    }
    ask_honestly(attackers, "attacked");
}

void unwanted(Attackers &attackers) {
    ask_honestly(attackers, "alone");
    auto socket = attackers.connect();
    for (std::size_t i = 0; i < attackers.count(); ++i) attackers.send(socket, evidence(R"(,"oneway":true)"));
    attackers.keep_open(std::move(socket));
    ask_honestly(attackers, "attacked");
}

void gone(Attackers &attackers) {
    ask_honestly(attackers, "alone");
    {
        const auto socket = attackers.connect();
        // Where the socket takes no more, it is not waited for: the honest client's extends would make the log too large for any evidence.
        for (std::size_t i = 0; i < attackers.count() && attackers.send(socket, evidence()) > 0; ++i) {
        }
    }
    ask_honestly(attackers, "attacked");
}

}  // namespace

std::vector<Scenario> evidence_scenarios() {
    return {
        {.name = "unread-evidence",
         .what = "clients that ask for evidence and do not read it",
         .clients = 64,
         .small_clients = 16,
         .events = 20'000,
         .max_rss_mib = 256,
         .small_max_rss_mib = 96,
         .attack = &unread},
        {.name = "unwanted-evidence",
         .what = "calls for evidence of one client that wants no answer, and stays",
         .clients = 960,
         .small_clients = 40,
         .events = 1000,
         .max_rss_mib = 192,
         .small_max_rss_mib = 96,
         .attack = &unwanted},
        {.name = "gone-evidence",
         .what = "calls for evidence of one client that goes at once",
         .clients = 300,
         .small_clients = 40,
         .events = 20'000,
         .max_rss_mib = 192,
         .small_max_rss_mib = 96,
         .attack = &gone},
    };
}

}  // namespace mrd::attack
