// Gives every file of some folders to a fuzz target once, so that the corpus is an ordinary test under every compiler and sanitizer.
// Usage: SUBJECT_fuzz CORPUS_FOLDER...
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>
#include <vector>

// libFuzzer's name for the one function of a fuzz target. Returns 0.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);  // NOLINT(readability-identifier-naming)

namespace {

// The number of inputs; nothing: one cannot be read.
std::optional<std::size_t> replay(const std::filesystem::path &folder) {
    std::error_code failed;
    std::filesystem::recursive_directory_iterator files(folder, failed);
    if (failed) {
        std::fprintf(stderr, "%s: cannot be read: %s\n", folder.c_str(), failed.message().c_str());
        return std::nullopt;
    }
    std::size_t replayed = 0;
    for (const auto &file : files) {
        if (!file.is_regular_file()) continue;
        std::ifstream in(file.path(), std::ios::binary);
        const std::vector<char> content{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        if (!in.is_open() || in.bad()) {
            std::fprintf(stderr, "%s: cannot be read\n", file.path().c_str());
            return std::nullopt;
        }
        // Named before it runs: if the target crashes, the last line says on what.
        std::printf("%s\n", file.path().c_str());
        std::fflush(stdout);
        // A copy of exactly this size, so that the address sanitizer sees the first byte read beyond it.
        const std::vector<std::uint8_t> input(content.begin(), content.end());
        LLVMFuzzerTestOneInput(input.data(), input.size());
        ++replayed;
    }
    if (replayed == 0) {
        std::fprintf(stderr, "%s: holds no input: a fuzz target needs at least one\n", folder.c_str());
        return std::nullopt;
    }
    return replayed;
}

}  // namespace

int main(int argc, char **argv) {
    if (argc < 2) {
        std::fputs("usage: SUBJECT_fuzz CORPUS_FOLDER...\n", stderr);
        return 2;
    }
    std::size_t replayed = 0;
    for (int i = 1; i < argc; ++i) {
        const auto inputs = replay(argv[i]);
        if (!inputs) return 1;
        replayed += *inputs;
    }
    std::printf("%zu inputs replayed\n", replayed);
    return 0;
}
