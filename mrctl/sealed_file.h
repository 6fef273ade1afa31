// A file's bytes in memory that nobody can change any more: what is hashed is what is run.
#pragma once

#include <cstddef>
#include <expected>
#include <string>

#include "mr/bytes.h"
#include "mr/error.h"
#include "proto/varlink/file_descriptor.h"

namespace mrctl {

inline constexpr std::size_t max_executed_file = std::size_t{512} << 20U;  // bytes; the copy takes so much memory while the program runs

class SealedFile {
public:
    // Of a regular file that the caller may execute. Error: io, also where it is changed while it is copied; wrong_length over max_executed_file; not_supported
    // where the kernel has no executable memory of this kind, or forbids it.
    static std::expected<SealedFile, mr::Error> copy_of(const std::string &path);

    SealedFile(SealedFile &&other) noexcept;
    SealedFile &operator=(SealedFile &&) = delete;
    ~SealedFile();

    // Not empty. As long as the object lives.
    [[nodiscard]] mr::ByteView bytes() const { return {static_cast<const std::uint8_t *>(address_), size_}; }
    // Closed when a program is run.
    [[nodiscard]] int descriptor() const { return file_.get(); }

private:
    SealedFile(varlink::FileDescriptor file, void *address, std::size_t size) : file_(std::move(file)), address_(address), size_(size) {}

    varlink::FileDescriptor file_;
    void *address_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace mrctl
