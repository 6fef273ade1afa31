#include "mrd/providers/sim/quoting_service.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "mr/digest.h"
#include "mr/quote.h"
#include "mr/tdreport.h"
#include "mrd/providers/sim/collateral.h"
#include "mrd/providers/sim/pki.h"
#include "mrd/providers/sim/platform.h"
#include "mrd/providers/sim/quoting_keys.h"
#include "mrd/providers/sim/report.h"

namespace mrd::sim {
namespace {

// Any would do, but one verifier takes no other length than 32.
constexpr std::string_view authentication_text = "mrd simulated quoting enclave 1\n";
static_assert(authentication_text.size() == 32);

mr::QuoteHeader header_of(QuoteFormat format) {
    mr::QuoteHeader header;
    header.version = format == QuoteFormat::v4 ? 4 : 5;
    return header;
}

mr::QuoteBodyType body_type_of(QuoteFormat format) {
    return format == QuoteFormat::v5_td15 ? mr::QuoteBodyType::td15 : mr::QuoteBodyType::td10;
}

}  // namespace

std::string_view to_string(QuoteFormat format) {
    switch (format) {
    case QuoteFormat::v4: return "tdx_v4";
    case QuoteFormat::v5_td10: return "tdx_v5_td10";
    case QuoteFormat::v5_td15: return "tdx_v5_td15";
    }
    return {};
}

struct QuotingService::Keys {
    Keys(Pki made, ReportMaker checker, QuoteFormat wanted)
        : pki(std::move(made)),
          reports(std::move(checker)),
          format(wanted),
          signer(pki.attestation_key),
          root(to_pem(pki.root.certificate)),
          pck_chain(to_pem(pki.pck.certificate) + to_pem(pki.platform_ca.certificate) + root),
          attestation_key(public_key_of(pki.attestation_key)) {
        mr::QeReport report = simulated_qe_report();
        mr::Bytes vouched(attestation_key.begin(), attestation_key.end());
        const mr::ByteView authentication_data = mr::as_bytes(authentication_text);
        vouched.insert(vouched.end(), authentication_data.begin(), authentication_data.end());
        std::ranges::copy(mr::hash(mr::HashAlgorithm::sha256, vouched).value().bytes(), report.report_data.begin());
        qe_report = mr::encode_qe_report(report);
        qe_report_signature = Signer(pki.pck.key).sign(qe_report);

        parts.attestation_key = attestation_key;
        parts.qe_report_bytes = qe_report;
        parts.qe_report_signature = qe_report_signature;
        parts.qe_authentication_data = authentication_data;
        parts.inner_certification_data = mr::as_bytes(pck_chain);
    }
    Keys(const Keys &) = delete;
    Keys &operator=(const Keys &) = delete;
    ~Keys() = default;

    Pki pki;
    ReportMaker reports;
    QuoteFormat format;
    Signer signer;
    std::string root;
    std::string pck_chain;
    PublicKey attestation_key;
    std::array<std::uint8_t, mr::qe_report_size> qe_report{};
    Signature qe_report_signature{};
    mr::Quote parts;  // views of the above: what all quotes have in common
};

QuotingService::QuotingService(std::unique_ptr<Keys> keys) : keys_(std::move(keys)) {}
QuotingService::QuotingService(QuotingService &&) noexcept = default;
QuotingService &QuotingService::operator=(QuotingService &&) noexcept = default;
QuotingService::~QuotingService() = default;

std::expected<QuotingService, std::string> QuotingService::open(const std::filesystem::path &file, const ReportKey &report_key,
                                                                QuoteFormat format) {
    auto reports = ReportMaker::open(report_key);
    if (!reports) {
        return std::unexpected(std::move(reports.error()));
    }
    auto pki = open_quoting_keys(file);
    if (!pki) {
        return std::unexpected(std::move(pki.error()));
    }
    return QuotingService(std::make_unique<Keys>(std::move(*pki), std::move(*reports), format));
}

std::expected<mr::Bytes, std::string> QuotingService::quote(mr::ByteView tdreport) {
    const ReportVerdict verdict = keys_->reports.verify(tdreport);
    if (!verdict.genuine) {
        return std::unexpected("the simulated quoting enclave refuses the TDREPORT: " + verdict.reason);
    }
    const auto report = mr::decode_tdreport(tdreport);
    if (!report) {
        return std::unexpected(report.error().message);
    }
    const mr::Bytes signed_part =
        mr::encode_quote_signed_part(header_of(keys_->format), body_type_of(keys_->format), mr::quote_body_of(*report));
    const Signature signature = keys_->signer.sign(signed_part);
    mr::Quote parts = keys_->parts;
    parts.signed_part = signed_part;
    parts.signature = signature;
    return mr::encode_quote(parts);
}

std::expected<mr::Collateral, std::string> QuotingService::collateral() {
    return make_collateral(keys_->pki, std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
}

const std::string &QuotingService::root_pem() const { return keys_->root; }

}  // namespace mrd::sim
