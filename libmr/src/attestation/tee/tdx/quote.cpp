#include "mr/quote.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "libmr/src/attestation/tee/fields.h"
#include "libmr/src/attestation/tee/tdx/tdx.h"
#include "libmr/src/event_log/byte_reader.h"

namespace mr {
namespace {

using attestation::FieldNamer;
using attestation::FieldReader;
using attestation::FieldWriter;
using event_log::append_little_endian;
using event_log::ByteReader;
using event_log::little_endian;

constexpr std::uint16_t certification_qe_report = 6;
constexpr std::uint16_t certification_pem_chain = 5;

template <typename Visitor, typename Header>
void visit_header(Visitor &&at, Header &header) {
    at(0, "version", header.version);
    at(2, "att_key_type", header.attestation_key_type);
    at(4, "tee_type", header.tee_type);
    at(8, "qe_svn", header.qe_svn);
    at(10, "pce_svn", header.pce_svn);
    at(12, "qe_vendor_id", header.qe_vendor_id);
    at(28, "user_data", header.user_data);
}

template <typename Visitor, typename Body>
void visit_body(Visitor &&at, QuoteBodyType type, Body &body) {
    at(0, "tee_tcb_svn", body.tee_tcb_svn);
    at(16, "mr_seam", body.mr_seam);
    at(64, "mr_signer_seam", body.mr_signer_seam);
    at(112, "seam_attributes", body.seam_attributes);
    at(120, "td_attributes", body.td_attributes);
    at(128, "xfam", body.xfam);
    at(136, "mr_td", body.mrtd);
    at(184, "mr_config_id", body.mrconfigid);
    at(232, "mr_owner", body.mrowner);
    at(280, "mr_owner_config", body.mrownerconfig);
    for (std::size_t i = 0; i < body.rtmr.size(); ++i) at(328 + 48 * i, tdx::rtmr_names.at(i), body.rtmr[i]);
    at(520, "report_data", body.report_data);
    if (type == QuoteBodyType::td15) {
        at(584, "tee_tcb_svn2", body.tee_tcb_svn2);
        at(600, "mr_service_td", body.mr_servicetd);
    }
}

template <typename Visitor, typename Report>
void visit_qe_report(Visitor &&at, Report &report) {
    at(0, "cpusvn", report.cpu_svn);
    at(16, "miscselect", report.misc_select);
    at(48, "attributes", report.attributes);
    at(64, "mrenclave", report.mr_enclave);
    at(128, "mrsigner", report.mr_signer);
    at(256, "isvprodid", report.isv_prod_id);
    at(258, "isvsvn", report.isv_svn);
    at(320, "report_data", report.report_data);
}

std::unexpected<Error> refuse(ErrorCode code, std::string message) { return std::unexpected(Error{code, std::move(message)}); }

std::unexpected<Error> unsupported(const std::string &what, std::uint64_t found, const std::string &known) {
    return refuse(ErrorCode::not_supported, "the quote's " + what + " is " + std::to_string(found) + ": this library knows " + known);
}

std::size_t body_size_of(QuoteBodyType type) { return type == QuoteBodyType::td15 ? td15_quote_body_size : td_quote_body_size; }

// Reads the quote from front to back and knows where it stands, for the messages.
class QuoteReader {
public:
    explicit QuoteReader(ByteView quote) : quote_(quote), reader_(quote) {}

    std::expected<Quote, Error> read() {
        if (quote_.size() > max_quote_size) {
            return refuse(ErrorCode::malformed, "the quote has " + std::to_string(quote_.size()) +
                                                    " bytes: " + std::to_string(max_quote_size) + " are the most that are read");
        }
        if (auto done = read_signed_part(); !done) return std::unexpected(std::move(done.error()));
        if (auto done = read_signature_data(); !done) return std::unexpected(std::move(done.error()));
        return decoded_;
    }

private:
    using Step = std::expected<void, Error>;

    [[nodiscard]] std::size_t at() const { return quote_.size() - reader_.rest().size(); }

