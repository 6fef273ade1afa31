#include "mrd/quoting_service/platform.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "mr/certificate.h"
#include "mr/collateral.h"
#include "mrd/providers/sim/collateral.h"
#include "mrd/providers/sim/platform.h"
#include "mrd/providers/sim/quoter.h"
#include "mrd/providers/sim/quoting_keys.h"
#include "mrd/providers/sim/report.h"

namespace mrd::quoting_service {
namespace {

constexpr std::string_view pck_ca_name = "platform";  // which the simulator's PCK certificate is of

// What the PCK certificate calls the platform.
std::expected<qgs::Platform, std::string> describe(const sim::Pki &pki) {
    const auto certificates = mr::decode_pem_certificates(sim::to_pem(pki.pck.certificate));
    if (!certificates) return std::unexpected(certificates.error().message);
    const auto pck = mr::describe_certificate(certificates->front());
    if (!pck || !pck->pck) return std::unexpected("the simulator's PCK certificate does not say whose it is: remove the file of its keys");
    return qgs::Platform{
        .tdqe_isv_svn = sim::simulated_qe_isv_svn, .pce_isv_svn = pck->pck->pce_svn, .id = pck->pck->ppid, .cpu_svn = pck->pck->cpu_svn};
}

std::string text_of(mr::ByteView bytes) { return {bytes.begin(), bytes.end()}; }

std::string signed_json(std::string_view name, std::string_view text, mr::ByteView signature) {
    return "{\"" + std::string(name) + "\":" + std::string(text) + ",\"signature\":\"" + mr::to_hex(signature) + "\"}";
}

qgs::CollateralParts parts_of(const mr::Collateral &collateral) {
    qgs::CollateralParts made;
    made.parts = {collateral.pck_crl_issuer_chain,
                  text_of(collateral.root_ca_crl),
                  text_of(collateral.pck_crl),
                  collateral.tcb_info_issuer_chain,
                  signed_json("tcbInfo", collateral.tcb_info, collateral.tcb_info_signature),
                  collateral.qe_identity_issuer_chain,
                  signed_json("enclaveIdentity", collateral.qe_identity, collateral.qe_identity_signature)};
    for (auto &part : made.parts) part.push_back('\0');
    return made;
}

}  // namespace

Platform::Platform(PlatformOptions options, sim::Pki pki, const qgs::Platform &description)
    : options_(std::move(options)), pki_(std::move(pki)), description_(description) {}

std::expected<Platform, std::string> Platform::open(PlatformOptions options) {
    auto pki = sim::open_quoting_keys(sim::quoting_file(options.state, options.provider));
    if (!pki) return std::unexpected(std::move(pki.error()));
    const auto description = describe(*pki);
    if (!description) return std::unexpected(description.error());
    return Platform(std::move(options), std::move(*pki), *description);
}

std::expected<mr::Bytes, std::string> Platform::quote(mr::ByteView report) {
    // A TD that is started anew has another key.
    const auto key = options_.report_key ? std::expected<sim::ReportKey, std::string>(*options_.report_key)
                                         : sim::read_report_key(sim::state_file(options_.state, options_.provider));
    if (!key) return std::unexpected(key.error());
    if (!service_ || *key != key_) {
        auto opened = sim::QuotingService::open(sim::quoting_file(options_.state, options_.provider), *key, options_.format);
        if (!opened) return std::unexpected(std::move(opened.error()));
        service_ = std::move(*opened);
        key_ = *key;
    }
    return service_->quote(report);
}

std::expected<qgs::CollateralParts, std::string> Platform::collateral(mr::ByteView fmspc, mr::ByteView pck_ca) {
    if (!std::ranges::equal(fmspc, sim::simulated_fmspc))
        return std::unexpected("there is no collateral for the FMSPC " + mr::to_hex(fmspc) + ": the simulator's is " +
                               mr::to_hex(sim::simulated_fmspc));
    if (pck_ca.back() == '\0') pck_ca = pck_ca.first(pck_ca.size() - 1);
    if (!std::ranges::equal(pck_ca, mr::as_bytes(pck_ca_name)))
        return std::unexpected("there is collateral of the CA \"" + std::string(pck_ca_name) + "\" alone");
    const auto now = std::chrono::system_clock::now();
    if (collateral_.parts.front().empty() || now < collateral_made_at_ || now >= collateral_made_at_ + sim::collateral_kept) {
        collateral_ = parts_of(sim::make_collateral(pki_, std::chrono::floor<std::chrono::seconds>(now)));
        collateral_made_at_ = now;
    }
    return collateral_;
}

}  // namespace mrd::quoting_service
