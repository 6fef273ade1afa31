// What a requester found out, in the form of a recording's info.json, and how it differs from that.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "mr/spdm_evidence.h"
#include "mr/spdm_requester.h"

namespace spdm_replay {

nlohmann::json block_json(const mr::SpdmBlock &block);
nlohmann::json capabilities_json(const mr::SpdmCapabilities &capabilities, mr::SpdmVersion version);
nlohmann::json negotiated_json(const mr::SpdmConnection &connection);
nlohmann::json digests_json(const mr::SpdmDigests &digests, mr::SpdmVersion version);
nlohmann::json chain_json(const mr::Bytes &chain, mr::HashAlgorithm base_hash, const mr::TrustAnchors &roots);
nlohmann::json log_json(const mr::Bytes &log, const std::vector<mr::SpdmBlock> &blocks, mr::HashAlgorithm measurement_hash);
nlohmann::json evidence_json(const mr::SpdmEvidence &evidence, const mr::TrustAnchors &roots);

// "transcripts[0].nonce: expected "ba3a...", found "00..."", one for each that differs. What is expected and was not looked for is no difference if it is one of
// those that only describe the recording.
std::vector<std::string> differences(const nlohmann::json &expected, const nlohmann::json &found);

}  // namespace spdm_replay
