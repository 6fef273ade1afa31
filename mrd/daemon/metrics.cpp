#include "mrd/daemon/metrics.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "mrd/access/audit.h"
#include "mrd/access/caller.h"
#include "mrd/daemon/metrics_text.h"
#include "mrd/daemon/service.h"
#include "mrd/interfaces/log_reading.h"
#include "proto/varlink/call_counters.h"

namespace mrd {

namespace {

using Type = MetricsText::Type;

double number(auto value) { return static_cast<double>(value); }
double seconds(auto duration) { return std::chrono::duration<double>(duration).count(); }

void add_one(MetricsText &text, std::string_view name, Type type, std::string_view help, double value) {
    text.begin(name, type, help);
    text.add(value);
}

// ---- Calls

struct CountedMethod {
    std::string name;
    const varlink::CallCounters *counters;
};

void add_calls(MetricsText &text, const std::vector<CountedMethod> &methods) {
    text.begin("mrd_calls_total", Type::counter, "Calls that were received and have begun.");
    for (const auto &[name, counters] : methods) text.add({{"method", name}}, number(counters->calls));
    text.begin("mrd_calls_failed_total", Type::counter, "Calls that were answered with an error, those that were refused too.");
    for (const auto &[name, counters] : methods) text.add({{"method", name}}, number(counters->failed));
    text.begin("mrd_call_duration_seconds", Type::histogram,
               "From a call's turn to its answer. Of calls that come together the first is timed, and of the others one in 16, which "
               "counts as 16.");
    for (const auto &[name, counters] : methods) {
        if (counters->calls == 0) continue;
        std::uint64_t within = 0;
        for (std::size_t i = 0; i < counters->bounds.size(); ++i) {
            within += counters->took[i];
            std::array<char, 32> bound{};
            const auto end = std::to_chars(bound.data(), bound.data() + bound.size(), seconds(counters->bounds[i]));
            text.add("_bucket", {{"method", name}, {"le", std::string_view(bound.data(), end.ptr)}}, number(within));
        }
        within += counters->took.back();
        text.add("_bucket", {{"method", name}, {"le", "+Inf"}}, number(within));
        text.add("_sum", {{"method", name}}, seconds(counters->time));
        text.add("_count", {{"method", name}}, number(within));
    }
}

void add_refusals(MetricsText &text, const Refusals &refusals) {
    text.begin("mrd_calls_refused_total", Type::counter, "Calls that the access rules refused.");
    for (std::size_t i = 0; i < mr::wire::operations; ++i)
        text.add({{"operation", operation_names[i]}}, number(refusals.of(static_cast<Operation>(i))));
}

// ---- Connections

void add_connections(MetricsText &text, const varlink::ServerCounters &counters, const varlink::Limits &limits) {
    add_one(text, "mrd_connections", Type::gauge, "Connections that are open.", number(counters.connections));
    add_one(text, "mrd_connections_limit", Type::gauge, "Connections that may be open.", number(limits.max_connections));
    text.begin("mrd_connections_refused_total", Type::counter, "Connections that were closed as soon as they were made, by why.");
    text.add({{"reason", "full"}}, number(counters.refused_full));
    text.add({{"reason", "share"}}, number(counters.refused_share));
    text.add({{"reason", "descriptors"}}, number(counters.refused_descriptors));
    text.begin("mrd_connections_closed_total", Type::counter, "Connections that mrd closed later, by what they had done.");
    text.add({{"reason", "buffered"}}, number(counters.closed_buffered));
    text.add({{"reason", "frame"}}, number(counters.closed_frame));
    text.add({{"reason", "unread"}}, number(counters.closed_unread));
    add_one(text, "mrd_buffered_bytes", Type::gauge, "Received and not served, or answered and not sent, of all connections.",
            number(counters.buffered));
    add_one(text, "mrd_buffered_limit_bytes", Type::gauge, "What that may be.", number(limits.max_buffered));
    add_one(text, "mrd_left_behind_bytes", Type::gauge, "Of clients that have gone, and whose changes are still being made.",
            number(counters.left_behind));
}

// ---- The journal

void add_journal(MetricsText &text, const journal::Journal &journal) {
    using Condition = journal::Journal::Condition;
    constexpr std::array<std::pair<Condition, std::string_view>, 4> conditions{
        {{Condition::good, "good"}, {Condition::full, "full"}, {Condition::failed, "failed"}, {Condition::damaged, "damaged"}}};
    text.begin("mrd_journal_condition", Type::gauge, "1: the journal is in this condition.");
    for (const auto &[condition, name] : conditions) text.add({{"condition", name}}, journal.condition() == condition ? 1 : 0);
    add_one(text, "mrd_journal_bytes", Type::gauge, "Size of the journal.", number(told_journal_size(journal.end())));
    add_one(text, "mrd_journal_limit_bytes", Type::gauge, "Where extends are refused.", number(journal.size_limit()));
    add_one(text, "mrd_journal_checked_bytes", Type::gauge, "Proved since the start, from the beginning.",
            number(told_journal_checked(journal.checked(), journal.end())));
    add_one(text, "mrd_journal_events_total", Type::counter, "Events in the log.", number(journal.state().sequence()));
    add_one(text, "mrd_journal_repairs_total", Type::counter, "How often it was begun anew in the place of a damaged one.",
            number(journal.state().repairs()));
}

// ---- Registers and providers

struct CountedRegister {
    std::string_view name;
    bool diverged;
    std::int64_t divergences;
    std::int64_t gaps;
};

std::vector<CountedRegister> counted_registers(const Registers &registers) {
    std::vector<CountedRegister> counted;
    for (const auto *provider : registers.providers()) {
        const auto &table = provider->table();
        for (RegisterIndex index = 0; index < table.size(); ++index) {
            if (!table.spec(index).flags.has(mr::Flag::extensible) || !table.is_there(index)) continue;
            const auto *known = provider->journal_state(index);
            counted.push_back({table.name(index), table.divergence(index).has_value(), table.divergences(index),
                               known == nullptr ? 0 : static_cast<std::int64_t>(known->resyncs)});
        }
    }
    return counted;
}

void add_registers(MetricsText &text, const Registers &registers) {
    const auto counted = counted_registers(registers);
    double diverged = 0;
    double gaps = 0;
    for (const auto &each : counted) {
        diverged += each.diverged ? 1 : 0;
        gaps += number(each.gaps);
    }
    add_one(text, "mrd_registers", Type::gauge, "Extensible registers that are there.", number(counted.size()));
    add_one(text, "mrd_registers_diverged", Type::gauge,
            "Of these, those that the last refresh found to hold what the log does not explain.", diverged);
    add_one(text, "mrd_gaps_total", Type::counter, "Gaps in their logs: mrd extended a register after others had.", gaps);
    const auto named = std::span(counted).first(std::min(counted.size(), max_register_metrics));
    text.begin("mrd_register_diverged", Type::gauge, "1: the last refresh found what the log does not explain.");
    for (const auto &each : named) text.add({{"register", each.name}}, each.diverged ? 1 : 0);
    text.begin("mrd_register_divergences_total", Type::counter, "How often that was found since the start.");
    for (const auto &each : named) text.add({{"register", each.name}}, number(each.divergences));
    text.begin("mrd_register_gaps_total", Type::counter, "Gaps in the log of this register.");
    for (const auto &each : named) text.add({{"register", each.name}}, number(each.gaps));
}

void add_providers(MetricsText &text, const Daemon &daemon) {
    const auto states = daemon.provider_states();
    text.begin("mrd_provider_up", Type::gauge, "1: the provider runs.");
    for (const auto &state : states) text.add({{"provider", state.name}}, state.phase == ProviderState::Phase::running ? 1 : 0);
    text.begin("mrd_provider_simulated", Type::gauge, "1: it is no hardware, and proves nothing.");
    for (const auto &state : states) text.add({{"provider", state.name}}, state.simulated ? 1 : 0);
    text.begin("mrd_device_present", Type::gauge, "1: the device is there. Its provider runs without it, too.");
    for (const auto *slot : daemon.providers()) {
        if (const auto *device = slot->device()) text.add({{"device", slot->name()}}, device->state().facts ? 1 : 0);
    }
    text.begin("mrd_provider_waiting_calls", Type::gauge, "Calls in its queue.");
    for (const auto *slot : daemon.providers()) text.add({{"provider", slot->name()}}, number(slot->waiting_calls()));
    using Counters = RegisterTable::Counters;
    constexpr std::array<std::pair<std::string_view, std::int64_t Counters::*>, 4> counted{{{"reads", &Counters::reads},
                                                                                            {"cached_reads", &Counters::cached_reads},
                                                                                            {"refreshes", &Counters::refreshes},
                                                                                            {"writes", &Counters::writes}}};
    text.begin("mrd_provider_operations_total", Type::counter, "Reads, those that needed no hardware, refreshes and writes.");
    for (const auto *slot : daemon.providers()) {
        const auto *registers = slot->registers();
        if (registers == nullptr) continue;
        for (const auto &[name, member] : counted)
            text.add({{"provider", slot->name()}, {"operation", name}}, number(registers->table().counters().*member));
    }
}

// ---- The process

// Pages of /proc/self/statm: all, and those in memory.
void add_process(MetricsText &text, const varlink::FileDescriptor &statm, std::int64_t started) {
    constexpr double microseconds = 1e6;
    add_one(text, "process_start_time_seconds", Type::gauge, "Since the epoch.", number(started) / microseconds);
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    add_one(text, "process_cpu_seconds_total", Type::counter, "Time on a processor.",
            seconds(std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec)));
    std::array<char, 128> pages{};
    const auto size = ::pread(statm.get(), pages.data(), pages.size(), 0);
    if (size <= 0) return;
    static const auto page = number(::sysconf(_SC_PAGESIZE));
    std::uint64_t all = 0;
    std::uint64_t resident = 0;
    const char *const end = pages.data() + size;
    const auto first = std::from_chars(pages.data(), end, all);
    if (first.ec != std::errc() || first.ptr == end || std::from_chars(first.ptr + 1, end, resident).ec != std::errc()) return;
    add_one(text, "process_virtual_memory_bytes", Type::gauge, "Address space.", number(all) * page);
    add_one(text, "process_resident_memory_bytes", Type::gauge, "Memory.", number(resident) * page);
}

}  // namespace

