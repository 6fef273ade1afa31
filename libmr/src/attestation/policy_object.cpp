#include "libmr/src/attestation/policy_object.h"

#include <utility>

namespace mr::policy {

std::expected<std::vector<Bytes>, Error> read_values(std::string_view member, const Values &values, std::size_t size, Empty empty) {
    std::vector<Bytes> read;
    if (!values) return read;
    if (values->empty() && empty == Empty::refused)
        return malformed("the member " + std::string(member) + " is empty: name those that are accepted, or leave it out");
    for (const auto hex : *values) {
        auto value = from_hex(hex);
        if (!value || value->size() != size)
            return malformed("a value of " + std::string(member) + " is not " + std::to_string(size) + " bytes in hex");
        read.push_back(std::move(*value));
    }
    return read;
}

}  // namespace mr::policy
