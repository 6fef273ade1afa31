// The simulator's platform: what identifies its processor and its quoting enclave, in certificates, quotes and collateral alike. Its numbers are as
// consistent with each other as a machine's are, and those that name something say that it is a simulation.
#pragma once

#include <array>
#include <cstdint>

#include "mr/quote.h"

namespace mrd::sim {

// "mrdsim", so that nobody takes it for a processor family's.
inline constexpr std::array<std::uint8_t, 6> simulated_fmspc = {'m', 'r', 'd', 's', 'i', 'm'};
inline constexpr std::array<std::uint8_t, 2> simulated_pce_id = {0, 0};
inline constexpr std::uint16_t simulated_pce_svn = 13;

// Of the quoting enclave's ATTRIBUTES (Intel SDM, "SECS.ATTRIBUTES"): initialised, 64 bits, may use the provisioning key; AVX-512's state.
inline constexpr std::array<std::uint8_t, 16> simulated_qe_attributes = {0x15, 0, 0, 0, 0, 0, 0, 0, 0xE7};
inline constexpr std::uint16_t simulated_qe_isv_prod_id = 2;  // verifiers demand it of a TD quoting enclave
inline constexpr std::uint16_t simulated_qe_isv_svn = 4;

// SHA-256 of a text that says what it is.
std::array<std::uint8_t, 32> simulated_qe_signer();

// With the simulator's CPUSVN; report data zero.
mr::QeReport simulated_qe_report();

}  // namespace mrd::sim
