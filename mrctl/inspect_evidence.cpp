// mrctl inspect of evidence and of collateral.
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "mr/certificate.h"
#include "mr/event_content.h"
#include "mr/quote.h"
#include "mr/verify_quote.h"
#include "mr/verify_spdm.h"
#include "mrctl/inspect.h"
#include "mrctl/output.h"

namespace mrctl {

using Json = nlohmann::ordered_json;

namespace {

// What the signed text of a TCB info or a QE identity says; its levels are counted.
Json summary_of(const std::string &text) {
    const auto parsed = Json::parse(text, nullptr, false);
    if (!parsed.is_object()) return {{"error", "the text is not a JSON object"}};
    Json summary = Json::object();
    for (const auto *key :
         {"id", "version", "issueDate", "nextUpdate", "tcbEvaluationDataNumber", "fmspc", "pceId", "mrsigner", "isvprodid"}) {
        if (!parsed.contains(key)) continue;
        const auto &value = parsed[key];
        // Nobody vouches for the text yet: what is no plain value is not shown, however deep it is.
        summary[key] = value.is_string()           ? Json(mr::printable_text(value.get<std::string>()))
                       : value.is_number_integer() ? value
                                                   : Json("(neither text nor a whole number)");
    }
    if (parsed.contains("tcbLevels")) summary["tcbLevels"] = parsed["tcbLevels"].size();
    if (parsed.contains("tdxModuleIdentities")) summary["tdxModuleIdentities"] = parsed["tdxModuleIdentities"].size();
    return summary;
}

// The subjects of a chain, leaf first.
Json subjects_of(const std::string &pem) {
    Json subjects = Json::array();
    const auto certificates = mr::decode_pem_certificates(pem);
    if (!certificates) return {{"error", mr::printable_text(certificates.error().message)}};
    for (const auto &der : *certificates) {
        const auto described = mr::describe_certificate(der);
        subjects.push_back(mr::printable_text(described ? described->subject : described.error().message));
    }
    return subjects;
}

Json json_of(const mr::Collateral &collateral) {
    return {{"tcb_info", summary_of(collateral.tcb_info)},
            {"tcb_info_issuer_chain", subjects_of(collateral.tcb_info_issuer_chain)},
            {"qe_identity", summary_of(collateral.qe_identity)},
            {"qe_identity_issuer_chain", subjects_of(collateral.qe_identity_issuer_chain)},
            {"root_ca_crl_size", collateral.root_ca_crl.size()},
            {"pck_crl_size", collateral.pck_crl.size()},
            {"pck_crl_issuer_chain", subjects_of(collateral.pck_crl_issuer_chain)}};
}

void print(const std::string &name, const Json &value, std::vector<Row> &rows) {
    if (value.is_object()) {
        for (const auto &[key, inner] : value.items()) print(name.empty() ? key : std::string(name).append(".").append(key), inner, rows);
    } else if (value.is_array()) {
        for (const auto &inner : value) print(name, inner, rows);
    } else {
        rows.push_back({name, value.is_string() ? value.get<std::string>() : value.dump()});
    }
}

// Of a part.
Json json_of(const std::string &kind, const std::string &collateral) {
    if (kind != mr::tdx_kind) return {{"error", "its kind is not known here"}};
    const auto parsed = mr::parse_collateral(collateral);
    return parsed ? json_of(*parsed) : Json{{"error", mr::printable_text(parsed.error().message)}};
}

void print_collateral(const Json &collateral) {
    std::vector<Row> rows;
    print("", collateral, rows);
    print_table({"FIELD", "VALUE"}, rows);
}

}  // namespace

int inspect_collateral(bool json, const mr::Collateral &collateral) {
    if (json) {
        print_json(json_of(collateral).dump(2));
        return exit_done;
    }
    std::cout << "Collateral for TD quotes: TCB info, QE identity, certificate revocation lists\n";
    print_collateral(json_of(collateral));
    std::cout << "No signature and no date was checked: `mrctl verify` does that\n";
    return exit_done;
}

int inspect_evidence(bool json, const std::string &file, const mr::Evidence &evidence) {
    auto log = mr::EventLogReader::open(evidence.log);
    if (json) {
        Json parts = Json::array();
        for (const auto &part : evidence.parts) {
            parts.push_back({{"name", mr::printable_text(part.name)},
                             {"kind", mr::printable_text(part.kind)},
                             {"simulated", part.simulated},
                             {"quote_format", mr::printable_text(part.quote_format)},
                             {"quote_size", part.quote.size()}});
            if (part.sequence) parts.back()["sequence"] = *part.sequence;
            if (part.collateral) parts.back()["collateral"] = json_of(part.kind, *part.collateral);
        }
        Json registers = Json::array();
        for (const auto &reg : evidence.registers) {
            registers.push_back({{"name", mr::printable_text(reg.name)},
                                 {"owner", mr::to_string(reg.owner)},
                                 {"signed", mr::to_hex(reg.signed_value.bytes())},
                                 {"matches", reg.matches()}});
        }
        Json all{{"report_data", mr::to_hex(evidence.report_data)},
                 {"parts", parts},
                 {"time", evidence.time},
                 {"sequence", evidence.sequence},
                 {"log_size", evidence.log.size()},
                 {"registers", registers}};
        if (!log) all["log_error"] = mr::printable_text(log.error().message);
        if (evidence.cut) all["cut"] = {{"events", evidence.cut->events}, {"bytes", evidence.cut->bytes}};
        print_json(all.dump(2));
        return exit_done;
    }
    std::cout << "Evidence of mrd: quotes, and the event log that leads to what they sign\n";
    std::vector<Row> rows{{"report_data", mr::to_hex(evidence.report_data)},
                          {"time", utc_text(evidence.time / 1'000'000) + " by the guest's clock"},
                          {"log", std::to_string(evidence.log.size()) + " bytes, up to event " + std::to_string(evidence.sequence)}};
    if (evidence.cut) {
        rows.push_back({"cut", std::to_string(evidence.cut->events) + " events have no content: " + std::to_string(evidence.cut->bytes) +
                                   " bytes did not fit, says who made it"});
    }
    for (const auto &part : evidence.parts) {
        rows.push_back({"part", mr::printable_text(part.name) + " of the kind " + mr::printable_text(part.kind) +
                                    (part.simulated               ? ", simulated, so unbound, says who made it: it proves nothing"
                                     : part.kind == mr::spdm_kind ? ", unbound: nothing binds a device to the machine"
                                                                  : ", not simulated, says who made it")});
        rows.push_back({"quote", mr::printable_text(part.quote_format) + ", " + std::to_string(part.quote.size()) + " bytes" +
                                     (part.sequence ? ", shows the log up to event " + std::to_string(*part.sequence) : "")});
    }
    for (const auto &reg : evidence.registers) {
        rows.push_back({mr::printable_text(reg.name), std::string(mr::to_string(reg.owner)) + " " + mr::to_hex(reg.signed_value.bytes()) +
                                                          (reg.matches() ? ", which the log leads to, says who made it"
                                                                         : ", which the log does NOT lead to, says who made it")});
    }
    print_table({"FIELD", "VALUE"}, rows);
    for (const auto &part : evidence.parts) {
        if (part.collateral) print_collateral(json_of(part.kind, *part.collateral));
        if (!inspect_hardware(false, file, part.quote))
            std::cout << "the quote of " << mr::printable_text(part.name) << ": it is none of a kind that is known here\n";
    }
    if (log) return inspect_log(false, file, evidence.log, *log);
    std::cout << "the log: " << mr::printable_text(log.error().message) << '\n';
    return exit_done;
}

}  // namespace mrctl
