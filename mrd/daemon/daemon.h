// What all interfaces of one mrd share: the providers and their registers, the journal, who reads the log, and what evidence may take of the memory.
#pragma once

#include <boost/asio/io_context.hpp>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mrd/access/rules.h"
#include "mrd/daemon/provider_list.h"
#include "mrd/evidence/evidence_budget.h"
#include "mrd/journal/journal.h"
#include "mrd/registers/registers.h"
#include "mrd/registers/virtual_registers.h"

namespace mrd {

class Audit;
class LogReadings;
struct Gate;

// All calls from the event loop.
class Daemon {
public:
    // `journal` is open, but has not started. Both outlive this.
    Daemon(boost::asio::io_context &loop, journal::Journal &journal);
    Daemon(const Daemon &) = delete;
    Daemon &operator=(const Daemon &) = delete;
    ~Daemon();

    [[nodiscard]] Registers &registers() { return registers_; }
    [[nodiscard]] VirtualRegisters &virtual_registers() { return virtual_registers_; }
    [[nodiscard]] const VirtualRegisters &virtual_registers() const { return virtual_registers_; }
    [[nodiscard]] journal::Journal &journal() { return registers_.journal(); }
    // Stands before all methods of all interfaces.
    [[nodiscard]] const std::shared_ptr<Gate> &gate() const { return gate_; }
    // Is told what clients have changed.
    [[nodiscard]] const std::shared_ptr<Audit> &audit() const { return audit_; }
    // In the place of those that hold; until the first ones it is root alone who may do anything.
    void set_access(AccessRules rules);
    [[nodiscard]] const std::shared_ptr<LogReadings> &log_readings() const { return log_readings_; }
    [[nodiscard]] const std::shared_ptr<EvidenceBudget> &evidence_budget() const { return evidence_budget_; }

    // ---- Providers

    // Tries it at once, and again later where that fails. Error: a sentence; it is required, or another has its name.
    std::expected<void, std::string> open(ConfiguredProvider provider) { return providers_.open(std::move(provider)); }
    // One that is open. `registers` are its own, as the configuration's rules leave them. Error: a sentence that names the provider or the register.
    std::expected<void, std::string> add(std::unique_ptr<Provider> provider, std::vector<RegisterSpec> registers);
    // All have been tried: lets the journal decide how it goes on. Who comes later joins it. Before the first extend. Error: a sentence.
    std::expected<void, std::string> start_journal();
    // Called when one has come late, or again, and has joined.
    void on_late(std::function<void(ProviderSlot &)> handler) { on_late_ = std::move(handler); }

    // Those that run.
    [[nodiscard]] const std::vector<ProviderSlot *> &providers() const { return providers_.running(); }
    [[nodiscard]] ProviderSlot *find_provider(std::string_view name) const { return providers_.find(name); }
    [[nodiscard]] std::vector<std::string> provider_names() const;
    // All, those that do not run too.
    [[nodiscard]] std::vector<ProviderState> provider_states() const { return providers_.states(); }
    // A register that nobody has yet may come.
    [[nodiscard]] bool more_may_come() const { return providers_.more_may_come(); }
    // Is any of them no hardware?
    [[nodiscard]] bool simulated() const { return providers_.simulated(); }

private:
    Registers registers_;
    VirtualRegisters virtual_registers_{registers_};
    std::shared_ptr<Gate> gate_;
    std::shared_ptr<Audit> audit_;
    std::shared_ptr<LogReadings> log_readings_;
    std::shared_ptr<EvidenceBudget> evidence_budget_;
    std::function<void(ProviderSlot &)> on_late_;
    ProviderList providers_;  // last: their calls end first
};

}  // namespace mrd
