// What needs libcrypto of mr/digest.h.
#include "mr/digest.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <atomic>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

namespace mr {
namespace {

constexpr std::size_t algorithms = static_cast<std::size_t>(HashAlgorithm::sm3_256) + 1;

const char *openssl_name(HashAlgorithm algorithm) {
    switch (algorithm) {
    case HashAlgorithm::sha1: return "SHA1";
    case HashAlgorithm::sha256: return "SHA2-256";
    case HashAlgorithm::sha384: return "SHA2-384";
    case HashAlgorithm::sha512: return "SHA2-512";
    case HashAlgorithm::sm3_256: return "SM3";
    }
    return "";
}

// Fetching costs many times what hashing a register does, so each algorithm is fetched once, and kept to the process's end.
// Null where OpenSSL does not offer the algorithm.
const EVP_MD *fetched(HashAlgorithm algorithm) {
    static std::array<std::atomic<const EVP_MD *>, algorithms> cache{};
    auto &slot = cache[static_cast<std::size_t>(algorithm)];
    if (const EVP_MD *found = slot.load(std::memory_order_acquire)) {
        return found;
    }
    ERR_set_mark();  // a failure is told by the result: leave nothing in this thread's error queue
    EVP_MD *fresh = EVP_MD_fetch(nullptr, openssl_name(algorithm), nullptr);
    ERR_pop_to_mark();
    const EVP_MD *expected = nullptr;
    if (fresh != nullptr && !slot.compare_exchange_strong(expected, fresh, std::memory_order_acq_rel)) {
        EVP_MD_free(fresh);  // another thread was first
        return expected;
    }
    return fresh;
}

// Once the algorithm is there, hashing memory cannot fail: this is a broken invariant, not an error.
void require(int result) {
    if (result != 1) {
        throw std::runtime_error("OpenSSL refused to hash");
    }
}

}  // namespace

struct Hasher::Context {
    explicit Context(const EVP_MD *algorithm) : md(algorithm), state(EVP_MD_CTX_new()) {}
    Context(const Context &) = delete;
    Context &operator=(const Context &) = delete;
    ~Context() { EVP_MD_CTX_free(state); }

    // Starting anew is not free next to hashing one block, so a context that nothing went into is used as it is.
    void restart() {
        if (!fresh) {
            require(EVP_DigestInit_ex2(state, md, nullptr));
            fresh = true;
        }
    }

    const EVP_MD *md;
    EVP_MD_CTX *state;
    bool fresh = false;
};

Hasher::Hasher(HashAlgorithm algorithm, std::unique_ptr<Context> context) : algorithm_(algorithm), context_(std::move(context)) {}
Hasher::Hasher(Hasher &&) noexcept = default;
Hasher &Hasher::operator=(Hasher &&) noexcept = default;
Hasher::~Hasher() = default;

std::expected<Hasher, Error> Hasher::open(HashAlgorithm algorithm) {
    const EVP_MD *md = fetched(algorithm);
    if (md == nullptr) {
        return std::unexpected(Error{ErrorCode::not_supported, "this OpenSSL does not offer " + std::string(to_string(algorithm)) +
                                                                   ": use another hash, or a provider of OpenSSL that has it"});
    }
    auto context = std::make_unique<Context>(md);
    if (context->state == nullptr) {
        throw std::bad_alloc();
    }
    context->restart();
    return Hasher(algorithm, std::move(context));
}

Hasher &Hasher::update(ByteView bytes) {
    context_->fresh = false;
    require(EVP_DigestUpdate(context_->state, bytes.data(), bytes.size()));
    return *this;
}

Digest Hasher::finish() {
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> out;
    unsigned size = 0;
    context_->fresh = false;
    require(EVP_DigestFinal_ex(context_->state, out.data(), &size));
    context_->restart();
    return Digest(ByteView(out.data(), size));
}

Digest Hasher::hash(ByteView bytes) {
    context_->restart();  // drops what an update() left behind
    return update(bytes).finish();
}

Digest Hasher::extend(ByteView old, ByteView digest) {
    context_->restart();
    return update(old).update(digest).finish();
}

std::expected<Digest, Error> hash(HashAlgorithm algorithm, ByteView bytes) {
    auto hasher = Hasher::open(algorithm);
    if (!hasher) {
        return std::unexpected(std::move(hasher.error()));
    }
    return hasher->hash(bytes);
}

std::expected<Digest, Error> extend(HashAlgorithm algorithm, ByteView old, ByteView digest) {
    auto hasher = Hasher::open(algorithm);
    if (!hasher) {
        return std::unexpected(std::move(hasher.error()));
    }
    return hasher->extend(old, digest);
}

}  // namespace mr
