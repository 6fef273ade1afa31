// By what two parts of evidence are one device.
#pragma once

#include <vector>

#include "mr/bytes.h"
#include "mr/digest.h"

namespace mr::attestation {

// The name with a serial number, and the key of the device's own certificate where it has issued another one: slots and aliases are several chains of one device. Chain and
// has_alias: as device_names_of_chain() has them. Empty: nothing says it.
std::vector<Bytes> device_ids_of_chain(ByteView chain, HashAlgorithm base_hash, bool has_alias);

}  // namespace mr::attestation
