#include "mrd/daemon/daemon.h"

#include <utility>

#include "mrd/access/audit.h"
#include "mrd/interfaces/known_register.h"
#include "mrd/interfaces/log_reading.h"
#include "mrd/interfaces/methods.h"
#include "mrd/log.h"

namespace mrd {

Daemon::Daemon(boost::asio::io_context &loop, journal::Journal &journal)
    : registers_(loop, journal),
      gate_(std::make_shared<Gate>()),
      audit_(std::make_shared<Audit>()),
      log_readings_(std::make_shared<LogReadings>(registers_)),
      evidence_budget_(EvidenceBudget::make([this](auto work) { registers_.later(std::move(work)); })),
      providers_(loop, registers_) {
    gate_->access.set_lookup([this](std::string_view name) -> std::optional<KnownRegister> {
        if (VirtualRegisters::has_name_of_one(name)) {
            // One that was closed is still nobody else's to know of.
            const auto *reg = virtual_registers_.last_of_name(name);
            return reg != nullptr ? std::optional(known_register(*reg)) : std::nullopt;
        }
        const auto place = registers_.find(name);
        return place ? std::optional(known_register(*place)) : std::nullopt;
    });
    gate_->access.set_owners([this](uid_t uid) {
        // Most have made none, and there may be thousands of others'.
        if (registers_.journal().state().virtual_registers_of(std::int64_t{uid}) == 0) return false;
        bool owns_some = false;
        virtual_registers_.for_each(
            [&](VirtualRegisters::Number, const journal::RegisterState &reg) { owns_some = owns_some || reg.owner == std::int64_t{uid}; });
        return owns_some;
    });
}

Daemon::~Daemon() = default;

void Daemon::set_access(AccessRules rules) {
    journal().set_named_uids({rules.named().begin(), rules.named().end()});
    gate_->access.replace(std::move(rules));
}

std::expected<void, std::string> Daemon::add(std::unique_ptr<Provider> provider, std::vector<RegisterSpec> registers) {
    ConfiguredProvider configured{
        .name = std::string(provider->name()), .type = std::string(provider->kind()), .simulated = provider->simulated(), .open = {}};
    configured.open = [opened = std::make_shared<std::unique_ptr<Provider>>(std::move(provider)),
                       registers = std::move(registers)]() mutable -> std::expected<ReadProvider, std::string> {
        if (!*opened) return std::unexpected("it cannot be opened again");
        return ReadProvider::read(std::move(*opened), std::move(registers), Registers::first_generation());
    };
    return providers_.open(std::move(configured));
}

std::expected<void, std::string> Daemon::start_journal() {
    if (auto started = registers_.start_journal(providers_.logs()); !started) return started;
    providers_.on_late([this](ProviderSlot &slot) {
        if (auto *registers = slot.registers()) {
            if (auto joined = registers_.join(*registers, providers_.logs_of(slot)); !joined)
                log::error("the journal has no room for a provider's registers", {{"provider", slot.name()}, {"reason", joined.error()}});
        }
        if (on_late_) on_late_(slot);
    });
    return {};
}

std::vector<std::string> Daemon::provider_names() const {
    std::vector<std::string> names;
    for (const auto *provider : providers()) names.emplace_back(provider->name());
    return names;
}

}  // namespace mrd
