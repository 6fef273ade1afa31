// Registers that come and go, and a provider that is opened again: who waits, what is read, what the journal hears.
#include <algorithm>

#include "mrd/log.h"
#include "mrd/registers/provider_registers.h"

namespace mrd {

std::expected<void, std::string> ProviderRegisters::change(const RegistersNow &now) {
    for (RegisterIndex index = 0; index < now.list.size(); ++index) {
        if (index == table_.size()) {
            if (auto added = table_.add(now.list[index]); !added) return added;
        } else if (!table_.is_place_of(index, now.list[index])) {
            return std::unexpected("the provider has given the place of its register \"" + table_.name(index) + "\" to another");
        }
    }
    failures_.resize(table_.size());
    told_there_ = now.there;
    told_there_.resize(table_.size());
    std::vector<RegisterIndex> come;
    for (RegisterIndex index = 0; index < table_.size(); ++index) {
        if (told_there_[index] == table_.is_there(index)) continue;
        if (told_there_[index]) {
            table_.resize(index, now.list[index].size);
            come.push_back(index);
            continue;
        }
        table_.vanish(index);
        if (events_.vanished) events_.vanished(*this, index);
    }
    if (!come.empty()) queue_.run(mrd_itself, ArrivalCall{*this, std::move(come)});
    return {};
}

void ProviderRegisters::vanish_all() { (void)change({}); }

// ---- What has come is read, in its turn

bool ProviderRegisters::ArrivalCall::begin() {
    auto &table = self.table_;
    std::erase_if(registers, [&](RegisterIndex index) { return !self.told_there_[index] || table.is_there(index); });
    for (const auto index : registers) {
        const auto set = table.spec(index).refresh_set;
        if (std::ranges::find(refreshes, set, &std::pair<RefreshSet, RefreshId>::first) == refreshes.end())
            refreshes.emplace_back(set, table.begin_refresh(set));
    }
    values.resize(table.size());
    return !registers.empty();
}

void ProviderRegisters::ArrivalCall::work() {
    for (const auto &[set, id] : refreshes) {
        result = self.driver_->refresh(set, values);
        if (!result) return;
    }
}

bool ProviderRegisters::ArrivalCall::end() {
    std::erase_if(registers, [&](RegisterIndex index) { return !self.told_there_[index]; });
    if (result) {
        for (const auto index : registers) self.table_.appear(index);
    }
    for (const auto &[set, id] : refreshes) self.end_refresh(id, result, values);
    if (result) {
        self.join(registers);
    } else {
        for (const auto index : registers) {
            log::warning("a register that has come cannot be read: it is left out until its provider tells of it again",
                         {{"register", self.table_.name(index)}, {"reason", result.error().reason}});
            self.told_there_[index] = false;
        }
    }
    return true;
}

// One that the journal knows goes on: the refresh has compared what it holds with what the log leads to.
void ProviderRegisters::join(std::span<const RegisterIndex> registers) {
    const auto is_new = [this](RegisterIndex index) { return table_.spec(index).flags.has(mr::Flag::extensible) && !table_.number(index); };
    std::vector<journal::Present> unknown;
    for (const auto index : registers) {
        if (is_new(index)) unknown.push_back(present(index));
    }
    if (!unknown.empty()) {
        if (const auto joined = events_.journal.join(unknown, {}); !joined)
            log::error("the journal has no room for a register", {{"provider", name()}, {"reason", joined.error()}});
    }
    for (const auto index : registers) {
        if (is_new(index)) join(index);
        if (events_.appeared) events_.appeared(*this, index);
    }
}

// ---- A provider that is opened again

std::expected<void, std::string> ProviderRegisters::reopen(RegisterDriver &driver, RegisterTable table) {
    if (auto follows = table.follow(table_); !follows) return follows;
    table_ = std::move(table);
    driver_ = &driver;
    failures_.resize(table_.size());
    told_there_.resize(table_.size());
    for (RegisterIndex index = 0; index < table_.size(); ++index) told_there_[index] = table_.is_there(index);
    return {};
}

}  // namespace mrd
