// What a device's signature is over (DSP0274, "Signature generation"), and whether a slot's leaf made it.
#pragma once

#include <expected>

#include "mr/bytes.h"
#include "mr/spdm.h"
#include "mr/spdm_evidence.h"

namespace mr::spdm {

// The bytes that are hashed and signed: from 1.2 on a prefix of 100 bytes and H(transcript), before the transcript itself.
Bytes signed_message(SpdmVersion version, SpdmEvidenceKind kind, HashAlgorithm base_hash, ByteView transcript);

// `chain` is as parse_spdm_chain() takes it. Error: bad_signature, malformed_chain.
std::expected<void, SpdmError> check_signature(const SpdmEvidence &evidence, SpdmVersion version, const SpdmAlgorithms &algorithms);

}  // namespace mr::spdm
