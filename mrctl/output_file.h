// A file that a command writes, piece by piece.
#pragma once

#include <expected>
#include <string>

#include "mr/bytes.h"
#include "mr/error.h"
#include "proto/varlink/file_descriptor.h"

namespace mrctl {

class OutputFile {
public:
    // "-": standard output. Error: io, with the file's name and the reason; a FIFO's reader has mr::fifo_patience to open it.
    static std::expected<OutputFile, mr::Error> open(const std::string &path);

    [[nodiscard]] int descriptor() const { return fd_; }

    // Error: io.
    std::expected<void, mr::Error> write(mr::ByteView piece);
    // After the last piece: some file systems tell only here that there was no room. Error: io.
    std::expected<void, mr::Error> close();

private:
    OutputFile(varlink::FileDescriptor own, int fd, std::string name) : own_(std::move(own)), fd_(fd), name_(std::move(name)) {}

    varlink::FileDescriptor own_;  // none of standard output, which stays open
    int fd_;
    std::string name_;
};

}  // namespace mrctl
