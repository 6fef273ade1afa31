#include "mrctl/record_event.h"

#include <optional>
#include <string_view>

#include "mr/digest.h"

namespace mrctl {
namespace {

// By the register's name, where that has a bank, else by the digest's length.
std::optional<mr::HashAlgorithm> bank_of(const mr::LogRecord &record) {
    const auto bank = std::string_view(record.name).substr(record.name.rfind(':') + 1);
    if (const auto algorithm = mr::hash_algorithm_from(bank)) return algorithm;
    for (const auto algorithm :
         {mr::HashAlgorithm::sha384, mr::HashAlgorithm::sha256, mr::HashAlgorithm::sha512, mr::HashAlgorithm::sha1}) {
        if (mr::digest_size(algorithm) == record.digest.size()) return algorithm;
    }
    return std::nullopt;
}

}  // namespace

mr::Event logged_event(const mr::LogRecord &record) {
    mr::Event event;
    event.sequence = static_cast<std::uint64_t>(record.sequence);
    event.name = record.name;
    event.type = record.type;
    event.origin = record.origin;
    if (record.data) event.data = *record.data;
    if (const auto bank = bank_of(record)) event.digests.push_back({.algorithm_id = mr::tcg_id(*bank), .value = record.digest});
    return event;
}

}  // namespace mrctl
