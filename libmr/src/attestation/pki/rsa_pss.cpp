#include "libmr/src/attestation/pki/rsa_pss.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <memory>

#include "libmr/src/attestation/pki/der.h"
#include "libmr/src/attestation/pki/owned.h"
#include "mr/digest.h"

namespace mr::attestation {
namespace {

constexpr int salt_size = 48;

Owned<BIGNUM> number_of(ByteView bytes) { return Owned<BIGNUM>(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr)); }

Owned<EVP_PKEY> load_rsa(const RsaKey &key) {
    const auto modulus = number_of(key.modulus);
    const auto exponent = number_of(key.exponent);
    const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
    if (!modulus || !exponent || !builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
        return nullptr;
    }
    const Owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
    const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
    EVP_PKEY *loaded = nullptr;
    if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &loaded, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
        return nullptr;
    }
    return Owned<EVP_PKEY>(loaded);
}

bool verify(EVP_PKEY &key, const Digest &digest, ByteView signature) {
    const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_pkey(nullptr, &key, nullptr));
    return context && EVP_PKEY_verify_init(context.get()) == 1 && EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha384()) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha384()) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), salt_size) == 1 &&
           EVP_PKEY_verify(context.get(), signature.data(), signature.size(), digest.bytes().data(), digest.size()) == 1;
}

}  // namespace

std::optional<RsaKey> read_rsa_key(ByteView key) {
    DerReader outer(key);
    auto numbers = outer.inside(DerTag::sequence);
    const RsaKey read{.modulus = numbers.unsigned_integer(), .exponent = numbers.unsigned_integer()};
    if (!numbers.finished() || !outer.finished() || read.modulus.size() < min_rsa_size || read.modulus.size() > max_rsa_size) return {};
    constexpr std::size_t max_exponent = 4;
    const bool is_one = read.exponent.size() == 1 && read.exponent[0] == 1;
    if (read.exponent.size() > max_exponent || is_one || (read.exponent.back() & 1U) == 0 || (read.modulus.back() & 1U) == 0) return {};
    return read;
}

bool is_rsa_pss_signed(ByteView key, ByteView message, ByteView signature) {
    const auto read = read_rsa_key(key);
    const auto digest = hash(HashAlgorithm::sha384, message);
    if (!read || !digest) return false;
    ERR_set_mark();
    const auto loaded = load_rsa(*read);
    const bool good = loaded && verify(*loaded, *digest, signature);
    // This thread's error queue is as it was: a failure is told by the result.
    ERR_pop_to_mark();
    return good;
}

}  // namespace mr::attestation
