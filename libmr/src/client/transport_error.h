// The errors of a connection, as mr::Error.
#pragma once

#include <string>

#include "mr/error.h"
#include "proto/varlink/client.h"

namespace mr {

Error from_transport(const varlink::ClientError &error, const std::string &socket);

}  // namespace mr
