#include "mrd/interfaces/cached_read.h"

#include <algorithm>

#include "mrd/interfaces/reading.h"
#include "proto/varlink/message.h"

namespace mrd {

std::optional<CachedRead> CachedRead::of(const Registers &registers, const mr::wire::ReadParameters &parameters) {
    if (parameters.fresh.value_or(false) || parameters.generation) return std::nullopt;
    const auto *named = registers.named(parameters.name);
    const auto *place = named == nullptr ? nullptr : Registers::only_one_there(*named);
    if (place == nullptr || place->table().always_rereads(place->index)) return std::nullopt;
    return CachedRead(*named);
}

const std::string *CachedRead::answer(const Registers::Place &place) {
    const auto &table = place.table();
    // A generation counts on while the value stays the same.
    if (table.spec(place.index).carries_generation || !place.provider->serve_cached(place.index)) return nullptr;
    const auto value = table.value(place.index);
    const bool is_written =
        place == place_ && std::equal(value.begin(), value.end(), value_.begin(), value_.end()) && name_ == place.name();
    if (!is_written) {
        reply_.clear();
        varlink::write_reply(reply_, mr::wire::ReadReply{reading_of(place, false)});
        place_ = place;
        name_ = place.name();
        value_.assign(value.begin(), value.end());
    }
    return &reply_;
}

}  // namespace mrd
