// The real quotes that this machine has beside the repository, with the values expected of them. Where they are absent, the tests of them skip.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "mr/bytes.h"
#include "tests/places.h"

namespace mr {

inline std::filesystem::path sample_path(const std::string &name) { return places::shared_data() / name; }

inline bool have_samples() { return exists(sample_path("quote")); }

inline Bytes sample_bytes(const std::string &name) {
    std::ifstream file(sample_path(name), std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(file), {});
}

inline std::string sample_text(const std::string &name) {
    const auto bytes = sample_bytes(name);
    return std::string(bytes.begin(), bytes.end());
}

inline nlohmann::json sample_expectations(const std::string &folder) {
    return nlohmann::json::parse(sample_text(folder + "/info.json")).at("expected");
}

// Folders with a quote.bin of their own.
inline std::vector<std::string> sample_quotes() {
    return {"quote/coco-v4-debug",    "quote/gcp-cos113",    "quote/google-spr-e4",
            "quote/google-v5-body3",  "quote/phala-v4",      "quote/phala-v5-tcb-not-supported",
            "jsonlog/dstack-sdk",     "jsonlog/near-dstack", "ccel/gcp-cos113",
            "ccel/cctrusted-grub-ima"};
}

}  // namespace mr
