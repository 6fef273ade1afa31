#include "libmr/src/attestation/pki/p256_signer.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "libmr/src/attestation/pki/der.h"
#include "libmr/src/attestation/pki/ecdsa.h"
#include "libmr/src/attestation/pki/owned.h"

namespace mr::attestation {
namespace {

using PrivateKey = Owned<EVP_PKEY>;

PrivateKey read(ByteView file) {
    const Owned<BIO> text(BIO_new_mem_buf(file.data(), static_cast<int>(file.size())));
    if (!text) return nullptr;
    // Without this one OpenSSL asks the terminal for a password.
    const auto no_password = [](char *, int, int, void *) { return -1; };
    if (PrivateKey key(PEM_read_bio_PrivateKey(text.get(), nullptr, no_password, nullptr)); key) return key;
    const auto *at = file.data();
    PrivateKey key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(file.size())));  // NOLINT(google-runtime-int): OpenSSL's
    return at == file.data() + file.size() ? std::move(key) : nullptr;
}

bool is_p256(const EVP_PKEY *key) {
    std::array<char, 32> name{};
    std::size_t size = 0;
    if (EVP_PKEY_is_a(key, "EC") != 1 || EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) != 1) return false;
    const std::string_view group(name.data(), size);
    return group == "prime256v1" || group == "P-256";
}

// SEQUENCE of two INTEGERs, as OpenSSL has it, as r || s.
std::optional<Bytes> raw_signature(ByteView der) {
    DerReader file(der);
    auto numbers = file.inside(DerTag::sequence);
    Bytes raw(p256_signature_size);
    constexpr std::size_t size = p256_signature_size / 2;
    for (const std::size_t end : {size, 2 * size}) {
        const auto number = numbers.unsigned_integer();
        if (number.size() > size) return std::nullopt;
        std::ranges::copy(number, raw.begin() + static_cast<std::ptrdiff_t>(end - number.size()));
    }
    return file.finished() && numbers.finished() ? std::optional(std::move(raw)) : std::nullopt;
}

}  // namespace

struct P256Signer::Key {
    PrivateKey key;
};

P256Signer::P256Signer(std::unique_ptr<Key> key) : key_(std::move(key)) {}
P256Signer::P256Signer(P256Signer &&) noexcept = default;
P256Signer &P256Signer::operator=(P256Signer &&) noexcept = default;
P256Signer::~P256Signer() = default;

std::expected<P256Signer, Error> P256Signer::open(ByteView private_key) {
    ERR_set_mark();
    auto key = read(private_key);
    const bool is_good = key && is_p256(key.get());
    ERR_pop_to_mark();
    if (!is_good)
        return std::unexpected(Error{ErrorCode::malformed,
                                     "the file is no private key of P-256, PEM or DER, without a password: `openssl genpkey -algorithm EC "
                                     "-pkeyopt ec_paramgen_curve:P-256` makes one"});
    return P256Signer(std::make_unique<Key>(std::move(key)));
}

std::expected<Bytes, Error> P256Signer::sign(ByteView message) const {
    const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
    std::size_t size = 0;
    Bytes der;
    ERR_set_mark();
    const bool is_signed = context &&
                           EVP_DigestSignInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, key_->key.get(), nullptr) == 1 &&
                           EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) == 1 &&
                           (der.resize(size), EVP_DigestSign(context.get(), der.data(), &size, message.data(), message.size())) == 1;
    ERR_pop_to_mark();
    auto raw = is_signed ? raw_signature(ByteView(der).first(size)) : std::nullopt;
    if (!raw) return std::unexpected(Error{ErrorCode::not_supported, "this OpenSSL does not sign by ECDSA P-256 with SHA-256"});
    return std::move(*raw);
}

}  // namespace mr::attestation
