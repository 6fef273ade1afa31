#include "mrd/daemon/service.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libmr/wire/registers.h"
#include "mr/bytes.h"
#include "mrd/access/caller.h"
#include "mrd/daemon/metrics.h"
#include "mrd/interfaces/attestation.h"
#include "mrd/interfaces/devices.h"
#include "mrd/interfaces/event_log.h"
#include "mrd/interfaces/known_register.h"
#include "mrd/interfaces/log_reading.h"
#include "mrd/interfaces/registers.h"
#include "mrd/interfaces/service.h"
#include "mrd/interfaces/virtual_registers.h"

namespace mrd {

namespace {

using varlink::field;

// The members of Status, described in docs/status.md.
struct RegisterStatus {
    std::string_view name;
    mr::Owner owner = mr::Owner::owned;
    std::optional<std::string> logged;
    std::optional<std::string> observed;
    bool diverged = false;
    std::int64_t divergences = 0;
    bool indeterminate = false;
    std::optional<std::string> last_failure;
    bool capped = false;
    std::int64_t events = 0;
    std::int64_t resyncs = 0;
    bool start_unexplained = false;
    std::optional<std::string> start_reason;
    std::optional<std::string> explained;
    std::optional<std::string> start;
    static constexpr auto fields() {
        return std::tuple(field("name", &RegisterStatus::name), field("owner", &RegisterStatus::owner),
                          field("logged", &RegisterStatus::logged), field("observed", &RegisterStatus::observed),
                          field("diverged", &RegisterStatus::diverged), field("divergences", &RegisterStatus::divergences),
                          field("indeterminate", &RegisterStatus::indeterminate), field("lastFailure", &RegisterStatus::last_failure),
                          field("capped", &RegisterStatus::capped), field("events", &RegisterStatus::events),
                          field("resyncs", &RegisterStatus::resyncs), field("startUnexplained", &RegisterStatus::start_unexplained),
                          field("startReason", &RegisterStatus::start_reason), field("explained", &RegisterStatus::explained),
                          field("start", &RegisterStatus::start));
    }
};

struct ProviderStatus {
    std::string name;
    std::string type;
    std::string_view state;
    std::optional<std::string> reason;
    bool simulated = false;
    bool unbound = false;
    std::int64_t waiting_calls = 0;
    std::int64_t waiting_quotes = 0;
    std::vector<RegisterStatus> registers;
    static constexpr auto fields() {
        return std::tuple(field("name", &ProviderStatus::name), field("type", &ProviderStatus::type),
                          field("state", &ProviderStatus::state), field("reason", &ProviderStatus::reason),
                          field("simulated", &ProviderStatus::simulated), field("unbound", &ProviderStatus::unbound),
                          field("waitingCalls", &ProviderStatus::waiting_calls), field("waitingQuotes", &ProviderStatus::waiting_quotes),
                          field("registers", &ProviderStatus::registers));
    }
};

struct DeviceStatus {
    std::string name;
    bool present = false;
    std::optional<std::string> reason;
    static constexpr auto fields() {
        return std::tuple(field("name", &DeviceStatus::name), field("present", &DeviceStatus::present),
                          field("reason", &DeviceStatus::reason));
    }
};

struct JournalStatus {
    std::string_view condition;
    std::optional<std::string> reason;
    std::int64_t size = 0;
    std::int64_t size_limit = 0;
    std::string_view sync;
    std::int64_t repairs = 0;
    std::int64_t checked = 0;
    std::optional<std::int64_t> older_format;
    static constexpr auto fields() {
        return std::tuple(field("condition", &JournalStatus::condition), field("reason", &JournalStatus::reason),
                          field("size", &JournalStatus::size), field("sizeLimit", &JournalStatus::size_limit),
                          field("sync", &JournalStatus::sync), field("repairs", &JournalStatus::repairs),
                          field("checked", &JournalStatus::checked), field("olderFormat", &JournalStatus::older_format));
    }
};

// What is at work, and what waits for a share: mrd/evidence/evidence_budget.h, mrd/shares/log_turns.h.
struct EvidenceStatus {
    std::int64_t bytes = 0;
    std::int64_t waiting = 0;
    static constexpr auto fields() {
        return std::tuple(field("bytes", &EvidenceStatus::bytes), field("waiting", &EvidenceStatus::waiting));
    }
};
struct LogReadingStatus {
    std::int64_t working = 0;
    std::int64_t waiting = 0;
    static constexpr auto fields() {
        return std::tuple(field("working", &LogReadingStatus::working), field("waiting", &LogReadingStatus::waiting));
    }
};

struct RefusedStatus {
    std::int64_t full = 0;
    std::int64_t share = 0;
    std::int64_t descriptors = 0;
    static constexpr auto fields() {
        return std::tuple(field("full", &RefusedStatus::full), field("share", &RefusedStatus::share),
                          field("descriptors", &RefusedStatus::descriptors));
    }
};

struct ClosedStatus {
    std::int64_t buffered = 0;
    std::int64_t frame = 0;
    std::int64_t unread = 0;
    static constexpr auto fields() {
        return std::tuple(field("buffered", &ClosedStatus::buffered), field("frame", &ClosedStatus::frame),
                          field("unread", &ClosedStatus::unread));
    }
};

struct RefusedCalls {
    std::string_view operation;
    std::int64_t calls = 0;
    static constexpr auto fields() {
        return std::tuple(field("operation", &RefusedCalls::operation), field("calls", &RefusedCalls::calls));
    }
};

struct AccessStatus {
    std::int64_t rules = 0;
    std::vector<RefusedCalls> refused;
    static constexpr auto fields() { return std::tuple(field("rules", &AccessStatus::rules), field("refused", &AccessStatus::refused)); }
};

// Of the connections.
struct LimitsStatus {
    std::int64_t max_connections = 0;
    std::int64_t buffered = 0;
    std::int64_t max_buffered = 0;
    std::int64_t left_behind = 0;
    RefusedStatus refused;
    ClosedStatus closed;
    static constexpr auto fields() {
        return std::tuple(field("maxConnections", &LimitsStatus::max_connections), field("buffered", &LimitsStatus::buffered),
                          field("maxBuffered", &LimitsStatus::max_buffered), field("leftBehind", &LimitsStatus::left_behind),
                          field("refused", &LimitsStatus::refused), field("closed", &LimitsStatus::closed));
    }
};

struct Status {
    std::string_view version;
    std::int64_t started = 0;
    bool simulated = false;
    std::int64_t sequence = 0;
    std::int64_t connections = 0;
    std::int64_t refused_connections = 0;
    LimitsStatus limits;
    JournalStatus journal;
    EvidenceStatus evidence;
    LogReadingStatus log_readings;
    AccessStatus access;
    std::vector<ProviderStatus> providers;
    std::vector<RegisterStatus> virtual_registers;
    std::vector<DeviceStatus> devices;
    static constexpr auto fields() {
        return std::tuple(field("version", &Status::version), field("started", &Status::started), field("simulated", &Status::simulated),
                          field("sequence", &Status::sequence), field("connections", &Status::connections),
                          field("refusedConnections", &Status::refused_connections), field("limits", &Status::limits),
                          field("journal", &Status::journal), field("evidence", &Status::evidence),
                          field("logReadings", &Status::log_readings), field("access", &Status::access),
                          field("providers", &Status::providers), field("virtualRegisters", &Status::virtual_registers),
                          field("devices", &Status::devices));
    }
};

std::string_view phase_name(ProviderState::Phase phase) {
    switch (phase) {
    case ProviderState::Phase::starting: return "starting";
    case ProviderState::Phase::running: return "running";
    case ProviderState::Phase::failed: return "failed";
    }
    return "failed";
}

JournalStatus status_of(const journal::Journal &journal, std::string_view sync) {
    JournalStatus status;
    switch (journal.condition()) {
    case journal::Journal::Condition::good: status.condition = "good"; break;
    case journal::Journal::Condition::full: status.condition = "full"; break;
    case journal::Journal::Condition::failed: status.condition = "failed"; break;
    case journal::Journal::Condition::damaged: status.condition = "damaged"; break;
    }
    if (!journal.reason().empty()) status.reason = journal.reason();
    status.size = static_cast<std::int64_t>(told_journal_size(journal.end()));
    status.size_limit = static_cast<std::int64_t>(journal.size_limit());
    status.sync = sync;
    status.repairs = static_cast<std::int64_t>(journal.state().repairs());
    status.checked = static_cast<std::int64_t>(told_journal_checked(journal.checked(), journal.end()));
    if (const auto format = journal.older_format()) status.older_format = *format;
    return status;
}

RegisterStatus status_of(const ProviderRegisters &provider, RegisterIndex index) {
    const auto &table = provider.table();
    RegisterStatus status;
    status.name = table.name(index);
    status.owner = table.spec(index).owner;
    status.diverged = table.divergence(index).has_value();
    status.divergences = table.divergences(index);
    status.indeterminate = table.indeterminate(index);
    if (const auto *failure = provider.last_failure(index)) status.last_failure = *failure;
    if (const auto &logged = table.logged(index)) status.logged = mr::to_hex(logged->bytes());
    if (const auto &divergence = table.divergence(index)) status.observed = mr::to_hex(divergence->found.bytes());
    if (const auto *known = provider.journal_state(index)) {
        status.capped = known->capped_by != 0;
        status.events = static_cast<std::int64_t>(known->events);
        status.resyncs = static_cast<std::int64_t>(known->resyncs);
        status.start_unexplained = known->start_is_unexplained();
        if (status.start_unexplained) {
            if (const auto why = provider.why_unexplained(index); !why.empty()) status.start_reason = why;
            status.explained = mr::to_hex(known->explained.bytes());
            status.start = mr::to_hex(known->start.bytes());
        }
    }
    return status;
}

LimitsStatus status_of(const varlink::ServerCounters &counters, const varlink::Limits &limits) {
    const auto number = [](std::size_t value) { return static_cast<std::int64_t>(value); };
    return {number(limits.max_connections),
            number(counters.buffered),
            number(limits.max_buffered),
            number(counters.left_behind),
            {number(counters.refused_full), number(counters.refused_share), number(counters.refused_descriptors)},
            {number(counters.closed_buffered), number(counters.closed_frame), number(counters.closed_unread)}};
}

AccessStatus status_of(const Access &access) {
    AccessStatus status{.rules = static_cast<std::int64_t>(access.rules().all().size()), .refused = {}};
    for (std::size_t i = 0; i < mr::wire::operations; ++i) {
        if (const auto calls = access.refusals().of(static_cast<Operation>(i)); calls > 0)
            status.refused.push_back({operation_names[i], calls});
    }
    return status;
}

// What it shares with its carrier is said of the carrier: what others do to that is a gap in the history of all that it carries.
RegisterStatus status_of(const VirtualRegisters &all, const journal::RegisterState &reg, VirtualRegisters::Number number) {
    RegisterStatus status;
    status.name = reg.name;
    status.logged = mr::to_hex(reg.logged.bytes());
    status.events = static_cast<std::int64_t>(reg.events);
    const auto carrier = all.carrier(number);
    if (!carrier) return status;
    status.diverged = carrier->table().divergence(carrier->index).has_value();
    status.indeterminate = carrier->table().indeterminate(carrier->index);
    status.capped = carrier->provider->capped(carrier->index);
    return status;
}

std::string status_json(Daemon &daemon, const ServiceFacts &facts, const Caller &caller) {
    daemon.journal().look();
    const auto &readings = *daemon.log_readings();
    const auto &budget = *daemon.evidence_budget();
    const auto counters = facts.server();
    Status status{MRD_VERSION,
                  facts.started,
                  daemon.simulated(),
                  daemon.registers().sequence(),
                  static_cast<std::int64_t>(counters.connections),
                  static_cast<std::int64_t>(counters.refused()),
                  status_of(counters, facts.limits),
                  status_of(daemon.journal(), facts.sync),
                  {static_cast<std::int64_t>(budget.taken()), static_cast<std::int64_t>(budget.waiting())},
                  {static_cast<std::int64_t>(readings.working()), static_cast<std::int64_t>(readings.waiting())},
                  status_of(daemon.gate()->access),
                  {},
                  {},
                  {}};
    for (auto &state : daemon.provider_states()) {
        auto &entry = status.providers.emplace_back();
        entry.state = phase_name(state.phase);
        entry.type = std::move(state.type);
        entry.reason = std::move(state.reason);
        entry.simulated = state.simulated;
        entry.unbound = state.unbound;
        const auto *provider = daemon.find_provider(state.name);
        entry.name = std::move(state.name);
        if (provider == nullptr) continue;
        entry.waiting_calls = static_cast<std::int64_t>(provider->waiting_calls());
        if (const auto *quotes = provider->quotes()) entry.waiting_quotes = static_cast<std::int64_t>(quotes->waiting());
        const auto *registers = provider->registers();
        if (registers == nullptr) continue;
        const auto &table = registers->table();
        for (RegisterIndex index = 0; index < table.size(); ++index) {
            if (table.spec(index).flags.has(mr::Flag::extensible) && table.is_there(index))
                entry.registers.push_back(status_of(*registers, index));
        }
    }
    for (const auto *slot : daemon.providers()) {
        const auto *device = slot->device();
        if (device == nullptr || !knows_of_provider(daemon.registers(), caller, slot->name())) continue;
        auto state = device->state();
        auto &entry = status.devices.emplace_back();
        entry.name = std::string(slot->name());
        entry.present = state.facts.has_value();
        if (!entry.present) entry.reason = std::move(state.absence);
    }
    const auto &virtual_registers = daemon.virtual_registers();
    virtual_registers.for_each([&](VirtualRegisters::Number number, const journal::RegisterState &reg) {
        if (status.virtual_registers.size() < max_told_virtual_registers && caller.may(Operation::read, known_register(reg)))
            status.virtual_registers.push_back(status_of(virtual_registers, reg, number));
    });
    std::string text;
    varlink::write_json(text, status);
    return text;
}

}  // namespace

Interfaces make_interfaces(Daemon &daemon, const ServiceFacts &facts, std::shared_ptr<Metrics> metrics) {
    if (!metrics) metrics = std::make_shared<Metrics>(daemon, facts);
    const auto shared = [](varlink::Interface interface) { return std::make_shared<const varlink::Interface>(std::move(interface)); };
    Interfaces made{
        shared(registers_interface(daemon, [&daemon, facts](const Caller &caller) { return status_json(daemon, facts, caller); })),
        shared(event_log_interface(daemon)), shared(attestation_interface(daemon)), shared(devices_interface(daemon)),
        shared(service_interface(daemon, [metrics] { return metrics->text(); }))};
    metrics->count_calls_of(made);
    return made;
}

std::unique_ptr<varlink::Service> make_service(const Daemon &daemon, const Interfaces &interfaces, const ListenerConfig &listener) {
    // Nobody may take a simulator for hardware, not even who reads no more than this.
    const std::string product = daemon.simulated() ? "mrd (simulated: its registers and reports prove nothing)" : "mrd";
    auto service = std::make_unique<varlink::Service>(varlink::ServiceInfo{"mrd", product, MRD_VERSION, MRD_URL}, listener.name);
    for (const auto &interface : interfaces) {
        if (listener.interfaces.empty() || std::ranges::find(listener.interfaces, interface->name()) != listener.interfaces.end())
            service->add(interface);
    }
    return service;
}

}  // namespace mrd