    // Error: malformed, naming the byte where `what` begins and does not fit.
    std::expected<ByteView, Error> take(std::size_t size, const std::string &what) {
        if (size > reader_.rest().size()) {
            return refuse(ErrorCode::malformed, "the quote ends within its " + what + ", which begins at byte " + std::to_string(at()) +
                                                    " and has " + std::to_string(size) + " bytes");
        }
        return reader_.take(size);
    }
    template <std::unsigned_integral Integer>
    std::expected<Integer, Error> integer(const std::string &what) {
        const auto bytes = take(sizeof(Integer), what);
        if (!bytes) return std::unexpected(bytes.error());
        return little_endian<Integer>(*bytes);
    }

    Step read_signed_part() {
        const auto header = take(quote_header_size, "header");
        if (!header) return std::unexpected(header.error());
        visit_header(FieldReader{*header}, decoded_.header);
        if (decoded_.header.version != 4 && decoded_.header.version != 5) return unsupported("version", decoded_.header.version, "4 and 5");
        if (decoded_.header.attestation_key_type != attestation_key_ecdsa_p256) {
            return unsupported("attestation key type", decoded_.header.attestation_key_type, "2, ECDSA P-256");
        }
        if (decoded_.header.tee_type != tee_type_tdx) return unsupported("TEE type", decoded_.header.tee_type, "129, TDX");

        if (decoded_.header.version == 5) {
            if (auto done = read_body_descriptor(); !done) return done;
        }
        const auto body = take(body_size_of(decoded_.body_type), "body");
        if (!body) return std::unexpected(body.error());
        visit_body(FieldReader{*body}, decoded_.body_type, decoded_.body);
        decoded_.signed_part = quote_.first(at());
        return {};
    }

    Step read_body_descriptor() {
        const auto type = integer<std::uint16_t>("body type");
        if (!type) return std::unexpected(type.error());
        decoded_.body_type = static_cast<QuoteBodyType>(*type);
        if (decoded_.body_type != QuoteBodyType::td10 && decoded_.body_type != QuoteBodyType::td15) {
            return unsupported("body type", *type, "2, TD 1.0, and 3, TD 1.5");
        }
        const auto size = integer<std::uint32_t>("body size");
        if (!size) return std::unexpected(size.error());
        if (*size != body_size_of(decoded_.body_type)) {
            return refuse(ErrorCode::malformed, "the body size at byte 50 is " + std::to_string(*size) + ": a body of type " +
                                                    std::to_string(*type) + " has " + std::to_string(body_size_of(decoded_.body_type)));
        }
        return {};
    }

    Step read_signature_data() {
        const auto size = integer<std::uint32_t>("signature data's length");
        if (!size) return std::unexpected(size.error());
        const auto data = take(*size, "signature data");
        if (!data) return std::unexpected(data.error());
        decoded_.signature_data_size = *size;
        decoded_.trailing = reader_.rest().size();

        // What is in it must fill it: from here on nothing is read beyond it.
        reader_ = ByteReader(*data);
        quote_ = quote_.first(quote_.size() - decoded_.trailing);
        for (auto [field, length, name] :
             {Part{&Quote::signature, 64, "signature"}, Part{&Quote::attestation_key, 64, "attestation key"}}) {
            if (auto done = take_part(field, length, name); !done) return done;
        }
        if (auto done = certification_data(&Quote::certification_type, certification_qe_report, "6, a QE report", "certification data");
            !done)
            return done;
        for (auto [field, length, name] :
             {Part{&Quote::qe_report_bytes, qe_report_size, "QE report"}, Part{&Quote::qe_report_signature, 64, "QE report's signature"}}) {
            if (auto done = take_part(field, length, name); !done) return done;
        }
        visit_qe_report(FieldReader{decoded_.qe_report_bytes}, decoded_.qe_report);
        const auto authentication_size = integer<std::uint16_t>("QE authentication data's length");
        if (!authentication_size) return std::unexpected(authentication_size.error());
        if (auto done = take_part(&Quote::qe_authentication_data, *authentication_size, "QE authentication data"); !done) return done;
        if (auto done = certification_data(&Quote::inner_certification_type, certification_pem_chain, "5, a chain of PEM certificates",
                                           "inner certification data");
            !done)
            return done;
        decoded_.inner_certification_data = reader_.rest();
        return {};
    }

    struct Part {
        ByteView Quote::*field;
        std::size_t size;
        const char *name;
    };
    Step take_part(ByteView Quote::*field, std::size_t size, const std::string &name) {
        const auto bytes = take(size, name);
        if (!bytes) return std::unexpected(bytes.error());
        decoded_.*field = *bytes;
        return {};
    }

