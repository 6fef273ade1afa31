#include "mrd/daemon/provider_list.h"

#include <algorithm>
#include <utility>

#include "mrd/log.h"

namespace mrd {

struct ProviderList::Attempt {
    ProviderList &list;
    Entry &entry;
    std::expected<ReadProvider, std::string> result = {};

    bool begin() {
        entry.is_tried = true;
        return true;
    }
    void work() { result = entry.provider.open(); }
    bool end() {
        entry.is_tried = false;
        if (!result) {
            entry.reason = std::move(result.error());
            log::debug("the provider still cannot be opened", {{"provider", entry.provider.name}, {"reason", *entry.reason}});
            list.retry_later(entry);
            return true;
        }
        list.take(entry, std::move(*result));
        log::info("the provider has come", {{"provider", entry.provider.name}});
        if (list.on_late_) list.on_late_(*entry.slot);
        // Not from within: it is the opener that calls.
        list.registers_.later([&opener = entry.opener] { opener.reset(); });
        return true;
    }
};

ProviderList::ProviderList(boost::asio::io_context &loop, Registers &registers) : loop_(loop), registers_(registers) {}

ProviderList::~ProviderList() = default;

std::expected<void, std::string> ProviderList::open(ConfiguredProvider provider) {
    const auto has_name = [&provider](const auto &entry) { return entry->provider.name == provider.name; };
    if (std::ranges::any_of(entries_, has_name)) return std::unexpected("two providers have the name \"" + provider.name + "\"");
    auto read = provider.open();
    if (!read && provider.required) return std::unexpected(std::move(read.error()));
    auto &entry = *entries_.emplace_back(std::make_unique<Entry>(std::move(provider)));
    if (read) {
        take(entry, std::move(*read));
        return {};
    }
    entry.reason = std::move(read.error());
    log::warning("the provider cannot be opened: it is tried again", {{"provider", entry.provider.name}, {"reason", *entry.reason}});
    retry_later(entry);
    return {};
}

void ProviderList::retry_later(Entry &entry) {
    entry.timer = registers_.at(std::chrono::steady_clock::now() + entry.retry, [this, &entry] { try_again(entry); });
    entry.retry = std::min(2 * entry.retry, longest_retry);
}

void ProviderList::try_again(Entry &entry) {
    if (!entry.opener) entry.opener.emplace(loop_, true);
    entry.opener->run(Attempt{*this, entry});
}

void ProviderList::take(Entry &entry, ReadProvider read) {
    entry.slot = std::make_unique<ProviderSlot>(loop_, std::move(read), registers_.events());
    entry.reason.reset();
    running_.clear();
    for (const auto &each : entries_) {
        if (each->slot) running_.push_back(each->slot.get());
    }
    if (auto *added = entry.slot->registers()) registers_.add(*added);
}

ProviderSlot *ProviderList::find(std::string_view name) const {
    const auto found = std::ranges::find(running_, name, [](const auto *slot) { return slot->name(); });
    return found == running_.end() ? nullptr : *found;
}

bool ProviderList::simulated() const {
    return std::ranges::any_of(entries_, [](const auto &entry) { return entry->provider.simulated; });
}

std::vector<ProviderState> ProviderList::states() const {
    std::vector<ProviderState> states;
    for (const auto &entry : entries_) {
        const auto phase = entry->slot       ? ProviderState::Phase::running
                           : entry->is_tried ? ProviderState::Phase::starting
                                             : ProviderState::Phase::failed;
        states.push_back({.name = entry->provider.name,
                          .type = entry->provider.type,
                          .phase = phase,
                          .reason = entry->reason,
                          .simulated = entry->provider.simulated});
    }
    return states;
}

std::vector<journal::FirmwareFile> ProviderList::firmware_logs() const {
    std::vector<journal::FirmwareFile> logs;
    for (const auto *slot : running_) std::ranges::move(firmware_log_of(*slot), std::back_inserter(logs));
    return logs;
}

std::vector<journal::FirmwareFile> ProviderList::firmware_log_of(const ProviderSlot &slot) const {
    for (const auto &entry : entries_) {
        if (entry->slot.get() != &slot) continue;
        if (auto path = entry->provider.firmware_log()) return {{std::string(slot.name()), std::move(*path)}};
    }
    return {};
}

}  // namespace mrd
