#include "mrctl/file_kind.h"

#include <algorithm>
#include <utility>

#include "mr/cca_token.h"
#include "mr/corim.h"
#include "mr/ear.h"
#include "mr/event_log.h"
#include "mr/evidence.h"
#include "mr/snp_report.h"
#include "mr/spdm_message.h"
#include "mr/tee.h"
#include "mr/verify_cca.h"
#include "mr/verify_quote.h"
#include "mr/verify_snp.h"
#include "mr/verify_spdm.h"
#include "mr/wrapped_evidence.h"

namespace mrctl {

namespace {

constexpr std::size_t looked_at = 65536;  // bytes

std::string kind_of_quote(mr::ByteView file) {
    for (const auto *tee : mr::known_tees()) {
        if (!tee->begins_quote(file)) continue;
        if (tee->kind() == mr::tdx_kind) return "a TD quote";
        if (tee->kind() == mr::snp_kind) return "a report of SEV-SNP";
        if (tee->kind() == mr::cca_kind) return "a CCA token";
    }
    return {};
}

// Intel's: version and type of the key, 16 bits each, and the TEE's type, 32 bits. (Intel's DCAP quoting library API, "Quote Format")
bool begins_other_quote(mr::ByteView file) {
    constexpr std::size_t header_size = 48;
    if (file.size() < header_size || !kind_of_quote(file).empty()) return false;
    const auto number = [&](std::size_t at) { return file[at] | file[at + 1] << 8; };
    const bool is_tee = number(4) == 0 || number(4) == 0x81;
    return number(0) >= 1 && number(0) <= 5 && (number(2) == 2 || number(2) == 3) && is_tee && number(6) == 0;
}

std::string kind_of_text(std::string_view text) {
    const auto has = [begin = text.substr(0, looked_at)](std::string_view part) { return begin.find(part) != std::string_view::npos; };
    // JSON is what its members are, whatever certificates stand in it.
    if (const auto first = text.find_first_not_of(" \t\r\n"); first != std::string_view::npos && text[first] == '{')
        return has("\"mrd-reference-values\"") ? std::string(reference_values_kind) : std::string();
    if (has("PRIVATE KEY-----")) return std::string(private_key_kind);
    if (has("-----BEGIN CERTIFICATE")) return std::string(certificates_kind);
    if (has("-----BEGIN X509 CRL")) return "a CRL";
    if (has("-----BEGIN PUBLIC KEY")) return "a public key";
    if (has("\"mrd-reference-values\"")) return std::string(reference_values_kind);
    return {};
}

}  // namespace

std::string file_kind(mr::ByteView file) {
    const std::string_view text(reinterpret_cast<const char *>(file.data()), file.size());
    if (mr::is_evidence(file)) return "evidence of mrd";
    if (mr::is_device_evidence(file)) return "evidence of a device";
    if (mr::begins_corim(file)) return "a manifest of a device's maker (CoRIM)";
    if (mr::begins_spdm_message(file)) return "a message of SPDM";
    // Before what is text: certificates are in it.
    if (file.size() <= mr::max_collateral_size && mr::parse_collateral(text)) return "Intel's collateral";
    if (begins_other_quote(file)) return "a quote of Intel's, but of another version or TEE than of a TD of version 4 or 5";
    // In what is not text, certificates are a part.
    if (auto kind = text.substr(0, looked_at).find('\0') == std::string_view::npos ? kind_of_text(text) : std::string(); !kind.empty())
        return kind;
    if (mr::begins_ear(file)) return "an attestation result (EAR)";
    if (auto kind = kind_of_quote(file); !kind.empty()) return kind;
    if (mr::is_snp_table(file)) return "the table of certificates beside a report of SEV-SNP";
    if (mr::wrapped_form(file)) return "evidence in another tool's form";
    return mr::EventLogReader::open(file) ? "an event log" : "";
}

mr::Error wrong_file(const std::string &path, mr::ByteView file, mr::Error error, std::string_view wanted) {
    const auto kind = file_kind(file);
    error.message.insert(0, path + (kind.empty() || kind == wanted ? ": " : ": it is " + kind + ": "));
    return error;
}

}  // namespace mrctl
