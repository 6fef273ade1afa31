// Certificates out of files and texts: PEM (RFC 7468) and DER.
#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "libmr/src/attestation/malformed.h"
#include "libmr/src/attestation/pki/pem.h"
#include "libmr/src/event_log/json_common.h"
#include "mr/certificate.h"

namespace mr {
namespace {

using attestation::malformed;

constexpr std::string_view pem_begin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view pem_end = "-----END CERTIFICATE-----";
// Old names of the same (RFC 7468, sections 5.1 and 7).
constexpr std::array labels = {std::string_view("CERTIFICATE"), std::string_view("X509 CERTIFICATE"),
                               std::string_view("X.509 CERTIFICATE")};
constexpr std::array key_labels = {std::string_view("PUBLIC KEY")};
constexpr std::array crl_labels = {std::string_view("X509 CRL"), std::string_view("CRL")};

constexpr std::string_view blanks = " \t\r\n\v\f";

std::string_view without_leading_space(std::string_view text) {
    return text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
}

std::string_view trimmed(std::string_view line) {
    const auto begin = line.find_first_not_of(blanks);
    return begin == std::string_view::npos ? std::string_view() : line.substr(begin, line.find_last_not_of(blanks) - begin + 1);
}

// Takes a line off the text's front, without its end: LF, CR LF or CR.
std::string_view take_line(std::string_view &text) {
    const auto size = std::min(text.find_first_of("\r\n"), text.size());
    const auto line = text.substr(0, size);
    text.remove_prefix(size);
    if (text.starts_with("\r\n")) text.remove_prefix(1);
    if (!text.empty()) text.remove_prefix(1);
    return line;
}

// "CERTIFICATE" of "-----BEGIN CERTIFICATE-----".
std::optional<std::string_view> label_of(std::string_view line, std::string_view what) {
    constexpr std::string_view dashes = "-----";
    line = trimmed(line);
    const auto size = dashes.size() + what.size() + dashes.size();
    if (line.size() < size || !line.starts_with(dashes) || !line.ends_with(dashes)) return std::nullopt;
    const auto inside = line.substr(dashes.size(), line.size() - 2 * dashes.size());
    return inside.starts_with(what) ? std::optional(inside.substr(what.size())) : std::nullopt;
}

// The bytes of the certificate that the file begins with; 0: none, or not whole.
std::size_t size_of_der(ByteView file) {
    constexpr std::uint8_t sequence = 0x30;
    if (file.size() < 2 || file[0] != sequence) return 0;
    std::size_t header = 2;
    std::size_t size = file[1];
    if (size >= 0x80) {
        const std::size_t bytes = size & 0x7FU;
        if (bytes == 0 || bytes > 3 || file.size() < header + bytes) return 0;
        size = 0;
        for (std::size_t i = 0; i < bytes; ++i) size = size << 8U | file[header + i];
        header += bytes;
    }
    return size <= file.size() - header ? header + size : 0;
}

std::expected<std::vector<Bytes>, Error> find_der_certificates(ByteView file) {
    std::vector<Bytes> certificates;
    while (!trimmed(event_log::as_text(file)).empty()) {
        if (certificates.size() == max_certificates_in_file)
            return malformed("more than " + std::to_string(max_certificates_in_file) + " certificates");
        const auto size = size_of_der(file);
        if (size == 0) return malformed("behind " + std::to_string(certificates.size()) + " certificates stands none of DER that is whole");
        certificates.emplace_back(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
        file = file.subspan(size);
    }
    return certificates;
}

// The blocks with one of these labels, without those of other kinds and the text between. `what` is one of them, for messages.
std::expected<std::vector<Bytes>, Error> find_blocks(std::string_view text, std::span<const std::string_view> of_labels,
                                                     const std::string &what) {
    std::vector<Bytes> blocks;
    std::optional<std::string> digits;  // of the block that has begun
    while (!text.empty()) {
        const auto line = take_line(text);
        const auto is_one = [&](std::optional<std::string_view> label) {
            return label && std::ranges::find(of_labels, *label) != of_labels.end();
        };
        const auto wrong = [&](const char *how) {
            std::string message = what;
            return malformed(message.append(" ").append(std::to_string(blocks.size() + 1)).append(how));
        };
        if (!digits) {
            if (is_one(label_of(line, "BEGIN "))) digits.emplace();
            continue;
        }
        if (label_of(line, "BEGIN ")) return wrong(" of the file has no end");
        if (!is_one(label_of(line, "END "))) {
            std::ranges::copy_if(line, std::back_inserter(*digits), [](char c) { return blanks.find(c) == std::string_view::npos; });
            continue;
        }
        if (blocks.size() == max_certificates_in_file)
            return malformed("more than " + std::to_string(max_certificates_in_file) + " " + what + "s");
        auto der = from_base64(*digits);
        if (!der || der->empty()) return wrong(" of the file is not base64");
        blocks.push_back(std::move(*der));
        digits.reset();
    }
    if (digits) return malformed(what + " " + std::to_string(blocks.size() + 1) + " of the file has no end");
    return blocks;
}

}  // namespace

std::expected<std::vector<Bytes>, Error> decode_pem_certificates(std::string_view text) {
    if (text.size() > max_pem_size) {
        return malformed("the PEM text has " + std::to_string(text.size()) + " bytes: " + std::to_string(max_pem_size) +
                         " are the most that are read");
    }
    std::vector<Bytes> certificates;
    std::string digits;
    for (auto rest = without_leading_space(text); !rest.empty(); rest = without_leading_space(rest)) {
        const auto number = std::to_string(certificates.size() + 1);
        if (certificates.size() == max_pem_certificates) {
            return malformed("the PEM text has more than " + std::to_string(max_pem_certificates) + " certificates");
        }
        const auto end = rest.find(pem_end);
        if (certificates.empty() && !rest.starts_with(pem_begin))
            return malformed("it is no PEM text, which begins with " + std::string(pem_begin));
        if (!rest.starts_with(pem_begin) || end == std::string_view::npos) {
            return malformed("the PEM text is not a certificate at number " + number + ": nothing else may be in it");
        }
        digits = rest.substr(pem_begin.size(), end - pem_begin.size());
        std::erase_if(digits, [](char c) { return c == '\n' || c == '\r'; });
        auto der = from_base64(digits);
        if (!der || der->empty()) return malformed("the PEM text's certificate " + number + " is not base64");
        certificates.push_back(std::move(*der));
        rest.remove_prefix(end + pem_end.size());
    }
    if (certificates.empty()) return malformed("the PEM text has no certificate");
    return certificates;
}

std::expected<std::vector<Bytes>, Error> find_certificates(ByteView file) {
    if (file.size() > max_certificate_file_size) {
        return malformed("the file has " + std::to_string(file.size()) + " bytes: " + std::to_string(max_certificate_file_size) +
                         " are the most that are read");
    }
    if (size_of_der(file) != 0) return find_der_certificates(file);
    const auto text = event_log::without_byte_order_mark(event_log::as_text(file));
    if (text.find('\0') != std::string_view::npos) return malformed("the file is neither DER nor text in UTF-8");
    auto certificates = find_blocks(text, labels, "certificate");
    if (certificates && certificates->empty())
        return malformed("the file has no certificate: neither DER, nor a line -----BEGIN CERTIFICATE-----");
    return certificates;
}

namespace attestation {

std::expected<std::vector<Bytes>, Error> certificates_in_text(std::string_view text) { return find_blocks(text, labels, "certificate"); }
std::expected<std::vector<Bytes>, Error> crls_in_text(std::string_view text) { return find_blocks(text, crl_labels, "CRL"); }
std::expected<std::vector<Bytes>, Error> public_keys_in_text(std::string_view text) { return find_blocks(text, key_labels, "public key"); }

}  // namespace attestation

}  // namespace mr
