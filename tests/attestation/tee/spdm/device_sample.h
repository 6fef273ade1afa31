// Evidence of a device as it was recorded, and reference values that it satisfies.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "mr/verify.h"
#include "mr/verify_spdm.h"
#include "tests/attestation/tee/spdm/conversation.h"

namespace mr {

struct DeviceSample {
    DeviceEvidence evidence;
    Bytes root;
    nlohmann::json blocks = nlohmann::json::array();  // of reference values

    // `number`: of the recording's transcripts of measurements that are no session's.
    explicit DeviceSample(const std::string &name, std::size_t number = 0) {
        const Conversation conversation(name);
        for (const auto &transcript : conversation.expected().at("transcripts")) {
            if (transcript.at("kind") != "L1L2" || transcript.value("in_session", false) || number-- > 0) continue;
            take(conversation, transcript);
            root = sample_bytes("spdm/" + name + "/root-slot" + std::to_string(evidence.spdm.slot) + ".der");
            break;
        }
        const auto read = read_spdm_transcript(evidence.spdm).value();
        evidence.spdm.version = read.version;
        evidence.spdm.algorithms = read.algorithms;
        evidence.blocks = read.blocks;
        for (const auto &block : read.blocks)
            blocks.push_back(reference(block, spdm_measurement_hash(read.algorithms.measurement_hash).value()));
    }

    // All that the emulator's device needs to be accepted: it is under debug.
    [[nodiscard]] nlohmann::json reference_values() const {
        return {{"format", "mrd-reference-values"},
                {"version", 1},
                {"debug", "accept"},
                {"spdm", {{"dmtf", "ACME:WIDGET"}, {"blocks", blocks}}}};
    }

    [[nodiscard]] VerifyOptions options(const nlohmann::json &values) const {
        VerifyOptions options;
        options.anchors = TrustAnchors{.roots = {root}};
        options.report_data = Bytes(evidence.spdm.nonce.begin(), evidence.spdm.nonce.end());
        options.reference = parse_reference_values(values.dump()).value();
        options.time = 1'795'000'000;  // 2026-11
        return options;
    }

    [[nodiscard]] Verdict verify(const VerifyOptions &options) const {
        const auto file = write_device_evidence(evidence);
        return mr::verify(as_bytes(file), {}, options);
    }
    [[nodiscard]] Verdict verify(const nlohmann::json &values) const { return verify(options(values)); }

    static nlohmann::json reference(const SpdmBlock &block, HashAlgorithm hash) {
        nlohmann::json reference{{"index", block.index}, {"type", spdm_block_type_text(block.type)}};
        if (const auto svn = spdm_security_version(block)) {
            reference["minimumSvn"] = *svn;
        } else if (block.is_raw) {
            reference["raw"] = {to_hex(block.value)};
        } else {
            reference["digests"] = {std::string(to_string(hash)) + ":" + to_hex(block.value)};
        }
        return reference;
    }

private:
    void take(const Conversation &conversation, const nlohmann::json &transcript) {
        auto &spdm = evidence.spdm;
        evidence.device = "spdm0";
        evidence.generation = 1;
        for (const auto &index : transcript.at("messages")) {
            const auto message = conversation.message(index.get<std::size_t>());
            spdm.transcript.insert(spdm.transcript.end(), message.begin(), message.end());
        }
        spdm.signature = from_hex(transcript.at("signature").get<std::string>()).value();
        spdm.transcript.resize(spdm.transcript.size() - spdm.signature.size());
        spdm.slot = transcript.at("slot").get<std::uint8_t>();
        const auto nonce = from_hex(transcript.at("nonce").get<std::string>()).value();
        std::ranges::copy(nonce, spdm.nonce.begin());
        // What 1.1 does not sign.
        const auto &negotiated = conversation.expected().at("negotiated");
        if (negotiated.at("version") == "1.1") {
            spdm.version = SpdmVersion::v1_1;
            spdm.algorithms = {.measurement_specification = 1,
                               .measurement_hash = spdm_measurement_sha384,
                               .base_asym = spdm_asym_p384,
                               .base_hash = spdm_hash_sha384};
        }
        for (std::size_t i = 0; i + 1 < conversation.size(); ++i) {
            const auto request = conversation.message(i);
            constexpr std::uint8_t get_certificate = 0x82;
            if (request[1] != get_certificate || (request[2] & 0xFU) != spdm.slot) continue;
            const auto response = conversation.message(i + 1);
            constexpr std::uint8_t certificate = 0x02;
            if (response[1] != certificate) continue;
            constexpr std::size_t head = 8;
            if (request[4] == 0 && request[5] == 0) spdm.chain.clear();
            spdm.chain.insert(spdm.chain.end(), response.begin() + head, response.end());
        }
    }
};

}  // namespace mr
