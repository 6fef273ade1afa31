// What the micro-benchmarks share.
#pragma once

#include <array>
#include <cstdlib>
#include <expected>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace bench {

template <class T, class Error>
T must(std::expected<T, Error> result) {
    if (!result) throw std::runtime_error("a part of the benchmark cannot be opened");
    return std::move(*result);
}

// In memory: what a disk costs is measured by itself.
class Folder {
public:
    Folder() = default;
    Folder(const Folder &) = delete;
    Folder &operator=(const Folder &) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] const std::filesystem::path &path() const { return path_; }

private:
    static std::filesystem::path make() {
        std::array<char, 32> name{"/dev/shm/mrd-bench-XXXXXX"};
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder");
        return name.data();
    }
    std::filesystem::path path_ = make();
};

// Of a journal that must not be full before its benchmark ends.
inline constexpr std::uint64_t large_journal = std::uint64_t{8} << 30U;

}  // namespace bench
