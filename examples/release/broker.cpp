// A key broker: hands a secret to a machine whose evidence holds, encrypted to the key that the evidence binds, with a token that ends. One line in, one line out;
// what carries them (ssh, a TLS proxy, inetd) need not be trusted with the secret.
//
//     nonce                                     nonce HEX
//     release NONCE KEY EVIDENCE                released BASE64            the token, a line feed and the secret, RSA-OAEP (SHA-256) to the key
//     check TOKEN                               good SECONDS_LEFT | refused WHY
//
// KEY is an RSA public key (PEM) and EVIDENCE what `mrctl evidence --bind-key` wrote, both base64. A token is renewed by releasing again, with new evidence: what a
// machine was when it got one says nothing of what it is later.
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <charconv>
#include <ctime>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "mr/bound_report_data.h"
#include "mr/digest.h"
#include "mr/event_content.h"
#include "mr/file.h"
#include "mr/verify.h"

namespace {

constexpr std::size_t max_nonces = 1024;      // that wait to be used; the one that ends first makes room
constexpr std::time_t nonce_lifetime = 60;    // seconds
constexpr std::size_t max_line = 64U << 20U;  // bytes

mr::Bytes random_bytes(std::size_t size) {
    mr::Bytes bytes(size);
    if (RAND_bytes(bytes.data(), static_cast<int>(size)) != 1) throw std::runtime_error("no random numbers");
    return bytes;
}

// Nothing: it is no RSA key, or too small for the text.
std::optional<mr::Bytes> encrypt(const mr::Bytes &key_der, const std::string &text) {
    const auto *der = key_der.data();
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(d2i_PUBKEY(nullptr, &der, static_cast<long>(key_der.size())),
                                                                  &EVP_PKEY_free);
    if (!key || EVP_PKEY_is_a(key.get(), "RSA") != 1) return std::nullopt;
    const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(EVP_PKEY_CTX_new(key.get(), nullptr), &EVP_PKEY_CTX_free);
    if (!context || EVP_PKEY_encrypt_init(context.get()) != 1 || EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256()) != 1)
        return std::nullopt;
    mr::Bytes sealed(static_cast<std::size_t>(EVP_PKEY_get_size(key.get())));
    auto size = sealed.size();
    const auto plain = mr::as_bytes(text);
    if (EVP_PKEY_encrypt(context.get(), sealed.data(), &size, plain.data(), plain.size()) != 1) return std::nullopt;
    sealed.resize(size);
    return sealed;
}

class Broker {
public:
    Broker(mr::VerifyOptions options, std::string secret, std::uint32_t uid, std::time_t lifetime)
        : options_(std::move(options)), secret_(std::move(secret)), uid_(uid), lifetime_(lifetime) {}

    std::string answer(const std::string &line) {
        std::istringstream words(line);
        std::string verb, first, key, evidence;
        words >> verb >> first >> key >> evidence;
        if (verb == "nonce") return "nonce " + new_nonce();
        if (verb == "release") return release(first, key, evidence);
        if (verb == "check") return check(first);
        return "refused say nonce, release or check";
    }

private:
    std::string new_nonce() {
        const auto now = std::time(nullptr);
        std::erase_if(nonces_, [now](const auto &nonce) { return nonce.second <= now; });
        if (nonces_.size() >= max_nonces) nonces_.erase(std::ranges::min_element(nonces_, {}, &decltype(nonces_)::value_type::second));
        const auto nonce = mr::to_hex(random_bytes(32));
        nonces_[nonce] = now + nonce_lifetime;
        return nonce;
    }

