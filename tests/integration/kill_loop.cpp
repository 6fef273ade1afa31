#include "tests/integration/kill_loop.h"

#include <sys/time.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <set>
#include <thread>

#include "libmr/wire/registers.h"
#include "mr/event_log.h"
#include "mr/virtual_registers.h"
#include "mrd/journal/event_ids.h"
#include "proto/varlink/client.h"
#include "tests/log_texts.h"

namespace mrd {

namespace {

// A death at a point that is not reached, or after a time that is too long, comes here at the latest.
constexpr int most_events_of_a_life = 500;

// Of the virtual registers.
constexpr const char *carrier = "tdx/rtmr3";

}  // namespace

std::function<void()> dies_after(std::chrono::microseconds time) {
    return [time] {
        const itimerval once{{}, {static_cast<time_t>(time.count() / 1'000'000), static_cast<suseconds_t>(time.count() % 1'000'000)}};
        ::setitimer(ITIMER_REAL, &once, nullptr);
    };
}

KillLoop::KillLoop(Options options) : options_(std::move(options)) {
    const auto own = [&](int i) { return options_.has_virtual_registers ? "virtual/of-" + std::to_string(i) : std::string(carrier); };
    for (int i = 0; i < options_.clients; ++i) customers_.push_back({.reg = i % 2 == 0 ? own(i) : "tdx/rtmr2"});
    if (!options_.has_virtual_registers) return;
    options_.config += "[[register]]\nname = \"" + std::string(carrier) + "\"\nlog_only = true\n";
    auto daemon = start(nullptr, {});
    if (!daemon.ready()) {
        ledger_.violation("mrd does not start: " + daemon.log());
        return;
    }
    auto client = daemon.client();
    for (int i = 0; i < options_.clients; i += 2) {
        if (const auto made = client.create(own(i), mr::HashAlgorithm::sha384, carrier); !made)
            ledger_.violation("a virtual register is not made: " + made.error().message);
    }
    if (daemon.stop() != 0) ledger_.violation("mrd does not end well: " + daemon.log());
}

Daemon KillLoop::start(const Death *death, const std::string &faults) {
    Daemon::Options options{.arguments = options_.arguments, .config = options_.config};
    options.faults = faults;
    if (const auto *point = death != nullptr ? std::get_if<AtPoint>(death) : nullptr)
        options.kill = point->name + "@" + std::to_string(point->passes);
    if (const auto *after = death != nullptr ? std::get_if<AfterTime>(death) : nullptr) options.in_child = dies_after(after->time);
    return Daemon(options_.folder, std::move(options));
}

namespace {

// Killed with the call, or before it was read.
bool is_gone(const mr::Error &error) { return error.code == mr::ErrorCode::connection_lost || error.code == mr::ErrorCode::no_service; }

}  // namespace

void KillLoop::send_answered_again(mr::Client &client) {
    for (const auto &customer : customers_) {
        for (const auto entry : customer.answered) {
            // Whoever asks for it again gets the same answer, as long as mrd remembers the id; the ledger compares.
            if (!ledger_.is_recent(entry, journal::remembered_ids / 2)) continue;
            if (const auto again = ledger_.send(entry, client); !again && !is_gone(again.error()))
                ledger_.violation("an answered event, sent again: " + again.error().message);
        }
    }
}

bool KillLoop::extend(Customer &customer, varlink::ClientConnection &connection, const std::function<void()> &on_answer) {
    while (customer.current.size() < options_.at_once) customer.current.push_back(ledger_.add(customer.reg));
    bool has_failed = false;
    const auto told = [&](Ledger::Entry entry, std::string_view error) {
        if (error.empty()) {
            std::erase(customer.current, entry);
            customer.answered.push_back(entry);
            if (customer.answered.size() > kept_answers) customer.answered.erase(customer.answered.begin());
            on_answer();
        } else if (error == "io.mrd.Registers.ProviderFailed" || error == "io.mrd.Registers.Indeterminate") {
            ++refused_;
            has_failed = true;
        } else {
            ledger_.violation("an extend: " + std::string(error));
        }
    };
    const auto sent = customer.current;
    if (!ledger_.send(sent, connection, told)) return false;
    if (!has_failed) return true;
    // Settles what is not known.
    mr::wire::ReadParameters parameters{};
    parameters.name = customer.reg;
    parameters.fresh = true;
    return connection.call("io.mrd.Registers.Read", parameters, varlink::no_timeout).has_value();
}

void KillLoop::live(const Death &death, const std::string &faults) {
    auto daemon = start(&death, faults);
    if (daemon.ready()) {
        // One with a timer may die while it is looked at.
        const bool may_die = std::holds_alternative<AfterTime>(death);
        auto client = mr::Client::connect({.socket = daemon.socket()});
        if (client && !may_die) {
            ledger_.check(*client);
            send_answered_again(*client);
        }
        if (!client && !may_die) ledger_.violation("a connection to an mrd that is ready: " + client.error().message);
        const auto *after = std::get_if<AfterAcknowledged>(&death);
        const int fatal = after != nullptr ? after->events : most_events_of_a_life;
        std::atomic<int> answers = 0;
        const auto on_answer = [&] {
            if (++answers == fatal) daemon.process().signal(SIGKILL);
        };
        // Nobody goes on before everybody has asked once: mrd remembers a number of ids only, so an extend has to be sent again soon.
        std::latch asked(options_.clients);
        std::vector<std::jthread> threads;
        for (auto &customer : customers_) {
            threads.emplace_back([&] {
                auto own = varlink::ClientConnection::connect(varlink::Address::parse(daemon.socket()).value(), varlink::no_timeout);
                bool goes_on = own && extend(customer, *own, on_answer);
                asked.arrive_and_wait();
                while (goes_on) goes_on = extend(customer, *own, on_answer);
            });
        }
    } else {
        ++deaths_while_starting_;
    }
    const auto code = daemon.process().wait();
    if (code != 1000 + SIGKILL && code != 1000 + SIGALRM)
        ledger_.violation("mrd ended by itself, with " + (code ? std::to_string(*code) : "nothing") + ": " + daemon.log());
}

namespace {

// The ids that a text has, each once.
std::set<std::string> ids_in(std::string_view text) {
    std::set<std::string> ids;
    for (auto at = text.find(Ledger::id_prefix); at != std::string_view::npos; at = text.find(Ledger::id_prefix, at + 1)) {
        const auto number = at + Ledger::id_prefix.size();
        const auto end = std::min(text.find_first_not_of("0123456789", number), text.size());
        if (end > number) ids.emplace(text.substr(at, end - at));  // "mrd-event-log" is none
    }
    return ids;
}

}  // namespace

void KillLoop::check_log_of(const std::string &reg, mr::Client &client) {
    const auto wrong = [&](const std::string &what) { ledger_.violation("the log for " + reg + ": " + what); };
    std::string log;
    const auto exported = client.export_log(
        "json",
        [&log](mr::ByteView chunk) {
            log.append(chunk.begin(), chunk.end());
            return true;
        },
        reg);
    if (!exported) return wrong(exported.error().message);
    auto reader = mr::EventLogReader::open(mr::as_bytes(log));
    if (!reader) return wrong(reader.error().message);
    mr::Replay replay(mr::ReplayNames::as_logged);
    for (const auto &known : reader->registers()) replay.declare(known);
    mr::CarriedRegisters carried(carrier, mr::HashAlgorithm::sha384);
    mr::Event event;
    for (;;) {
        const auto more = reader->next(event);
        if (!more) return wrong(more.error().message);
        if (!*more) break;
        if (const auto applied = replay.apply(event); !applied) return wrong(applied.error().message);
        if (event.name != carrier) continue;
        if (const auto applied = carried.apply(event); !applied) return wrong(applied.error().message);
    }
    const auto holds = [&](const std::string &name, const mr::Digest &value) {
        const auto reading = client.read(name);
        if (!reading) return wrong(name + ": " + reading.error().message);
        if (mr::Digest(reading->value) != value) wrong("it does not lead to what " + name + " holds");
    };
    const auto *replayed = replay.find(carrier, mr::HashAlgorithm::sha384);
    const auto *own = carried.find(reg);
    if (replayed == nullptr || own == nullptr || !own->value) return wrong("something of it is missing, or hidden from its own tenant");
    holds(carrier, replayed->value);
    holds(reg, *own->value);

    std::set<std::string> sent;
    for (Ledger::Entry entry = 0; entry < ledger_.size(); ++entry) {
        if (const auto event_of = ledger_.sent(entry); event_of.reg == reg) sent.insert(event_of.id);
    }
    const auto text = all_said_in(log);
    const auto said = ids_in(text);
    for (const auto &id : said) {
        if (!sent.contains(id)) wrong(id + " is another's");
    }
    for (const auto &id : sent) {
        if (!said.contains(id)) wrong(id + " is missing");
    }
    for (const auto &other : customers_) {
        if (other.reg != reg && other.reg.starts_with("virtual/") && text.contains(other.reg)) wrong("it names " + other.reg);
    }
}

void KillLoop::check_tenants(mr::Client &client) {
    for (const auto &customer : customers_) {
        if (customer.reg.starts_with("virtual/")) check_log_of(customer.reg, client);
    }
}

void KillLoop::conclude() {
    auto daemon = start(nullptr, {});
    if (!daemon.ready()) return ledger_.violation("mrd does not start: " + daemon.log());
    auto client = daemon.client();
    ledger_.check(client);
    for (auto &customer : customers_) {
        for (const auto entry : std::exchange(customer.current, {})) {
            if (const auto done = ledger_.send(entry, client); !done)
                ledger_.violation("an event that was not answered, sent again: " + done.error().message);
            customer.answered.push_back(entry);
        }
    }
    send_answered_again(client);
    ledger_.check_all(client);
    ledger_.expect_all_logged();
    check_tenants(client);
    if (daemon.stop() != 0) ledger_.violation("mrd does not end well: " + daemon.log());
}

}  // namespace mrd
