// Addresses of Unix stream sockets: "unix:/run/mrd/io.mrd", "unix:@abstract", or a plain path.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <expected>
#include <string>
#include <string_view>

namespace varlink {

class Address {
public:
    // Error: a sentence that says what is wrong with the address.
    static std::expected<Address, std::string> parse(std::string_view text);

    [[nodiscard]] const sockaddr *data() const { return reinterpret_cast<const sockaddr *>(&storage_); }
    [[nodiscard]] socklen_t size() const { return size_; }

    // The file's path; empty for an abstract address.
    [[nodiscard]] const std::string &path() const { return path_; }

private:
    sockaddr_un storage_{};
    socklen_t size_ = 0;
    std::string path_;
};

}  // namespace varlink
