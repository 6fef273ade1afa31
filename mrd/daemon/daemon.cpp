#include "mrd/daemon/daemon.h"

#include <algorithm>

#include "mrd/interfaces/log_reading.h"
#include "mrd/interfaces/methods.h"

namespace mrd {

Daemon::Daemon(boost::asio::io_context &loop, journal::Journal &journal)
    : loop_(loop),
      registers_(loop, journal),
      gate_(std::make_shared<Gate>()),
      log_readings_(std::make_shared<LogReadings>(registers_)),
      evidence_budget_(EvidenceBudget::make([this](auto work) { registers_.later(std::move(work)); })) {}

Daemon::~Daemon() = default;

std::expected<void, std::string> Daemon::add(std::unique_ptr<Provider> provider, std::vector<RegisterSpec> registers) {
    if (find_provider(provider->name()) != nullptr)
        return std::unexpected("two providers have the name \"" + std::string(provider->name()) + "\"");
    auto read = ReadProvider::read(std::move(provider), std::move(registers), Registers::first_generation());
    if (!read) return std::unexpected(std::move(read.error()));
    auto &slot = *providers_.emplace_back(std::make_unique<ProviderSlot>(loop_, std::move(*read), registers_.events()));
    if (auto *added = slot.registers()) registers_.add(*added);
    return {};
}

ProviderSlot *Daemon::find_provider(std::string_view name) const {
    const auto found = std::ranges::find(providers_, name, [](const auto &provider) { return provider->name(); });
    return found == providers_.end() ? nullptr : found->get();
}

std::vector<std::string> Daemon::provider_names() const {
    std::vector<std::string> names;
    names.reserve(providers_.size());
    for (const auto &provider : providers_) names.emplace_back(provider->name());
    return names;
}

std::vector<ProviderState> Daemon::provider_states() const {
    std::vector<ProviderState> states;
    for (const auto &provider : providers_) {
        states.push_back({.name = std::string(provider->name()),
                          .type = std::string(provider->kind()),
                          .phase = ProviderState::Phase::running,
                          .simulated = provider->simulated()});
    }
    return states;
}

bool Daemon::simulated() const {
    return std::ranges::any_of(providers_, [](const auto &provider) { return provider->simulated(); });
}

}  // namespace mrd
