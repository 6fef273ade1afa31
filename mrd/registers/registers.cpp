#include "mrd/registers/registers.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <iterator>
#include <random>
#include <utility>

namespace mrd {

// Far below 2^53, so that it never stops being an exact number in JSON.
std::int64_t Registers::first_generation() {
    std::random_device device;
    const auto high = static_cast<std::int64_t>(device()) << 20;
    return high ^ static_cast<std::int64_t>(device() >> 12U);
}

Registers::Registers(boost::asio::io_context &loop, journal::Journal &journal) : loop_(loop), events_(journal) {
    const auto tells = [](const std::vector<std::function<void(Place)>> &handlers) {
        return [&handlers](ProviderRegisters &provider, RegisterIndex index) {
            for (const auto &handler : handlers) handler({&provider, index});
        };
    };
    events_.changed = tells(on_change_);
    events_.diverged = tells(on_divergence_);
}

void Registers::add(ProviderRegisters &registers) {
    providers_.push_back(&registers);
    const auto &table = registers.table();
    for (RegisterIndex index = 0; index < table.size(); ++index) {
        const auto &spec = table.spec(index);
        const auto prefix = std::string(registers.name()) + "/";
        std::vector<std::string> forms{spec.name, prefix + spec.name};
        if (spec.hash) {
            const auto bank = spec.name + ":" + std::string(mr::to_string(*spec.hash));
            forms.insert(forms.end(), {bank, prefix + bank});
        }
        for (const auto &form : forms) places_[form].push_back({&registers, index});
    }
}

void Registers::later(std::move_only_function<void()> work) { boost::asio::post(loop_, std::move(work)); }

std::shared_ptr<void> Registers::at(std::chrono::steady_clock::time_point time, std::move_only_function<void()> work) {
    auto timer = std::make_shared<boost::asio::steady_timer>(loop_, time);
    // A wait that is over is not cancelled any more: it comes after the timer has gone.
    timer->async_wait([weak = std::weak_ptr(timer), work = std::move(work)](const boost::system::error_code &error) mutable {
        if (!error && !weak.expired()) work();
    });
    return timer;
}

std::vector<journal::Present> Registers::journalled() const {
    std::vector<journal::Present> registers;
    for (const auto *provider : providers_) {
        auto some = provider->journalled();
        std::ranges::move(some, std::back_inserter(registers));
    }
    return registers;
}

std::expected<void, std::string> Registers::start_journal(const std::vector<journal::FirmwareFile> &firmware_logs) {
    if (auto started = events_.journal.start(journalled(), firmware_logs); !started) return started;
    for (auto *provider : providers_) provider->join();
    return {};
}

std::expected<void, std::string> Registers::join(ProviderRegisters &registers, const std::vector<journal::FirmwareFile> &firmware_logs) {
    auto joined = events_.journal.join(registers.journalled(), firmware_logs);
    registers.join();
    return joined;
}

std::expected<std::filesystem::path, std::string> Registers::repair_journal() {
    auto kept_as = events_.journal.repair(journalled());
    if (!kept_as) return kept_as;
    for (auto *provider : providers_) provider->join();
    return kept_as;
}

std::expected<Registers::Place, RegisterError> Registers::find(std::string_view name) const {
    const auto found = places_.find(name);
    if (found != places_.end() && found->second.size() == 1) return found->second.front();
    NoSuchRegister error{std::string(name), {}};
    if (found != places_.end()) {
        for (const auto &place : found->second) error.candidates.push_back(place.name());
    }
    return std::unexpected(std::move(error));
}

std::vector<std::string> Registers::provider_names() const {
    std::vector<std::string> names;
    names.reserve(providers_.size());
    for (const auto *provider : providers_) names.emplace_back(provider->name());
    return names;
}

void Registers::on_change(std::function<void(Place)> handler) { on_change_.push_back(std::move(handler)); }

void Registers::on_divergence(std::function<void(Place)> handler) { on_divergence_.push_back(std::move(handler)); }

}  // namespace mrd