varlink::FileDescriptor Metrics::open_memory() { return varlink::FileDescriptor(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC)); }

Metrics::Metrics(Daemon &daemon, ServiceFacts facts, varlink::FileDescriptor memory)
    : daemon_(daemon), facts_(std::move(facts)), memory_(std::move(memory)) {}

std::string Metrics::text() const {
    MetricsText text;
    text.begin("mrd_build_info", Type::gauge, "Which mrd this is.");
    text.add({{"version", MRD_VERSION}}, 1);
    std::vector<CountedMethod> methods;
    std::vector<std::shared_ptr<const varlink::Interface>> counted;  // as long as their counters are looked at
    for (const auto &each : interfaces_) {
        const auto &interface = counted.emplace_back(each.lock());
        if (!interface) continue;
        interface->for_each_method([&](std::string_view method, const varlink::CallCounters &counters) {
            methods.push_back({interface->name() + "." + std::string(method), &counters});
        });
    }
    add_calls(text, methods);
    add_refusals(text, daemon_.gate()->access.refusals());
    add_connections(text, facts_.server(), facts_.limits);
    daemon_.journal().look();
    add_journal(text, daemon_.journal());
    add_registers(text, daemon_.registers());
    add_providers(text, daemon_);
    add_one(text, "mrd_evidence_bytes", Type::gauge, "Memory of all evidence that is being made.",
            number(daemon_.evidence_budget()->taken()));
    add_one(text, "mrd_evidence_waiting", Type::gauge, "Calls that wait for some of it.", number(daemon_.evidence_budget()->waiting()));
    add_one(text, "mrd_log_readings", Type::gauge, "Readings of the log that go on.", number(daemon_.log_readings()->working()));
    add_one(text, "mrd_log_readings_waiting", Type::gauge, "Those that wait for their turn.", number(daemon_.log_readings()->waiting()));
    add_one(text, "mrd_audit_unwritten_total", Type::counter,
            "Changes that the log did not tell of: their users had their share of it, or its level left them out.",
            number(daemon_.audit()->unwritten()));
    add_process(text, memory_, facts_.started);
    return text.text();
}

}  // namespace mrd
