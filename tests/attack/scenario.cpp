#include "tests/attack/scenario.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "proto/varlink/client.h"
#include "tests/integration/daemon.h"
#include "tests/sanitized.h"

namespace mrd::attack {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto call_patience = std::chrono::seconds(20);     // an honest call that takes longer is not served
constexpr auto leaving_patience = std::chrono::seconds(60);  // in which the connections of clients that have gone end
constexpr auto alone_time = std::chrono::milliseconds(700);
constexpr auto attacked_least = std::chrono::milliseconds(2000);
constexpr std::size_t small_part = 20;           // of the events, in a small scenario
constexpr std::size_t max_descriptors_left = 4;  // what mrd opened for its own work, and the connection that asks
constexpr std::size_t max_rss_left_mib = 24;     // beyond what it was before; the attacks take a hundred and more

constexpr std::string_view honest_digest =
    "8d2ce87d86f55fcfab770a047b090da23270fa206832dfea7e0c946fff451f819add242374be551b0d6318ed6c7d41d8";

const auto read_call = std::string(R"({"method":"io.mrd.Registers.Read","parameters":{"name":"rtmr2"}})") + '\0';
const auto extend_call =
    R"({"method":"io.mrd.Registers.Extend","parameters":{"name":"rtmr2","digest":")" + std::string(honest_digest) + "\"}}" + '\0';
const auto status_call = std::string(R"({"method":"io.mrd.Registers.Status"})") + '\0';

// An honest client: one connection, one call at a time.
class HonestClient {
public:
    explicit HonestClient(const varlink::Address &address) {
        auto connection = varlink::ClientConnection::connect(address, call_patience);
        if (connection) connection_.emplace(std::move(*connection));
    }

    // The parameters of the reply; nothing: it was not served.
    std::optional<std::string> call(const std::string &frame) {
        if (!connection_ || !connection_->send_frames(frame, call_patience)) return std::nullopt;
        const auto reply = connection_->receive(call_patience);
        if (!reply || !reply->error.empty() || !reply->parameters) return std::nullopt;
        return reply->parameters->to_json();
    }

private:
    std::optional<varlink::ClientConnection> connection_;
};

class Samples {
public:
    // False: the call was not served.
    template <class Call>
    bool take(const Call &call) {
        const auto begin = Clock::now();
        if (!call()) return false;
        milliseconds_.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
        return true;
    }
    [[nodiscard]] Latency latency() {
        if (milliseconds_.empty()) return {};
        std::ranges::sort(milliseconds_);
        const auto at = [this](double part) {
            return milliseconds_.at(static_cast<std::size_t>(std::floor(part * static_cast<double>(milliseconds_.size() - 1))));
        };
        return {milliseconds_.size(), at(0.5), at(0.99)};
    }

private:
    std::vector<double> milliseconds_;
};

// Calls until `until` says so, and at least once each.
Honest measure_honest(HonestClient &client, const varlink::Address &address, bool connects_too, const std::function<bool()> &is_over,
                      std::vector<std::string> &failures) {
    Samples reads;
    Samples extends;
    Samples connects;
    do {
        const bool served = reads.take([&] { return client.call(read_call).has_value(); }) &&
                            extends.take([&] { return client.call(extend_call).has_value(); });
        if (!served) {
            failures.emplace_back("an honest client that was connected was not served");
            break;
        }
        if (connects_too && !connects.take([&] { return HonestClient(address).call(read_call).has_value(); })) {
            failures.emplace_back("an honest client that connected was not served");
            break;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    } while (!is_over());
    return {reads.latency(), extends.latency(), connects.latency()};
}

std::size_t status_mib(pid_t pid, std::string_view field) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with(field)) return std::stoul(line.substr(field.size() + 1)) / 1024;
    }
    return 0;
}

std::size_t descriptors(pid_t pid) {
    const std::filesystem::directory_iterator all("/proc/" + std::to_string(pid) + "/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

void fill_log(const varlink::Address &address, std::size_t events) {
    constexpr std::size_t batch = 100;
    auto connection = varlink::ClientConnection::connect(address, call_patience);
    if (!connection) throw std::runtime_error("cannot connect to mrd");
    std::string calls;
    for (std::size_t i = 0; i < batch; ++i) calls += extend_call;
    for (std::size_t done = 0; done < events; done += batch) {
        if (!connection->send_frames(calls, call_patience)) throw std::runtime_error("cannot fill the log");
        for (std::size_t i = 0; i < batch; ++i) {
            if (const auto reply = connection->receive(call_patience); !reply || !reply->error.empty())
                throw std::runtime_error("cannot fill the log");
        }
    }
}

// This program has as many sockets as the attack has clients.
void allow_descriptors() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

varlink::FileDescriptor Attackers::connect() const {
    varlink::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) throw std::runtime_error("no descriptor is left for the attack: raise ulimit -n");
    if (::connect(socket.get(), address_.data(), address_.size()) != 0) throw std::runtime_error("mrd does not listen any more");
    ::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
    return socket;
}

std::size_t Attackers::send(const varlink::FileDescriptor &socket, std::string_view bytes, std::chrono::milliseconds patience) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const auto size = ::send(socket.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size > 0) {
            sent += static_cast<std::size_t>(size);
            continue;
        }
        pollfd entry{socket.get(), POLLOUT, 0};
        if (errno != EAGAIN || ::poll(&entry, 1, static_cast<int>(patience.count())) != 1) break;
    }
    return sent;
}

