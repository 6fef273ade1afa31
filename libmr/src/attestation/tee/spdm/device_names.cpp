#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "libmr/src/attestation/pki/der.h"
#include "libmr/src/attestation/pki/x509.h"
#include "libmr/src/attestation/tee/spdm/device_ids.h"
#include "mr/verify_spdm.h"

namespace mr {
namespace {

using attestation::DerReader;
using attestation::DerTag;

constexpr std::array<std::uint8_t, 3> oid_alternative_names = {0x55, 0x1D, 0x11};
constexpr std::array<std::uint8_t, 3> oid_pci_name = {0x67, 0x81, 0x13};  // 2.23.147
constexpr std::array<std::uint8_t, 10> oid_dmtf_name = {0x2B, 0x06, 0x01, 0x04, 0x01,
                                                        0x83, 0x1C, 0x82, 0x12, 0x01};  // 1.3.6.1.4.1.412.274.1
// 1.3.6.1.4.1.412.274.6 and .2
constexpr std::array<std::uint8_t, 10> oid_spdm_extension = {0x2B, 0x06, 0x01, 0x04, 0x01, 0x83, 0x1C, 0x82, 0x12, 0x06};
constexpr std::array<std::uint8_t, 10> oid_hardware_identity = {0x2B, 0x06, 0x01, 0x04, 0x01, 0x83, 0x1C, 0x82, 0x12, 0x02};
constexpr std::size_t max_device_name = 256;  // bytes

std::unexpected<Error> malformed_certificate(std::string what) {
    return std::unexpected(Error{ErrorCode::malformed, "a certificate of the chain " + std::move(what)});
}

// DSP0274, "SPDM non-critical certificate extension OID": a list of what the certificate is.
bool has_hardware_identity(ByteView der) {
    const auto certificate = attestation::parse_certificate(der, attestation::CriticalPurposes::read);
    if (!certificate) return false;
    for (const auto &extension : certificate->other_extensions) {
        if (!std::ranges::equal(extension.identifier, oid_spdm_extension)) continue;
        DerReader outer(extension.value);
        auto all = outer.inside(DerTag::sequence);
        while (all.more()) {
            auto each = all.inside(DerTag::sequence);
            if (std::ranges::equal(each.object_identifier(), oid_hardware_identity)) return true;
        }
    }
    return false;
}

// How many certificates from the root are not the device's own word.
std::size_t issued_by_others(const std::vector<ByteView> &certificates, bool has_alias) {
    const auto identified = std::ranges::find_if(certificates, has_hardware_identity) - certificates.begin();
    return std::min(static_cast<std::size_t>(identified) + 1, certificates.size() - (has_alias ? 1 : 0));
}

// MANUFACTURER:PRODUCT:SERIAL, and not of all that have this product.
bool names_one_piece(std::string_view dmtf) {
    const auto product = dmtf.find(':');
    const auto serial = product == std::string_view::npos ? product : dmtf.find(':', product + 1);
    return serial != std::string_view::npos && serial + 1 < dmtf.size();
}

}  // namespace

std::expected<DeviceNames, Error> device_names(ByteView der) {
    const auto certificate = attestation::parse_certificate(der, attestation::CriticalPurposes::read);
    if (!certificate) return malformed_certificate(certificate.error());
    DeviceNames names;
    for (const auto &extension : certificate->other_extensions) {
        if (!std::ranges::equal(extension.identifier, oid_alternative_names)) continue;
        DerReader outer(extension.value);
        auto all = outer.inside(DerTag::sequence);
        while (all.more()) {
            if (!all.next_is(DerTag::constructed_context_0)) {
                (void)all.any();
                continue;
            }
            // OtherName (RFC 5280, 4.2.1.6).
            auto other = all.inside(DerTag::constructed_context_0);
            const ByteView identifier = other.object_identifier();
            auto wrapped = other.inside(DerTag::constructed_context_0);
            const auto value = wrapped.any();
            if (!other.finished() || !wrapped.finished()) return malformed_certificate("has alternative names that are not well formed");
            auto *const to = std::ranges::equal(identifier, oid_pci_name)    ? &names.pci
                             : std::ranges::equal(identifier, oid_dmtf_name) ? &names.dmtf
                                                                             : nullptr;
            if (to == nullptr) continue;
            const std::string_view text(reinterpret_cast<const char *>(value.content.data()), value.content.size());
            if (DerTag{value.tag} != DerTag::utf8_string || text.size() > max_device_name || !is_text(text))
                return malformed_certificate("has a name of the device that is no text");
            if (*to) return malformed_certificate("has two names of the device of one kind");
            *to = text;
        }
        if (!all.finished() || !outer.finished()) return malformed_certificate("has alternative names that are not well formed");
    }
    return names;
}

std::expected<DeviceNames, Error> device_names_of_chain(ByteView chain, HashAlgorithm base_hash, bool has_alias) {
    const auto parsed = parse_spdm_chain(chain, base_hash);
    if (!parsed) return std::unexpected(Error{ErrorCode::malformed, parsed.error().message});
    const auto issued = issued_by_others(parsed->certificates, has_alias);
    DeviceNames all;
    for (std::size_t i = 0; i < parsed->certificates.size(); ++i) {
        const auto names = device_names(parsed->certificates[i]);
        if (!names) return std::unexpected(names.error());
        for (const auto kind : {&DeviceNames::pci, &DeviceNames::dmtf}) {
            const auto &name = (*names).*kind;
            const auto &known = all.*kind;
            if (name && known && *name != *known)
                return std::unexpected(
                    Error{ErrorCode::malformed, "the certificates of the chain are of two devices, " + *known + " and " + *name});
        }
        if (i < issued && !all.pci && !all.dmtf) all = *names;
    }
    return all;
}

std::vector<Bytes> attestation::device_ids_of_chain(ByteView chain, HashAlgorithm base_hash, bool has_alias) {
    std::vector<Bytes> ids;
    const auto parsed = parse_spdm_chain(chain, base_hash);
    if (!parsed) return ids;
    const auto &certificates = parsed->certificates;
    if (const auto names = device_names_of_chain(chain, base_hash, has_alias); names && names->dmtf && names_one_piece(*names->dmtf))
        ids.emplace_back(names->dmtf->begin(), names->dmtf->end());
    const auto issued = issued_by_others(certificates, has_alias);
    // The last that is not the device's own word is the device's, if others are behind it: a leaf's own key is compared anyway.
    if (issued == certificates.size() || issued == 0) return ids;
    if (const auto device = parse_certificate(certificates[issued - 1], CriticalPurposes::read))
        ids.emplace_back(device->key.begin(), device->key.end());
    return ids;
}

}  // namespace mr
