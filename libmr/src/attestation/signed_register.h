// The registers that the quotes of one verification sign, and by which names reference values and logs mean them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mr/claims.h"
#include "mr/event_log.h"
#include "mr/reference_values.h"

namespace mr::attestation {

// What stands before the slash of a virtual register's name, and what rules take for its kind: no quote signs it, what carries it proves it.
inline constexpr std::string_view virtual_kind = "virtual";
inline constexpr std::string_view virtual_prefix = "virtual/";

struct SignedRegister {
    std::string part;  // name of the part of evidence; empty: the quote comes by itself
    std::string kind;
    ClaimedRegister claimed;
    std::string shown;                    // in reasons: with the part's name where there are several
    std::string logged;                   // by its log: "tdx/rtmr3"; of a quote that comes by itself "rtmr3"
    bool unbound = true;                  // no signature under the root of the hardware's maker leads to it
    std::vector<std::string> roles = {};  // that the reference values give it
    // The last event of the log that its quote shows.
    std::uint64_t last_event = std::numeric_limits<std::uint64_t>::max();

    [[nodiscard]] bool is_virtual() const { return kind == virtual_kind; }
    [[nodiscard]] bool is_extended() const { return claimed.initial.has_value(); }
};

// A name of the reference values: a register's alone means that of every part; with a name before it, that of the part which the reference values call so
// (ReferenceValues::parts), or else of every part of that kind. A role of the reference values means the registers that have it. What only the evidence calls
// so does not count. A virtual register has its whole name and no other.
bool is_meant(std::string_view name, const SignedRegister &reg, const ReferenceValues &reference);

// The reference values say that it takes nothing but envelopes, so that what one says there is mrd's word.
bool is_log_only(const SignedRegister &reg, const ReferenceValues &reference);

// The parts that have one of these registers for which `is_one` holds, in their order.
template <class IsOne>
std::vector<std::string> parts_with(std::span<const SignedRegister> registers, IsOne is_one) {
    std::vector<std::string> parts;
    for (const auto &reg : registers) {
        if (is_one(reg) && std::ranges::find(parts, reg.part) == parts.end()) parts.push_back(reg.part);
    }
    return parts;
}
// Those that have a register which takes nothing but envelopes: what a virtual register has to be in. None has one: one without a name.
std::vector<std::string> parts_that_carry(std::span<const SignedRegister> registers, const ReferenceValues &reference);

// Of a name that is_meant() by none of them: "rtmr9 is in no quote; there are rtmr0, rtmr1". `name` may be empty.
std::string not_signed(std::string_view name, std::span<const SignedRegister> registers, const ReferenceValues &reference);

// Gives them the roles of the reference values: in each part to what the first of its names means that means one there at all; names behind one that means a
// register of a part which the reference values name count no more. Whoever adds a part of another kind so moves no role away from the others.
void give_roles(const ReferenceValues &reference, std::span<SignedRegister> registers);

// A log or evidence calls it so: with its bank behind the name, where its provider has several banks of it.
bool is_called(std::string_view name, const SignedRegister &reg);

// "rtmr3" of "tdx/rtmr3:sha384", "block1" of "spdm0/block1".
std::string_view without_provider_and_bank(std::string_view name);
// What stands before the slash; empty: nothing does.
std::string_view provider_of(std::string_view name);

}  // namespace mr::attestation
