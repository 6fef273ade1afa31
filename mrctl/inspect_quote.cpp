// mrctl inspect of a quote and of the certificates in it. The key names are those that quote tools use.
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "mr/certificate.h"
#include "mr/digest.h"
#include "mr/event_content.h"
#include "mr/quote.h"
#include "mr/snp_report.h"
#include "mrctl/inspect.h"
#include "mrctl/output.h"

namespace mrctl {

using Json = nlohmann::ordered_json;

namespace {

// As the bytes stand in the quote.
template <class Integer>
std::string little_endian_hex(Integer value) {
    mr::Bytes bytes;
    for (std::size_t i = 0; i < sizeof(value); ++i) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    return mr::to_hex(bytes);
}

std::uint64_t little_endian(mr::ByteView bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i > 0; --i) value = value << 8U | bytes[i - 1];
    return value;
}

// The QE's report names the attestation key.
bool names_key(const mr::Quote &quote) {
    mr::Bytes named(quote.attestation_key.begin(), quote.attestation_key.end());
    named.insert(named.end(), quote.qe_authentication_data.begin(), quote.qe_authentication_data.end());
    const auto digest = mr::hash(mr::HashAlgorithm::sha256, named);
    mr::ReportData expected{};
    if (digest) std::ranges::copy(digest->bytes(), expected.begin());
    return digest && quote.qe_report.report_data == expected;
}

// The PEM text of a quote may have a NUL after it.
std::string_view pem_of(const mr::Quote &quote) {
    std::string_view text(reinterpret_cast<const char *>(quote.inner_certification_data.data()), quote.inner_certification_data.size());
    return text.ends_with('\0') ? text.substr(0, text.size() - 1) : text;
}

std::vector<mr::Bytes> certificates_in(const mr::Quote &quote) {
    auto certificates = mr::decode_pem_certificates(pem_of(quote));
    return certificates ? std::move(*certificates) : std::vector<mr::Bytes>();
}

Json json_of(const mr::QeReport &report) {
    return {{"cpusvn", mr::to_hex(report.cpu_svn)},
            {"miscselect", little_endian_hex(report.misc_select)},
            {"attributes", mr::to_hex(report.attributes)},
            {"mrenclave", mr::to_hex(report.mr_enclave)},
            {"mrsigner", mr::to_hex(report.mr_signer)},
            {"isvprodid", report.isv_prod_id},
            {"isvsvn", report.isv_svn},
            {"report_data", mr::to_hex(report.report_data)}};
}

Json json_of(const mr::Quote &quote, std::size_t total) {
    const auto &header = quote.header;
    Json json{{"version", header.version},
              {"att_key_type", header.attestation_key_type},
              {"tee_type", header.tee_type == mr::tee_type_tdx ? "0x81" : std::to_string(header.tee_type)},
              {"qe_svn", header.qe_svn},
              {"pce_svn", header.pce_svn},
              {"qe_vendor_id", mr::to_hex(header.qe_vendor_id)},
              {"user_data", mr::to_hex(header.user_data)}};
    const bool is_td15 = quote.body_type == mr::QuoteBodyType::td15;
    if (header.version >= 5) {
        json["body_type"] = static_cast<int>(quote.body_type);
        json["body_size"] = is_td15 ? mr::td15_quote_body_size : mr::td_quote_body_size;
    }
    for (const auto &field : mr::fields_of(quote.body, quote.body_type)) {
        json[field.name] = mr::to_hex(field.bytes);
        if (const auto bits = named_bits_of(field)) json[field.name + "_bits"] = *bits;
    }
    constexpr std::size_t length_fields = 2 + 2 + 4;  // of the QE's authentication data, and of the inner certification data with its type
    json["signed_len"] = quote.signed_part.size();
    json["sig_data_len"] = quote.signature_data_size;
    json["total"] = total;
    json["trailing"] = quote.trailing;
    json["ecdsa_sig"] = mr::to_hex(quote.signature);
    json["att_pub"] = mr::to_hex(quote.attestation_key);
    json["cert_type"] = quote.certification_type;
    json["cert_size"] = quote.qe_report_bytes.size() + quote.qe_report_signature.size() + length_fields +
                        quote.qe_authentication_data.size() + quote.inner_certification_data.size();
    json["qe_report"] = json_of(quote.qe_report);
    // The features of the enclave, and of the processor those that it may use.
    const mr::ByteView attributes = quote.qe_report.attributes;
    const auto [flags, xfrm] = std::pair(attributes.first(attributes.size() / 2), attributes.last(attributes.size() / 2));
    json["qe_attributes_bits"] = mr::bits_text(little_endian(flags), mr::sgx_attribute_bits());
    json["qe_xfrm_bits"] = mr::bits_text(little_endian(xfrm), mr::xfam_bits());
    json["qe_auth_len"] = quote.qe_authentication_data.size();
    json["qe_report_data_ok"] = names_key(quote);
    json["inner_cert_type"] = quote.inner_certification_type;
    json["inner_cert_size"] = quote.inner_certification_data.size();
    json["n_certs"] = certificates_in(quote).size();
    return json;
}

Json json_of(const mr::PckExtension &pck) {
    return {{"ppid", mr::to_hex(pck.ppid)}, {"fmspc", mr::to_hex(pck.fmspc)},     {"pce_id", mr::to_hex(pck.pce_id)},
            {"pce_svn", pck.pce_svn},       {"cpu_svn", mr::to_hex(pck.cpu_svn)}, {"tcb_components", mr::to_hex(pck.tcb_components)},
            {"sgx_type", pck.sgx_type}};
}

Json json_of(const mr::SnpKeyExtensions &key) {
    Json json{{"struct_version", key.struct_version}, {"product_name", key.product_name}};
    if (key.fmc) json["fmc"] = *key.fmc;
    json.update({{"bootloader", key.bootloader}, {"tee", key.tee}, {"snp", key.snp}, {"microcode", key.microcode}});
    if (!key.hardware_id.empty()) json["hwid"] = mr::to_hex(key.hardware_id);
    if (!key.csp_id.empty()) json["csp_id"] = mr::printable_text(key.csp_id);
    return json;
}

Json json_of(const mr::CertificateDescription &certificate) {
    Json json{{"subject", mr::printable_text(certificate.subject)},
              {"issuer", mr::printable_text(certificate.issuer)},
              {"not_before", certificate.not_before},
              {"not_after", certificate.not_after},
              {"serial", mr::to_hex(certificate.serial)},
              {"sha256_fingerprint", mr::to_hex(certificate.fingerprint.bytes())},
              {"is_authority", certificate.is_authority}};
    if (certificate.pck) json["pck"] = json_of(*certificate.pck);
    if (certificate.snp) json["snp"] = json_of(*certificate.snp);
    return json;
}

void print_certificate(const mr::Bytes &der, std::size_t number) {
    const auto described = mr::describe_certificate(der);
    std::cout << "certificate " << number << ": ";
    if (!described) {
        std::cout << mr::printable_text(described.error().message) << '\n';
        return;
    }
    const auto &certificate = *described;
    std::cout << mr::printable_text(certificate.subject) << '\n'
              << "  issued by " << mr::printable_text(certificate.issuer) << ", serial " << mr::to_hex(certificate.serial) << '\n'
              << "  valid from " << utc_text(certificate.not_before) << " to " << utc_text(certificate.not_after) << '\n'
              << "  SHA-256 fingerprint " << mr::to_hex(certificate.fingerprint.bytes()) << '\n';
    if (certificate.snp) {
        const auto &key = *certificate.snp;
        const mr::SnpTcb tcb{.fmc = key.fmc, .bootloader = key.bootloader, .tee = key.tee, .snp = key.snp, .microcode = key.microcode};
        std::cout << "  key of reports: product " << mr::printable_text(key.product_name) << ", TCB " << mr::to_string(tcb) << ", "
                  << (key.hardware_id.empty() ? "of the cloud provider " + mr::printable_text(key.csp_id)
                                              : "of the chip " + mr::to_hex(key.hardware_id))
                  << '\n';
    }
    if (!certificate.pck) return;
    const auto &pck = *certificate.pck;
    std::cout << "  platform: FMSPC " << mr::to_hex(pck.fmspc) << ", PCE " << mr::to_hex(pck.pce_id) << " with security version "
              << pck.pce_svn << ", TCB components " << mr::to_hex(pck.tcb_components) << ", PPID " << mr::to_hex(pck.ppid) << '\n';
}

}  // namespace

