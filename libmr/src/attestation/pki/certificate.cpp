#include "mr/certificate.h"

#include <algorithm>
#include <utility>

#include "libmr/src/attestation/malformed.h"
#include "libmr/src/attestation/pki/amd_extensions.h"
#include "libmr/src/attestation/pki/der.h"
#include "libmr/src/attestation/pki/pem.h"
#include "libmr/src/attestation/pki/x509.h"

namespace mr {
namespace {

using attestation::DerReader;
using attestation::DerTag;
using attestation::malformed;

// 1.2.840.113741.1.13.1, below which the extension's members are numbered.
constexpr std::array<std::uint8_t, 9> sgx_arc = {0x2A, 0x86, 0x48, 0x86, 0xF8, 0x4D, 0x01, 0x0D, 0x01};

// One member: SEQUENCE { sgx_arc.path, value }. The reader stands at the value, which must be all that is left.
DerReader member(DerReader &from, ByteView path) {
    auto fields = from.inside(DerTag::sequence);
    const ByteView identifier = fields.object_identifier();
    if (identifier.size() != sgx_arc.size() + path.size() || !std::ranges::equal(identifier.first(sgx_arc.size()), sgx_arc) ||
        !std::ranges::equal(identifier.last(path.size()), path)) {
        fields.refuse();
    }
    return fields;
}

template <std::size_t size>
bool read_bytes(DerReader &from, std::uint8_t number, std::array<std::uint8_t, size> &field) {
    auto fields = member(from, std::array{number});
    const ByteView bytes = fields.take(DerTag::octet_string);
    if (!fields.finished() || bytes.size() != size) return false;
    std::ranges::copy(bytes, field.begin());
    return true;
}

bool read_tcb(DerReader &from, PckExtension &extension) {
    constexpr std::uint8_t tcb = 2;
    auto fields = member(from, std::array{tcb});
    auto parts = fields.inside(DerTag::sequence);
    for (std::uint8_t i = 0; i < tcb_component_count; ++i) {
        auto component = member(parts, std::array<std::uint8_t, 2>{tcb, static_cast<std::uint8_t>(i + 1)});
        const auto svn = component.small_integer();
        if (!component.finished() || *svn > 0xFF) return false;
        extension.tcb_components.at(i) = static_cast<std::uint8_t>(*svn);
    }
    auto pce = member(parts, std::array<std::uint8_t, 2>{tcb, tcb_component_count + 1});
    const auto pce_svn = pce.small_integer();
    if (!pce.finished() || *pce_svn > 0xFFFF) return false;
    extension.pce_svn = static_cast<std::uint16_t>(*pce_svn);
    auto cpu = member(parts, std::array<std::uint8_t, 2>{tcb, tcb_component_count + 2});
    const ByteView cpu_svn = cpu.take(DerTag::octet_string);
    if (!cpu.finished() || cpu_svn.size() != extension.cpu_svn.size()) return false;
    std::ranges::copy(cpu_svn, extension.cpu_svn.begin());
    return parts.finished() && fields.finished();
}

bool read_sgx_type(DerReader &from, PckExtension &extension) {
    auto fields = member(from, std::array<std::uint8_t, 1>{5});
    const ByteView type = fields.take(DerTag::enumerated);
    if (!fields.finished() || type.size() != 1 || type[0] > 2) return false;
    extension.sgx_type = type[0];
    return true;
}

bool read_configuration(DerReader &from, PckExtension &extension) {
    constexpr std::uint8_t configuration = 7;
    auto fields = member(from, std::array{configuration});
    auto parts = fields.inside(DerTag::sequence);
    auto &read = extension.configuration.emplace();
    std::uint8_t number = 0;
    for (bool *flag : {&read.dynamic_platform, &read.cached_keys, &read.smt_enabled}) {
        auto part = member(parts, std::array<std::uint8_t, 2>{configuration, ++number});
        const auto value = part.boolean();
        if (!part.finished()) return false;
        *flag = *value;
    }
    return parts.finished() && fields.finished();
}

}  // namespace

std::expected<PckExtension, Error> decode_pck_extension(ByteView extension) {
    DerReader outer(extension);
    auto members = outer.inside(DerTag::sequence);
    const auto bad = [](const char *name) {
        return malformed(std::string("the PCK certificate's SGX extension has no well-formed ") + name + " where the specification has it");
    };
    PckExtension read;
    if (!read_bytes(members, 1, read.ppid)) return bad("PPID");
    if (!read_tcb(members, read)) return bad("TCB");
    if (!read_bytes(members, 3, read.pce_id)) return bad("PCEID");
    if (!read_bytes(members, 4, read.fmspc)) return bad("FMSPC");
    if (!read_sgx_type(members, read)) return bad("SGX type");
    if (members.more()) {
        if (!read_bytes(members, 6, read.platform_instance_id.emplace())) return bad("platform instance id");
        if (!read_configuration(members, read)) return bad("configuration");
    }
    if (!members.finished() || !outer.finished()) return bad("end");
    return read;
}

std::expected<CertificateDescription, Error> describe_certificate(ByteView der) {
    const auto certificate = attestation::parse_certificate(der, attestation::CriticalPurposes::read);
    if (!certificate) return malformed("the certificate " + certificate.error());
    CertificateDescription description;
    description.subject = attestation::name_text(certificate->subject);
    description.issuer = attestation::name_text(certificate->issuer);
    description.not_before = certificate->not_before;
    description.not_after = certificate->not_after;
    description.serial.assign(certificate->serial.begin(), certificate->serial.end());
    description.is_authority = certificate->is_authority.value_or(false);
    auto fingerprint = hash(HashAlgorithm::sha256, der);
    if (!fingerprint) return std::unexpected(std::move(fingerprint.error()));
    description.fingerprint = *fingerprint;
    if (certificate->pck_extension) {
        auto extension = decode_pck_extension(*certificate->pck_extension);
        if (!extension) return std::unexpected(std::move(extension.error()));
        description.pck = *extension;
    }
    if (attestation::is_snp_key(*certificate)) {
        auto extensions = attestation::read_snp_key_extensions(*certificate);
        if (!extensions) return malformed("the certificate " + extensions.error());
        description.snp = std::move(*extensions);
    }
    return description;
}

std::expected<CrlDescription, Error> describe_crl(ByteView der) {
    const auto crl = attestation::parse_crl(der);
    if (!crl) return malformed("the CRL " + crl.error());
    CrlDescription description;
    description.issuer = attestation::name_text(crl->issuer);
    description.this_update = crl->this_update;
    description.next_update = crl->next_update;
    DerReader entries(crl->entries);
    while (entries.more()) {
        const auto serial = entries.inside(DerTag::sequence).unsigned_integer();
        description.revoked.emplace_back(serial.begin(), serial.end());
    }
    return description;
}

std::expected<std::vector<Bytes>, Error> find_crls(ByteView file) {
    if (attestation::parse_crl(file)) return std::vector<Bytes>{Bytes(file.begin(), file.end())};
    return attestation::crls_in_text(std::string_view(reinterpret_cast<const char *>(file.data()), file.size()));
}

}  // namespace mr
