// mrctl inspect of what a device signed over SPDM, and of the manifest that its maker publishes.
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "mr/certificate.h"
#include "mr/corim.h"
#include "mr/event_content.h"
#include "mr/verify_spdm.h"
#include "mrctl/inspect.h"
#include "mrctl/output.h"

namespace mrctl {

using Json = nlohmann::ordered_json;

namespace {

// The number of the tag that CBOR begins with. (RFC 8949, section 3)
std::optional<std::uint64_t> cbor_tag(mr::ByteView bytes) {
    constexpr unsigned tag_type = 6;
    constexpr unsigned longest_in_head = 23;
    constexpr unsigned sizes_begin = 24;  // 1, 2, 4 or 8 bytes follow
    constexpr unsigned sizes_end = 28;
    if (bytes.empty() || bytes.front() >> 5U != tag_type) return std::nullopt;
    const unsigned low = bytes.front() & 0x1FU;
    if (low <= longest_in_head) return low;
    if (low >= sizes_end) return std::nullopt;
    const auto size = std::size_t{1} << (low - sizes_begin);
    if (bytes.size() <= size) return std::nullopt;
    std::uint64_t number = 0;
    for (const auto byte : bytes.subspan(1, size)) number = number << 8U | byte;
    return number;
}

std::string content_text(mr::ByteView content) {
    constexpr std::uint64_t concise_evidence = 570;  // draft-ietf-rats-evidence-trans
    if (mr::begins_corim(content)) return "CoRIM";
    const auto tag = cbor_tag(content);
    if (!tag) return "not known";
    return "CBOR, tag " + std::to_string(*tag) + (tag == concise_evidence ? " (concise evidence)" : "");
}

// What a block lists of the others. Its head says whose a structured one is; of another one only its content can.
Json manifest_of(const mr::SpdmBlock &block) {
    if (block.type == static_cast<std::uint8_t>(mr::SpdmBlockType::manifest)) return {{"content", content_text(block.value)}};
    const auto read = mr::spdm_structured_manifest(block.value);
    if (!read) return {{"defect", "it ends within its head"}};
    auto json = Json::object();
    json["standards_body"] = mr::spdm_standards_body_text(read->standards_body);
    if (!read->vendor.empty()) json["vendor"] = mr::to_hex(read->vendor);
    json["size"] = read->body.size();
    // IANA's head has the tag of what follows.
    const auto tag = cbor_tag(read->vendor);
    json["content"] = content_text(tag ? read->vendor : read->body);
    return json;
}

bool is_manifest(const mr::SpdmBlock &block) {
    return block.is_raw && (block.type == static_cast<std::uint8_t>(mr::SpdmBlockType::manifest) ||
                            block.type == static_cast<std::uint8_t>(mr::SpdmBlockType::structured_manifest));
}

// Without a hash: what was agreed on is not known.
Json json_of(const mr::SpdmBlock &block, std::optional<mr::HashAlgorithm> hash) {
    Json json{{"index", block.index}, {"type", mr::spdm_block_type_text(block.type)}};
    if (block.is_raw) {
        json["raw"] = mr::to_hex(block.value);
    } else {
        json["digest"] = (hash ? std::string(mr::to_string(*hash)) + ":" : std::string()) + mr::to_hex(block.value);
    }
    if (is_manifest(block)) json["manifest"] = manifest_of(block);
    if (const auto svn = mr::spdm_security_version(block)) json["svn"] = *svn;
    if (const auto mode = mr::spdm_device_mode(block)) {
        json["mode"] = mr::bits_text(mode->mode, mr::spdm_mode_bits());
        json["debug"] = mr::bits_text(mode->debug, mr::spdm_debug_bits());
    }
    return json;
}

Json entries_of(const std::vector<mr::SpdmLogEntry> &entries) {
    Json all = Json::array();
    for (const auto &entry : entries)
        all.push_back({{"number", entry.number},
                       {"index", entry.index},
                       {"type", mr::spdm_block_type_text(entry.type)},
                       {entry.is_raw ? "raw" : "digest", mr::to_hex(entry.value)}});
    return all;
}

Json blocks_of(const std::vector<mr::SpdmBlock> &blocks, std::optional<mr::HashAlgorithm> hash) {
    Json all = Json::array();
    for (const auto &block : blocks) all.push_back(json_of(block, hash));
    return all;
}

// What each block leads to that the log extends, by each hash that there is: which one was agreed on the log does not say.
Json replayed(const std::vector<mr::SpdmLogEntry> &entries) {
    Json all = Json::object();
    for (const auto &entry : entries) {
        auto &values = all["block " + std::to_string(entry.index)];
        if (!values.is_null()) continue;
        for (const auto hash : {mr::HashAlgorithm::sha256, mr::HashAlgorithm::sha384, mr::HashAlgorithm::sha512})
            values[std::string(mr::to_string(hash))] = mr::to_hex(mr::replay_spdm_measurement_log(entries, entry.index, hash).bytes());
    }
    return all;
}

Json log_of(mr::ByteView log, const std::vector<mr::SpdmBlock> &blocks, std::optional<mr::HashAlgorithm> hash) {
    const auto entries = mr::parse_spdm_measurement_log(log);
    if (!entries) return {{"defect", mr::printable_text(entries.error().message)}};
    const bool leads = hash && mr::check_spdm_measurement_log(log, blocks, *hash);
    return {{"entries", entries_of(*entries)}, {"leads_to_blocks", leads}};
}

Json json_of(const mr::SpdmCapabilities &capabilities, mr::SpdmVersion version) {
    Json json{{"flags", hex_number(capabilities.flags)},
              {"flag_bits", mr::bits_text(capabilities.flags, mr::spdm_capability_bits())},
              {"crypto_time_exponent", capabilities.crypto_time_exponent}};
    if (version != mr::SpdmVersion::v1_1)
        json.update({{"data_transfer_size", capabilities.data_transfer_size}, {"max_message_size", capabilities.max_message_size}});
    return json;
}

// A number where it has no name.
std::string name_of(std::optional<mr::HashAlgorithm> hash, std::uint32_t bits) {
    return hash ? std::string(mr::to_string(*hash)) : hex_number(bits);
}

Json json_of(const mr::SpdmAlgorithms &algorithms) {
    const auto asymmetric = mr::spdm_asym_name(algorithms.base_asym);
    const bool is_raw = algorithms.measurement_hash == mr::spdm_measurement_raw;
    Json json{
        {"base_asym", asymmetric.empty() ? hex_number(algorithms.base_asym) : std::string(asymmetric)},
        {"base_hash", name_of(mr::spdm_base_hash(algorithms.base_hash), algorithms.base_hash)},
        {"measurement_hash", is_raw ? "raw" : name_of(mr::spdm_measurement_hash(algorithms.measurement_hash), algorithms.measurement_hash)},
        {"measurement_specification", hex_number(algorithms.measurement_specification)},
        {"other_parameters", hex_number(algorithms.other_parameters)}};
    for (const auto &[name, bits] :
         {std::pair{"dhe", algorithms.dhe}, std::pair{"aead", algorithms.aead}, std::pair{"requester_asym", algorithms.requester_asym},
          std::pair{"key_schedule", algorithms.key_schedule}}) {
        if (bits != 0) json[name] = hex_number(bits);
    }
    return json;
}

Json json_of(const mr::DeviceEvidence &evidence, const mr::SpdmSigned &read) {
    const auto hash = mr::spdm_measurement_hash(read.algorithms.measurement_hash);
    Json json{{"device", mr::printable_text(evidence.device)},
              {"spdm", mr::to_string(read.version)},
              {"slot", read.slot},
              {"nonce", mr::to_hex(read.nonce)},
              {"measures_when_asked", read.values_are_fresh()},
              {"all_blocks", read.has_all},
              {"capabilities", json_of(read.capabilities, read.version)},
              {"algorithms", json_of(read.algorithms)},
              {"algorithms_are_signed", read.algorithms_are_signed}};
    if (evidence.generation) json["generation"] = *evidence.generation;
    const auto base_hash = mr::spdm_base_hash(read.algorithms.base_hash);
    const auto chain = base_hash ? mr::parse_spdm_chain(evidence.spdm.chain, *base_hash) : std::unexpected(mr::SpdmError{});
    if (chain) {
        Json subjects = Json::array();
        for (const auto der : chain->certificates) {
            const auto description = mr::describe_certificate(der);
            subjects.push_back(description ? mr::printable_text(description->subject) : "(cannot be read)");
        }
        json["certificates"] = subjects;
        if (const auto names = mr::device_names(chain->certificates.back())) {
            if (names->pci) json["pci"] = mr::printable_text(*names->pci);
            if (names->dmtf) json["dmtf"] = mr::printable_text(*names->dmtf);
        }
    }
    json["blocks"] = blocks_of(read.blocks, hash);
    if (evidence.measurement_log) json["measurement_log"] = log_of(*evidence.measurement_log, read.blocks, hash);
    return json;
}

Json json_of(const mr::BlockReference &reference) {
    Json json{{"index", reference.index}};
    Json digests = Json::array();
    for (const auto &digest : reference.digests) digests.push_back(mr::to_string(digest));
    Json raw = Json::array();
    for (const auto &each : reference.raw)
        raw.push_back(mr::to_hex(each.value) + (each.mask.empty() ? "" : " under the mask " + mr::to_hex(each.mask)));
    Json versions = Json::array();
    for (const auto &version : reference.versions) versions.push_back(mr::printable_text(version));
    for (const auto &[name, values] : {std::pair{"digests", &digests}, std::pair{"raw", &raw}, std::pair{"versions", &versions}}) {
        if (!values->empty()) json[name] = *values;
    }
    if (reference.minimum_svn) json["minimum_svn"] = *reference.minimum_svn;
    return json;
}

Json json_of(const mr::Corim &corim) {
    Json sets = Json::array();
    for (const auto &set : corim.sets) {
        Json blocks = Json::array();
        for (const auto &reference : set.blocks) blocks.push_back(json_of(reference));
        sets.push_back({{"name", mr::printable_text(set.name)}, {"blocks", blocks}});
    }
    Json json{{"id", mr::printable_text(corim.id)}, {"signed", corim.is_signed}};
    if (corim.is_signed) {
        json["algorithm"] = corim.algorithm;
        json["signer"] = mr::printable_text(corim.signer);
    }
    if (corim.not_before) json["not_before"] = utc_text(*corim.not_before);
    if (corim.not_after) json["not_after"] = utc_text(*corim.not_after);
    json["sets"] = sets;
    return json;
}

}  // namespace

int inspect_device_evidence(bool json, const std::string &file, const mr::DeviceEvidence &evidence) {
    const auto read = mr::read_spdm_transcript(evidence.spdm);
    if (!read) return fail({mr::ErrorCode::malformed, file + ": the transcript: " + read.error().message});
    return print_fields(json, "Evidence of a device: measurements over SPDM", json_of(evidence, *read).dump(),
                        "No signature and no certificate was checked: `mrctl verify` does that, with the maker's root given by --roots");
}

int inspect_spdm_message(bool json, const std::string &file, mr::ByteView bytes) {
    const auto message = mr::explain_spdm_message(bytes);
    if (!message) return fail({mr::ErrorCode::malformed, file + ": " + message.error().message});
    const auto version = mr::spdm_version_of(message->version);
    Json fields{{"message", message->name},
                {"spdm", version ? std::string(mr::to_string(*version)) : std::string("1.0")},
                {"direction", message->is_request ? "request" : "response"}};
    for (const auto &[name, value] : message->fields) fields[name] = value;
    if (message->capabilities) fields["capabilities"] = json_of(*message->capabilities, version.value_or(mr::SpdmVersion::v1_1));
    if (!message->blocks.empty()) fields["blocks"] = blocks_of(message->blocks, std::nullopt);
    if (const auto entries = mr::parse_spdm_measurement_log(message->log)) fields["entries"] = entries_of(*entries);
    return print_fields(json, "Message of SPDM", fields.dump(),
                        "By itself: nothing says which message it follows, and no signature was checked, which is over all of them");
}

int inspect_spdm_blocks(bool json, const std::vector<mr::SpdmBlock> &blocks) {
    auto fields = Json::object();
    fields["blocks"] = blocks_of(blocks, std::nullopt);
    return print_fields(json, "Measurement record of a device", fields.dump(),
                        "Nothing signs a record by itself: evidence of a device has the signature");
}

int inspect_spdm_log(bool json, const std::vector<mr::SpdmLogEntry> &entries) {
    auto fields = Json::object();
    fields["entries"] = entries_of(entries);
    fields["leads_to"] = replayed(entries);
    return print_fields(json, "Measurement extension log of a device (MEL)", fields.dump(),
                        "Nothing signs a log: it explains the hash-extend blocks of evidence that hold what it leads to");
}

int inspect_corim(bool json, const mr::Corim &corim) {
    return print_fields(json, "Manifest of reference values (CoRIM)", json_of(corim).dump(),
                        "No signature was checked: `mrctl verify` does that, with the keys that the reference values name (manifestKeys)");
}

}  // namespace mrctl
