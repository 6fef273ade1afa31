// Any text as collateral, as TCB info, as QE identity and as the files that collateral is put together from: what is read is written as text that reads the same, what is
// believed has every bound, and nothing is believed that nobody signed.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "libmr/src/attestation/pki/certificate_chain.h"
#include "libmr/src/attestation/tee/tdx/collateral_check.h"
#include "libmr/src/attestation/tee/tdx/tcb_info.h"
#include "libmr/src/attestation/tee/tdx/tcb_level.h"
#include "mr/collateral.h"

namespace {

using namespace mr::attestation;  // NOLINT(google-build-using-namespace): what is tested

void require(bool holds) {
    if (!holds) std::abort();
}

template <typename Level>
void check_level(const Level &level) {
    require(level.status != mr::TcbStatus::not_supported && !level.date.empty() && level.advisories.size() <= max_advisories);
}

void check_svn_levels(const std::vector<SvnLevel> &levels) {
    require(!levels.empty() && levels.size() <= max_tcb_levels);
    for (const auto &level : levels) check_level(level);
    // The best security version there can be reaches some level; one that is found is one that is reached.
    require(find_svn_level(levels, 0xFFFF) != nullptr);
    if (const auto *const found = find_svn_level(levels, 5)) require(found->isv_svn <= 5);
}

void check_tcb_info(const TcbInfo &info) {
    require(!info.levels.empty() && info.levels.size() <= max_tcb_levels && info.module_identities.size() <= max_module_identities);
    for (const auto &level : info.levels) check_level(level);
    for (const auto &identity : info.module_identities) check_svn_levels(identity.levels);

    // A platform that has nothing is never better than one that has everything there is.
    mr::Quote quote;
    mr::PckExtension pck;
    pck.tcb_components.fill(0xFF);
    pck.pce_svn = 0xFFFF;
    quote.body.tee_tcb_svn.fill(0xFF);
    quote.body.tee_tcb_svn[module_version_byte] = 0;
    const auto best = evaluate_tcb(info, pck, quote);
    const auto worst = evaluate_tcb(info, {}, {});
    require(!best.reason.empty() && !worst.reason.empty());
    require(worst.status == mr::TcbStatus::not_supported || best.status != mr::TcbStatus::not_supported);
    quote.body_type = mr::QuoteBodyType::td15;
    require(evaluate_tcb(info, pck, quote).status >= best.status);
}

// Files with a record separator between them.
void check_assembly(std::string_view text) {
    std::vector<mr::CollateralFile> files;
    for (std::size_t end = 0; end != std::string_view::npos; text.remove_prefix(std::min(end + 1, text.size()))) {
        end = text.find('\x1E');
        files.push_back({"file", mr::as_bytes(text.substr(0, end))});
        if (end == std::string_view::npos) break;
    }
    const auto assembled = mr::assemble_collateral(files);
    if (!assembled) {
        require(assembled.error().code == mr::ErrorCode::malformed && !assembled.error().message.empty());
        return;
    }
    require(parse_tcb_info(assembled->tcb_info) && parse_qe_identity(assembled->qe_identity));
    require(mr::parse_collateral(mr::write_collateral(*assembled)) == *assembled);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    // A copy, so that a read beyond a value's text is a read beyond an allocation.
    const std::string text(reinterpret_cast<const char *>(data), size);
    if (const auto info = parse_tcb_info(text)) check_tcb_info(*info);
    if (const auto identity = parse_qe_identity(text)) check_svn_levels(identity->levels);

    check_assembly(text);
    const auto collateral = mr::parse_collateral(text);
    if (!collateral) {
        require(collateral.error().code == mr::ErrorCode::malformed && !collateral.error().message.empty());
        return 0;
    }
    require(mr::parse_collateral(mr::write_collateral(*collateral)) == *collateral);
    CertificatePool pool;
    KeptCollateral kept(*collateral);
    const auto checked = check_collateral(kept, {}, pool, mr::intel_trust_anchors(), 1'800'000'000);
    require(!checked.tcb_info_signature.good() && !checked.qe_identity_signature.good() && !checked.crl_signatures.good());
    require(checked.tcb_info == nullptr && checked.qe_identity == nullptr && !checked.not_revoked.good());
    return 0;
}
