// spdm_replay FOLDER...: recordings of devices, each replayed through the requester. Prints what differs; 1: something does. --samples: those beside the repository,
// 77 where there are none.
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <vector>

#include "tests/spdm_replay/recording.h"
#include "tests/spdm_replay/replay.h"

int main(int argc, char **argv) {
    std::vector<std::filesystem::path> folders(argv + 1, argv + argc);
    if (folders.size() == 1 && folders.front() == "--samples") {
        folders = spdm_replay::sample_recordings();
        if (folders.empty()) return 77;
    }
    if (folders.empty()) {
        std::fputs("usage: spdm_replay FOLDER... | --samples\n", stderr);
        return 2;
    }
    bool is_good = true;
    for (const auto &folder : folders) {
        const auto recording = spdm_replay::read_recording(folder);
        if (!recording) {
            std::printf("%s %s\n", folder.c_str(), recording.error().c_str());
            is_good = false;
            continue;
        }
        const auto replayed = spdm_replay::replay(*recording);
        std::printf("%s: %s, %zu requests of the requester's, %zu sent raw\n", recording->name.c_str(),
                    replayed.differences.empty() ? "equal" : "DIFFERS", replayed.own, replayed.raw);
        for (const auto &difference : replayed.differences) std::printf("  %s\n", difference.c_str());
        is_good = is_good && replayed.differences.empty();
    }
    return is_good ? 0 : 1;
}