bool Attackers::is_answered(const varlink::FileDescriptor &socket) {
    for (;;) {
        pollfd entry{socket.get(), POLLIN, 0};
        constexpr auto at_most = std::chrono::duration_cast<std::chrono::milliseconds>(call_patience);
        if (::poll(&entry, 1, static_cast<int>(at_most.count())) != 1) return false;
        std::array<char, 65536> bytes{};
        const auto size = ::recv(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (size <= 0) return false;
        if (bytes.at(static_cast<std::size_t>(size) - 1) == '\0') return true;
    }
}

bool Attackers::closed_by_peer(const varlink::FileDescriptor &socket, std::chrono::milliseconds patience) {
    const auto end = Clock::now() + patience;
    for (;;) {
        std::array<char, 65536> bytes{};
        const auto size = ::recv(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (size > 0) continue;
        if (size == 0 || errno != EAGAIN) return true;
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
        pollfd entry{socket.get(), POLLIN, 0};
        if (left <= 0 || ::poll(&entry, 1, static_cast<int>(left)) != 1) return false;
    }
}

std::vector<Scenario> all_scenarios() {
    auto all = connection_scenarios();
    for (auto &scenario : evidence_scenarios()) all.push_back(std::move(scenario));
    for (auto &scenario : user_scenarios()) all.push_back(std::move(scenario));
    return all;
}

Outcome run(const Scenario &scenario, bool small) {
    allow_descriptors();
    const TemporaryFolder folder;
    // To the socket other users may come.
    if (::chmod(folder.path().c_str(), 0711) != 0) throw std::runtime_error("no folder for mrd");
    Daemon::Options options{.config = small ? scenario.small_config : scenario.config};
    if (scenario.descriptors) {
        options.in_child = [count = static_cast<rlim_t>(*scenario.descriptors)] {
            const rlimit limit{.rlim_cur = count, .rlim_max = count};
            ::setrlimit(RLIMIT_NOFILE, &limit);
        };
    }
    Daemon daemon(folder.path(), std::move(options));
    if (!daemon.ready()) throw std::runtime_error("mrd does not start: " + daemon.log());
    const auto pid = daemon.process().pid();
    const auto address = varlink::Address::parse(daemon.socket()).value();
    if (scenario.events > 0) fill_log(address, small ? scenario.events / small_part : scenario.events);

    HonestClient client(address);
    Outcome outcome;
    outcome.idle_rss_mib = status_mib(pid, "VmRSS:");
    outcome.descriptors_before = descriptors(pid);
    {
        const auto end = Clock::now() + alone_time;
        outcome.alone = measure_honest(client, address, true, [end] { return Clock::now() >= end; }, outcome.failures);
    }

    Attackers attackers(address, small ? scenario.small_clients : scenario.clients, small);
    std::atomic<bool> is_over = false;
    std::thread honest([&] {
        const auto least = Clock::now() + (small ? std::chrono::milliseconds(0) : attacked_least);
        outcome.attacked =
            measure_honest(client, address, !scenario.takes_all_places, [&] { return is_over && Clock::now() >= least; }, outcome.failures);
    });
    try {
        scenario.attack(attackers);
    } catch (const std::exception &error) {
        attackers.fail(error.what());
    }
    is_over = true;
    honest.join();
    outcome.failures.insert(outcome.failures.end(), attackers.failures().begin(), attackers.failures().end());
    attackers.close_all();

    // Who has gone holds nothing: the only connections are then the honest client's and the one that asks. Where the attackers had all places, theirs are free when
    // mrd has seen that they have gone: until then it may refuse who asks.
    std::optional<HonestClient> asking;
    const auto end = Clock::now() + leaving_patience;
    for (;;) {
        std::optional<std::string> text;
        do {
            if (!asking) asking.emplace(address);
            text = asking->call(status_call);
            if (!text) asking.reset();
        } while (!text && scenario.takes_all_places && Clock::now() < end);
        if (!text) {
            outcome.failures.emplace_back("Status is not answered after the attack");
            break;
        }
        const auto status = nlohmann::json::parse(*text)["status"];
        outcome.status = status.value("limits", nlohmann::json()).dump();
        outcome.rss_after_mib = status_mib(pid, "VmRSS:");
        const bool connections_ended = status["connections"] == 2;
        if (connections_ended && (is_sanitized || outcome.rss_after_mib <= outcome.idle_rss_mib + max_rss_left_mib)) break;
        if (Clock::now() > end) {
            outcome.failures.push_back(connections_ended ? "memory was not given back: " + std::to_string(outcome.rss_after_mib) + " MiB"
                                                         : status["connections"].dump() + " connections are left");
            break;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    outcome.peak_rss_mib = status_mib(pid, "VmHWM:");
    outcome.descriptors_after = descriptors(pid);
    if (outcome.descriptors_after > outcome.descriptors_before + max_descriptors_left)
        outcome.failures.push_back(std::to_string(outcome.descriptors_after - outcome.descriptors_before) + " descriptors are left");
    const auto max_rss_mib = small ? scenario.small_max_rss_mib : scenario.max_rss_mib;
    if (!is_sanitized && outcome.peak_rss_mib > max_rss_mib)
        outcome.failures.push_back("RSS was " + std::to_string(outcome.peak_rss_mib) + " MiB, and at most " + std::to_string(max_rss_mib) +
                                   " are allowed");
    if (daemon.stop() != 0) outcome.failures.emplace_back("mrd did not stop as it should");
    return outcome;
}

}  // namespace mrd::attack
