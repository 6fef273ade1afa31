// Evidence of a device as a file.
#include <algorithm>
#include <string>
#include <utility>

#include "libmr/src/event_log/json_common.h"
#include "libmr/src/event_log/json_walker.h"
#include "mr/verify_spdm.h"
#include "proto/varlink/fields.h"

namespace mr {
namespace {

using varlink::field;

struct BlockFields {
    std::int64_t index = 0;
    std::string type;
    bool raw = false;
    std::optional<std::string> algorithm;
    std::string value;
    static constexpr auto fields() {
        return std::tuple(field("index", &BlockFields::index), field("type", &BlockFields::type), field("raw", &BlockFields::raw),
                          field("algorithm", &BlockFields::algorithm), field("value", &BlockFields::value));
    }
};

struct FileFields {
    std::optional<std::string> device;
    std::optional<std::int64_t> generation;
    std::optional<std::string> nonce;
    std::optional<std::string> version;
    std::optional<std::int64_t> slot;
    std::optional<std::string> signature_algorithm;
    std::optional<std::string> hash;
    std::optional<std::string> measurement_hash;
    std::optional<bool> value_fresh;
    std::string transcript;
    std::string signature;
    std::string chain;
    std::optional<std::vector<BlockFields>> blocks;
    std::optional<std::string> measurement_log;
    static constexpr auto fields() {
        return std::tuple(field("device", &FileFields::device), field("generation", &FileFields::generation),
                          field("nonce", &FileFields::nonce), field("version", &FileFields::version), field("slot", &FileFields::slot),
                          field("signatureAlgorithm", &FileFields::signature_algorithm), field("hash", &FileFields::hash),
                          field("measurementHash", &FileFields::measurement_hash), field("valueFresh", &FileFields::value_fresh),
                          field("transcript", &FileFields::transcript), field("signature", &FileFields::signature),
                          field("chain", &FileFields::chain), field("blocks", &FileFields::blocks),
                          field("measurementLog", &FileFields::measurement_log));
    }
};

std::unexpected<Error> malformed_evidence(std::string what) {
    return std::unexpected(Error{ErrorCode::malformed, "evidence of a device: " + std::move(what)});
}

std::expected<void, Error> take_base64(std::string_view member, std::string_view text, Bytes &to) {
    auto bytes = from_base64(text);
    if (!bytes || bytes->empty()) return malformed_evidence("the member " + std::string(member) + " is empty, or not base64");
    to = std::move(*bytes);
    return {};
}

// What 1.1 does not sign: of its signature's size, of the chain's form, and as the file says. The signature holds with no other.
std::expected<void, Error> take_algorithms(const std::optional<std::string> &measurement_hash, SpdmEvidence &to) {
    auto &algorithms = to.algorithms;
    const bool is_p256 = to.signature.size() == spdm_signature_size(spdm_asym_p256);
    algorithms.measurement_specification = 1;
    algorithms.base_asym = is_p256 ? spdm_asym_p256 : spdm_asym_p384;
    algorithms.base_hash = is_p256 ? spdm_hash_sha256 : spdm_hash_sha384;
    for (const auto base_hash : {spdm_hash_sha256, spdm_hash_sha384, spdm_hash_sha512}) {
        if (parse_spdm_chain(to.chain, *spdm_base_hash(base_hash))) algorithms.base_hash = base_hash;
    }
    if (!measurement_hash) return {};
    for (const auto bit : {spdm_measurement_sha256, spdm_measurement_sha384, spdm_measurement_sha512}) {
        const auto algorithm = spdm_measurement_hash(bit);
        if (algorithm && to_string(*algorithm) == *measurement_hash) algorithms.measurement_hash = bit;
    }
    if (algorithms.measurement_hash == 0) return malformed_evidence("the member measurementHash is none of sha256, sha384 and sha512");
    return {};
}

std::expected<std::vector<SpdmBlock>, Error> blocks_from(const std::vector<BlockFields> &fields,
                                                         const std::optional<std::string> &measurement_hash) {
    std::vector<SpdmBlock> blocks;
    for (const auto &each : fields) {
        const auto type = spdm_block_type_from(each.type);
        auto value = from_hex(each.value);
        if (each.index < 1 || each.index > 0xFE || !type || !value)
            return malformed_evidence("the member blocks: each has index, 1 to 254, type, raw and value, in hex");
        if (each.algorithm && (each.raw || each.algorithm != measurement_hash))
            return malformed_evidence("the member blocks: " + std::to_string(each.index) +
                                      ": algorithm is measurementHash, of a digest, and nothing of what is raw");
        blocks.push_back({.index = static_cast<std::uint8_t>(each.index), .type = *type, .is_raw = each.raw, .value = std::move(*value)});
    }
    return blocks;
}

}  // namespace

bool is_device_evidence(ByteView file) {
    const std::string_view text(reinterpret_cast<const char *>(file.data()), file.size());
    const auto begin = text.find_first_not_of(" \t\r\n");
    constexpr std::string_view transcript = "\"transcript\"";
    constexpr std::string_view chain = "\"chain\"";
    if (begin == std::string_view::npos || text[begin] != '{' || !text.contains(transcript) || !text.contains(chain)) return false;
    // The object's own members: the texts and names within others are anybody's.
    event_log::Walker walker(text);
    walker.enter();
    bool has_transcript = false;
    bool has_chain = false;
    for (auto name = text.substr(walker.next_value()); name.starts_with('"'); name = text.substr(walker.next_value())) {
        has_transcript |= name.starts_with(transcript);
        has_chain |= name.starts_with(chain);
        walker.skip();
        walker.skip();  // its value
    }
    return has_transcript && has_chain;
}

std::expected<DeviceEvidence, Error> parse_device_evidence(ByteView file) {
    if (file.size() > max_device_evidence_size)
        return malformed_evidence("more than " + std::to_string(max_device_evidence_size) + " bytes");
    varlink::Document document;
    if (!document.parse(event_log::without_byte_order_mark({reinterpret_cast<const char *>(file.data()), file.size()})) ||
        document.root().kind() != varlink::Kind::object)
        return malformed_evidence("it is not one JSON object in UTF-8");
    const auto fields = varlink::decode<FileFields>(document.root(), true);
    if (!fields) return malformed_evidence("the member " + fields.error().name + " is missing, given twice, or of another type");
    DeviceEvidence read{
        .device = fields->device.value_or(""),
        .generation = fields->generation,
        .said = {.signature_algorithm = fields->signature_algorithm, .hash = fields->hash, .value_fresh = fields->value_fresh}};
    auto &spdm = read.spdm;
    for (const auto &[member, text, to] :
         {std::tuple{"transcript", &fields->transcript, &spdm.transcript}, std::tuple{"signature", &fields->signature, &spdm.signature},
          std::tuple{"chain", &fields->chain, &spdm.chain}}) {
        if (auto taken = take_base64(member, *text, *to); !taken) return std::unexpected(std::move(taken.error()));
    }
    if (fields->measurement_log) {
        if (auto taken = take_base64("measurementLog", *fields->measurement_log, read.measurement_log.emplace()); !taken)
            return std::unexpected(std::move(taken.error()));
    }
    if (fields->nonce) {
        const auto nonce = from_hex(*fields->nonce);
        if (!nonce || nonce->size() != spdm.nonce.size()) return malformed_evidence("the member nonce is not 32 bytes in hex");
        std::ranges::copy(*nonce, spdm.nonce.begin());
        read.said.nonce = true;
    }
    if (fields->version) {
        const auto version = spdm_version_from(*fields->version);
        if (!version) return malformed_evidence("the member version is no version that is known, as \"1.2\"");
        spdm.version = *version;
        read.said.version = true;
    }
    if (fields->slot) {
        if (*fields->slot < 0 || *fields->slot >= static_cast<std::int64_t>(spdm_slots))
            return malformed_evidence("the member slot is not 0 to 7");
        spdm.slot = static_cast<std::uint8_t>(*fields->slot);
    }
    if (auto taken = take_algorithms(fields->measurement_hash, spdm); !taken) return std::unexpected(std::move(taken.error()));
    if (fields->blocks) {
        auto blocks = blocks_from(*fields->blocks, fields->measurement_hash);
        if (!blocks) return std::unexpected(std::move(blocks.error()));
        read.blocks = std::move(*blocks);
    }
    return read;
}

std::string write_device_evidence(const DeviceEvidence &evidence) {
    const auto &spdm = evidence.spdm;
    FileFields fields{.device = evidence.device,
                      .generation = evidence.generation,
                      .nonce = to_hex(spdm.nonce),
                      .version = std::string(to_string(spdm.version)),
                      .slot = spdm.slot,
                      .signature_algorithm = evidence.said.signature_algorithm,
                      .hash = evidence.said.hash,
                      .measurement_hash = {},
                      .value_fresh = evidence.said.value_fresh,
                      .transcript = to_base64(spdm.transcript),
                      .signature = to_base64(spdm.signature),
                      .chain = to_base64(spdm.chain),
                      .blocks = {},
                      .measurement_log = {}};
    if (const auto hash = spdm_measurement_hash(spdm.algorithms.measurement_hash)) fields.measurement_hash = to_string(*hash);
    if (evidence.blocks) {
        fields.blocks.emplace();
        for (const auto &block : *evidence.blocks)
            fields.blocks->push_back({.index = block.index,
                                      .type = spdm_block_type_name(block.type),
                                      .raw = block.is_raw,
                                      .algorithm = block.is_raw ? std::nullopt : fields.measurement_hash,
                                      .value = to_hex(block.value)});
    }
    if (evidence.measurement_log) fields.measurement_log = to_base64(*evidence.measurement_log);
    std::string text;
    varlink::write_json(text, fields);
    return text;
}

}  // namespace mr
