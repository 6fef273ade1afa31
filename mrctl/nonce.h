// A nonce of one's own, so that the answer is a fresh one.
#pragma once

#include <sys/random.h>

#include <cerrno>
#include <expected>
#include <system_error>

#include "mr/error.h"

namespace mrctl {

// `Nonce` is an array of bytes.
template <class Nonce>
std::expected<Nonce, mr::Error> new_nonce() {
    Nonce nonce{};
    if (::getrandom(nonce.data(), nonce.size(), 0) != static_cast<ssize_t>(nonce.size()))
        return std::unexpected(
            mr::Error{mr::ErrorCode::io, "the kernel gives no random numbers: " + std::generic_category().message(errno)});
    return nonce;
}

}  // namespace mrctl
