#include "mrd/journal/proof.h"

namespace mrd::journal {

Proof::Step Proof::step(std::uint64_t bytes) {
    for (const auto until = offset_ + bytes; offset_ < until; offset_ = reader_.offset()) {
        const auto found = reader_.next();
        if (!found) {
            error_ = found.error();
            return Step::unreadable;
        }
        if (!*found) return Step::end;
        const auto record = decode_record((*found)->head, (*found)->bytes);
        const auto taken = record ? state_.check_and_apply(*record) : std::unexpected(record.error());
        if (!taken) {
            what_ = taken.error();
            return Step::damaged;
        }
    }
    return Step::more;
}

}  // namespace mrd::journal
