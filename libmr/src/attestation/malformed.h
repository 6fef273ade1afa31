#pragma once

#include <expected>
#include <string>
#include <utility>

#include "mr/error.h"

namespace mr::attestation {

// What is not as it has to be; the message is the whole sentence.
inline std::unexpected<Error> malformed(std::string message) { return std::unexpected(Error{ErrorCode::malformed, std::move(message)}); }

}  // namespace mr::attestation
