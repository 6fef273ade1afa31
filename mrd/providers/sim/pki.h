// The simulator's certificates: the same four that stand behind a TD quote of real hardware, under a root of its own.
//
//   Intel SGX Root CA            signs the two below, and its revocation list
//     Intel SGX PCK Platform CA  signs the PCK certificate, and its revocation list
//       Intel SGX PCK Certificate    signs the quoting enclave's report, which names the attestation key
//     Intel SGX TCB Signing      signs TCB info and QE identity
//
// The common names are what verifiers demand. Organisation and unit of each say what it is: O = mrd simulation, OU = proves nothing: not Intel hardware.
//
// All functions throw std::runtime_error where OpenSSL fails at what every OpenSSL 3 can do (P-256, SHA-256, random numbers).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "mr/bytes.h"
#include "mr/digest.h"

// OpenSSL's EVP_PKEY, EVP_PKEY_CTX and X509: its headers are for sources only.
struct evp_pkey_st;
struct evp_pkey_ctx_st;
struct x509_st;

namespace mrd::sim {

// Certificates and collateral begin so long before they are made: a verifier's clock may be behind.
inline constexpr auto clock_skew = std::chrono::hours{24};

struct OpenSslFree {
    void operator()(evp_pkey_st *key) const noexcept;
    void operator()(evp_pkey_ctx_st *context) const noexcept;
    void operator()(x509_st *certificate) const noexcept;
};
using Key = std::unique_ptr<evp_pkey_st, OpenSslFree>;
using Certificate = std::unique_ptr<x509_st, OpenSslFree>;

struct CertifiedKey {
    Certificate certificate;
    Key key;
};

struct Pki {
    CertifiedKey root;
    CertifiedKey platform_ca;
    CertifiedKey pck;
    CertifiedKey tcb_signing;
    Key attestation_key;  // no certificate: the quoting enclave's report vouches for it
};

// New keys; the certificates are valid from a day before `now`, as clocks differ, for twenty years.
Pki make_pki(std::chrono::sys_seconds now);

std::string to_pem(const Certificate &certificate);

// An empty revocation list of this CA. Its number grows with the time.
mr::Bytes make_crl(const CertifiedKey &ca, std::chrono::sys_seconds issued, std::chrono::sys_seconds next_update);

using Signature = std::array<std::uint8_t, 64>;  // r || s, big-endian
using PublicKey = std::array<std::uint8_t, 64>;  // x || y, big-endian

PublicKey public_key_of(const Key &key);

// Signs with ECDSA P-256 and SHA-256. Keeps its contexts; not for two threads at once. Needs the key only to be made.
class Signer {
public:
    explicit Signer(const Key &key);
    Signature sign(mr::ByteView message);

private:
    mr::Hasher hasher_;
    std::unique_ptr<evp_pkey_ctx_st, OpenSslFree> context_;
};

}  // namespace mrd::sim
