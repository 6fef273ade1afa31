#include "mrd/journal/extends_together.h"

#include <algorithm>

namespace mrd::journal {

bool ExtendsTogether::add(std::uint64_t intent, mr::HashAlgorithm algorithm, const mr::Digest &before, const mr::Digest &digest,
                          const mr::Digest &after) {
    if (way_ == sha384_lanes::Way::none || algorithm != mr::HashAlgorithm::sha384) return false;
    std::ranges::copy(before.bytes(), extends_[waiting_].before.begin());
    std::ranges::copy(digest.bytes(), extends_[waiting_].digest.begin());
    std::ranges::copy(after.bytes(), after_[waiting_].begin());
    places_[waiting_] = {offset_, intent};
    if (++waiting_ == extends_.size()) prove();
    return true;
}

std::optional<ExtendsTogether::Wrong> ExtendsTogether::first_wrong() {
    if (waiting_ > 0) prove();
    return wrong_;
}

// In the lanes behind the last one stands what was there before.
void ExtendsTogether::prove() {
    const auto computed = sha384_lanes::extended(way_, extends_);
    for (std::size_t i = 0; i < waiting_ && !wrong_; ++i) {
        if (computed[i] != after_[i]) wrong_ = places_[i];
    }
    waiting_ = 0;
}

}  // namespace mrd::journal
