#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "libmr/src/attestation/pki/der.h"
#include "libmr/src/attestation/pki/x509.h"
#include "mr/verify_spdm.h"

namespace mr {
namespace {

using attestation::DerReader;
using attestation::DerTag;

constexpr std::array<std::uint8_t, 3> oid_alternative_names = {0x55, 0x1D, 0x11};
constexpr std::array<std::uint8_t, 3> oid_pci_name = {0x67, 0x81, 0x13};  // 2.23.147
constexpr std::array<std::uint8_t, 10> oid_dmtf_name = {0x2B, 0x06, 0x01, 0x04, 0x01,
                                                        0x83, 0x1C, 0x82, 0x12, 0x01};  // 1.3.6.1.4.1.412.274.1
constexpr std::size_t max_device_name = 256;                                            // bytes

std::unexpected<Error> malformed(std::string what) {
    return std::unexpected(Error{ErrorCode::malformed, "a certificate of the chain " + std::move(what)});
}

}  // namespace

std::expected<DeviceNames, Error> device_names(ByteView der) {
    const auto certificate = attestation::parse_certificate(der, attestation::CriticalPurposes::read);
    if (!certificate) return malformed(certificate.error());
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
            if (!other.finished() || !wrapped.finished()) return malformed("has alternative names that are not well formed");
            auto *const to = std::ranges::equal(identifier, oid_pci_name)    ? &names.pci
                             : std::ranges::equal(identifier, oid_dmtf_name) ? &names.dmtf
                                                                             : nullptr;
            if (to == nullptr) continue;
            const std::string_view text(reinterpret_cast<const char *>(value.content.data()), value.content.size());
            if (DerTag{value.tag} != DerTag::utf8_string || text.size() > max_device_name || !is_text(text))
                return malformed("has a name of the device that is no text");
            if (*to) return malformed("has two names of the device of one kind");
            *to = text;
        }
        if (!all.finished() || !outer.finished()) return malformed("has alternative names that are not well formed");
    }
    return names;
}

std::expected<DeviceNames, Error> device_names_of_chain(ByteView chain, HashAlgorithm base_hash) {
    const auto parsed = parse_spdm_chain(chain, base_hash);
    if (!parsed) return std::unexpected(Error{ErrorCode::malformed, parsed.error().message});
    DeviceNames all;
    for (const auto certificate : parsed->certificates) {
        const auto names = device_names(certificate);
        if (!names) return std::unexpected(names.error());
        for (const auto kind : {&DeviceNames::pci, &DeviceNames::dmtf}) {
            const auto &name = (*names).*kind;
            auto &known = all.*kind;
            if (name && known && *name != *known)
                return std::unexpected(
                    Error{ErrorCode::malformed, "the certificates of the chain are of two devices, " + *known + " and " + *name});
            if (name) known = name;
        }
    }
    return all;
}

}  // namespace mr
