// mrctl inspect: what is this file, and what does it say.
#include <algorithm>
#include <array>
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

#include "mr/bytes.h"
#include "mr/certificate.h"
#include "mr/cmw.h"
#include "mr/ear.h"
#include "mr/snp_report.h"
#include "mr/tdreport.h"
#include "mr/verify_snp.h"
#include "mr/wrapped_evidence.h"
#include "mrctl/binary_file.h"
#include "mrctl/commands.h"
#include "mrctl/confinement.h"
#include "mrctl/file_kind.h"
#include "mrctl/inspect.h"
#include "mrctl/mapped_file.h"
#include "mrctl/output.h"

namespace mrctl {

using Json = nlohmann::ordered_json;

namespace {

Json json_of(const mr::TdReport &report, const mr::TdReportHashes &hashes) {
    Json json;
    for (const auto &field : mr::fields_of(report)) {
        json[field.name] = mr::to_hex(field.bytes);
        if (const auto bits = named_bits_of(field)) json[field.name + "_bits"] = *bits;
    }
    json["tcb_info_hash_matches_239"] = hashes.tcb_info_matches;
    json["td_info_hash_matches"] = hashes.td_info_matches;
    return json;
}

void print_tdreport(const mr::TdReport &report, const mr::TdReportHashes &hashes) {
    std::cout << "TDREPORT of an Intel TDX guest, 1024 bytes\n";
    std::vector<Row> rows;
    const auto json = json_of(report, hashes);
    for (const auto &[key, value] : json.items()) {
        if (value.is_string()) rows.push_back({key, value.get<std::string>()});
    }
    print_table({"FIELD", "VALUE (bytes in their order; integers little-endian)"}, rows);
    const auto verdict = [](bool holds) { return holds ? "holds" : "DOES NOT HOLD"; };
    std::cout << "TEE_TCB_INFO hash " << verdict(hashes.tcb_info_matches) << '\n'
              << "TDINFO hash " << verdict(hashes.td_info_matches) << '\n'
              << "MAC not checked: only the machine that made the report can (io.mrd.Attestation.VerifyReport)\n";
    if ((report.td_info.attributes & mr::td_attribute_debug) != 0) std::cout << "WARNING: a debug TD, whose memory the host can read\n";
}

void add_rows(std::vector<Row> &rows, const std::string &prefix, const Json &value) {
    if (!value.is_structured()) {
        if (!value.is_null()) rows.push_back({prefix, value.is_string() ? value.get<std::string>() : value.dump()});
        return;
    }
    for (const auto &[key, inner] : value.items())
        add_rows(rows, prefix.empty() ? key : std::string(prefix).append(".").append(key), inner);
}

}  // namespace

std::string utc_text(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm parts{};
    std::array<char, 32> text{};
    if (::gmtime_r(&time, &parts) == nullptr) return std::to_string(seconds);
    const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return {text.data(), size};
}

std::string hex_number(std::uint64_t value) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    do text.insert(text.begin(), digits[value & 0xFU]);
    while ((value >>= 4U) != 0);
    return "0x" + text;
}

std::vector<Row> rows_of(const std::string &fields) {
    std::vector<Row> rows;
    add_rows(rows, "", Json::parse(fields));
    return rows;
}

int print_fields(bool json, std::string_view title, const std::string &fields, std::string_view note) {
    if (json) {
        print_json(Json::parse(fields).dump(2));
        return exit_done;
    }
    std::cout << title << '\n';
    print_table({"FIELD", "VALUE"}, rows_of(fields));
    std::cout << note << '\n';
    return exit_done;
}

