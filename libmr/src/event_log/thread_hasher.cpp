#include "libmr/src/event_log/thread_hasher.h"

#include <array>
#include <optional>
#include <utility>

namespace mr::event_log {

Hasher *thread_hasher(HashAlgorithm algorithm) {
    struct Slot {
        bool tried = false;
        std::optional<Hasher> hasher;
    };
    thread_local std::array<Slot, 5> slots;
    static_assert(static_cast<std::size_t>(HashAlgorithm::sm3_256) == 4);
    Slot &slot = slots.at(static_cast<std::size_t>(algorithm));
    if (!slot.tried) {
        slot.tried = true;
        if (auto opened = Hasher::open(algorithm)) slot.hasher.emplace(std::move(*opened));
    }
    return slot.hasher ? &*slot.hasher : nullptr;
}

}  // namespace mr::event_log
