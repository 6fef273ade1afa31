#include "mrd/evidence/evidence_cut.h"

#include <algorithm>
#include <utility>

namespace mrd {

EvidenceCut::EvidenceCut(std::vector<SignedQuote> quotes, std::span<const mr::LogRegister> known) {
    for (const auto &reg : known) replay_.declare(reg);
    for (auto &quote : quotes) quotes_.push_back({.is = std::move(quote)});
    look();
}

std::expected<void, std::string> EvidenceCut::apply(const mr::Event &event) {
    if (auto applied = replay_.apply(event); !applied) return std::unexpected(applied.error().message);
    sequence_ = event.sequence;
    look();
    return {};
}

void EvidenceCut::look() {
    for (auto &quote : quotes_) {
        if (quote.place || sequence_ < quote.is.first) continue;
        const auto &registers = quote.is.registers;
        if (!std::ranges::all_of(registers,
                                 [this](const Signed &reg) { return reg.owner != mr::Owner::owned || leads_to(reg) == reg.value; }))
            continue;
        quote.place = sequence_;
        for (const auto &reg : registers) quote.logged.push_back(leads_to(reg));
        ++found_;
    }
}

std::optional<mr::Digest> EvidenceCut::leads_to(const Signed &reg) const {
    const auto *replayed = replay_.find(reg.name);
    return replayed == nullptr ? std::nullopt : std::optional(replayed->value);
}

std::optional<mr::Digest> EvidenceCut::logged(std::size_t quote, std::size_t reg) const {
    const auto &asked = quotes_[quote];
    return asked.place ? asked.logged[reg] : leads_to(asked.is.registers[reg]);
}

}  // namespace mrd
