// The simulator's collateral: what Intel's provisioning service says of real platforms, said of the simulated one. See mr/collateral.h for its parts.
#pragma once

#include <chrono>

#include "mr/collateral.h"
#include "mrd/providers/sim/pki.h"

namespace mrd::sim {

inline constexpr auto collateral_validity = std::chrono::days{30};  // as Intel's

// How long what was made is given again, as the caches between machines and Intel's service do.
inline constexpr auto collateral_kept = std::chrono::hours{1};

// Signed anew, dated clock_skew before `now`.
mr::Collateral make_collateral(const Pki &pki, std::chrono::sys_seconds now);

}  // namespace mrd::sim
