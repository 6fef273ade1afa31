// The SGX extension of a PCK certificate: which platform the certificate is for, and the security versions it had when the key was made.
//
// Source: Intel SGX PCK Certificate and Certificate Revocation List Profile Specification, section 1.3.5. DER; a SEQUENCE of SEQUENCEs, each an object
// identifier below 1.2.840.113741.1.13.1 and a value:
//
//   .1 PPID            OCTET STRING (16)
//   .2 TCB             SEQUENCE: .1 to .16 components INTEGER, .17 PCESVN INTEGER, .18 CPUSVN OCTET STRING (16)
//   .3 PCEID           OCTET STRING (2)
//   .4 FMSPC           OCTET STRING (6)
//   .5 SGX type        ENUMERATED (1 = scalable)
//   .6 platform instance id  OCTET STRING (16)
//   .7 configuration   SEQUENCE: .1 dynamic platform, .2 cached keys, .3 SMT enabled: BOOLEAN
#pragma once

#include <array>
#include <cstdint>

#include "mr/bytes.h"

namespace mrd::sim {

inline constexpr const char *pck_extension_identifier = "1.2.840.113741.1.13.1";

struct PckExtension {
    std::array<std::uint8_t, 16> ppid{};
    std::array<std::uint8_t, 16> cpu_svn{};  // its bytes are the sixteen components too, as on current processors
    std::uint16_t pce_svn = 0;
    std::array<std::uint8_t, 2> pce_id{};
    std::array<std::uint8_t, 6> fmspc{};
    std::array<std::uint8_t, 16> platform_instance_id{};
};

mr::Bytes encode_pck_extension(const PckExtension &extension);

}  // namespace mrd::sim
