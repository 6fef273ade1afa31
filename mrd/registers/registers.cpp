#include "mrd/registers/registers.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <iterator>
#include <random>
#include <utility>

#include "proto/varlink/service.h"

namespace mrd {

namespace {

bool is_there(const Registers::Place &place) { return place.table().is_there(place.index); }

}  // namespace

// Far below 2^53, so that it never stops being an exact number in JSON.
std::int64_t Registers::first_generation() {
    std::random_device device;
    const auto high = static_cast<std::int64_t>(device()) << 20;
    return high ^ static_cast<std::int64_t>(device() >> 12U);
}

Registers::Registers(boost::asio::io_context &loop, journal::Journal &journal)
    : loop_(loop), events_(journal), roles_(usual_roles.begin(), usual_roles.end()) {
    const auto tells = [](const std::vector<std::function<void(Place)>> &handlers) {
        return [&handlers](ProviderRegisters &provider, RegisterIndex index) {
            for (const auto &handler : handlers) handler({&provider, index});
        };
    };
    events_.changed = tells(on_change_);
    events_.diverged = tells(on_divergence_);
    events_.vanished = tells(on_vanishing_);
    events_.at = [this](std::chrono::steady_clock::time_point time, std::move_only_function<void()> work) {
        return at(time, std::move(work));
    };
    events_.appeared = [this, tell = tells(on_appearance_)](ProviderRegisters &provider, RegisterIndex index) {
        add_names({&provider, index});
        tell(provider, index);
    };
}

void Registers::set_roles(const Roles &configured) {
    for (const auto &[role, reg] : configured) roles_.insert(role);
}

void Registers::add(ProviderRegisters &registers) {
    providers_.push_back(&registers);
    for (RegisterIndex index = 0; index < registers.table().size(); ++index) add_names({&registers, index});
}

// Those that it has not yet: it may have come before, or have got one more.
void Registers::add_names(const Place &place) {
    const auto &spec = place.table().spec(place.index);
    const auto prefix = std::string(place.provider->name()) + "/";
    std::vector<std::string> forms{prefix + spec.name, spec.name};
    if (spec.hash) {
        const auto bank = spec.name + ":" + std::string(mr::to_string(*spec.hash));
        forms.insert(forms.end(), {prefix + bank, bank});
    }
    forms.insert(forms.end(), spec.roles.begin(), spec.roles.end());
    for (const auto &form : forms) {
        auto &places = places_[form];
        if (std::ranges::find(places, place) == places.end()) places.push_back(place);
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

std::expected<void, std::string> Registers::start_journal(const std::vector<journal::LogFiles> &firmware_logs) {
    if (auto started = events_.journal.start(journalled(), firmware_logs); !started) return started;
    for (auto *provider : providers_) provider->join();
    return {};
}

std::expected<void, std::string> Registers::join(ProviderRegisters &registers, const std::vector<journal::LogFiles> &firmware_logs) {
    auto joined = events_.journal.join(registers.journalled(), firmware_logs);
    registers.join();
    for (RegisterIndex index = 0; index < registers.table().size(); ++index) {
        if (registers.table().is_there(index) && !registers.table().awaits_first_value(index)) events_.appeared(registers, index);
    }
    return joined;
}

std::expected<std::filesystem::path, std::string> Registers::repair_journal() {
    auto kept_as = events_.journal.repair(journalled());
    if (!kept_as) return kept_as;
    for (auto *provider : providers_) provider->join();
    return kept_as;
}

const std::vector<Registers::Place> *Registers::named(std::string_view name) const {
    const auto found = places_.find(name);
    return found == places_.end() ? nullptr : &found->second;
}

const Registers::Place *Registers::only_one_there(const std::vector<Place> &places) {
    const Place *found = nullptr;
    for (const auto &place : places) {
        if (!is_there(place)) continue;
        if (found != nullptr) return nullptr;
        found = &place;
    }
    return found;
}

std::expected<Registers::Place, RegisterError> Registers::find(std::string_view name) const {
    const auto *places = named(name);
    if (places == nullptr && roles_.contains(name)) return std::unexpected(NoRegisterForRole{std::string(name)});
    // Not all of a name that there is not: it can be a megabyte, and what makes an error copies it.
    if (places == nullptr) return std::unexpected(NoSuchRegister{varlink::echoed(name), {}});
    if (const auto *place = only_one_there(*places)) return *place;
    if (std::ranges::none_of(*places, is_there)) return std::unexpected(RegisterGone{std::string(name)});
    NoSuchRegister error{std::string(name), {}};
    for (const auto &place : *places) {
        if (is_there(place)) error.candidates.push_back(place.name());
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

void Registers::on_appearance(std::function<void(Place)> handler) { on_appearance_.push_back(std::move(handler)); }

void Registers::on_vanishing(std::function<void(Place)> handler) { on_vanishing_.push_back(std::move(handler)); }

}  // namespace mrd