std::optional<std::string> named_bits_of(const mr::NamedField &field) {
    if (field.name == "td_attributes") return mr::bits_text(little_endian(field.bytes), mr::td_attribute_bits());
    if (field.name == "xfam") return mr::bits_text(little_endian(field.bytes), mr::xfam_bits());
    if (field.name == "seam_attributes") return mr::bits_text(little_endian(field.bytes), {});
    return std::nullopt;
}

int inspect_quote(bool json, const mr::Quote &quote, std::size_t total) {
    auto fields = json_of(quote, total);
    const auto certificates = certificates_in(quote);
    if (json) {
        // As its certificate has it, which the table is followed by.
        const auto leaf = certificates.empty() ? std::nullopt : std::optional(mr::describe_certificate(certificates.front()));
        if (leaf && *leaf && (*leaf)->pck) fields["platform"] = json_of(*(*leaf)->pck);
        print_json(fields.dump(2));
        return exit_done;
    }
    std::cout << "Quote of an Intel TDX guest, version " << quote.header.version << ", " << total << " bytes\n";
    std::vector<Row> rows;
    for (const auto &[key, value] : fields.items()) {
        if (value.is_object()) {
            for (const auto &[inner, text] : value.items())
                rows.push_back({std::string(key).append(".").append(inner), text.is_string() ? text.get<std::string>() : text.dump()});
        } else {
            rows.push_back({key, value.is_string() ? value.get<std::string>() : value.dump()});
        }
    }
    print_table({"FIELD", "VALUE (bytes in their order; integers in hexadecimal little-endian)"}, rows);
    for (std::size_t i = 0; i < certificates.size(); ++i) print_certificate(certificates[i], i + 1);
    if ((quote.body.td_attributes & mr::td_attribute_debug) != 0) std::cout << "WARNING: a debug TD, whose memory the host can read\n";
    std::cout << "No signature and no certificate was checked: `mrctl verify --quote` does that\n";
    return exit_done;
}

