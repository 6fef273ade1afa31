#include "libmr/src/attestation/pki/ecdsa.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "libmr/src/attestation/pki/owned.h"
#include "mr/digest.h"

namespace mr::attestation {
namespace {

using Key = Owned<EVP_PKEY>;
using Context = Owned<EVP_PKEY_CTX>;

// Leaves this thread's error queue as it was: a failure is told by the result.
class QuietErrors {
public:
    QuietErrors() { ERR_set_mark(); }
    QuietErrors(const QuietErrors &) = delete;
    QuietErrors &operator=(const QuietErrors &) = delete;
    ~QuietErrors() { ERR_pop_to_mark(); }
};

constexpr std::uint8_t uncompressed = 0x04;

struct Curve {
    const char *name;
    HashAlgorithm hash;
    std::size_t coordinate;  // bytes
    ByteView base_point;     // uncompressed: some key, so that there is one to copy
};

constexpr std::array<std::uint8_t, 1 + p256_key_size> p256_base_point = {
    uncompressed,                                                                                            //
    0x6B,         0x17, 0xD1, 0xF2, 0xE1, 0x2C, 0x42, 0x47, 0xF8, 0xBC, 0xE6, 0xE5, 0x63, 0xA4, 0x40, 0xF2,  //
    0x77,         0x03, 0x7D, 0x81, 0x2D, 0xEB, 0x33, 0xA0, 0xF4, 0xA1, 0x39, 0x45, 0xD8, 0x98, 0xC2, 0x96,  //
    0x4F,         0xE3, 0x42, 0xE2, 0xFE, 0x1A, 0x7F, 0x9B, 0x8E, 0xE7, 0xEB, 0x4A, 0x7C, 0x0F, 0x9E, 0x16,  //
    0x2B,         0xCE, 0x33, 0x57, 0x6B, 0x31, 0x5E, 0xCE, 0xCB, 0xB6, 0x40, 0x68, 0x37, 0xBF, 0x51, 0xF5,  //
};
constexpr std::array<std::uint8_t, 1 + p384_key_size> p384_base_point = {
    uncompressed,                                                                                            //
    0xAA,         0x87, 0xCA, 0x22, 0xBE, 0x8B, 0x05, 0x37, 0x8E, 0xB1, 0xC7, 0x1E, 0xF3, 0x20, 0xAD, 0x74,  //
    0x6E,         0x1D, 0x3B, 0x62, 0x8B, 0xA7, 0x9B, 0x98, 0x59, 0xF7, 0x41, 0xE0, 0x82, 0x54, 0x2A, 0x38,  //
    0x55,         0x02, 0xF2, 0x5D, 0xBF, 0x55, 0x29, 0x6C, 0x3A, 0x54, 0x5E, 0x38, 0x72, 0x76, 0x0A, 0xB7,  //
    0x36,         0x17, 0xDE, 0x4A, 0x96, 0x26, 0x2C, 0x6F, 0x5D, 0x9E, 0x98, 0xBF, 0x92, 0x92, 0xDC, 0x29,  //
    0xF8,         0xF4, 0x1D, 0xBD, 0x28, 0x9A, 0x14, 0x7C, 0xE9, 0xDA, 0x31, 0x13, 0xB5, 0xF0, 0xB8, 0xC0,  //
    0x0A,         0x60, 0xB1, 0xCE, 0x1D, 0x7E, 0x81, 0x9D, 0x7A, 0x43, 0x1D, 0x7C, 0x90, 0xEA, 0x0E, 0x5F,  //
};

constexpr std::array curves = {
    Curve{.name = "P-256", .hash = HashAlgorithm::sha256, .coordinate = p256_key_size / 2, .base_point = p256_base_point},
    Curve{.name = "P-384", .hash = HashAlgorithm::sha384, .coordinate = p384_key_size / 2, .base_point = p384_base_point}};

// By a key's size. Null: of neither.
const Curve *curve_of(ByteView key) {
    const auto *const found = std::ranges::find_if(curves, [&](const Curve &curve) { return key.size() == 2 * curve.coordinate; });
    return found == curves.end() ? nullptr : found;
}

Key make_template(const Curve &curve) {
    std::string group = curve.name;
    Bytes point(curve.base_point.begin(), curve.base_point.end());
    const std::array parameters = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), 0),
                                   OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
                                   OSSL_PARAM_construct_end()};
    const Context context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
    EVP_PKEY *key = nullptr;
    auto given = parameters;
    if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, given.data()) != 1) {
        return nullptr;
    }
    return Key(key);
}