namespace {

// By version, privilege level and algorithm of the signature, or its size: of a version that is not known, cut, or with something behind it, as the certificates in the same buffer.
bool is_of_snp_report(mr::ByteView bytes) {
    constexpr std::size_t level_at = 0x30;
    constexpr std::size_t algorithm_at = 0x34;
    const auto number_at = [bytes](std::size_t at) {
        std::uint32_t number = 0;
        for (std::size_t i = 4; i > 0; --i) number = number << 8U | bytes[at + i - 1];
        return number;
    };
    return bytes.size() >= algorithm_at + 4 && number_at(0) >= 1 && number_at(0) < 0x10 && number_at(level_at) <= mr::max_snp_vmpl &&
           (number_at(algorithm_at) == 1 || bytes.size() == mr::snp_report_size);
}

// Intel's, of whatever version: by the quoting enclave's vendor.
bool is_of_quote(mr::ByteView bytes) {
    constexpr std::size_t vendor_at = 12;
    const auto &vendor = mr::intel_qe_vendor_id;
    return bytes.size() >= vendor_at + vendor.size() && std::ranges::equal(bytes.subspan(vendor_at, vendor.size()), vendor);
}

// By one of its members: it may lack others.
bool is_of_collateral(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && text[first] == '{' && text.contains("\"tcb_info_issuer_chain\"");
}

// Of a device, or of what speaks for it.
std::optional<int> inspect_device(bool json, const std::string &file, mr::ByteView bytes) {
    const auto in_file = [&file](mr::Error error) {
        error.message = file + ": " + error.message;
        return fail(error);
    };
    if (mr::begins_pci_message(bytes)) return inspect_pci_message(json, file, bytes);
    if (const auto message = mr::decode_tdisp_message(bytes)) return inspect_tdisp_message(json, *message);
    // First: the index of a block may be the number of a version, and its specification the code of DIGESTS.
    if (const auto blocks = mr::parse_spdm_blocks(bytes); blocks && !blocks->empty()) return inspect_spdm_blocks(json, *blocks);
    if (mr::begins_spdm_message(bytes)) return inspect_spdm_message(json, file, bytes);
    if (mr::begins_corim(bytes)) {
        const auto corim = mr::decode_corim(bytes);
        return corim ? inspect_corim(json, *corim) : in_file(corim.error());
    }
    if (!mr::is_device_evidence(bytes)) return std::nullopt;
    const auto evidence = mr::parse_device_evidence(bytes);
    return evidence ? inspect_device_evidence(json, file, *evidence) : in_file(evidence.error());
}

}  // namespace

std::optional<int> inspect_hardware(bool json, const std::string &file, mr::ByteView bytes) {
    const auto in_file = [&file](mr::Error error) {
        error.message = file + ": " + error.message;
        return fail(error);
    };
    if (const auto report = mr::decode_tdreport(bytes)) {
        const auto hashes = mr::check_tdreport_hashes(bytes);
        if (!hashes) return in_file(hashes.error());
        if (json) {
            print_json(json_of(*report, *hashes).dump(2));
        } else {
            print_tdreport(*report, *hashes);
        }
        return exit_done;
    }
    const auto quote = mr::decode_quote(bytes);
    if (quote) return inspect_quote(json, *quote, bytes.size());
    if (is_of_quote(bytes)) return in_file(quote.error());
    if (const auto report = mr::decode_snp_report(bytes)) return inspect_snp_report(json, *report);
    if (mr::is_snp_table(bytes)) return inspect_snp_table(json, file, bytes);
    if (!mr::begins_cca_token(bytes)) return std::nullopt;
    const auto token = mr::decode_cca_token(bytes);
    return token ? inspect_cca_token(json, *token, bytes.size()) : in_file(token.error());
}

