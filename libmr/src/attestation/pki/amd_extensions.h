// What AMD's certificates say of the key that signs reports.
#pragma once

#include <expected>
#include <string>

#include "libmr/src/attestation/pki/x509.h"
#include "mr/certificate.h"

namespace mr::attestation {

// By its common name.
inline constexpr std::string_view vcek_name = "SEV-VCEK";
inline constexpr std::string_view vlek_name = "SEV-VLEK";
inline bool is_snp_key(const Certificate &certificate) {
    return certificate.common_name == vcek_name || certificate.common_name == vlek_name;
}

// Of such a certificate. Error: what is wrong.
std::expected<SnpKeyExtensions, std::string> read_snp_key_extensions(const Certificate &certificate);

}  // namespace mr::attestation
