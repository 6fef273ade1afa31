// A recording played through the requester: each request that the requester would send is the recorded one, byte for byte, and gets the recorded answer.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "mr/spdm_evidence.h"
#include "tests/spdm_replay/recording.h"

namespace spdm_replay {

struct Replayed {
    nlohmann::json found = nlohmann::json::object();  // in the form of what is expected
    std::vector<mr::SpdmEvidence> evidence;           // of each signed exchange in the clear
    std::vector<std::string> differences;             // none: all is as it was recorded and as it is expected
    std::size_t own = 0;                              // requests that the requester made
    std::size_t raw = 0;  // that were sent as they were recorded: wrong ones, and those that are not the requester's
};
Replayed replay(const Recording &recording);

}  // namespace spdm_replay
