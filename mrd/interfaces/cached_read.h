// A Read that the cache serves, kept for when it comes again (proto/varlink/frame_memo.h): its reply, as it was written for the value that the register had then.
// Whether the cache serves it, and that value, the table is asked each time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libmr/wire/registers.h"
#include "mr/bytes.h"
#include "mrd/registers/registers.h"

namespace mrd {

class CachedRead {
public:
    // Nothing: it asks for more than the value, or nobody has the register, or the cache never serves it. `registers` outlive it.
    static std::optional<CachedRead> of(const Registers &registers, const mr::wire::ReadParameters &parameters);

    // As GatedCall has them.
    [[nodiscard]] const Registers::Place *place() const { return Registers::only_one_there(*named_); }
    const std::string *answer(const Registers::Place &place);

private:
    explicit CachedRead(const std::vector<Registers::Place> &named) : named_(&named) {}

    const std::vector<Registers::Place> *named_;
    // What the reply says, and the reply.
    Registers::Place place_;
    std::string name_;
    mr::Bytes value_;
    std::string reply_;
};

}  // namespace mrd
