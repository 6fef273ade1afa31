// The errors of replies, as mr::Error.
#pragma once

#include <string_view>

#include "mr/client.h"
#include "mr/error.h"
#include "proto/varlink/message.h"

namespace mr::detail {

// The error that an error reply says, with a sentence for people.
Error error_of(const varlink::Reply &reply, const Asked &asked);

// What a reply means that is not what its interface says.
Error protocol_error(std::string_view what);

}  // namespace mr::detail
