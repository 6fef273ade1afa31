// Evidence in the forms that other attestation tools exchange: mrd's own (mr/evidence.h) written in them, and what is in them read. In mr::verify.
//
//   CMW          (mr/cmw.h) a record, or a collection of them. Of evidence that mrd made the collection has the type evidence_cmw_type and, with the indicator for
//                evidence: of each part, by its name, a TSM report, but of a kind that no provider of the kernel is for, as of a device; and as "mrd" mrd's evidence
//                whole (media_type::mrd_json or mrd_cbor), such parts, log and registers included. A token of Arm's CCA is read without a TSM report around it too
//   TSM report   what the kernel's configfs-tsm gives, as ratsd and Veraison wrap it: an object of outblob (the quote), provider ("tdx_guest", "sev_guest",
//                "arm_cca_guest"; a line feed may follow), and perhaps auxblob. JSON, byte strings in base64url without padding; or CBOR, byte strings as such
//   ratsd        JSON, not signed: eat_profile, eat_nonce, cmw: base64url of a CMW in JSON
//   CoCo         the evidence of Confidential Containers' guests (trustee), JSON, by TEE: TDX {quote, cc_eventlog} in base64; SEV-SNP {attestation_report, cert_chain},
//                the report as an object of its fields, certificates as arrays of bytes; CCA {token}, an array of bytes;
//                entries of cert_chain of the types OTHER and Empty are passed over
//   extended     a report of SEV-SNP, 1184 bytes, and right behind it the table of certificates (auxblob), as go-sev-guest writes both
//   dstack       the reply of dstack's guest agent to GetQuote, JSON: quote in hexadecimal, event_log (docs/log-formats.md); what else is there is passed over
//
// What stands in them is a claim until an Appraiser has checked it, as all evidence.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/cmw.h"
#include "mr/error.h"
#include "mr/evidence.h"

namespace mr {

namespace media_type {

inline constexpr std::string_view tsm_report_json = "application/vnd.veraison.tsm-report+json";
inline constexpr std::string_view tsm_report_cbor = "application/vnd.veraison.tsm-report+cbor";
inline constexpr std::string_view mrd_json = "application/vnd.mrd.evidence+json";
inline constexpr std::string_view mrd_cbor = "application/vnd.mrd.evidence+cbor";
// A token of Arm's CCA as it is: Veraison has it with the parameter profile="http://arm.com/CCA-SSD/1.0.0".
inline constexpr std::string_view eat_collection = "application/eat-collection";
inline constexpr std::string_view eat_cwt = "application/eat+cwt";

}  // namespace media_type

namespace content_format {

inline constexpr std::uint16_t eat_cwt = 263;  // of application/eat+cwt

}  // namespace content_format

inline constexpr std::string_view evidence_cmw_type = "tag:mrd,2026:evidence";

enum class WrappedForm : std::uint8_t { cmw, tsm_report, ratsd, coco, dstack, extended_report };
std::string_view to_string(WrappedForm form);  // "CMW"
// What the file's begin says. Nothing: none of these. Cheap for what is no JSON; of JSON all of it is looked at, up to max_cmw_size.
std::optional<WrappedForm> wrapped_form(ByteView file);

struct WrappedEvidence {
    WrappedForm form = WrappedForm::cmw;
    std::optional<Evidence> evidence = {};  // mrd's own; what follows is then empty
    Bytes quote = {};                       // a quote, report or token
    std::optional<Bytes> auxiliary = {};    // what comes beside it
    std::vector<Bytes> logs = {};           // of the same boot
};
// Error: malformed, naming the member; not_supported, where nothing in it is evidence of a kind that is known here, or there is evidence of several guests: also of
// forms that are known by name alone (CoCo's evidence of Azure's, of a TPM or a GPU). Where mrd's evidence and a TSM report of one of its parts are not the same, it is
// malformed.
std::expected<WrappedEvidence, Error> unwrap_evidence(ByteView file);

struct TsmReport {
    Bytes outblob;
    std::string provider;  // as it is there
    std::optional<Bytes> auxblob = {};
    std::optional<Bytes> manifestblob = {};  // of a report of services
};
// JSON or CBOR; members that are not named here are passed over. Error: malformed, naming the member.
std::expected<TsmReport, Error> parse_tsm_report(ByteView file);

enum class WrapEncoding : std::uint8_t { json, cbor };
// Error: not_supported, of a part that is called "mrd".
std::expected<Bytes, Error> write_evidence_cmw(const Evidence &evidence, WrapEncoding encoding);

// Of a TD the log goes along in the form of TCG, those of its events that are of an RTMR. Error: not_supported, of evidence with several parts, of a kind that the format
// does not have, or of a report that the format has no place for (reserved bytes that are set); malformed, of a log, a report or certificates that cannot be read.
std::expected<std::string, Error> write_evidence_coco(const Evidence &evidence);

}  // namespace mr
