// Hashes (FIPS 180-4; GB/T 32905 for SM3), digests, and what all measurement registers do: new = H(old || digest). What hashes is in mr::verify.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string_view>

#include "mr/bytes.h"
#include "mr/error.h"

namespace mr {

// Names as the kernel and the TCG spell them in lower case.
enum class HashAlgorithm : std::uint8_t { sha1, sha256, sha384, sha512, sm3_256 };

inline constexpr std::size_t max_digest_size = 64;

// 20, 32, 48, 64 or 32 bytes.
std::size_t digest_size(HashAlgorithm algorithm);

std::string_view to_string(HashAlgorithm algorithm);
std::optional<HashAlgorithm> hash_algorithm_from(std::string_view name);

// A digest of at most 64 bytes, held in place. The bytes are in the order the hash function gives them.
class Digest {
public:
    Digest() = default;

    // Precondition: bytes.size() <= max_digest_size.
    explicit Digest(ByteView bytes) : size_(static_cast<std::uint8_t>(bytes.size())) { std::ranges::copy(bytes, bytes_.begin()); }

    static Digest zero(HashAlgorithm algorithm) {
        Digest digest;
        digest.size_ = static_cast<std::uint8_t>(digest_size(algorithm));
        return digest;
    }

    [[nodiscard]] ByteView bytes() const { return {bytes_.data(), size_}; }
    [[nodiscard]] std::size_t size() const { return size_; }

    friend bool operator==(const Digest &, const Digest &) = default;

private:
    std::array<std::uint8_t, max_digest_size> bytes_{};
    std::uint8_t size_ = 0;
};

// Hashes in pieces, reusing one OpenSSL context. Not for use by two threads at once.
class Hasher {
public:
    // Error: not_supported where this OpenSSL does not offer the algorithm (SM3 or SHA-1 may be switched off).
    static std::expected<Hasher, Error> open(HashAlgorithm algorithm);

    Hasher(Hasher &&) noexcept;
    Hasher &operator=(Hasher &&) noexcept;
    ~Hasher();

    Hasher &update(ByteView bytes);

    // The digest of everything since open() or the last finish(); the hasher then starts anew.
    Digest finish();

    // finish() over the given pieces alone.
    Digest hash(ByteView bytes);

    // H(old || digest).
    Digest extend(ByteView old, ByteView digest);

    [[nodiscard]] HashAlgorithm algorithm() const { return algorithm_; }

private:
    struct Context;
    Hasher(HashAlgorithm algorithm, std::unique_ptr<Context> context);

    HashAlgorithm algorithm_;
    std::unique_ptr<Context> context_;
};

// One-shot forms, for code that hashes once. Error: as Hasher::open().
std::expected<Digest, Error> hash(HashAlgorithm algorithm, ByteView bytes);
std::expected<Digest, Error> extend(HashAlgorithm algorithm, ByteView old, ByteView digest);

}  // namespace mr
