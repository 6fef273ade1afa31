#include "libmr/src/attestation/tee/tdx/collateral_files.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "libmr/src/attestation/pki/pem.h"
#include "libmr/src/event_log/json_common.h"
#include "libmr/src/text_form.h"
#include "mr/certificate.h"
#include "mr/event_content.h"
#include "proto/varlink/value.h"

namespace mr::attestation {
namespace {

using event_log::as_text;

constexpr std::string_view blanks = " \t\r\n";

std::string_view without_leading_blanks(std::string_view text) {
    return text.substr(std::min(text.find_first_not_of(blanks), text.size()));
}

std::string_view trimmed(std::string_view text) {
    text = without_leading_blanks(text);
    return text.substr(0, text.find_last_not_of(blanks) + 1);
}

// "0" begins no text that is read here.
bool is_der(ByteView content) {
    constexpr std::uint8_t der_sequence = 0x30;
    return !content.empty() && content.front() == der_sequence;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

// RFC 3986, section 2.1; what is no escape stays.
std::string percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = from_hex(text[i] == '%' ? text.substr(i + 1, 2) : "");
        if (byte && byte->size() == 1) {
            out += static_cast<char>(byte->front());
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string_view take_line(std::string_view &text) {
    const auto size = text.find('\n');
    const auto line = text.substr(0, size);
    text.remove_prefix(size == std::string_view::npos ? text.size() : size + 1);
    return trimmed(line);
}

// The value of a header that brings certificates.
std::optional<std::string_view> issuer_chain_of(std::string_view line) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !lower(line.substr(0, colon)).ends_with("issuer-chain")) return std::nullopt;
    return trimmed(line.substr(colon + 1));
}

// "HTTP/1.1 200 OK": 200.
std::optional<std::string_view> http_status(std::string_view line) {
    if (!line.starts_with("HTTP/")) return std::nullopt;
    const auto space = line.find(' ');
    return space == std::string_view::npos ? std::string_view() : line.substr(space + 1, 3);
}

// The member's value as it stands in the text of a JSON object; the text is known to be one.
std::string_view text_of_member(std::string_view json, std::string_view name) {
    std::size_t depth = 0;
    std::string_view last_string;
    std::optional<std::size_t> begin;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (c == '"') {
            auto end = i + 1;
            while (json[end] != '"') end += json[end] == '\\' ? 2U : 1U;
            last_string = json.substr(i + 1, end - i - 1);
            i = end;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if (c == '}' || c == ']') {
            --depth;
            if (begin && depth == 1) return json.substr(*begin, i + 1 - *begin);
        } else if (c == ':' && depth == 1 && !begin && last_string == name) {
            begin = json.find_first_not_of(blanks, i + 1);
        }
    }
    return {};
}

template <class Found, class Key>
bool is_known(const std::deque<Found> &known, Key Found::*key, const Key &value) {
    return std::ranges::find(known, value, key) != known.end();
}

}  // namespace

std::expected<void, Error> CollateralFiles::read(const CollateralFile &file) {
    if (file.content.size() > max_collateral_size) {
        return std::unexpected(Error{ErrorCode::malformed, file.name + " has " + std::to_string(file.content.size()) + " bytes: " +
                                                               std::to_string(max_collateral_size) + " are the most that are read"});
    }
    if (auto done = read_content(file.name, file.content); !done) {
        return std::unexpected(Error{ErrorCode::malformed, file.name + ": " + done.error()});
    }
    return {};
}

CollateralFiles::Read CollateralFiles::read_content(const std::string &file, ByteView content) {
    const auto decoded = decode_text_form(content);
    if (decoded) content = *decoded;
    if (is_der(content)) return read_binary(file, content);
    return read_text(file, event_log::without_byte_order_mark(as_text(content)));
}

CollateralFiles::Read CollateralFiles::read_binary(const std::string &file, ByteView content) {
    const auto crl = parse_crl(content);
    if (crl) return add_crl(file, Bytes(content.begin(), content.end()));
    auto certificates = find_certificates(content);
    if (!certificates || !parse_certificate(certificates->front()))
        return std::unexpected("as a CRL it " + crl.error() + ", and it is no certificate");
    for (auto &der : *certificates) {
        if (auto added = add_certificate(file, std::move(der)); !added) return added;
    }
    return {};
}

CollateralFiles::Read CollateralFiles::read_text(const std::string &file, std::string_view text) {
    text = without_leading_blanks(text);
    bool has_chain = false;
    // Headers, up to an empty line; perhaps of a proxy's answer before them.
    for (auto rest = text; !rest.empty();) {
        const bool of_answer = http_status(rest.substr(0, rest.find('\n'))).has_value();
        std::vector<std::string_view> chains;
        auto after = rest;
        while (!after.empty()) {
            const auto line = take_line(after);
            if (line.empty() || line.starts_with('{') || line.starts_with("-----BEGIN ")) {
                if (!line.empty()) after = rest.substr(static_cast<std::size_t>(line.data() - rest.data()));
                break;
            }
            if (const auto status = http_status(line); status && !status->starts_with('2') && !status->starts_with('1'))
                return std::unexpected("it is an answer with status " + printable_text(*status) + ": ask the service again");
            if (const auto chain = issuer_chain_of(line)) chains.push_back(*chain);
        }
        if (!of_answer && chains.empty()) break;
        for (const auto chain : chains) {
            if (auto read = read_pem(file, percent_decoded(chain)); !read) return read;
            has_chain = true;
        }
        text = rest = without_leading_blanks(after);
        // Whole: its last byte may be a blank.
        if (is_der(as_bytes(text))) return read_content(file, as_bytes(text));
    }
    text = trimmed(text);
    if (text.empty()) return has_chain ? Read() : std::unexpected("it has nothing of collateral");
    if (text.starts_with('{')) return read_json(file, text);
    if (const auto bytes = decode_text_form(as_bytes(text))) return read_content(file, *bytes);
    if (text.find("BEGIN%20") != std::string_view::npos) return read_pem(file, percent_decoded(text));
    return read_pem(file, text);
}

CollateralFiles::Read CollateralFiles::read_json(const std::string &file, std::string_view text) {
    varlink::Document document;
    if (!document.parse(text)) return std::unexpected("it begins as JSON, and is not one JSON object in UTF-8");
    bool found = false;
    for (const auto &[name, texts] :
         {std::pair(std::string_view("tcbInfo"), &tcb_infos_), {std::string_view("enclaveIdentity"), &qe_identities_}}) {
        const auto value = document.root().find(name);
        if (!value) continue;
        found = true;
        const auto signature = document.root().find("signature");
        const auto digits = signature ? signature->as_string() : std::nullopt;
        auto bytes = from_hex(digits.value_or(""));
        if (value->kind() != varlink::Kind::object || !bytes || bytes->empty())
            return std::unexpected("its members " + std::string(name) +
                                   " and signature are not an object and the hexadecimal digits of its signature");
        std::string inner(text_of_member(text, name));
        if (!is_known(*texts, &SignedText::text, inner)) texts->push_back({file, std::move(inner), value->to_json(), std::move(*bytes)});
    }
    if (!found) return std::unexpected("it is JSON with neither tcbInfo nor enclaveIdentity: give the service's answer as it came");
    return {};
}

CollateralFiles::Read CollateralFiles::read_pem(const std::string &file, std::string_view text) {
    auto certificates = certificates_in_text(text);
    if (!certificates) return std::unexpected(certificates.error().message);
    auto crls = crls_in_text(text);
    if (!crls) return std::unexpected(crls.error().message);
    if (certificates->empty() && crls->empty())
        return std::unexpected("it has neither certificates nor CRLs, and is no answer of the service");
    for (auto &der : *certificates) {
        if (auto added = add_certificate(file, std::move(der)); !added) return added;
    }
    for (auto &der : *crls) {
        if (auto added = add_crl(file, std::move(der)); !added) return added;
    }
    return {};
}

CollateralFiles::Read CollateralFiles::add_certificate(const std::string &file, Bytes der) {
    if (is_known(certificates_, &FoundCertificate::der, der)) return {};
    if (certificates_.size() == max_certificates_in_file)
        return std::unexpected("with it there are more than " + std::to_string(max_certificates_in_file) + " certificates");
    auto &kept = certificates_.emplace_back(FoundCertificate{file, std::move(der), {}});
    auto certificate = parse_certificate(kept.der);
    if (!certificate) return std::unexpected("a certificate in it " + certificate.error());
    kept.certificate = *certificate;
    return {};
}

CollateralFiles::Read CollateralFiles::add_crl(const std::string &file, Bytes der) {
    if (is_known(crls_, &FoundCrl::der, der)) return {};
    auto &kept = crls_.emplace_back(FoundCrl{file, std::move(der), {}});
    auto crl = parse_crl(kept.der);
    if (!crl) return std::unexpected("a CRL in it " + crl.error());
    kept.crl = *crl;
    return {};
}

}  // namespace mr::attestation
