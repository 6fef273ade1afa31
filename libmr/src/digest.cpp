#include "mr/digest.h"

namespace mr {
namespace {

constexpr std::array all_algorithms = {HashAlgorithm::sha1, HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512,
                                       HashAlgorithm::sm3_256};

}  // namespace

std::size_t digest_size(HashAlgorithm algorithm) {
    switch (algorithm) {
    case HashAlgorithm::sha1: return 20;
    case HashAlgorithm::sha256: return 32;
    case HashAlgorithm::sha384: return 48;
    case HashAlgorithm::sha512: return 64;
    case HashAlgorithm::sm3_256: return 32;
    }
    return 0;
}

std::string_view to_string(HashAlgorithm algorithm) {
    switch (algorithm) {
    case HashAlgorithm::sha1: return "sha1";
    case HashAlgorithm::sha256: return "sha256";
    case HashAlgorithm::sha384: return "sha384";
    case HashAlgorithm::sha512: return "sha512";
    case HashAlgorithm::sm3_256: return "sm3_256";
    }
    return "unknown";
}

std::optional<HashAlgorithm> hash_algorithm_from(std::string_view name) {
    for (const HashAlgorithm algorithm : all_algorithms) {
        if (name == to_string(algorithm)) {
            return algorithm;
        }
    }
    return std::nullopt;
}

}  // namespace mr
