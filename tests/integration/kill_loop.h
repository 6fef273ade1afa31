// mrd on one state directory, killed again and again while clients extend as fast as they can; after each restart the log is held against what they
// were told. Used by kill_test.cpp and, for hours, by tools/soak.
#pragma once

#include <chrono>
#include <filesystem>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "mr/client.h"
#include "tests/integration/daemon.h"
#include "tests/integration/ledger.h"

namespace mrd {

// When mrd is to die.
struct AfterAcknowledged {
    int events = 1;  // the SIGKILL is sent by the client that gets this one's answer
};
struct AtPoint {
    std::string name;  // of faults::kill_points
    int passes = 1;
};
// Counted from its start: it may die before it is ready.
struct AfterTime {
    std::chrono::microseconds time;
};
using Death = std::variant<AfterAcknowledged, AtPoint, AfterTime>;

// For Daemon::Options::in_child: dies then, by SIGALRM, which mrd does not handle. A timer lives on over exec, and nobody has to wait.
std::function<void()> dies_after(std::chrono::microseconds time);

class KillLoop {
public:
    struct Options {
        std::filesystem::path folder;
        std::string config = {};
        std::vector<std::string> arguments = {"--sim"};
        int clients = 8;
        // Every second client measures into a virtual register of its own, on RTMR3.
        bool has_virtual_registers = false;
        std::size_t at_once = 1;  // extends that each client sends behind each other, before it has the first one's answer
    };
    explicit KillLoop(Options options);

    // Starts mrd, checks what the life before left, lets the clients go on where they were, until mrd dies. `faults`: of the simulator.
    void live(const Death &death, const std::string &faults = {});

    // Starts it once more, sends what was not answered, and checks all of it.
    void conclude();

    [[nodiscard]] const Ledger &ledger() const { return ledger_; }
    [[nodiscard]] int deaths_while_starting() const { return deaths_while_starting_; }
    [[nodiscard]] int refused() const { return refused_; }  // answers that the provider has failed

private:
    static constexpr std::size_t kept_answers = 3;
    // An extend that was not answered is sent again with its id, as every client should.
    struct Customer {
        std::string reg;
        std::vector<Ledger::Entry> current = {};   // not answered
        std::vector<Ledger::Entry> answered = {};  // the last few
    };

    Daemon start(const Death *death, const std::string &faults);
    // What each tenant is given of the log: it leads to what his register and its carrier hold, and has each of his events, and nothing of the others.
    void check_tenants(mr::Client &client);
    void check_log_of(const std::string &reg, mr::Client &client);
    void send_answered_again(mr::Client &client);
    // False: mrd has gone.
    bool extend(Customer &customer, varlink::ClientConnection &connection, const std::function<void()> &on_answer);

    Options options_;
    Ledger ledger_;
    std::vector<Customer> customers_;
    int deaths_while_starting_ = 0;
    std::atomic<int> refused_ = 0;
};

}  // namespace mrd
