// The blocks of a PEM text that a person or a program keeps (RFC 7468): text and blocks of other kinds before, between and behind them are passed over.
#pragma once

#include <expected>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/error.h"

namespace mr::attestation {

// As DER, in the text's order; none at all is no error. Error: malformed, a block without an end or that is not base64, or more than
// max_certificates_in_file.
std::expected<std::vector<Bytes>, Error> certificates_in_text(std::string_view text);
std::expected<std::vector<Bytes>, Error> crls_in_text(std::string_view text);
std::expected<std::vector<Bytes>, Error> public_keys_in_text(std::string_view text);

}  // namespace mr::attestation