    // Type and size, which must be all that is left of what it stands in.
    Step certification_data(std::uint16_t Quote::*field, std::uint16_t known, const std::string &known_name, const std::string &name) {
        const auto type = integer<std::uint16_t>(name + "'s type");
        if (!type) return std::unexpected(type.error());
        if (*type != known) return unsupported(name + "'s type", *type, known_name);
        decoded_.*field = *type;
        const auto begin = at();
        const auto size = integer<std::uint32_t>(name + "'s size");
        if (!size) return std::unexpected(size.error());
        if (*size != reader_.rest().size()) {
            return refuse(ErrorCode::malformed, "the " + name + "'s size at byte " + std::to_string(begin) + " is " +
                                                    std::to_string(*size) + ", but its place has " + std::to_string(reader_.rest().size()) +
                                                    " bytes");
        }
        return {};
    }

    ByteView quote_;
    ByteReader reader_;
    Quote decoded_;
};

void append(Bytes &out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

}  // namespace

std::expected<Quote, Error> decode_quote(ByteView quote) { return QuoteReader(quote).read(); }

Bytes encode_quote_signed_part(const QuoteHeader &header, QuoteBodyType type, const TdQuoteBody &body) {
    Bytes bytes(quote_header_size);
    visit_header(FieldWriter{bytes}, header);
    if (header.version == 5) {
        append_little_endian(bytes, static_cast<std::uint16_t>(type));
        append_little_endian(bytes, static_cast<std::uint32_t>(body_size_of(type)));
    }
    const std::size_t body_at = bytes.size();
    bytes.resize(body_at + body_size_of(type));
    visit_body(FieldWriter{std::span(bytes).subspan(body_at)}, type, body);
    return bytes;
}

std::array<std::uint8_t, qe_report_size> encode_qe_report(const QeReport &report) {
    std::array<std::uint8_t, qe_report_size> bytes{};
    visit_qe_report(FieldWriter{bytes}, report);
    return bytes;
}

std::vector<NamedField> fields_of(const TdQuoteBody &body, QuoteBodyType type) {
    std::vector<NamedField> fields;
    visit_body(FieldNamer{fields}, type, body);
    return fields;
}

Bytes encode_quote(const Quote &parts) {
    Bytes inner;
    append(inner, parts.qe_report_bytes);
    append(inner, parts.qe_report_signature);
    append_little_endian(inner, static_cast<std::uint16_t>(parts.qe_authentication_data.size()));
    append(inner, parts.qe_authentication_data);
    append_little_endian(inner, parts.inner_certification_type);
    append_little_endian(inner, static_cast<std::uint32_t>(parts.inner_certification_data.size()));
    append(inner, parts.inner_certification_data);

    Bytes signature_data;
    append(signature_data, parts.signature);
    append(signature_data, parts.attestation_key);
    append_little_endian(signature_data, certification_qe_report);
    append_little_endian(signature_data, static_cast<std::uint32_t>(inner.size()));
    append(signature_data, inner);

    Bytes quote;
    append(quote, parts.signed_part);
    append_little_endian(quote, static_cast<std::uint32_t>(signature_data.size()));
    append(quote, signature_data);
    return quote;
}

TdQuoteBody quote_body_of(const TdReport &report) {
    return {
        .tee_tcb_svn = report.tcb_info.tee_tcb_svn,
        .mr_seam = report.tcb_info.mr_seam,
        .mr_signer_seam = report.tcb_info.mr_signer_seam,
        .seam_attributes = report.tcb_info.attributes,
        .td_attributes = report.td_info.attributes,
        .xfam = report.td_info.xfam,
        .mrtd = report.td_info.mrtd,
        .mrconfigid = report.td_info.mrconfigid,
        .mrowner = report.td_info.mrowner,
        .mrownerconfig = report.td_info.mrownerconfig,
        .rtmr = report.td_info.rtmr,
        .report_data = report.report_data,
        .tee_tcb_svn2 = report.tcb_info.tee_tcb_svn2,
        .mr_servicetd = report.td_info.servtd_hash,
    };
}

}  // namespace mr