// From the kinds that show themselves by their first bytes to those that have to be read.
int inspect(bool json, const InspectCommand &command) {
    const auto &file = command.file;
    auto mapped = MappedFile::open(file);
    if (!mapped) return fail(mapped.error());
    std::optional<mr::Bytes> key;
    if (command.key) {
        auto read = read_file(*command.key, mr::max_certificate_file_size);
        if (!read) return fail(read.error());
        key = std::move(*read);
    }
    confine_to_output();
    mapped->decode();
    const auto bytes = mapped->bytes();
    const std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    const auto in_file = [&file](mr::Error error) {
        error.message = file + ": " + error.message;
        return fail(error);
    };
    const bool is_ear = mr::begins_ear(bytes);
    if (key && !is_ear) return fail_usage("inspect: --key goes with an attestation result (EAR), and " + file + " is none");
    if (is_ear) {
        const auto result = mr::parse_ear(bytes);
        if (!result) return in_file(result.error());
        if (key && file_kind(*key) == private_key_kind)
            return fail({mr::ErrorCode::malformed,
                         *command.key + " is a private key, and --key takes the public one of who signed, in PEM or as a JWK: "
                                        "`openssl pkey -pubout` makes it of the private one"});
        auto anchors = key ? mr::parse_trust_anchors(*key) : mr::TrustAnchors();
        if (!anchors) return fail(wrong_file(command.key.value_or(""), *key, anchors.error()));
        if (key && anchors->platform_keys.empty())
            return fail({mr::ErrorCode::malformed, command.key.value_or("") + " has no public key: PEM or a JWK is wanted"});
        return inspect_ear(json, *result, anchors->platform_keys);
    }
    if (const auto done = inspect_hardware(json, file, bytes)) return *done;
    if (const auto done = inspect_device(json, file, bytes)) return *done;
    if (mr::is_evidence(bytes)) {
        const auto evidence = mr::parse_evidence(bytes);
        return evidence ? inspect_evidence(json, file, *evidence) : in_file(evidence.error());
    }
    if (const auto form = mr::wrapped_form(bytes)) return inspect_wrapped(json, file, bytes, *form);
    if (bytes.size() <= mr::max_certificate_file_size) {
        const auto message = mr::cmw_in_certificate(bytes);
        if (!message) return in_file(message.error());
        if (*message) return inspect_cmw(json, **message, "Certificate with a CMW in an extension; nothing else of it was looked at");
        const auto certificates = mr::find_certificates(bytes);
        // What looks like DER may be anything else; who writes PEM means a certificate.
        if (certificates && (bytes.front() != 0x30 || mr::describe_certificate(certificates->front())))
            return inspect_certificates(json, *certificates);
        if (const auto crls = mr::find_crls(bytes); crls && !crls->empty()) return inspect_crls(json, *crls);
        if (const auto anchors = mr::parse_trust_anchors(bytes); anchors && !anchors->platform_keys.empty())
            return inspect_platform_keys(json, anchors->platform_keys);
    }
    const auto collateral = mr::parse_collateral(text);
    if (collateral) return inspect_collateral(json, *collateral);
    if (const auto entries = mr::parse_spdm_measurement_log(bytes); entries && !entries->empty()) return inspect_spdm_log(json, *entries);
    if (const auto report = mr::decode_tdisp_report(bytes)) return inspect_tdisp_report(json, *report, bytes.size());
    if (auto log = mr::EventLogReader::open(bytes)) return inspect_log(json, file, bytes, *log);
    // What was none of these, but means to be one.
    if (is_of_snp_report(bytes)) return in_file(mr::decode_snp_report(bytes).error());
    if (is_of_collateral(text)) return in_file(collateral.error());
    if (const auto kind = file_kind(bytes); kind == private_key_kind || kind == reference_values_kind) {
        const std::string_view where = kind == private_key_kind
                                           ? "of which nothing is shown"
                                           : "which `mrctl verify --reference` takes; `man mrd-reference-values` says what is in them";
        return fail({mr::ErrorCode::malformed, file + ": it is " + kind + ", " + std::string(where)});
    }
    return fail(
        {mr::ErrorCode::malformed,
         file + " (" + std::to_string(bytes.size()) + " bytes" + (mapped->is_text_form() ? ", as text" : "") +
             ") is nothing this version knows; it knows TDREPORTs (1024 bytes, the first 0x81), TD quotes (versions 4 and 5), "
             "CCA tokens, SEV-SNP reports (1184 bytes, versions 2 to 5) and the tables of certificates beside them, "
             "certificates (PEM, or DER with ECDSA P-256 or RSASSA-PSS), CRLs, public keys, evidence and manifests (CoRIM) of devices, "
             "messages of SPDM, TDISP and IDE_KM, measurement records and measurement extension logs of devices, reports of device "
             "interfaces, collateral, evidence of mrd, CMW, TSM reports, the "
             "evidence JSON of CoCo and ratsd, dstack's replies, attestation results (EAR), and event logs (TCG, CEL-JSON, mrd's JSON, "
             "dstack's, IMA's in ASCII)"});
}

}  // namespace mrctl
