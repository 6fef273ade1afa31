// Hashers that each thread keeps, since opening one costs more than hashing an event.
#pragma once

#include "mr/digest.h"

namespace mr::event_log {

// Null where this OpenSSL does not offer the algorithm. Nobody leaves one with bytes that were not finished.
Hasher *thread_hasher(HashAlgorithm algorithm);

}  // namespace mr::event_log
