#include "tests/spdm_replay/expectation.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "libmr/src/attestation/finding.h"
#include "libmr/src/attestation/tee/spdm/requests.h"

namespace spdm_replay {
namespace {

using nlohmann::json;

constexpr std::size_t shown = 80;  // characters of a value

// What the replay finds nothing of: secured sessions and TDISP, which are not the requester's; names and remarks for people; and what of a transcript its hash says
// again.
constexpr auto not_looked_for = std::to_array<std::string_view>({"session", "ide_km", "ide_query", "tdisp", "start_interface_nonce",
                                                                 "tdi_report", "state_after_version_in_run", "report_after_stop", "note",
                                                                 "root_file", "name", "request", "messages", "last_without_signature"});
bool is_looked_for(const std::string &member) { return std::ranges::find(not_looked_for, member) == not_looked_for.end(); }

std::string shortened(const json &value) {
    auto text = value.dump();
    return text.size() > shown ? text.substr(0, shown) + "..." : text;
}

void compare(const json &expected, const json &found, const std::string &path, std::vector<std::string> &into) {
    if (expected.is_object() && found.is_object()) {
        for (const auto &[member, value] : expected.items()) {
            const auto place = path.empty() ? member : path + "." + member;
            if (found.contains(member)) {
                compare(value, found[member], place, into);
            } else if (is_looked_for(member)) {
                into.push_back(place + ": expected " + shortened(value) + ", found nothing");
            }
        }
        return;
    }
    if (expected.is_array() && found.is_array()) {
        if (expected.size() != found.size())
            into.push_back(path + ": expected " + std::to_string(expected.size()) + " elements, found " + std::to_string(found.size()));
        for (std::size_t i = 0; i < std::min(expected.size(), found.size()); ++i)
            compare(expected[i], found[i], path + "[" + std::to_string(i) + "]", into);
        return;
    }
    if (expected != found) into.push_back(path + ": expected " + shortened(expected) + ", found " + shortened(found));
}

std::string hash_text(std::optional<mr::HashAlgorithm> hash) { return hash ? std::string(mr::to_string(*hash)) : "none"; }

std::string digest_hex(mr::HashAlgorithm algorithm, mr::ByteView bytes) {
    return mr::to_hex(mr::hash(algorithm, bytes).value_or(mr::Digest()).bytes());
}

std::string time_text(std::int64_t time) {
    auto text = mr::attestation::date_text(time);
    text.pop_back();
    return text + "+00:00";
}

}  // namespace

json block_json(const mr::SpdmBlock &block) {
    constexpr std::size_t header = 3;
    return {{"index", block.index}, {"spec", 1},           {"size", block.value.size() + header},
            {"type", block.type},   {"raw", block.is_raw}, {"value", mr::to_hex(block.value)}};
}

json capabilities_json(const mr::SpdmCapabilities &capabilities, mr::SpdmVersion version) {
    json found = {{"flags", capabilities.flags},
                  {"ct_exponent", capabilities.crypto_time_exponent},
                  {"CERT", capabilities.has(mr::spdm_cap_cert)},
                  {"CHAL", capabilities.has(mr::spdm_cap_chal)},
                  {"MEAS", (capabilities.flags & mr::spdm_cap_meas) / (mr::spdm_cap_meas & ~mr::spdm_cap_meas_signed)},
                  {"MEAS_FRESH", capabilities.has(mr::spdm_cap_meas_fresh)},
                  {"ENCRYPT", capabilities.has(mr::spdm_cap_encrypt)},
                  {"MAC", capabilities.has(mr::spdm_cap_mac)},
                  {"KEY_EX", capabilities.has(mr::spdm_cap_key_ex)},
                  {"CHUNK", capabilities.has(mr::spdm_cap_chunk)},
                  {"ALIAS_CERT", capabilities.has(mr::spdm_cap_alias_cert)},
                  {"MEL", capabilities.has(mr::spdm_cap_measurement_log)}};
    if (version >= mr::SpdmVersion::v1_2) {
        found["data_transfer_size"] = capabilities.data_transfer_size;
        found["max_spdm_msg_size"] = capabilities.max_message_size;
    }
    return found;
}

json negotiated_json(const mr::SpdmConnection &connection) {
    const auto &algorithms = connection.algorithms;
    const auto asym = algorithms.base_asym == mr::spdm_asym_p256   ? "ECDSA_P256"
                      : algorithms.base_asym == mr::spdm_asym_p384 ? "ECDSA_P384"
                                                                   : "none";
    return {{"version", mr::to_string(connection.version)},
            {"base_hash", hash_text(mr::spdm_base_hash(algorithms.base_hash))},
            {"base_asym", asym},
            {"measurement_spec", algorithms.measurement_specification},
            {"measurement_hash", hash_text(mr::spdm_measurement_hash(algorithms.measurement_hash))},
            {"other_params", algorithms.other_parameters},
            {"mel_spec", algorithms.log_specification},
            {"dhe", algorithms.dhe},
            {"aead", algorithms.aead},
            {"key_schedule", algorithms.key_schedule}};
}

json digests_json(const mr::SpdmDigests &digests, mr::SpdmVersion version) {
    json found = {{"slot_mask", digests.mask}, {"digest", json::object()}};
    if (version >= mr::SpdmVersion::v1_3) found["supported_slot_mask"] = digests.supported_mask;
    for (const auto &slot : digests.slots) {
        const auto number = std::to_string(slot.number);
        found["digest"][number] = mr::to_hex(slot.digest.bytes());
        if (slot.key)
            found["multi_key"][number] = {
                {"key_pair_id", slot.key->key_pair}, {"cert_info", slot.key->certificate_info}, {"key_usage", slot.key->usage}};
    }
    return found;
}

json chain_json(const mr::Bytes &chain, mr::HashAlgorithm base_hash, const mr::TrustAnchors &roots) {
    json found = {{"length", chain.size()}, {"digest", digest_hex(base_hash, chain)}};
    const auto parsed = mr::parse_spdm_chain(chain, base_hash);
    const auto identity = mr::check_spdm_chain(chain, base_hash, roots);
    if (!parsed || !identity) {
        found["signatures_chain_to_first_certificate"] = identity ? "unreadable" : identity.error().message;
        return found;
    }
    found["root_hash"] = mr::to_hex(parsed->root_hash);
    found["leaf_cert_digest"] = mr::to_hex(identity->leaf_digest.bytes());
    found["digest_matches_DIGESTS"] = json(mr::to_hex(identity->chain_digest.bytes())) == found["digest"];
    found["root_hash_matches_first_certificate"] = json(digest_hex(base_hash, identity->root)) == found["root_hash"];
    found["signatures_chain_to_first_certificate"] = true;
    for (std::size_t i = 0; i < parsed->certificates.size(); ++i) {
        const auto &description = identity->certificates[i];
        found["certificates"].push_back({{"subject", description.subject},
                                         {"sha256", mr::to_hex(description.fingerprint.bytes())},
                                         {"length", parsed->certificates[i].size()},
                                         {"not_after", time_text(description.not_after)}});
    }
    return found;
}

json log_json(const mr::Bytes &log, const std::vector<mr::SpdmBlock> &blocks, mr::HashAlgorithm measurement_hash) {
    json found = {{"length", log.size()}, {"log_sha256", digest_hex(mr::HashAlgorithm::sha256, log)}};
    const auto entries = mr::parse_spdm_measurement_log(log);
    if (!entries || entries->empty()) return found;
    for (const auto &entry : *entries)
        found["entries"].push_back({{"mel_index", entry.number},
                                    {"meas_index", entry.index},
                                    {"type", entry.type},
                                    {"raw", entry.is_raw},
                                    {"value", mr::to_hex(entry.value)}});
    found["replayed_hem"] = mr::to_hex(mr::replay_spdm_measurement_log(*entries, entries->front().index, measurement_hash).bytes());
    found["equals_hem_block"] = mr::check_spdm_measurement_log(log, blocks, measurement_hash).has_value();
    return found;
}

json evidence_json(const mr::SpdmEvidence &evidence, const mr::TrustAnchors &roots) {
    const auto base_hash = mr::spdm_base_hash(evidence.algorithms.base_hash).value_or(mr::HashAlgorithm::sha256);
    const auto verified = mr::verify_spdm(evidence, evidence.nonce, roots);
    json found = {{"kind", evidence.kind == mr::SpdmEvidenceKind::measurements ? "L1L2" : "M1M2"},
                  {"slot", evidence.slot},
                  {"nonce", mr::to_hex(evidence.nonce)},
                  {"transcript_length", evidence.transcript.size()},
                  {"transcript_hash", digest_hex(base_hash, evidence.transcript)},
                  {"signature", mr::to_hex(evidence.signature)},
                  {"signature_valid", verified ? json(true) : json(verified.error().message)}};
    if (!verified) return found;
    const auto &content = verified->content;
    found["responder_nonce"] = mr::to_hex(content.responder_nonce);
    // The last response's, which is the request's, ends the transcript.
    const auto has_context = content.version >= mr::SpdmVersion::v1_3;
    found["requester_context"] = has_context ? mr::to_hex(mr::ByteView(evidence.transcript).last(mr::spdm_context_size)) : "";
    if (evidence.kind == mr::SpdmEvidenceKind::challenge) {
        found["cert_chain_hash"] = mr::to_hex(content.chain_digest);
        found["summary_hash_type"] = content.summary_type;
        found["summary_hash"] = mr::to_hex(content.summary);
        found["opaque"] = mr::to_hex(content.opaque);
    }
    return found;
}

std::vector<std::string> differences(const json &expected, const json &found) {
    std::vector<std::string> all;
    compare(expected, found, "", all);
    return all;
}

}  // namespace spdm_replay
