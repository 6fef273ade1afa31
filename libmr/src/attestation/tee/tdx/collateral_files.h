// What the files hold that collateral is put together from: signed texts, CRLs and certificates, each with the file that it came from.
#pragma once

#include <cstddef>
#include <deque>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "libmr/src/attestation/pki/x509.h"
#include "mr/bytes.h"
#include "mr/collateral.h"

namespace mr::attestation {

class CollateralFiles {
public:
    struct SignedText {
        std::string file;
        std::string text;     // byte for byte as it stands in the file
        std::string compact;  // the same without blanks between
        Bytes signature;
    };
    struct FoundCrl {
        std::string file;
        Bytes der;
        Crl crl;  // points into der
    };
    struct FoundCertificate {
        std::string file;
        Bytes der;
        Certificate certificate;  // points into der
    };

    // Error: malformed, naming the file.
    std::expected<void, Error> read(const CollateralFile &file);

    // Each once, however often it is there.
    [[nodiscard]] const std::deque<SignedText> &tcb_infos() const { return tcb_infos_; }
    [[nodiscard]] const std::deque<SignedText> &qe_identities() const { return qe_identities_; }
    [[nodiscard]] const std::deque<FoundCrl> &crls() const { return crls_; }
    [[nodiscard]] const std::deque<FoundCertificate> &certificates() const { return certificates_; }

private:
    // Error: what is wrong, without the file's name.
    using Read = std::expected<void, std::string>;
    Read read_content(const std::string &file, ByteView content);
    Read read_binary(const std::string &file, ByteView content);
    Read read_text(const std::string &file, std::string_view text);
    Read read_json(const std::string &file, std::string_view text);
    Read read_pem(const std::string &file, std::string_view text);
    Read add_certificate(const std::string &file, Bytes der);
    Read add_crl(const std::string &file, Bytes der);

    std::deque<SignedText> tcb_infos_;
    std::deque<SignedText> qe_identities_;
    std::deque<FoundCrl> crls_;
    std::deque<FoundCertificate> certificates_;
};

}  // namespace mr::attestation
