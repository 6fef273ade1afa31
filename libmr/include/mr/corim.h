// Reference values of a device as its maker publishes them: a CoRIM, usually signed, with one CoMID for each device. In mr::verify.
//
// Sources: draft-ietf-rats-corim; RFC 9052, section 4.2 (COSE_Sign1); TCG DICE Concise Evidence Binding for SPDM 1.0, table 7 (which block has which value).
//
//   file         [tag 500] then tag 501 and a map, or COSE_Sign1 (tag 502, tag 18, or both) whose payload is that
//   measurement  its key is the block's number; digests are of blocks that are digests, svn, version and raw-value of raw ones
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "mr/bytes.h"
#include "mr/certificate.h"
#include "mr/device_reference.h"
#include "mr/error.h"

namespace mr {

inline constexpr std::size_t max_corim_size = std::size_t{1} << 20;  // bytes; those of devices have some thousands
inline constexpr std::size_t max_corim_sets = 256;                   // of all CoMIDs together
inline constexpr std::size_t max_corim_measurements = 4096;          // likewise
inline constexpr std::size_t max_corim_claims = 64;                  // keys of one map

struct Corim {
    std::string id;
    bool is_signed = false;
    std::int64_t algorithm = 0;  // COSE's, of the signature
    std::string signer = {};     // as it calls itself; may be empty
    std::optional<UnixTime> not_before = {};
    std::optional<UnixTime> not_after = {};
    // Of each CoMID one for each environment that it speaks of, by its name: "ACME WIDGET (tag id)".
    std::vector<DeviceReferenceSet> sets = {};
    Bytes signed_bytes = {};  // COSE's Sig_structure
    Bytes signature = {};
};

// Does it begin as one? Cheap.
bool begins_corim(ByteView file);

// Believed or not. What reference values are not known here is no reference value that holds, so that a manifest with one is refused. Error: malformed; not_supported.
std::expected<Corim, Error> decode_corim(ByteView file);

// Did the key (x || y of P-256 or P-384, big-endian) sign it? Error: malformed, it did not, or nothing did; not_supported, another algorithm.
std::expected<void, Error> check_corim_signature(const Corim &corim, ByteView key);

}  // namespace mr
