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
    void work() {
        entry.failed.reset();
        result = entry.provider.open();
    }
    bool end() {
        entry.is_tried = false;
        const auto taken = result ? list.take(entry, std::move(*result)) : std::unexpected(std::move(result.error()));
        if (!taken) {
            entry.reason = taken.error();
            log::debug("the provider still cannot be opened", {{"provider", entry.provider.name}, {"reason", *entry.reason}});
            list.retry_later(entry);
            return true;
        }
        log::info(log::Kind::provider_up, "the provider has come", {{"provider", entry.provider.name}});
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
    if (read) return take(entry, std::move(*read));
    entry.reason = std::move(read.error());
    log::warning(log::Kind::provider_failed, "the provider cannot be opened: it is tried again",
                 {{"provider", entry.provider.name}, {"reason", *entry.reason}});
    retry_later(entry);
    return {};
}

void ProviderList::retry_later(Entry &entry) {
    entry.timer = registers_.at(std::chrono::steady_clock::now() + entry.retry, [this, &entry] { try_again(entry); });
    entry.retry = std::min(2 * entry.retry, longest_retry);
}

void ProviderList::try_again(Entry &entry) {
    if (!entry.opener) entry.opener.emplace(loop_, true);
    entry.opener->run(mrd_itself, Attempt{*this, entry});
}

std::expected<void, std::string> ProviderList::take(Entry &entry, ReadProvider read) {
    auto &provider = *read.provider;
    if (entry.slot) {
        if (auto reopened = entry.slot->reopen(std::move(read)); !reopened) return reopened;
    } else {
        entry.slot = std::make_unique<ProviderSlot>(loop_, std::move(read), registers_.events());
        if (auto *added = entry.slot->registers()) registers_.add(*added);
    }
    entry.reason.reset();
    entry.runs = true;
    entry.runs_since = std::chrono::steady_clock::now();
    list_running();
    provider.tell(news_of(entry));
    return {};
}

void ProviderList::list_running() {
    running_.clear();
    for (const auto &entry : entries_) {
        if (entry->runs) running_.push_back(entry->slot.get());
    }
}

// ---- What providers tell while they run

ProviderNews ProviderList::news_of(Entry &entry) {
    const auto on_loop = [this, &entry, opened = ++entry.opened, alive = std::weak_ptr(alive_)](auto act) {
        return [this, &entry, opened, alive, act](auto news) {
            registers_.later([this, &entry, opened, alive, act, news = std::move(news)]() mutable {
                if (!alive.expired() && entry.opened == opened) (this->*act)(entry, std::move(news));
            });
        };
    };
    return {.registers = on_loop(&ProviderList::change), .failed = on_loop(&ProviderList::fail)};
}

void ProviderList::change(Entry &entry, RegistersNow now) {
    auto *registers = entry.slot->registers();
    if (registers == nullptr) return fail(entry, "it tells of registers, and has none");
    if (!now.reason.empty()) log::warning("registers have vanished", {{"provider", entry.provider.name}, {"reason", now.reason}});
    auto ruled = entry.provider.rule(std::move(now.list));
    if (!ruled) return fail(entry, std::move(ruled.error()));
    now.list = std::move(*ruled);
    if (auto changed = registers->change(now); !changed) fail(entry, std::move(changed.error()));
}

void ProviderList::fail(Entry &entry, std::string reason) {
    log::error(log::Kind::provider_failed, "the provider has failed: it is opened again",
               {{"provider", entry.provider.name}, {"reason", reason}});
    ++entry.opened;
    entry.runs = false;
    list_running();
    if (std::chrono::steady_clock::now() - entry.runs_since >= longest_retry) entry.retry = first_retry;
    entry.slot->close(reason, [this, &entry](std::unique_ptr<Provider> failed) {
        entry.failed = std::move(failed);
        retry_later(entry);
    });
    entry.reason = std::move(reason);
}

ProviderSlot *ProviderList::find(std::string_view name) const {
    const auto found = std::ranges::find(running_, name, [](const auto *slot) { return slot->name(); });
    return found == running_.end() ? nullptr : *found;
}

bool ProviderList::more_may_come() const {
    return running_.size() < entries_.size() ||
           std::ranges::any_of(
               running_, [](const auto *slot) { return slot->registers() != nullptr && slot->registers()->more_may_come(); });
}

bool ProviderList::simulated() const {
    return std::ranges::any_of(entries_, [](const auto &entry) { return entry->provider.simulated; });
}

std::vector<ProviderState> ProviderList::states() const {
    std::vector<ProviderState> states;
    for (const auto &entry : entries_) {
        const auto phase = entry->runs       ? ProviderState::Phase::running
                           : entry->is_tried ? ProviderState::Phase::starting
                                             : ProviderState::Phase::failed;
        states.push_back({.name = entry->provider.name,
                          .type = entry->provider.type,
                          .phase = phase,
                          .reason = entry->reason,
                          .simulated = entry->provider.simulated,
                          .unbound = entry->slot ? entry->slot->unbound() : entry->provider.simulated});
    }
    return states;
}

std::vector<journal::LogFiles> ProviderList::logs() const {
    std::vector<journal::LogFiles> logs;
    for (const auto *slot : running_) std::ranges::move(logs_of(*slot), std::back_inserter(logs));
    return logs;
}

std::vector<journal::LogFiles> ProviderList::logs_of(const ProviderSlot &slot) const {
    for (const auto &entry : entries_) {
        if (entry->slot.get() != &slot) continue;
        auto files = entry->provider.logs();
        files.provider = slot.name();
        return {std::move(files)};
    }
    return {};
}

}  // namespace mrd
