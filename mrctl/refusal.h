// The error of what mrctl itself does not do.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "mr/error.h"

namespace mrctl {

inline std::unexpected<mr::Error> refuse(mr::ErrorCode code, std::string message) {
    return std::unexpected(mr::Error{code, std::move(message)});
}

}  // namespace mrctl
