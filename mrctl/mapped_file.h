// A whole file in memory without reading it: logs are looked at from front to back, and can be larger than the memory.
#pragma once

#include <expected>
#include <string>

#include "mr/bytes.h"
#include "mr/error.h"

namespace mrctl {

inline constexpr std::size_t max_unmapped = std::size_t{64} << 20U;  // bytes of what cannot be mapped: pipes, the kernel's own files

class MappedFile {
public:
    // "-": standard input. Looks at nothing that is in it. Error: io.
    static std::expected<MappedFile, mr::Error> open(const std::string &path);

    // If it is hexadecimal or base64, bytes() are what that says from here on.
    void decode();

    MappedFile(MappedFile &&other) noexcept;
    MappedFile &operator=(MappedFile &&) = delete;
    ~MappedFile();

    [[nodiscard]] mr::ByteView bytes() const {
        return address_ == nullptr ? mr::ByteView(read_) : mr::ByteView(static_cast<const std::uint8_t *>(address_), size_);
    }

    // Was it?
    [[nodiscard]] bool is_text_form() const { return is_text_form_; }

private:
    MappedFile() = default;

    void *address_ = nullptr;
    std::size_t size_ = 0;
    mr::Bytes read_;  // of a file that cannot be mapped, or is text of bytes
    bool is_text_form_ = false;
};

}  // namespace mrctl
