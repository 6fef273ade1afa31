#include "mr/bound_report_data.h"

#include <algorithm>

#include "mr/digest.h"

namespace mr {

namespace {

void append_u32(Bytes &bytes, std::size_t number) {
    for (const unsigned shift : {24U, 16U, 8U, 0U}) bytes.push_back(static_cast<std::uint8_t>(number >> shift));
}

void append_field(Bytes &bytes, ByteView field) {
    append_u32(bytes, field.size());
    bytes.insert(bytes.end(), field.begin(), field.end());
}

}  // namespace

std::expected<ReportData, Error> bound_report_data(const BoundTo &bound) {
    const auto &binding = bound.binding;
    if (const auto fault = fault_of(binding))
        return std::unexpected(Error{ErrorCode::invalid_argument, std::string(fault->member) + ": " + fault->why});
    const std::string_view prefix = binding.key ? "mrd bound key" : "mrd bound tls exporter";
    Bytes preimage(prefix.begin(), prefix.end());
    preimage.push_back(0);
    append_field(preimage, binding.nonce);
    append_field(preimage, as_bytes(binding.role ? to_string(*binding.role) : std::string_view()));
    append_field(preimage, binding.key ? *binding.key : *binding.tls_exporter);
    append_field(preimage, {});  // of no virtual register
    Bytes uid;
    append_u32(uid, bound.uid);
    append_field(preimage, uid);
    const auto digest = hash(HashAlgorithm::sha384, preimage);
    if (!digest) return std::unexpected(digest.error());
    ReportData report_data{};
    const auto tag = std::ranges::copy(digest->bytes(), report_data.begin()).out;
    std::ranges::copy(bound_report_data_tag, tag);
    return report_data;
}

}  // namespace mr
