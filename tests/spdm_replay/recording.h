// A recorded conversation with a device: a folder with conversation.json (every message, both ways), info.json (what was drawn at random, and what is expected)
// and the roots of its chains.
#pragma once

#include <expected>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "mr/bytes.h"
#include "mr/certificate.h"
#include "mr/spdm_transport.h"

namespace spdm_replay {

struct Message {
    bool is_request = false;
    std::string what;         // "GET_VERSION"
    mr::Bytes payload;        // as the transport carried it
    mr::Bytes message;        // SPDM's own bytes
    bool is_secured = false;  // then `message` is what was inside, in the clear
};

struct Draw {
    std::string use;  // "nonce", "context", "random"
    mr::Bytes bytes;
};

struct Recording {
    std::string name;
    mr::SpdmTransport transport = mr::SpdmTransport::doe;
    std::vector<Message> messages;
    std::vector<Draw> draws;
    nlohmann::json expected;
    mr::TrustAnchors roots;
};

// Error: one sentence.
std::expected<Recording, std::string> read_recording(const std::filesystem::path &folder);
// All of the samples beside the repository, in the order of their names; none where they are absent.
std::vector<std::filesystem::path> sample_recordings();

}  // namespace spdm_replay
