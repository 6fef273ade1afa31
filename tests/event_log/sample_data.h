// The real logs that this machine has beside the repository, with the values expected of them. Where they are absent, sample_folders() is empty.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "mr/bytes.h"
#include "mr/event_log.h"
#include "tests/places.h"

namespace mr {

using places::shared_data;

inline Bytes contents_of(const std::filesystem::path &path) {
    std::ifstream file(path, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(file), {});
}

// The folders of one kind ("ccel", "tpm") that describe themselves.
inline std::vector<std::filesystem::path> sample_folders(const std::string &kind) {
    std::vector<std::filesystem::path> folders;
    std::error_code absent;
    for (const auto &entry : std::filesystem::directory_iterator(shared_data() / kind, absent)) {
        if (exists(entry.path() / "info.json")) folders.push_back(entry.path());
    }
    std::ranges::sort(folders);
    return folders;
}

struct Sample {
    std::string name;  // "ccel/gcp-cos113"
    std::filesystem::path folder;
    Bytes log;
    nlohmann::json info;
    [[nodiscard]] const nlohmann::json &expected() const { return info.at("expected"); }
};

// Of each folder of that kind; where the file is not there, the log is empty.
inline std::vector<Sample> samples_with(const std::string &kind, const char *file) {
    std::vector<Sample> samples;
    for (const auto &folder : sample_folders(kind)) {
        samples.push_back({.name = kind + "/" + folder.filename().string(),
                           .folder = folder,
                           .log = contents_of(folder / file),
                           .info = nlohmann::json::parse(std::ifstream(folder / "info.json"))});
    }
    return samples;
}

// The TCG logs, of CCELs and of TPMs.
inline std::vector<Sample> sample_logs() {
    auto samples = samples_with("ccel", "ccel.bin");
    for (auto &sample : samples_with("tpm", "eventlog.bin")) samples.push_back(std::move(sample));
    return samples;
}

// What loaders of Arm CCA's realms left: no register has extended it, and nothing can be replayed.
inline std::vector<Sample> boot_logs_of_realms() {
    auto samples = samples_with("cca", "realm-bootlog.bin");
    std::erase_if(samples, [](const Sample &sample) { return sample.log.empty(); });
    return samples;
}

// Logs that are text: dstack's, and IMA's of a machine whose CCEL is among the above.
inline std::vector<Sample> sample_text_logs() {
    std::vector<Sample> samples;
    for (const auto *const path : {"jsonlog/dstack-sdk/eventlog.json", "jsonlog/near-dstack/tcb_info.json",
                                   "ccel/cctrusted-grub-ima/ima_ascii_runtime_measurements.txt"}) {
        const auto file = shared_data() / path;
        if (exists(file)) samples.push_back({.name = path, .folder = file.parent_path(), .log = contents_of(file), .info = {}});
    }
    return samples;
}

}  // namespace mr
