#include "mrd/providers/sim/report.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace mrd::sim {
namespace {

using MacValue = std::array<std::uint8_t, 32>;

}  // namespace

struct ReportMaker::Mac {
    Mac() = default;
    Mac(const Mac &) = delete;
    Mac &operator=(const Mac &) = delete;
    ~Mac() { EVP_MAC_CTX_free(context); }

    MacValue over(mr::ByteView bytes) const {
        MacValue value{};
        std::size_t size = 0;
        // Without a key it starts anew with the key it has: setting one costs two more hash blocks.
        if (EVP_MAC_init(context, nullptr, 0, nullptr) != 1 || EVP_MAC_update(context, bytes.data(), bytes.size()) != 1 ||
            EVP_MAC_final(context, value.data(), &size, value.size()) != 1 || size != value.size()) {
            throw std::runtime_error("OpenSSL refused to compute an HMAC");
        }
        return value;
    }

    EVP_MAC_CTX *context = nullptr;
};

mr::TeeTcbInfo simulated_tcb_info() {
    mr::TeeTcbInfo info;
    info.valid = 0x301FF;
    info.tee_tcb_svn = {5, 1, 2};
    info.tee_tcb_svn2 = info.tee_tcb_svn;
    std::ranges::copy(mr::hash(mr::HashAlgorithm::sha384, mr::as_bytes("mrd simulated TDX module")).value().bytes(), info.mr_seam.begin());
    return info;
}

mr::TdInfo td_info_of(const StaticValues &statics, const RunTimeValues &values) {
    return {.attributes = statics.attributes,
            .xfam = simulated_xfam,
            .mrtd = statics.mrtd,
            .mrconfigid = statics.mrconfigid,
            .mrowner = statics.mrowner,
            .mrownerconfig = statics.mrownerconfig,
            .rtmr = values.rtmr,
            .servtd_hash = {}};
}

ReportMaker::ReportMaker(std::unique_ptr<Mac> mac, mr::Hasher hasher) : mac_(std::move(mac)), hasher_(std::move(hasher)) {
    template_.report_type = simulated_report_type;
    template_.cpu_svn = simulated_cpu_svn;
    template_.tcb_info = simulated_tcb_info();
    const auto bytes = mr::encode_tdreport(template_);
    std::ranges::copy(hasher_.hash(mr::ByteView(bytes).subspan(mr::tdreport_tcb_info_offset, mr::tdreport_tcb_info_size)).bytes(),
                      template_.tee_tcb_info_hash.begin());
}
ReportMaker::ReportMaker(ReportMaker &&) noexcept = default;
ReportMaker &ReportMaker::operator=(ReportMaker &&) noexcept = default;
ReportMaker::~ReportMaker() = default;

std::expected<ReportMaker, std::string> ReportMaker::open(const ReportKey &key) {
    auto hasher = mr::Hasher::open(mr::HashAlgorithm::sha384);
    if (!hasher) {
        return std::unexpected(std::move(hasher.error().message));
    }
    auto mac = std::make_unique<Mac>();
    EVP_MAC *algorithm = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
    mac->context = EVP_MAC_CTX_new(algorithm);
    EVP_MAC_free(algorithm);  // the context keeps it
    std::string digest = "SHA2-256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0), OSSL_PARAM_construct_end()};
    if (mac->context == nullptr || EVP_MAC_init(mac->context, key.data(), key.size(), parameters) != 1) {
        return std::unexpected("this OpenSSL does not offer HMAC-SHA-256: use a provider of OpenSSL that has it");
    }
    return ReportMaker(std::move(mac), std::move(*hasher));
}

std::array<std::uint8_t, mr::tdreport_size> ReportMaker::make(const mr::TdInfo &td_info, const mr::ReportData &report_data) {
    template_.td_info = td_info;
    template_.report_data = report_data;
    auto bytes = mr::encode_tdreport(template_);
    const mr::ByteView view(bytes);
    std::ranges::copy(hasher_.hash(view.subspan(mr::tdreport_td_info_offset, mr::tdreport_td_info_size)).bytes(),
                      bytes.begin() + mr::tdreport_td_info_hash_offset);
    std::ranges::copy(mac_->over(view.first(mr::tdreport_mac_offset)), bytes.begin() + mr::tdreport_mac_offset);
    return bytes;
}

ReportVerdict ReportMaker::verify(mr::ByteView report) {
    if (report.size() != mr::tdreport_size) {
        return {.genuine = false, .reason = "a TDREPORT has 1024 bytes, this has " + std::to_string(report.size())};
    }
    if (!std::ranges::equal(report.first(simulated_report_type.size()), simulated_report_type)) {
        return {.genuine = false, .reason = "the report type is not that of this module's reports (81000100)"};
    }
    const MacValue mac = mac_->over(report.first(mr::tdreport_mac_offset));
    if (CRYPTO_memcmp(mac.data(), report.data() + mr::tdreport_mac_offset, mac.size()) != 0) {
        return {.genuine = false, .reason = "the MAC does not hold: the report was changed, or made by another module"};
    }
    const auto holds = [&](std::size_t hash_at, std::size_t from, std::size_t size) {
        const mr::Digest computed = hasher_.hash(report.subspan(from, size));
        return std::ranges::equal(computed.bytes(), report.subspan(hash_at, computed.size()));
    };
    if (!holds(mr::tdreport_tcb_info_hash_offset, mr::tdreport_tcb_info_offset, mr::tdreport_tcb_info_size)) {
        return {.genuine = false, .reason = "TEE_TCB_INFO does not have the hash that the MAC covers: it was changed"};
    }
    if (!holds(mr::tdreport_td_info_hash_offset, mr::tdreport_td_info_offset, mr::tdreport_td_info_size)) {
        return {.genuine = false, .reason = "TDINFO does not have the hash that the MAC covers: it was changed"};
    }
    return {.genuine = true, .reason = {}};
}

}  // namespace mrd::sim
