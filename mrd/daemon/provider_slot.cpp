#include "mrd/daemon/provider_slot.h"

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
    : loop_(loop), provider_(std::move(read.provider)), queue_(loop, provider_->may_wait()) {
    if (read.table) registers_.emplace(*provider_, *provider_->registers(), queue_, std::move(*read.table), events);
    if (auto *quoter = provider_->quoter()) quotes_.emplace(loop, *quoter);
}

}  // namespace mrd
