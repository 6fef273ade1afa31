// A file that a command writes, piece by piece.
#pragma once

#include <unistd.h>

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "mr/bytes.h"
#include "mr/error.h"
#include "proto/varlink/file_descriptor.h"

namespace mrctl {

class OutputFile {
public:
    // replaced: a regular file, or a name that is not there yet, gets all of it at close(), by a new file that takes its place with the old one's owner, group and
    //   mode. Until then, and where anything fails, it is as it was. A link is followed. What no new file can stand for is written in place: what is no regular
    //   file, one that is named by a descriptor (/dev/stdout), a link to what is not there, one that is mounted by itself, and one whose folder or owner is
    //   another's.
    // in_place: for who can open and rename nothing by the time that he writes. A regular file is as it was until the first piece.
    enum class Way { replaced, in_place };

    // "-": standard output. Error: io, with the file's name and the reason; a FIFO's reader has mr::fifo_patience to open it.
    static std::expected<OutputFile, mr::Error> open(const std::string &path, Way way = Way::replaced);

    [[nodiscard]] int descriptor() const { return fd_; }

    // Error: io.
    std::expected<void, mr::Error> write(mr::ByteView piece);
    // After the last piece: some file systems tell only here that there was no room. Error: io.
    std::expected<void, mr::Error> close();

private:
    // The new file, until it takes the place of `target`.
    struct Replacement {
        std::string target;
        std::string name;  // of its own, in the same folder. Empty: it has none yet, and is gone with its descriptor

        Replacement(std::string of, std::string own) : target(std::move(of)), name(std::move(own)) {}
        Replacement(Replacement &&) = delete;
        Replacement &operator=(Replacement &&) = delete;
        ~Replacement() {
            if (!name.empty()) ::unlink(name.c_str());
        }
        // Errors: errno.
        int take_place(int fd);
    };

    OutputFile(varlink::FileDescriptor own, int fd, std::string name) : own_(std::move(own)), fd_(fd), name_(std::move(name)) {}

    static std::expected<varlink::FileDescriptor, mr::Error> open_in_place(const std::string &path, int flags);
    // Nothing: no new file can stand for it. Error: io.
    static std::expected<std::optional<OutputFile>, mr::Error> begin_replacement(const std::string &path, int old);

    varlink::FileDescriptor own_;  // none of standard output, which stays open
    int fd_;
    std::string name_;
    bool has_old_content_ = false;  // which goes with the first piece
    std::unique_ptr<Replacement> replacement_;
};

}  // namespace mrctl
