// The real tokens beside the repository, found by what their folder says of them; none where they are not here.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/attestation/tee/tdx/sample_quotes.h"

namespace mr {

struct CcaSample {
    std::string folder;  // "cca/draft-ffm-00"
    std::string token;
    std::string key;  // file of the platform's key
    nlohmann::json expected;
};

inline std::vector<CcaSample> cca_samples() {
    std::vector<CcaSample> samples;
    if (!exists(sample_path("cca"))) return samples;
    for (const auto &entry : std::filesystem::directory_iterator(sample_path("cca"))) {
        CcaSample sample{.folder = "cca/" + entry.path().filename().string(), .token = {}, .key = {}, .expected = {}};
        sample.expected = sample_expectations(sample.folder);
        for (const auto &file : std::filesystem::directory_iterator(entry.path())) {
            const auto name = file.path().filename().string();
            if (name.ends_with("token.cbor")) sample.token = sample.folder + "/" + name;
            if (name.starts_with("platform-key") || name.ends_with(".pub")) sample.key = sample.folder + "/" + name;
        }
        if (!sample.token.empty()) samples.push_back(std::move(sample));
    }
    return samples;
}

}  // namespace mr
