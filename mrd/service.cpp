#include "mrd/service.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mr/bytes.h"
#include "mrd/interfaces/attestation.h"
#include "mrd/interfaces/registers.h"

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
    static constexpr auto fields() {
        return std::tuple(field("name", &RegisterStatus::name), field("owner", &RegisterStatus::owner),
                          field("logged", &RegisterStatus::logged), field("observed", &RegisterStatus::observed),
                          field("diverged", &RegisterStatus::diverged), field("divergences", &RegisterStatus::divergences),
                          field("indeterminate", &RegisterStatus::indeterminate));
    }
};

struct ProviderStatus {
    std::string_view name;
    bool simulated = false;
    std::int64_t waiting_calls = 0;
    std::vector<RegisterStatus> registers;
    static constexpr auto fields() {
        return std::tuple(field("name", &ProviderStatus::name), field("simulated", &ProviderStatus::simulated),
                          field("waitingCalls", &ProviderStatus::waiting_calls), field("registers", &ProviderStatus::registers));
    }
};

struct Status {
    std::string_view version;
    std::int64_t started = 0;
    bool simulated = false;
    std::int64_t sequence = 0;
    std::int64_t connections = 0;
    std::int64_t refused_connections = 0;
    std::vector<ProviderStatus> providers;
    static constexpr auto fields() {
        return std::tuple(field("version", &Status::version), field("started", &Status::started), field("simulated", &Status::simulated),
                          field("sequence", &Status::sequence), field("connections", &Status::connections),
                          field("refusedConnections", &Status::refused_connections), field("providers", &Status::providers));
    }
};

RegisterStatus status_of(const RegisterTable &table, RegisterIndex index) {
    RegisterStatus status;
    status.name = table.name(index);
    status.owner = table.spec(index).owner;
    status.diverged = table.divergence(index).has_value();
    status.divergences = table.divergences(index);
    status.indeterminate = table.indeterminate(index);
    if (const auto &logged = table.logged(index)) status.logged = mr::to_hex(logged->bytes());
    if (const auto &divergence = table.divergence(index)) status.observed = mr::to_hex(divergence->found.bytes());
    return status;
}

std::string status_json(const Registers &registers, const ServiceFacts &facts) {
    Status status{MRD_VERSION,
                  facts.started,
                  registers.simulated(),
                  registers.sequence(),
                  static_cast<std::int64_t>(facts.connections()),
                  static_cast<std::int64_t>(facts.refused()),
                  {}};
    for (const auto &provider : registers.providers()) {
        auto &entry = status.providers.emplace_back();
        entry.name = provider->name();
        entry.simulated = provider->simulated();
        entry.waiting_calls = static_cast<std::int64_t>(provider->waiting_calls());
        const auto &table = provider->table();
        for (RegisterIndex index = 0; index < table.size(); ++index) {
            if (table.spec(index).flags.has(mr::Flag::extensible)) entry.registers.push_back(status_of(table, index));
        }
    }
    std::string text;
    varlink::write_json(text, status);
    return text;
}

}  // namespace

std::unique_ptr<varlink::Service> make_service(Registers &registers, ServiceFacts facts) {
    // Nobody may take a simulator for hardware, not even who reads no more than this.
    const std::string product = registers.simulated() ? "mrd (simulated: its registers and reports prove nothing)" : "mrd";
    auto service = std::make_unique<varlink::Service>(varlink::ServiceInfo{"mrd", product, MRD_VERSION, MRD_URL});
    service->add(registers_interface(registers, [&registers, facts = std::move(facts)] { return status_json(registers, facts); }));
    service->add(attestation_interface(registers));
    return service;
}

}  // namespace mrd
