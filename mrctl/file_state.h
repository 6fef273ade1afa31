// Has a file been changed while it was read? Told by its size and times, so by what the file system keeps of them: the time of its last change, which nobody
// can set back, is as fine as the kernel's clock tick (4 to 10 ms) before Linux 6.13.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "mr/error.h"

namespace mrctl {

class FileState {
public:
    // As it is now. Error: io.
    static std::expected<FileState, mr::Error> of(int descriptor, const std::string &path);

    // For when all of it has been read. Error: io: it is not as it was, or cannot be asked. What is no regular file has no state, and is what came out of it.
    [[nodiscard]] std::expected<void, mr::Error> check_unchanged(int descriptor, const std::string &path) const;

private:
    struct Seen {
        std::int64_t size = 0;
        std::int64_t modified = 0;  // nanoseconds since the epoch
        std::int64_t changed = 0;
        friend bool operator==(const Seen &, const Seen &) = default;
    };
    explicit FileState(std::optional<Seen> seen) : seen_(seen) {}

    std::optional<Seen> seen_;  // of a regular file
};

}  // namespace mrctl
