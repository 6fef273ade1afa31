#include "mrd/journal/proof.h"

namespace mrd::journal {

Proof::Step Proof::step(std::uint64_t bytes) {
    const auto step = read(bytes);
    const auto wrong = together_ ? together_->first_wrong() : std::nullopt;
    if (!wrong) return step;
    // Whatever stands behind it.
    offset_ = wrong->offset;
    what_ = "intent " + std::to_string(wrong->intent) + std::string(computed_wrongly);
    return Step::damaged;
}

Proof::Step Proof::read(std::uint64_t bytes) {
    for (const auto until = offset_ + bytes; offset_ < until; offset_ = reader_.offset()) {
        const auto found = reader_.next();
        if (!found) {
            error_ = found.error();
            return Step::unreadable;
        }
        if (!*found) return Step::end;
        const auto record = decode_record((*found)->head, (*found)->bytes);
        if (together_) together_->stand_at((*found)->offset);
        const auto taken = record ? state_.check_and_apply(*record, together_ ? &*together_ : nullptr) : std::unexpected(record.error());
        if (!taken) {
            what_ = taken.error();
            return Step::damaged;
        }
        last_ = Mark::of((*found)->offset, (*found)->bytes);
    }
    return Step::more;
}

}  // namespace mrd::journal
