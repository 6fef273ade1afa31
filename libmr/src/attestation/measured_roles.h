// Roles as mrd's configuration gives them, by what mrd measured of itself (mr/self_measurement.h): for reference values that accept them.
#pragma once

#include <span>

#include "mr/bytes.h"
#include "mr/claims.h"
#include "mr/reference_values.h"

namespace mr::attestation {

// The reference values with these roles, which go before their own; one that was taken away is none. Each self-measurement that counts then has to say exactly these: what the log says without
// a digest that binds it, or another register's, gives none, and where they are other ones the rule for self-measurements fails. `claims`: of the parts, whose registers'
// names no role takes.
ReferenceValues with_measured_roles(ReferenceValues reference, std::span<const ByteView> logs, std::span<const Claims> claims);

}  // namespace mr::attestation
