// Whether what is signed for a time is used in it.
#pragma once

#include <span>
#include <string>

#include "libmr/src/attestation/finding.h"
#include "libmr/src/attestation/pki/x509.h"
#include "mr/certificate.h"

namespace mr::attestation {

// Each certificate has begun, and not ended. Precondition: there is one.
Finding check_validity(std::span<const Certificate *const> certificates, UnixTime time);

// `what` ("the PCK CRL") was issued, and the next one is not due yet.
Finding check_current(const std::string &what, UnixTime begin, UnixTime end, UnixTime time);

}  // namespace mr::attestation
