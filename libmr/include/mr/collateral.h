// In mr::verify. Collateral: what a verifier needs beside a quote to judge how up to date and how trusted the machine's platform is. Intel's provisioning service
// publishes it; mrd's simulator makes its own.
//
// As one JSON file, in the form that DCAP verifiers exchange it (all members text; dcap-qvl's pck_certificate_chain, text or null, is passed over):
//
//   tcb_info, tcb_info_signature, tcb_info_issuer_chain            TDX TCB info v3: the exact text that was signed, r || s in hexadecimal, PEM: leaf, root
//   qe_identity, qe_identity_signature, qe_identity_issuer_chain   TD_QE identity v2, likewise
//   root_ca_crl, pck_crl                                           DER in hexadecimal
//   pck_crl_issuer_chain                                           PEM: the CA that issued pck_crl, root
//
// Source: Intel SGX/TDX Provisioning Certification Service API v4.
#pragma once

#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "mr/bytes.h"
#include "mr/error.h"

namespace mr {

inline constexpr std::size_t max_collateral_size = std::size_t{1} << 20;  // bytes of the JSON file; real ones have 20 thousand

struct Collateral {
    std::string tcb_info;      // byte for byte as it was signed
    Bytes tcb_info_signature;  // 64 bytes: r || s, big-endian; so is the other
    std::string tcb_info_issuer_chain;
    std::string qe_identity;
    Bytes qe_identity_signature;
    std::string qe_identity_issuer_chain;
    Bytes root_ca_crl;  // DER, as is the other
    Bytes pck_crl;
    std::string pck_crl_issuer_chain;  // PEM, as are the others
    friend bool operator==(const Collateral &, const Collateral &) = default;
};

// Error: malformed, naming the member that is missing or is not what it should be. Members that are not named above are refused. Judges nothing.
std::expected<Collateral, Error> parse_collateral(std::string_view json);
std::string write_collateral(const Collateral &collateral);

// ---- Put together

// A file of what the service or a cache of it answered.
struct CollateralFile {
    std::string name;  // for messages
    ByteView content;
};
inline constexpr std::size_t max_collateral_files = 32;

// One collateral out of answers as they were kept, in any order: the bodies {"tcbInfo": ..., "signature": ...} and {"enclaveIdentity": ..., "signature": ...}; CRLs and
// certificates as DER, PEM, hexadecimal or base64; headers, alone or before their body, of which those that end in "Issuer-Chain" are read (PEM, percent-encoded).
// What a file is its content says, not its name. Of a text that was indented or otherwise written anew since it was signed the compact form is taken, if that is what was
// signed.
//
// `quote`: empty, or a TD quote; then the platform's TCB info and CRL are taken where there are several.
//
// Error: malformed, naming the file: it cannot be read; something is missing (all of it is named), or there twice with different content; what does not belong together:
// a text, certificate or CRL that none of the certificates signed, chains to different roots, a quote of another platform, CA or root. Checks no dates, and trusts
// no root: verify_quote() does.
std::expected<Collateral, Error> assemble_collateral(std::span<const CollateralFile> files, ByteView quote = {});

}  // namespace mr