int inspect_certificates(bool json, const std::vector<mr::Bytes> &certificates) {
    if (!json) {
        for (std::size_t i = 0; i < certificates.size(); ++i) print_certificate(certificates[i], i + 1);
        return exit_done;
    }
    Json all = Json::array();
    for (const auto &der : certificates) {
        const auto described = mr::describe_certificate(der);
        all.push_back(described ? json_of(*described) : Json{{"error", mr::printable_text(described.error().message)}});
    }
    print_json(Json{{"certificates", all}}.dump(2));
    return exit_done;
}

int inspect_crls(bool json, const std::vector<mr::Bytes> &crls) {
    Json all = Json::array();
    for (std::size_t i = 0; i < crls.size(); ++i) {
        const auto crl = mr::describe_crl(crls[i]);
        auto &told = all.emplace_back(Json::object());
        if (!crl) {
            told["error"] = mr::printable_text(crl.error().message);
            if (!json) std::cout << "CRL " << i + 1 << ": " << mr::printable_text(crl.error().message) << '\n';
            continue;
        }
        told["issuer"] = mr::printable_text(crl->issuer);
        told["this_update"] = crl->this_update;
        told["next_update"] = crl->next_update;
        told["revoked"] = Json::array();
        for (const auto &serial : crl->revoked) told["revoked"].push_back(mr::to_hex(serial));
        if (json) continue;
        std::cout << "CRL " << i + 1 << ": certificates that are revoked, issued by " << mr::printable_text(crl->issuer) << '\n'
                  << "  of " << utc_text(crl->this_update) << ", the next one due " << utc_text(crl->next_update) << '\n';
        if (crl->revoked.empty()) std::cout << "  revokes none\n";
        for (const auto &serial : crl->revoked) std::cout << "  revokes serial " << mr::to_hex(serial) << '\n';
    }
    if (json) {
        print_json(Json{{"crls", all}}.dump(2));
    } else {
        std::cout << "No signature was checked: `mrctl verify` does that, with collateral that has the CRL in it\n";
    }
    return exit_done;
}

int inspect_platform_keys(bool json, const std::vector<mr::PlatformKey> &keys) {
    constexpr std::size_t p256_size = 64;
    Json all = Json::array();
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const auto &each = keys[i];
        auto &told = all.emplace_back(Json::object());
        told["curve"] = each.key.size() == p256_size ? "P-256" : "P-384";
        told["key"] = mr::to_hex(each.key);
        if (each.instance_id) told["instance_id"] = mr::to_hex(*each.instance_id);
        if (each.implementation_id) told["implementation_id"] = mr::to_hex(*each.implementation_id);
        if (json) continue;
        std::cout << "public key " << i + 1 << ": " << told["curve"].get<std::string>() << ", x and y " << mr::to_hex(each.key) << '\n';
        if (each.instance_id) std::cout << "  of the instance " << mr::to_hex(*each.instance_id) << '\n';
        if (each.implementation_id) std::cout << "  of the implementation " << mr::to_hex(*each.implementation_id) << '\n';
    }
    if (json) {
        print_json(Json{{"platform_keys", all}}.dump(2));
    } else {
        std::cout
            << "Keys of platforms (Arm CCA) for `mrctl verify --roots`, or of who signs attestation results, for `mrctl inspect --key`\n";
    }
    return exit_done;
}

}  // namespace mrctl
