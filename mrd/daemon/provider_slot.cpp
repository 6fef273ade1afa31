#include "mrd/daemon/provider_slot.h"

#include <variant>

#include "mrd/log.h"
#include "mrd/registers/error_text.h"

namespace mrd {

std::expected<ReadProvider, std::string> ReadProvider::read(std::unique_ptr<Provider> provider, std::vector<RegisterSpec> registers,
                                                            std::int64_t first_generation) {
    ReadProvider read;
    if (auto *driver = provider->registers()) {
        auto table = ProviderRegisters::read_table(*provider, *driver, std::move(registers), first_generation);
        if (!table) return std::unexpected(std::move(table.error()));
        read.table = std::move(*table);
    }
    read.provider = std::move(provider);
    return read;
}

ProviderSlot::ProviderSlot(boost::asio::io_context &loop, ReadProvider read, RegisterEvents &events)
    : loop_(loop),
      name_(read.provider->name()),
      kind_(read.provider->kind()),
      simulated_(read.provider->simulated()),
      unbound_(read.provider->unbound()),
      next_first_report_(loop),
      provider_(std::move(read.provider)),
      queue_(loop, provider_->may_wait()) {
    if (auto *quoter = provider_->quoter()) quotes_.emplace(loop, *quoter);
    if (!read.table) return;
    auto &driver = *provider_->registers();
    auto &queue = driver.abilities().by_report && quotes_ ? quotes_->worker() : queue_;
    registers_.emplace(*provider_, driver, queue, std::move(*read.table), events);
    take_first_report();
}

// Where it fails, the next read asks for another, and mrd itself does after a while: who asks for all registers asks for none that have no value.
void ProviderSlot::take_first_report() {
    if (!provider_->registers()->abilities().by_report || registers_->table().size() == 0 || !registers_->table().awaits_first_value(0))
        return;
    registers_->read(mrd_itself, 0, false, [this](const std::expected<bool, RegisterError> &read) {
        // Why one has vanished was told of.
        if (read || std::holds_alternative<RegisterGone>(read.error())) return;
        log::warning("the first report that registers are read from failed", {{"provider", name_}, {"reason", sentence_of(read.error())}});
        next_first_report_.expires_after(between_first_reports);
        next_first_report_.async_wait([this](boost::system::error_code cancelled) {
            if (!cancelled && provider_) take_first_report();
        });
    });
}

void ProviderSlot::close(const std::string &why, std::move_only_function<void(std::unique_ptr<Provider>)> closed) {
    // What is under way may still use it.
    const auto failed = std::make_shared<std::unique_ptr<Provider>>(std::move(provider_));
    const auto closes = std::make_shared<std::move_only_function<void(std::unique_ptr<Provider>)>>(std::move(closed));
    const auto one_is_idle = [failed, closes, open = std::make_shared<int>(3)] {
        if (--*open == 0) (*closes)(std::move(*failed));
    };
    next_first_report_.cancel();
    if (registers_) registers_->vanish_all();
    queue_.run_last(IdleCall<decltype(one_is_idle)>{one_is_idle});
    quotes_ ? quotes_->stop(why, one_is_idle) : one_is_idle();
    collateral_worker_ ? collateral_worker_->run_last(IdleCall<decltype(one_is_idle)>{one_is_idle}) : one_is_idle();
}

std::expected<void, std::string> ProviderSlot::reopen(ReadProvider read) {
    auto *driver = read.provider->registers();
    auto *quoter = read.provider->quoter();
    if (registers_.has_value() != (driver != nullptr) || quotes_.has_value() != (quoter != nullptr))
        return std::unexpected("it has other parts than before: start mrd again");
    if (driver != nullptr) {
        if (auto reopened = registers_->reopen(*driver, std::move(*read.table)); !reopened)
            return std::unexpected(reopened.error() + ": start mrd again");
    }
    if (quoter != nullptr) quotes_->go_on(*quoter);
    provider_ = std::move(read.provider);
    if (driver != nullptr) take_first_report();
    return {};
}

}  // namespace mrd
