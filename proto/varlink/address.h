// Addresses of Unix stream sockets: "unix:/run/mrd/io.mrd", "unix:@abstract", or a plain path.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varlink {

class Address {
public:
    // Error: a sentence that says what is wrong with the address.
    static std::expected<Address, std::string> parse(std::string_view text);

    [[nodiscard]] const sockaddr *data() const { return reinterpret_cast<const sockaddr *>(&storage_); }
    [[nodiscard]] socklen_t size() const { return size_; }

    // The file's path; empty for an abstract address.
    [[nodiscard]] const std::string &path() const { return path_; }

    // Whom what listens there has to run as: a client looks at it before it says anything. Without it anybody is good.
    void trust_only(std::vector<uid_t> uids) { trusted_ = std::move(uids); }
    // Why the other end of this connected socket is not to be trusted, if so. Who it is, is the kernel's word, of when he began to listen.
    [[nodiscard]] std::optional<std::string> distrusts_peer_of(int socket) const;

private:
    std::optional<std::vector<uid_t>> trusted_;
    sockaddr_un storage_{};
    socklen_t size_ = 0;
    std::string path_;
};

}  // namespace varlink