    std::string release(const std::string &nonce, const std::string &key_text, const std::string &evidence_text) {
        // Once, whatever comes of it.
        const auto known = nonces_.extract(nonce);
        if (known.empty() || known.mapped() <= std::time(nullptr)) return "refused the nonce is none of mine, was used, or has ended";
        const auto key_file = mr::from_base64(key_text);
        const auto evidence_file = mr::from_base64(evidence_text);
        if (!key_file || !evidence_file) return "refused key and evidence are base64";
        const auto key = mr::parse_public_key(*key_file);
        if (!key) return "refused " + key.error().message;
        const auto evidence = mr::parse_evidence(*evidence_file);
        if (!evidence) return "refused " + evidence.error().message;
        auto options = options_;
        options.bound = mr::BoundTo{.binding = {.nonce = *mr::from_hex(nonce), .key = *key}, .uid = uid_};
        options.time = std::time(nullptr);
        const auto verdict = mr::verify(*evidence, options);
        std::string why;
        for (const auto &statement : verdict.statements()) {
            if (statement.required && statement.result != mr::Judgement::holds) why += " " + statement.name;
        }
        if (!verdict.verified()) return "refused these do not hold:" + why;
        const auto expires = std::to_string(std::time(nullptr) + lifetime_);
        const auto sealed = encrypt(*key, expires + "." + mac_of(expires) + "\n" + secret_);
        return sealed ? "released " + mr::to_base64(*sealed) : "refused the key is no RSA key that takes token and secret";
    }

    std::string check(const std::string &token) {
        const auto expires = token.substr(0, token.find('.'));
        const auto expected = expires + "." + mac_of(expires);
        if (token.size() != expected.size() || CRYPTO_memcmp(token.data(), expected.data(), token.size()) != 0)
            return "refused the token is none of mine";
        std::time_t end = 0;
        std::from_chars(expires.data(), expires.data() + expires.size(), end);
        const auto left = end - std::time(nullptr);
        return left > 0 ? "good " + std::to_string(left) : "refused the token has ended: renew it with new evidence";
    }

    std::string mac_of(const std::string &text) const {
        mr::Bytes mac(32);
        unsigned size = 0;
        const auto bytes = mr::as_bytes(text);
        HMAC(EVP_sha256(), mac_key_.data(), static_cast<int>(mac_key_.size()), bytes.data(), bytes.size(), mac.data(), &size);
        return mr::to_hex(mac);
    }

    mr::VerifyOptions options_;
    std::string secret_;
    std::uint32_t uid_;
    std::time_t lifetime_;
    std::map<std::string, std::time_t> nonces_;  // until when each may be used
    mr::Bytes mac_key_ = random_bytes(32);
};

// The next one, without its end; of one that is too long a part that is too long. False: there is none.
bool read_line(std::istream &from, std::string &line) {
    line.clear();
    auto &bytes = *from.rdbuf();
    auto next = bytes.sbumpc();
    const bool is_there = next != EOF;
    for (; next != EOF && next != '\n'; next = bytes.sbumpc()) {
        if (line.size() <= max_line) line += static_cast<char>(next);
    }
    return is_there;
}

int complain(const std::string &what) { return std::cerr << "broker: " << mr::printable_text(what) << '\n', 2; }

}  // namespace

int main(int argc, char **argv) {
    if (argc < 5 || argc > 6) return complain("usage: broker REFERENCE_VALUES SECRET_FILE UID TOKEN_SECONDS [ROOTS]");
    const auto values = mr::read_file(argv[1], mr::max_reference_values_size);
    if (!values) return complain(values.error().message);
    const auto reference = mr::parse_reference_values(std::string(values->begin(), values->end()));
    if (!reference) return complain(reference.error().message);
    const auto secret = mr::read_file(argv[2], 128);  // what RSA-OAEP takes beside the token
    if (!secret) return complain(secret.error().message);
    mr::VerifyOptions options;
    options.reference = *reference;
    if (argc > 5) {  // the roots of the hardware's makers otherwise
        const auto file = mr::read_file(argv[5], mr::max_certificate_file_size);
        if (!file) return complain(file.error().message);
        const auto roots = mr::parse_trust_anchors(*file);
        if (!roots) return complain(roots.error().message);
        options.anchors = *roots;
    }
    Broker broker(options, std::string(secret->begin(), secret->end()), static_cast<std::uint32_t>(std::stoul(argv[3])),
                  std::stol(argv[4]));
    for (std::string line; read_line(std::cin, line);) {
        std::cout << (line.size() > max_line ? "refused the line is too long" : mr::printable_text(broker.answer(line))) << std::endl;
    }
    return 0;
}
