// The facts that every kind of platform has a word for, against what a caller accepts.
#pragma once

#include <optional>

#include "mr/claims.h"
#include "mr/tee.h"
#include "mr/verdict.h"

namespace mr::attestation {

// Adds root_is_hardware, tcb and not_debug. No claims: the quote cannot be read. `has_collateral`: then the TCB is required whatever the policy says.
void judge_facts(const std::optional<Claims> &claims, const PlatformPolicy &policy, bool has_collateral, Verdict &verdict);

// Does a signature under the root of the hardware's maker lead to the registers of this part? By what was checked of it, `of_part`; where nobody can tell, as of a
// kind whose root is not known, it does not. `tee`: null, if none is of the kind.
bool is_bound_to_hardware(const std::optional<Claims> &claims, const Tee *tee, const Verdict &of_part);

}  // namespace mr::attestation
