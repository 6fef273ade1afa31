// Certificates and CRLs as they come beside a report.
#include <algorithm>
#include <string>
#include <utility>

#include "libmr/src/attestation/malformed.h"
#include "libmr/src/attestation/pki/pem.h"
#include "libmr/src/attestation/pki/x509.h"
#include "libmr/src/event_log/json_common.h"
#include "mr/verify_snp.h"
#include "proto/varlink/fields.h"

namespace mr {
namespace {

using attestation::malformed;
using varlink::field;

struct CollateralFields {
    std::string certificates;
    static constexpr auto fields() { return std::tuple(field("certificates", &CollateralFields::certificates)); }
};

// As Azure's hosts answer for the machine that they are (THIM): PEM in JSON. Empty: it is something else.
std::string pem_in_json(std::string_view text) {
    varlink::Document document;
    std::string pem;
    if (!document.parse(text) || document.root().kind() != varlink::Kind::object) return pem;
    for (const std::string_view name : {"vcekCert", "certificateChain"}) {
        const auto member = document.root().find(name);
        if (const auto value = member ? member->as_string() : std::nullopt) pem.append(*value).append("\n");
    }
    return pem;
}

// Of DER, or PEM.
std::expected<void, Error> add(ByteView file, SnpCertificates &to) {
    constexpr std::uint8_t der_sequence = 0x30;
    const auto text = event_log::without_byte_order_mark(event_log::as_text(file));
    std::vector<Bytes> certificates;
    if (!file.empty() && file.front() == der_sequence) {
        auto found = find_certificates(file);
        if (!found) return std::unexpected(std::move(found.error()));
        for (auto &der : *found) (attestation::parse_crl(der) ? to.crls : certificates).push_back(std::move(der));
    } else {
        const auto in_json = text.starts_with('{') ? pem_in_json(text) : std::string();
        const auto pem = in_json.empty() ? text : std::string_view(in_json);
        auto found = attestation::certificates_in_text(pem);
        auto crls = attestation::crls_in_text(pem);
        if (!found || !crls) return std::unexpected(!found ? found.error() : crls.error());
        if (found->empty() && crls->empty())
            return malformed("it has no certificate and no CRL: neither a table, nor DER, nor a line -----BEGIN CERTIFICATE-----");
        certificates = std::move(*found);
        std::ranges::move(*crls, std::back_inserter(to.crls));
    }
    std::ranges::move(certificates, std::back_inserter(to.certificates));
    return {};
}

std::string pem_of(ByteView der, const std::string &label) {
    constexpr std::size_t line = 64;
    const auto digits = to_base64(der);
    std::string text = "-----BEGIN " + label + "-----\n";
    for (std::size_t i = 0; i < digits.size(); i += line) text.append(digits, i, line).append("\n");
    return text + "-----END " + label + "-----\n";
}

}  // namespace

std::expected<SnpCertificates, Error> read_snp_certificates(ByteView file) {
    if (file.size() > max_snp_certificates_size)
        return malformed("there are " + std::to_string(file.size()) +
                         " bytes of certificates: " + std::to_string(max_snp_certificates_size) + " are the most that are read");
    SnpCertificates read;
    // The kernel's auxblob where the host gives none: without a byte, or a table without an entry.
    if (std::ranges::all_of(file, [](std::uint8_t byte) { return byte == 0; })) return read;
    if (is_snp_table(file)) {
        const auto entries = decode_snp_table(file);
        if (!entries) return std::unexpected(entries.error());
        for (const auto &entry : *entries) {
            if (entry.name.contains('-')) continue;  // a GUID that is not known
            if (auto done = add(entry.content, read); !done)
                return malformed("the table's entry " + entry.name + ": " + done.error().message);
        }
    } else if (auto done = add(file, read); !done) {
        return std::unexpected(std::move(done.error()));
    }
    if (read.certificates.size() + read.crls.size() > max_snp_certificates)
        return malformed("there are more than " + std::to_string(max_snp_certificates) + " certificates and CRLs");
    return read;
}

std::string write_snp_certificates(const SnpCertificates &certificates) {
    std::string text;
    for (const auto &der : certificates.certificates) text += pem_of(der, "CERTIFICATE");
    for (const auto &der : certificates.crls) text += pem_of(der, "X509 CRL");
    return text;
}

std::string write_snp_collateral(const SnpCertificates &certificates) {
    std::string json;
    varlink::write_json(json, CollateralFields{write_snp_certificates(certificates)});
    return json;
}

std::expected<SnpCertificates, Error> parse_snp_collateral(std::string_view json) {
    varlink::Document document;
    if (!document.parse(json) || document.root().kind() != varlink::Kind::object)
        return malformed("collateral of SEV-SNP is one JSON object");
    const auto fields = varlink::decode<CollateralFields>(document.root());
    if (!fields)
        return malformed("the member " + fields.error().name + " is missing, unknown or not text: collateral of SEV-SNP has certificates");
    return read_snp_certificates(as_bytes(fields->certificates));
}

}  // namespace mr
