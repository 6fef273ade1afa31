// In mr::verify. Judges what a device signed over SPDM: who made the device, which function it says it is, what its measurement blocks hold. Evidence of a device is a quote of the
// kind "spdm": mr/verify.h judges it by itself or beside a machine's, and Appraiser keeps what it has read. What it is over (Claims::report_data) is the nonce of 32
// bytes, followed by zeros.
//
// Sources: DMTF DSP0274 (blocks, device mode, subject alternative names); PCI Express Base Specification 6.1, section 6.31.3 (names of functions);
// docs/verification.md has every rule, docs/devices.md the file.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/device_reference.h"
#include "mr/error.h"
#include "mr/named_bits.h"
#include "mr/spdm_evidence.h"

namespace mr {

inline constexpr std::string_view spdm_kind = "spdm";

// What the evidence of a device states beside what every verdict has (mr/verdict.h). docs/verification.md says what each rests on.
namespace statement {

inline constexpr std::string_view device_claims = "device_claims";          // what nothing signs is as the transcript shows it
inline constexpr std::string_view signed_algorithms = "signed_algorithms";  // what was negotiated is signed
inline constexpr std::string_view device_identity = "device_identity";      // the certificate is that of the expected device
inline constexpr std::string_view device_mode = "device_mode";              // one that is accepted
inline constexpr std::string_view measurement_log = "measurement_log";      // only if there is one: it leads to the hash-extend blocks
inline constexpr std::string_view value_freshness = "value_freshness";      // the values were measured for this request
inline constexpr std::string_view reference_manifest =
    "reference_manifest";  // only if there is one: its maker signed it, and it holds at the time
inline constexpr std::string_view measurement_blocks = "measurement_blocks";  // are what the reference values name, by index and type
inline constexpr std::string_view unlisted_blocks = "unlisted_blocks";        // there are none but those

}  // namespace statement

inline constexpr std::string_view spdm_endorsed = "Endorsed";  // no security version is below the reference values' minimum
inline constexpr std::string_view spdm_below_minimum = "BelowMinimumSvn";

// Names of the bits of a device-mode block: "normal", "recovery"; "noninvasive", "invasive_since_reset".
std::span<const NamedBit> spdm_mode_bits();
std::span<const NamedBit> spdm_debug_bits();

// What reference values say for devices alone, in their member "spdm". Each "accept" or "refuse" is "refuse" if it is left out.
//
//   pci, dmtf      text: what the leaf certificate's subject alternative names must say: the PCI function, "Vendor=10de:Device=2331:CC=030200:REV=a1", each field
//                  of it as the certificate has it, with large or small digits, which may have more; "maker:product" or "maker:product:serial". Several: an array, any of them
//   anyDevice      "accept": whatever device it is, if neither of both is named
//   blocks         array of blocks, or
//   sets           array of objects, name and blocks: of these sets one must hold as a whole
//   acceptedBlocks array of the indices that need not be listed
//   unlistedBlocks "accept": any of them
//   modes          array of the modes that are accepted [["normal"]]; noMode "accept": devices that say none
//   debug          array of the bits of debugging that are accepted of a device ("since_manufacture"); the reference values' own "debug" accepts all, of all kinds
//   valuesSinceReset  "accept": values that may be of the device's last reset (it cannot measure anew)
//   unsignedAlgorithms  "accept": SPDM 1.1, which does not sign what was negotiated
//   manifestKeys   array of PEM texts: public keys, one of which must have signed each manifest
//   unsignedManifests  "accept": manifests that nothing signs, or somebody else
//
//   a block: an object of index, 1 to 254, type (spdm_block_type_from()), and at least one of
//     digests      array of "ALGORITHM:HEX", of the negotiated measurement hash
//     raw          array of hex
//     versions     array of texts
//     minimumSvn   number
struct SpdmPolicy {
    std::vector<std::string> pci = {};
    std::vector<std::string> dmtf = {};
    bool accept_any_device = false;
    std::vector<DeviceReferenceSet> sets = {};
    std::vector<std::uint8_t> accepted_blocks = {};
    bool accept_unlisted = false;
    std::uint32_t modes = 4;  // bits
    bool accept_no_mode = false;
    std::uint32_t accepted_debug = 0;  // bits
    bool accept_values_since_reset = false;
    bool accept_unsigned_algorithms = false;
    std::vector<Bytes> manifest_keys = {};  // x || y
    bool accept_unsigned_manifests = false;
};
// Error: malformed, naming the member. Unknown members are refused.
std::expected<SpdmPolicy, Error> parse_spdm_policy(std::string_view json);

// The manifests (mr/corim.h) that go with a device, as collateral of this kind: a JSON object of one member, "manifests", an array of base64. Error: malformed.
std::string write_spdm_collateral(std::span<const Bytes> manifests);
std::expected<std::vector<Bytes>, Error> parse_spdm_collateral(std::string_view json);
inline constexpr std::size_t max_spdm_manifests = 64;

// What a certificate's subject alternative names say of the device. Nothing: they do not say it.
struct DeviceNames {
    std::optional<std::string> pci = {};   // OtherName 2.23.147
    std::optional<std::string> dmtf = {};  // OtherName 1.3.6.1.4.1.412.274.1
};
// Of a certificate in DER. Error: malformed; a name that is there twice.
std::expected<DeviceNames, Error> device_names(ByteView certificate);
// Of a chain (parse_spdm_chain()): what the first certificate from the root that names a device says. Those behind it may be the device's own words, which may call itself
// what it likes: they add nothing, and what they say otherwise is refused. For the same reason nothing behind a certificate with the hardware identity of DMTF (OID
// 1.3.6.1.4.1.412.274.2 in its extension .6, DSP0274) names it, nor does the leaf where the device says that it issued it (`has_alias`: spdm_cap_alias_cert).
// Error: malformed; two of them name two devices.
std::expected<DeviceNames, Error> device_names_of_chain(ByteView chain, HashAlgorithm base_hash, bool has_alias);

// ---- The file

inline constexpr std::size_t max_device_evidence_size = std::size_t{4} << 20;  // bytes

// A JSON object, as `mrctl device evidence` writes it: device, generation, time, nonce (hex), version ("1.2"), slot, signatureAlgorithm, hash, measurementHash,
// valueFresh, transcript, signature, chain, measurementLog (base64), blocks. Needed are transcript, signature and chain, and of version 1.1 measurementHash.
struct DeviceEvidence {
    std::string device = {};
    std::optional<std::int64_t> generation = {};
    SpdmEvidence spdm = {};  // of measurements; nonce and version are what the file says, or defaults
    // What else the file says for people, which statement::device_claims compares with what is signed.
    struct Said {
        bool nonce = false;    // spdm.nonce is no default
        bool version = false;  // likewise
        std::optional<std::string> signature_algorithm = {};
        std::optional<std::string> hash = {};
        std::optional<bool> value_fresh = {};
    };
    Said said = {};
    std::optional<std::vector<SpdmBlock>> blocks = {};
    std::optional<Bytes> measurement_log = {};  // as the device gives it (mr/spdm.h); signed are the blocks that it leads to
};
bool is_device_evidence(ByteView file);  // cheap
// Error: malformed, naming the member.
std::expected<DeviceEvidence, Error> parse_device_evidence(ByteView file);
std::string write_device_evidence(const DeviceEvidence &evidence);

}  // namespace mr
