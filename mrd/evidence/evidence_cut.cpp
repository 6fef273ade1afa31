#include "mrd/evidence/evidence_cut.h"

#include <algorithm>

namespace mrd {

std::expected<void, std::string> EvidenceCut::apply(const mr::Event &event) {
    if (auto applied = replay_.apply(event); !applied) return std::unexpected(applied.error().message);
    sequence_ = event.sequence;
    return {};
}

std::optional<mr::Digest> EvidenceCut::logged(std::string_view name) const {
    const auto *replayed = replay_.find(name);
    return replayed == nullptr ? std::nullopt : std::optional(replayed->value);
}

bool EvidenceCut::found() const {
    return sequence_ >= first_ && std::ranges::all_of(signed_, [this](const Signed &each) { return logged(each.name) == each.value; });
}

}  // namespace mrd
