#include "mrd/provider_registers.h"

namespace mrd {

namespace wire = mr::wire;

std::expected<std::unique_ptr<ProviderRegisters>, std::string> ProviderRegisters::open(boost::asio::io_context &loop,
                                                                                       std::unique_ptr<Provider> provider,
                                                                                       std::vector<RegisterSpec> registers,
                                                                                       RegisterEvents &events,
                                                                                       std::int64_t first_generation) {
    auto table = RegisterTable::build(provider->name(), std::move(registers), provider->abilities(), first_generation);
    if (!table) return std::unexpected(std::move(table.error()));
    // Fills the registers that are not live, which nothing rereads later.
    for (RefreshSet set = 0; provider->abilities().refresh && set < table->refresh_sets(); ++set) {
        const auto id = table->begin_refresh(set);
        std::vector<mr::Bytes> values(table->size());
        if (const auto result = provider->refresh(set, values); !result) {
            return std::unexpected("provider \"" + std::string(provider->name()) + "\" cannot be read: " + result.error().reason);
        }
        table->refresh_ends(id, &values);
    }
    return std::unique_ptr<ProviderRegisters>(new ProviderRegisters(loop, std::move(provider), std::move(*table), events));
}

ProviderRegisters::ProviderRegisters(boost::asio::io_context &loop, std::unique_ptr<Provider> provider, RegisterTable table,
                                     RegisterEvents &events)
    : provider_(std::move(provider)), table_(std::move(table)), events_(events), queue_(loop, provider_->may_wait()) {}

RegisterError ProviderRegisters::failure(const ProviderError &error, bool unchanged) const {
    return wire::ProviderFailed{std::string(name()), error.reason, unchanged ? wire::Applied::no : wire::Applied::unknown};
}

void ProviderRegisters::apply_refresh(RefreshId id, const std::vector<mr::Bytes> *values) {
    const auto set = table_.set_of(id);
    std::vector<std::int64_t> divergences(table_.size());
    for (RegisterIndex index = 0; index < table_.size(); ++index) divergences[index] = table_.divergences(index);
    const auto changed = table_.refresh_ends(id, values);
    events_.sequence += table_.take_late_extends();
    for (RegisterIndex index = 0; index < table_.size(); ++index) {
        if (table_.spec(index).refresh_set == set && table_.divergences(index) != divergences[index] && events_.diverged)
            events_.diverged(*this, index);
    }
    if (!events_.changed) return;
    for (const auto index : changed) events_.changed(*this, index);
}

void ProviderRegisters::end_refresh(RefreshId id, const ProviderResult<void> &result, const std::vector<mr::Bytes> &values) {
    apply_refresh(id, result ? &values : nullptr);
    const auto waiting = readers_.extract(id);
    if (waiting.empty()) return;
    for (auto &reader : waiting.mapped()) {
        // Every reader that waited gets the failure; none gets a value of before.
        if (result) {
            reader(true);
        } else {
            reader(std::unexpected(failure(result.error(), true)));
        }
    }
}

std::optional<RegisterError> ProviderRegisters::begin_extend(RegisterIndex index, const mr::Digest &digest) {
    if (table_.spec(index).owner == mr::Owner::shared && !table_.in_sync(table_.spec(index).refresh_set)) {
        // The refresh that stands right before this extend in the queue has failed.
        return failure({"the register is shared and could not be reread before the extend"}, true);
    }
    auto begun = table_.extend_begins(index, digest);
    if (!begun) return std::move(begun.error());
    return std::nullopt;
}

std::expected<ProviderRegisters::Extended, RegisterError> ProviderRegisters::end_extend(RegisterIndex index,
                                                                                        const ProviderResult<void> &result,
                                                                                        const ProviderResult<void> &reread,
                                                                                        const std::vector<mr::Bytes> &values) {
    // The number comes before the value is told: who watches sees the value with its own number.
    if (result) {
        table_.extend_succeeded(index);
        ++events_.sequence;
        if (events_.changed) events_.changed(*this, index);
        return Extended{events_.sequence};
    }
    table_.extend_failed(index);
    apply_refresh(table_.begin_refresh(table_.spec(index).refresh_set), reread ? &values : nullptr);
    switch (table_.settlement(index)) {
    case Settlement::done: return Extended{events_.sequence};
    case Settlement::undone: return std::unexpected(failure(result.error(), true));
    case Settlement::indeterminate: break;
    }
    return std::unexpected(failure(result.error(), false));
}

std::expected<std::int64_t, RegisterError> ProviderRegisters::end_write(RegisterIndex index, const ProviderResult<void> &result,
                                                                        const mr::Bytes &value) {
    if (!result) {
        table_.write_failed(index);
        return std::unexpected(failure(result.error(), result.error().applied == Applied::no));
    }
    table_.write_succeeded(index, value);
    if (events_.changed) events_.changed(*this, index);
    return table_.generation(index).value_or(0);
}

}  // namespace mrd
