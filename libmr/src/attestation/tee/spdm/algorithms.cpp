// Capabilities and algorithms: which may stand together, and what their bits mean.
#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "libmr/src/attestation/pki/ecdsa.h"
#include "mr/spdm.h"

namespace mr {
namespace {

constexpr std::array capability_bits = {NamedBit{0, "cache"},
                                        NamedBit{1, "cert"},
                                        NamedBit{2, "chal"},
                                        NamedBit{3, "meas_unsigned"},
                                        NamedBit{4, "meas_signed"},
                                        NamedBit{5, "meas_fresh"},
                                        NamedBit{6, "encrypt"},
                                        NamedBit{7, "mac"},
                                        NamedBit{8, "mut_auth"},
                                        NamedBit{9, "key_ex"},
                                        NamedBit{10, "psk"},
                                        NamedBit{11, "psk_with_context"},
                                        NamedBit{12, "encap"},
                                        NamedBit{13, "heartbeat"},
                                        NamedBit{14, "key_update"},
                                        NamedBit{15, "handshake_in_the_clear"},
                                        NamedBit{16, "public_key_id"},
                                        NamedBit{17, "chunk"},
                                        NamedBit{18, "alias_cert"},
                                        NamedBit{19, "set_certificate"},
                                        NamedBit{20, "csr"},
                                        NamedBit{21, "certificate_install_reset"},
                                        NamedBit{22, "endpoint_info_unsigned"},
                                        NamedBit{23, "endpoint_info_signed"},
                                        NamedBit{24, "measurement_log"},
                                        NamedBit{25, "event"},
                                        NamedBit{26, "multi_key"},
                                        NamedBit{27, "multi_key_negotiable"},
                                        NamedBit{28, "get_key_pair_info"},
                                        NamedBit{29, "set_key_pair_info"}};

// A field of two bits whose value 11b is reserved.
bool is_reserved(std::uint32_t flags, std::uint32_t field) { return (flags & field) == field; }

// A flag that means nothing, or nothing that is allowed, without another.
struct Needs {
    std::uint32_t flags;   // any of these
    std::uint32_t needed;  // needs one of these
    SpdmVersion since;     // the version that has the rule
    const char *what;
};
constexpr std::uint32_t session = spdm_cap_key_ex | spdm_cap_psk;
constexpr std::uint32_t any_identity = spdm_cap_cert | spdm_cap_public_key_id;
constexpr std::array needs = {
    Needs{spdm_cap_meas_fresh, spdm_cap_meas, SpdmVersion::v1_1, "MEAS_FRESH without MEAS"},
    Needs{session, spdm_cap_encrypt | spdm_cap_mac, SpdmVersion::v1_1, "KEY_EX or PSK without ENCRYPT or MAC"},
    Needs{spdm_cap_encrypt | spdm_cap_mac, session, SpdmVersion::v1_1, "ENCRYPT or MAC without KEY_EX or PSK"},
    Needs{spdm_cap_heartbeat | spdm_cap_key_update, session, SpdmVersion::v1_1, "HBEAT or KEY_UPD without KEY_EX or PSK"},
    Needs{spdm_cap_handshake_in_clear, spdm_cap_key_ex, SpdmVersion::v1_1, "HANDSHAKE_IN_THE_CLEAR without KEY_EX"},
    Needs{spdm_cap_chal | spdm_cap_key_ex | spdm_cap_mut_auth, any_identity, SpdmVersion::v1_1,
          "CHAL, KEY_EX or MUT_AUTH without CERT or PUB_KEY_ID"},
    Needs{spdm_cap_mut_auth, spdm_cap_key_ex | spdm_cap_chal, SpdmVersion::v1_1, "MUT_AUTH without KEY_EX or CHAL"},
    Needs{spdm_cap_alias_cert | spdm_cap_set_certificate, spdm_cap_cert, SpdmVersion::v1_2, "ALIAS_CERT or SET_CERT without CERT"},
    Needs{spdm_cap_csr, spdm_cap_set_certificate, SpdmVersion::v1_2, "CSR without SET_CERT"},
    Needs{spdm_cap_install_reset, spdm_cap_csr | spdm_cap_set_certificate, SpdmVersion::v1_2, "CERT_INSTALL_RESET without CSR or SET_CERT"},
    Needs{spdm_cap_event, session, SpdmVersion::v1_3, "EVENT without KEY_EX or PSK"},
    Needs{spdm_cap_multi_key, spdm_cap_get_key_pair_info, SpdmVersion::v1_3, "MULTI_KEY without GET_KEY_PAIR_INFO"},
};

std::optional<std::string> sizes_defect(const SpdmCapabilities &capabilities) {
    if (capabilities.data_transfer_size < min_spdm_transfer_size)
        return "DataTransferSize is " + std::to_string(capabilities.data_transfer_size) + ", below " +
               std::to_string(min_spdm_transfer_size);
    if (capabilities.max_message_size < capabilities.data_transfer_size) return "MaxSPDMmsgSize is below DataTransferSize";
    if (!capabilities.has(spdm_cap_chunk) && capabilities.max_message_size != capabilities.data_transfer_size)
        return "MaxSPDMmsgSize is not DataTransferSize, without CHUNK";
    return std::nullopt;
}

}  // namespace

std::span<const NamedBit> spdm_capability_bits() { return capability_bits; }

std::optional<std::string> spdm_capabilities_defect(const SpdmCapabilities &capabilities, SpdmVersion version) {
    const auto flags = capabilities.flags;
    if (is_reserved(flags, spdm_cap_meas)) return "MEAS is 11b, which is reserved";
    if (is_reserved(flags, spdm_cap_psk)) return "PSK is 11b, which is reserved";
    if (version >= SpdmVersion::v1_3) {
        if (is_reserved(flags, spdm_cap_endpoint_info)) return "EP_INFO is 11b, which is reserved";
        if (is_reserved(flags, spdm_cap_multi_key)) return "MULTI_KEY is 11b, which is reserved";
        constexpr auto key_pairs = spdm_cap_multi_key | spdm_cap_get_key_pair_info | spdm_cap_set_key_pair_info;
        if (capabilities.has(spdm_cap_public_key_id) && capabilities.has(key_pairs))
            return "PUB_KEY_ID with MULTI_KEY or key pair information";
    }
    for (const auto &rule : needs) {
        if (version >= rule.since && capabilities.has(rule.flags) && !capabilities.has(rule.needed)) return rule.what;
    }
    if (capabilities.signs_measurements() && !capabilities.has(any_identity)) return "MEAS with signature without CERT or PUB_KEY_ID";
    if (capabilities.has(spdm_cap_cert) && capabilities.has(spdm_cap_public_key_id)) return "CERT with PUB_KEY_ID";
    constexpr std::uint32_t endpoint_info_signed = 0x800000;
    const bool uses_key = capabilities.has(spdm_cap_chal | spdm_cap_key_ex) || capabilities.signs_measurements() ||
                          (version >= SpdmVersion::v1_3 && capabilities.has(endpoint_info_signed));
    if (capabilities.has(any_identity) && !uses_key) return "CERT or PUB_KEY_ID, and nothing that signs";
    if (version == SpdmVersion::v1_1 && capabilities.has(spdm_cap_mut_auth) && !capabilities.has(spdm_cap_encap))
        return "MUT_AUTH without ENCAP";
    return version >= SpdmVersion::v1_2 ? sizes_defect(capabilities) : std::nullopt;
}

std::optional<HashAlgorithm> spdm_base_hash(std::uint32_t bit) {
    switch (bit) {
    case spdm_hash_sha256: return HashAlgorithm::sha256;
    case spdm_hash_sha384: return HashAlgorithm::sha384;
    case spdm_hash_sha512: return HashAlgorithm::sha512;
    default: return std::nullopt;
    }
}

std::optional<HashAlgorithm> spdm_measurement_hash(std::uint32_t bit) {
    switch (bit) {
    case spdm_measurement_sha256: return HashAlgorithm::sha256;
    case spdm_measurement_sha384: return HashAlgorithm::sha384;
    case spdm_measurement_sha512: return HashAlgorithm::sha512;
    default: return std::nullopt;
    }
}

std::string_view spdm_asym_name(std::uint32_t base_asym) {
    switch (base_asym) {
    case spdm_asym_p256: return "ecdsa-p256";
    case spdm_asym_p384: return "ecdsa-p384";
    default: return {};
    }
}

std::size_t spdm_signature_size(std::uint32_t base_asym) {
    switch (base_asym) {
    case spdm_asym_p256: return attestation::p256_signature_size;
    case spdm_asym_p384: return attestation::p384_signature_size;
    default: return 0;
    }
}

}  // namespace mr
