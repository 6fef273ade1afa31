#include "mrd/providers/sim/platform.h"

#include <algorithm>
#include <string_view>

#include "mr/digest.h"
#include "mrd/providers/sim/report.h"

namespace mrd::sim {
namespace {

std::array<std::uint8_t, 32> sha256_of(std::string_view text) {
    std::array<std::uint8_t, 32> value{};
    // SHA-256 is in every OpenSSL; value() throws on a broken one.
    std::ranges::copy(mr::hash(mr::HashAlgorithm::sha256, mr::as_bytes(text)).value().bytes(), value.begin());
    return value;
}

}  // namespace

std::array<std::uint8_t, 32> simulated_qe_signer() { return sha256_of("mrd simulated quoting enclave's signer"); }

mr::QeReport simulated_qe_report() {
    return {.cpu_svn = simulated_cpu_svn,
            .misc_select = 0,
            .attributes = simulated_qe_attributes,
            .mr_enclave = sha256_of("mrd simulated quoting enclave"),
            .mr_signer = simulated_qe_signer(),
            .isv_prod_id = simulated_qe_isv_prod_id,
            .isv_svn = simulated_qe_isv_svn,
            .report_data = {}};
}

}  // namespace mrd::sim
