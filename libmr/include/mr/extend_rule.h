// How a register takes what it is extended by. By H the register's hash is meant.
#pragma once

#include <cstdint>

namespace mr {

enum class ExtendRule : std::uint8_t {
    digest,  // H(old || digest): TPM 2.0, Intel TDX, and Arm CCA's REMs as TF-RMM extends them
    // H(old || digest), each followed by zeros up to 64 bytes: Arm CCA's REMs as the RMM specification has it (section B4.3, RmmRealmMeasurementExtend)
    padded_digest,
};

}  // namespace mr
