// What reference values can say at all: for whoever has to hold something against every member that there is.
#pragma once

#include <string>
#include <vector>

#include "mr/tee.h"

namespace mr::attestation {

// Of a kind that this library knows: "ppids". Of another: empty.
std::vector<std::string> known_policy_members(const Tee &tee);

// Every member that parse_reference_values() takes, from the readers' own lists. What is in an object stands behind it ("parts.kind", "tdx.ppids"), what is in a
// rule behind "rule" ("rule.text"), and a set of alternatives has what the file has.
std::vector<std::string> reference_members();

}  // namespace mr::attestation
