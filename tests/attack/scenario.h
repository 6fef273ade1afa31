// Attacks of clients on mrd as a process, at full size with tools/attack and small as integration tests: what they cost mrd in memory and connections, and honest clients
// beside them in time. A new scenario: a function in a file of its own, and its line in scenarios.cpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/varlink/address.h"
#include "proto/varlink/file_descriptor.h"

namespace mrd::attack {

// The clients of one attack, as raw as they get. Everything they hold open is closed with close_all().
class Attackers {
public:
    Attackers(varlink::Address address, std::size_t count, bool small) : address_(std::move(address)), count_(count), small_(small) {}

    // How many clients the attack is to have.
    [[nodiscard]] std::size_t count() const { return count_; }
    // It is an integration test, and not to take long.
    [[nodiscard]] bool small() const { return small_; }

    // Waits while the service is busy accepting. The socket does not block.
    [[nodiscard]] varlink::FileDescriptor connect() const;

    // As much as the socket takes within `patience` of its taking something; returns how much.
    static std::size_t send(const varlink::FileDescriptor &socket, std::string_view bytes,
                            std::chrono::milliseconds patience = std::chrono::milliseconds(1000));

    // A whole answer has come, and was thrown away. False: the peer has closed, or nothing comes.
    static bool is_answered(const varlink::FileDescriptor &socket);

    // True: the peer has closed within `patience`. What it sent before is read and thrown away.
    static bool closed_by_peer(const varlink::FileDescriptor &socket, std::chrono::milliseconds patience);

    void keep_open(varlink::FileDescriptor socket) { open_.push_back(std::move(socket)); }
    [[nodiscard]] const std::vector<varlink::FileDescriptor> &open() const { return open_; }
    void close_all() { open_.clear(); }

    // What went otherwise than it must.
    void fail(std::string what) { failures_.push_back(std::move(what)); }
    [[nodiscard]] const std::vector<std::string> &failures() const { return failures_; }

private:
    varlink::Address address_;
    std::size_t count_;
    bool small_;
    std::vector<varlink::FileDescriptor> open_;
    std::vector<std::string> failures_;
};

struct Scenario {
    std::string_view name;
    std::string_view what;
    std::size_t clients;        // at full size
    std::size_t small_clients;  // as an integration test
    std::size_t events = 0;     // in the log before; a twentieth of it in the small one
    std::size_t max_rss_mib = 0;
    std::size_t small_max_rss_mib = 0;
    std::string config = {};                      // mrd's
    std::string small_config = {};                // the small one's, so that few clients reach a limit
    std::optional<std::size_t> descriptors = {};  // mrd's limit of open files
    bool needs_root = false;                      // its clients are several users
    bool takes_all_places = false;                // nobody can connect meanwhile: only who is connected is served
    void (*attack)(Attackers &) = nullptr;
};

std::vector<Scenario> all_scenarios();

// The files beside this one.
std::vector<Scenario> connection_scenarios();
std::vector<Scenario> evidence_scenarios();
std::vector<Scenario> user_scenarios();

struct Latency {
    std::size_t calls = 0;
    double p50_ms = 0;
    double p99_ms = 0;
};
struct Honest {
    Latency read;
    Latency extend;
    Latency connect;  // and one Read on the new connection
};
struct Outcome {
    Honest alone;
    Honest attacked;
    std::size_t idle_rss_mib = 0;
    std::size_t peak_rss_mib = 0;
    std::size_t rss_after_mib = 0;
    std::size_t descriptors_before = 0;
    std::size_t descriptors_after = 0;
    std::string status;                 // the member "limits" of Status, after the attack
    std::vector<std::string> failures;  // bounds that did not hold
};

// In a folder of its own, with an mrd of its own. Throws if mrd cannot be started at all.
Outcome run(const Scenario &scenario, bool small);

}  // namespace mrd::attack
