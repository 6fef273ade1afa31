// What all interfaces of one mrd share: the providers and their registers, the journal, who reads the log, and what evidence may take of the memory.
#pragma once

#include <boost/asio/io_context.hpp>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mrd/daemon/provider_slot.h"
#include "mrd/evidence/evidence_budget.h"
#include "mrd/journal/journal.h"
#include "mrd/registers/provider_state.h"
#include "mrd/registers/registers.h"

namespace mrd {

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
    [[nodiscard]] journal::Journal &journal() { return registers_.journal(); }
    // Stands before all methods of all interfaces.
    [[nodiscard]] const std::shared_ptr<Gate> &gate() const { return gate_; }
    [[nodiscard]] const std::shared_ptr<LogReadings> &log_readings() const { return log_readings_; }
    [[nodiscard]] const std::shared_ptr<EvidenceBudget> &evidence_budget() const { return evidence_budget_; }

    // ---- Providers

    // `registers` are the provider's, as the configuration's rules leave them. Reads them once. Error: a sentence that names the provider or the register.
    std::expected<void, std::string> add(std::unique_ptr<Provider> provider, std::vector<RegisterSpec> registers);

    [[nodiscard]] const std::vector<std::unique_ptr<ProviderSlot>> &providers() const { return providers_; }
    [[nodiscard]] ProviderSlot *find_provider(std::string_view name) const;
    [[nodiscard]] std::vector<std::string> provider_names() const;
    [[nodiscard]] std::vector<ProviderState> provider_states() const;
    // Is any of them no hardware?
    [[nodiscard]] bool simulated() const;

private:
    boost::asio::io_context &loop_;
    Registers registers_;
    std::shared_ptr<Gate> gate_;
    std::shared_ptr<LogReadings> log_readings_;
    std::shared_ptr<EvidenceBudget> evidence_budget_;
    std::vector<std::unique_ptr<ProviderSlot>> providers_;  // last: their calls end first
};

}  // namespace mrd
