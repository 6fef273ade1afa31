// Reports as guests of SEV-SNP and Arm CCA get them, with what a test wants in them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "mr/snp_report.h"
#include "tests/attestation/tee/cca/test_token.h"

namespace mrd::tsm {

inline mr::Bytes snp_report(mr::ByteView report_data, std::uint8_t measured = 1) {
    mr::SnpReport report;
    report.version = 3;
    report.signature_algorithm = mr::snp_ecdsa_p384_sha384;
    report.measurement.fill(measured);
    report.host_data.fill(2);
    std::ranges::copy(report_data, report.report_data.begin());
    return mr::encode_snp_report(report);
}

// With this in REM0.
inline mr::Bytes cca_token(mr::TestCcaToken &platform, mr::ByteView challenge, std::uint8_t rem0) {
    using namespace mr::cca_test;  // NOLINT(google-build-using-namespace)
    set(platform.realm, 10, bytes(challenge));
    set(platform.realm, 44239, array({bytes(mr::Bytes(32, rem0)), bytes(mr::Bytes(32)), bytes(mr::Bytes(32)), bytes(mr::Bytes(32))}));
    return platform.encode();
}

}  // namespace mrd::tsm
