#include "proto/varlink/address.h"

#include <algorithm>
#include <cstddef>

namespace varlink {

std::expected<Address, std::string> Address::parse(std::string_view text) {
    const auto whole = std::string(text);
    if (text.starts_with("unix:")) text.remove_prefix(5);
    // Options such as ";mode=0666" concern the one who binds, and only in other implementations.
    text = text.substr(0, text.find(';'));
    const bool is_plain_path = !whole.starts_with("unix:") && text.substr(0, text.find('/')).find(':') == std::string_view::npos;
    if (text.empty() || (text.front() != '/' && text.front() != '@' && !is_plain_path)) {
        return std::unexpected("\"" + whole + "\" is not an address: use unix:/absolute/path or unix:@name");
    }
    // The kernel would take what is before it.
    if (text.contains('\0'))
        return std::unexpected("an address has no NUL byte: \"" + whole.substr(0, whole.find('\0')) + "\" has one behind it");
    Address address;
    const bool is_abstract = text.front() == '@';
    // A path needs room for its NUL byte; an abstract name has none.
    if (text.size() + (is_abstract ? 0 : 1) > sizeof(address.storage_.sun_path)) {
        return std::unexpected("\"" + whole + "\" is too long for a Unix socket: at most " +
                               std::to_string(sizeof(address.storage_.sun_path) - 1) + " bytes");
    }
    address.storage_.sun_family = AF_UNIX;
    std::ranges::copy(text, std::begin(address.storage_.sun_path));
    if (is_abstract) {
        address.storage_.sun_path[0] = '\0';
    } else {
        address.path_ = text;
    }
    address.size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size() + (is_abstract ? 0 : 1));
    return address;
}

std::optional<std::string> Address::distrusts_peer_of(int socket) const {
    if (!trusted_) return std::nullopt;
    ucred peer{};
    socklen_t size = sizeof(peer);
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return "the kernel does not say who listens there";
    if (std::ranges::find(*trusted_, peer.uid) != trusted_->end()) return std::nullopt;
    return "uid " + std::to_string(peer.uid) + " listens there";
}

}  // namespace varlink
