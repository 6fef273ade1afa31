// The evidence of Confidential Containers' guests (mr/wrapped_evidence.h).
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "mr/wrapped_evidence.h"
#include "proto/varlink/value.h"

namespace mr::attestation {

// Arrays of bytes have a value for each: a token, or a report and its certificates.
inline constexpr varlink::ParseLimits coco_limits{.values = std::size_t{256} << 10};

// By the members that each kind of it has.
bool is_coco(varlink::Value root);
std::expected<WrappedEvidence, Error> read_coco(varlink::Value root);

// A report of SEV-SNP as the object of its fields that the crate `sev` makes of it, in the form of its versions 6 and 7; those of the versions before are read, too.
// Error: not_supported, of reserved bytes that are set, which the form has no place for.
std::expected<std::string, Error> write_coco_snp_report(ByteView report);
// The report's 1184 bytes. Error: malformed, naming the member.
std::expected<Bytes, Error> read_coco_snp_report(varlink::Value object);
// Bytes as an array of numbers.
void append_coco_bytes(std::string &out, ByteView bytes);
// Error: malformed, naming the member.
std::expected<Bytes, Error> read_coco_bytes(varlink::Value array, std::string_view member);

}  // namespace mr::attestation
