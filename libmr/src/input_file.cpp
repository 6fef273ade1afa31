#include "libmr/src/input_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include "mr/file.h"

namespace mr {
namespace {

// Opened without waiting, a FIFO without a writer is read as an empty file. Nothing: somebody writes to it.
std::optional<Error> wait_for_writer(int fifo, const std::string &path) {
    pollfd event{.fd = fifo, .events = POLLIN, .revents = 0};
    constexpr auto patience = static_cast<int>(std::chrono::milliseconds(fifo_patience).count());
    int ready = 0;
    do ready = ::poll(&event, 1, patience);
    while (ready < 0 && errno == EINTR);
    if (ready != 0) return std::nullopt;
    // A writer that has said nothing yet is one: only without any is this the end, which tee() finds without taking anything out.
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return cannot("read", path, errno).error();
    const varlink::FileDescriptor out(ends[0]);
    const varlink::FileDescriptor in(ends[1]);
    if (::tee(fifo, in.get(), 1, SPLICE_F_NONBLOCK) != 0) return std::nullopt;
    return Error{ErrorCode::io, "cannot read " + path + ": it is a FIFO that nobody writes to"};
}

}  // namespace

std::unexpected<Error> cannot(std::string_view what, const std::string &path, int error) {
    return std::unexpected(
        Error{ErrorCode::io, "cannot " + std::string(what) + " " + path + ": " + std::generic_category().message(error)});
}

std::expected<varlink::FileDescriptor, Error> open_input(const std::string &path) {
    varlink::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!file) return cannot("open", path, errno);
    return take_input(std::move(file), path);
}

std::expected<varlink::FileDescriptor, Error> take_input(varlink::FileDescriptor file, const std::string &path) {
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) return cannot("read", path, errno);
    if (S_ISFIFO(status.st_mode)) {
        if (auto failed = wait_for_writer(file.get(), path)) return std::unexpected(std::move(*failed));
    }
    const int flags = ::fcntl(file.get(), F_GETFL);
    if (flags < 0 || ::fcntl(file.get(), F_SETFL, flags & ~O_NONBLOCK) != 0) return cannot("read", path, errno);
    return file;
}

std::expected<std::size_t, Error> read_input(int descriptor, std::span<std::uint8_t> piece, const std::string &path) {
    ssize_t count = 0;
    do count = ::read(descriptor, piece.data(), piece.size());
    while (count < 0 && errno == EINTR);
    if (count < 0) return cannot("read", path, errno);
    return static_cast<std::size_t>(count);
}

std::expected<Bytes, Error> read_all_input(int descriptor, std::size_t limit, const std::string &path) {
    constexpr std::size_t piece = std::size_t{64} * 1024;
    Bytes bytes;
    for (;;) {
        const auto begin = bytes.size();
        bytes.resize(begin + std::min(piece, limit - begin) + 1);  // one byte more tells that there is more
        const auto count = read_input(descriptor, std::span(bytes).subspan(begin), path);
        if (!count) return std::unexpected(count.error());
        bytes.resize(begin + *count);
        if (*count == 0) return bytes;
        if (bytes.size() > limit)
            return std::unexpected(Error{ErrorCode::wrong_length, path + " is longer than " + std::to_string(limit) + " bytes"});
    }
}

std::expected<Bytes, Error> read_file(const std::string &path, std::size_t limit) {
    const auto file = open_input(path);
    if (!file) return std::unexpected(file.error());
    return read_all_input(file->get(), limit, path);
}

}  // namespace mr
