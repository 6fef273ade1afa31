// Collateral: what a verifier needs beside a quote to judge how up to date and how trusted the machine's platform is. Intel's provisioning service
// publishes it; mrd's simulator makes its own.
//
// As one JSON file, in the form that DCAP verifiers exchange it (all members text):
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
#include <string>
#include <string_view>

#include "mr/bytes.h"
#include "mr/error.h"

namespace mr {

inline constexpr std::size_t max_collateral_size = std::size_t{1} << 20;  // bytes of the JSON file; real ones have 20 thousand

struct Collateral {
    std::string tcb_info;  // byte for byte as it was signed
    Bytes tcb_info_signature;
    std::string tcb_info_issuer_chain;
    std::string qe_identity;
    Bytes qe_identity_signature;
    std::string qe_identity_issuer_chain;
    Bytes root_ca_crl;
    Bytes pck_crl;
    std::string pck_crl_issuer_chain;
    friend bool operator==(const Collateral &, const Collateral &) = default;
};

// Error: malformed, naming the member that is missing or is not what it should be. Members that are not named above are refused. Judges nothing.
std::expected<Collateral, Error> parse_collateral(std::string_view json);
std::string write_collateral(const Collateral &collateral);

}  // namespace mr
