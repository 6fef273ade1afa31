#include "mrctl/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <thread>
#include <utility>

#include "libmr/src/input_file.h"
#include "mr/file.h"

namespace mrctl {

std::expected<OutputFile, mr::Error> OutputFile::open(const std::string &path) {
    if (path == "-") {
        std::cout.flush();
        return OutputFile({}, STDOUT_FILENO, "standard output");
    }
    constexpr mode_t mode = 0666;
    constexpr auto pause = std::chrono::milliseconds(10);
    const auto deadline = std::chrono::steady_clock::now() + mr::fifo_patience;
    for (;;) {
        // Without O_NONBLOCK a FIFO without a reader would be waited for without end; with it there is no event to wait for.
        varlink::FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode));
        if (!file && errno == ENXIO && std::chrono::steady_clock::now() < deadline) {
            std::this_thread::sleep_for(pause);
            continue;
        }
        if (!file && errno == ENXIO)
            return std::unexpected(mr::Error{mr::ErrorCode::io, "cannot write " + path + ": it is a FIFO that nobody reads, or a socket"});
        const int flags = file ? ::fcntl(file.get(), F_GETFL) : -1;
        if (flags < 0 || ::fcntl(file.get(), F_SETFL, flags & ~O_NONBLOCK) != 0) return mr::cannot("write", path, errno);
        const int fd = file.get();
        return OutputFile(std::move(file), fd, path);
    }
}

std::expected<void, mr::Error> OutputFile::write(mr::ByteView piece) {
    while (!piece.empty()) {
        const auto count = ::write(fd_, piece.data(), piece.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return mr::cannot("write", name_, errno);
        piece = piece.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

std::expected<void, mr::Error> OutputFile::close() {
    if (own_ && ::close(own_.release()) != 0 && errno != EINTR) return mr::cannot("write", name_, errno);
    return {};
}

}  // namespace mrctl