// A copy of a key with its curve costs a quarter of one that is made from its name.
Key key_from(const Curve &curve, ByteView point) {
    static const std::array<Key, curves.size()> templates = {make_template(curves[0]), make_template(curves[1])};
    const auto &key_template = templates.at(static_cast<std::size_t>(&curve - curves.data()));
    if (!key_template) return nullptr;
    Key key(EVP_PKEY_dup(key_template.get()));
    Bytes encoded{uncompressed};
    encoded.insert(encoded.end(), point.begin(), point.end());
    // Checks that the point is one of the curve.
    if (!key || EVP_PKEY_set1_encoded_public_key(key.get(), encoded.data(), encoded.size()) != 1) return nullptr;
    return key;
}

// r || s as the SEQUENCE of two INTEGERs that OpenSSL reads.
class SignatureDer {
public:
    explicit SignatureDer(ByteView signature) {
        push(0x30);
        push(0);
        push_integer(signature.first(signature.size() / 2));
        push_integer(signature.last(signature.size() / 2));
        bytes_[1] = static_cast<std::uint8_t>(size_ - 2);
    }
    [[nodiscard]] ByteView bytes() const { return ByteView(bytes_).first(size_); }

private:
    void push(std::uint8_t byte) { bytes_[size_++] = byte; }
    void push_integer(ByteView number) {
        while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
        const bool padded = number[0] >= 0x80;
        push(0x02);
        push(static_cast<std::uint8_t>(number.size() + (padded ? 1 : 0)));
        if (padded) push(0);
        for (const std::uint8_t byte : number) push(byte);
    }

    std::array<std::uint8_t, 2 + 2 * (2 + 1 + p384_signature_size / 2)> bytes_{};
    std::size_t size_ = 0;
};

// Of one verification: a quote, its certificates and its collateral have five.
constexpr std::size_t max_kept_keys = 8;

struct LoadedKey {
    Bytes point;
    Key key;
    Context verification;
};

std::optional<LoadedKey> load(const Curve &curve, ByteView point) {
    LoadedKey loaded;
    loaded.point.assign(point.begin(), point.end());
    loaded.key = key_from(curve, point);
    if (!loaded.key) return std::nullopt;
    loaded.verification.reset(EVP_PKEY_CTX_new_from_pkey(nullptr, loaded.key.get(), nullptr));
    if (!loaded.verification || EVP_PKEY_verify_init(loaded.verification.get()) != 1) return std::nullopt;
    return loaded;
}

}  // namespace

struct SignatureChecker::Keys {
    std::deque<LoadedKey> loaded;
    std::array<std::optional<Hasher>, static_cast<std::size_t>(HashAlgorithm::sm3_256) + 1> hashers;
};

bool is_curve_point(ByteView key) {
    const auto *const curve = curve_of(key);
    const QuietErrors quiet;
    return curve != nullptr && key_from(*curve, key) != nullptr;
}

SignatureChecker::SignatureChecker() : keys_(std::make_unique<Keys>()) {}
SignatureChecker::~SignatureChecker() = default;

bool SignatureChecker::verify(ByteView key, ByteView message, ByteView signature) {
    const auto *const curve = curve_of(key);
    return curve != nullptr && verify(key, curve->hash, message, signature);
}

bool SignatureChecker::verify(ByteView key, HashAlgorithm hash, ByteView message, ByteView signature) {
    const auto *const curve = curve_of(key);
    if (curve == nullptr || signature.size() != key.size()) return false;
    const QuietErrors quiet;
    auto &hasher = keys_->hashers.at(static_cast<std::size_t>(hash));
    if (!hasher) {
        auto opened = Hasher::open(hash);
        if (!opened) return false;
        hasher = std::move(*opened);
    }
    auto &loaded = keys_->loaded;
    auto known = std::ranges::find_if(loaded, [&](const LoadedKey &each) { return std::ranges::equal(each.point, key); });
    if (known == loaded.end()) {
        auto made = load(*curve, key);
        if (!made) return false;
        if (loaded.size() == max_kept_keys) loaded.pop_front();
        loaded.push_back(std::move(*made));
        known = std::prev(loaded.end());
    }
    const auto digest = hasher->hash(message);
    const SignatureDer der(signature);
    return EVP_PKEY_verify(known->verification.get(), der.bytes().data(), der.bytes().size(), digest.bytes().data(), digest.size()) == 1;
}

}  // namespace mr::attestation
