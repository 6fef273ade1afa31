// The errors of a connection, as mr::Error.
#pragma once

#include <string>

#include "mr/error.h"
#include "proto/varlink/client.h"

namespace mr {

// `may_change`: it is of a call that can have taken effect without an answer. Otherwise, and before there is a call, nothing is said of that.
Error from_transport(const varlink::ClientError &error, const std::string &socket, bool may_change);

// Of a call that has one answer: the next ones would be taken for those of later calls, so the connection is closed.
inline varlink::ClientError goes_on_unasked() {
    return {varlink::ClientErrorCode::protocol, "it says that the answer goes on, where one was asked for"};
}

}  // namespace mr
