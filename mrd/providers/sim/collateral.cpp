#include "mrd/providers/sim/collateral.h"

#include <array>
#include <cstdint>
#include <ctime>
#include <stdexcept>
#include <string>
#include <string_view>

#include "mr/tdreport.h"
#include "mrd/providers/sim/platform.h"
#include "mrd/providers/sim/report.h"

namespace mrd::sim {
namespace {

// The simulator's platform is up to date, and there was an older one, so that a verifier's search through the levels has where to end.
constexpr std::string_view newest_tcb_date = "2026-01-01T00:00:00Z";
constexpr std::string_view older_tcb_date = "2025-01-01T00:00:00Z";
constexpr int tcb_evaluation_data_number = 1;

// The lowest of the older level: nothing but that the kernel's late microcode was loaded.
constexpr std::array<std::uint8_t, 16> older_sgx_components = {1};
constexpr std::uint16_t older_pce_svn = 5;

// JSON: all texts here are ours and need no escapes. Members are in the order of Intel's documents.
std::string json_text(std::string_view text) { return '"' + std::string(text) + '"'; }
std::string hex(mr::ByteView bytes) { return json_text(mr::to_hex(bytes)); }
std::string number(int value) { return std::to_string(value); }

std::string json_time(std::chrono::sys_seconds time) {
    const std::time_t seconds = time.time_since_epoch().count();
    std::tm parts{};
    std::array<char, 32> text{};
    if (::gmtime_r(&seconds, &parts) == nullptr || std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        throw std::runtime_error("the system's time has no date");
    }
    return json_text(text.data());
}

struct Validity {
    std::chrono::sys_seconds issued;
    std::chrono::sys_seconds next_update;
};

std::string head(std::string_view id, int version, const Validity &validity) {
    return "\"id\":" + json_text(id) + ",\"version\":" + number(version) + ",\"issueDate\":" + json_time(validity.issued) +
           ",\"nextUpdate\":" + json_time(validity.next_update);
}

// What the first components stand for, as Intel names them; the others have no name.
struct Component {
    std::string_view category;
    std::string_view type;
};
constexpr std::array<Component, 16> sgx_names = {{{"BIOS", "Early Microcode Update"},
                                                  {"OS/VMM", "SGX Late Microcode Update"},
                                                  {"OS/VMM", "TXT SINIT"},
                                                  {"BIOS", ""},
                                                  {"BIOS", ""},
                                                  {"BIOS", ""},
                                                  {"", ""},
                                                  {"OS/VMM", "SEAMLDR ACM"}}};
constexpr std::array<Component, 16> tdx_names = {
    {{"OS/VMM", "TDX Module"}, {"OS/VMM", "TDX Module"}, {"OS/VMM", "TDX Late Microcode Update"}}};

std::string components(const std::array<std::uint8_t, 16> &svns, const std::array<Component, 16> &names) {
    std::string json;
    for (std::size_t i = 0; i < svns.size(); ++i) {
        json += json.empty() ? "[" : ",";
        json += "{\"svn\":" + number(svns[i]);
        json += names[i].category.empty() ? "" : ",\"category\":" + json_text(names[i].category);
        json += names[i].type.empty() ? "" : ",\"type\":" + json_text(names[i].type);
        json += "}";
    }
    return json + "]";
}

std::string level(const std::string &tcb, std::string_view date, std::string_view status) {
    return "{\"tcb\":{" + tcb + "},\"tcbDate\":" + json_text(date) + ",\"tcbStatus\":" + json_text(status) + "}";
}

std::string isv_level(int isv_svn, std::string_view date, std::string_view status) {
    return level("\"isvsvn\":" + number(isv_svn), date, status);
}

std::string platform_level(const std::array<std::uint8_t, 16> &sgx, std::uint16_t pce_svn, const std::array<std::uint8_t, 16> &tdx,
                           std::string_view date, std::string_view status) {
    return level("\"sgxtcbcomponents\":" + components(sgx, sgx_names) + ",\"pcesvn\":" + number(pce_svn) +
                     ",\"tdxtcbcomponents\":" + components(tdx, tdx_names),
                 date, status);
}

std::string tcb_info(const Validity &validity) {
    const mr::TeeTcbInfo module = simulated_tcb_info();
    const std::uint8_t module_svn = module.tee_tcb_svn[0];
    const std::uint8_t module_version = module.tee_tcb_svn[1];
    // A level says nothing of the module's version, which has levels of its own.
    std::array<std::uint8_t, 16> tdx = module.tee_tcb_svn;
    tdx[1] = 0;
    std::array<std::uint8_t, 16> older_tdx = tdx;
    older_tdx[0] = static_cast<std::uint8_t>(module_svn - 1);
    older_tdx[2] = static_cast<std::uint8_t>(tdx[2] - 1);

    const std::string signer =
        "\"mrsigner\":" + hex(module.mr_signer_seam) + ",\"attributes\":\"0000000000000000\",\"attributesMask\":\"ffffffffffffffff\"";
    return "{" + head("TDX", 3, validity) + ",\"fmspc\":" + hex(simulated_fmspc) + ",\"pceId\":" + hex(simulated_pce_id) +
           ",\"tcbType\":0,\"tcbEvaluationDataNumber\":" + number(tcb_evaluation_data_number) + ",\"tdxModule\":{" + signer +
           "},\"tdxModuleIdentities\":[{\"id\":" + json_text("TDX_" + mr::to_hex(std::array{module_version})) + "," + signer +
           ",\"tcbLevels\":[" + isv_level(module_svn, newest_tcb_date, "UpToDate") + "," +
           isv_level(module_svn - 1, older_tcb_date, "OutOfDate") + "]}],\"tcbLevels\":[" +
           platform_level(simulated_cpu_svn, simulated_pce_svn, tdx, newest_tcb_date, "UpToDate") + "," +
           platform_level(older_sgx_components, older_pce_svn, older_tdx, older_tcb_date, "OutOfDate") + "]}";
}

std::string qe_identity(const Validity &validity) {
    std::array<std::uint8_t, 16> attributes_mask{};
    for (std::size_t i = 0; i < 8; ++i) {
        attributes_mask[i] = 0xFF;
    }
    attributes_mask[0] = 0xFB;  // whatever bit 2 is: 64 bits or 32
    std::array<std::uint8_t, 16> attributes = simulated_qe_attributes;
    for (std::size_t i = 0; i < attributes.size(); ++i) {
        attributes[i] &= attributes_mask[i];
    }
    return "{" + head("TD_QE", 2, validity) + ",\"tcbEvaluationDataNumber\":" + number(tcb_evaluation_data_number) +
           R"(,"miscselect":"00000000","miscselectMask":"ffffffff","attributes":)" + hex(attributes) +
           ",\"attributesMask\":" + hex(attributes_mask) + ",\"mrsigner\":" + hex(simulated_qe_signer()) +
           ",\"isvprodid\":" + number(simulated_qe_isv_prod_id) + ",\"tcbLevels\":[" +
           isv_level(simulated_qe_isv_svn, newest_tcb_date, "UpToDate") + "]}";
}

}  // namespace

mr::Collateral make_collateral(const Pki &pki, std::chrono::sys_seconds now) {
    const Validity validity = {.issued = now - clock_skew, .next_update = now - clock_skew + collateral_validity};
    const std::string root = to_pem(pki.root.certificate);
    Signer signer(pki.tcb_signing.key);
    const auto signature_of = [&](const std::string &text) {
        const Signature signature = signer.sign(mr::as_bytes(text));
        return mr::Bytes(signature.begin(), signature.end());
    };

    mr::Collateral collateral;
    collateral.tcb_info = tcb_info(validity);
    collateral.tcb_info_signature = signature_of(collateral.tcb_info);
    collateral.tcb_info_issuer_chain = to_pem(pki.tcb_signing.certificate) + root;
    collateral.qe_identity = qe_identity(validity);
    collateral.qe_identity_signature = signature_of(collateral.qe_identity);
    collateral.qe_identity_issuer_chain = collateral.tcb_info_issuer_chain;
    collateral.root_ca_crl = make_crl(pki.root, validity.issued, validity.next_update);
    collateral.pck_crl = make_crl(pki.platform_ca, validity.issued, validity.next_update);
    collateral.pck_crl_issuer_chain = to_pem(pki.platform_ca.certificate) + root;
    return collateral;
}

}  // namespace mrd::sim
