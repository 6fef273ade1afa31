// mrctl inspect of an attestation result (EAR).
#include <algorithm>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "mr/ear.h"
#include "mr/event_content.h"
#include "mrctl/inspect.h"
#include "mrctl/output.h"

namespace mrctl {

using Json = nlohmann::ordered_json;

namespace {

bool has_expired(const mr::Ear &ear) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return ear.expires && *ear.expires <= std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

Json texts(const std::vector<std::string> &all) {
    Json list = Json::array();
    for (const auto &each : all) list.push_back(mr::printable_text(each));
    return list;
}

Json json_of(const mr::SignedEar &result, std::optional<bool> signature_holds) {
    const auto &ear = result.ear;
    Json json{{"profile", mr::printable_text(ear.profile)},
              {"algorithm", mr::printable_text(result.algorithm)},
              {"signature_holds", signature_holds ? Json(*signature_holds) : Json()},
              {"issued", ear.issued_at},
              {"verifier", {{"developer", mr::printable_text(ear.developer)}, {"build", mr::printable_text(ear.build)}}},
              {"nonces", texts(ear.nonces)},
              {"appraisals", Json::object()}};
    if (ear.expires) {
        json["expires"] = *ear.expires;
        json["expired"] = has_expired(ear);
    }
    for (const auto &[name, appraisal] : ear.appraisals) {
        Json vector = Json::object();
        for (const auto &[claim, value] : appraisal.vector) vector[mr::printable_text(claim)] = value;
        json["appraisals"][mr::printable_text(name)] = {{"status", mr::to_string(appraisal.status)},
                                                        {"vector", vector},
                                                        {"policies", texts(appraisal.policy_ids)},
                                                        {"unbound_registers", texts(appraisal.unbound_registers)}};
    }
    return json;
}

}  // namespace

int inspect_ear(bool json, const mr::SignedEar &result, const std::vector<mr::PlatformKey> &keys) {
    const bool holds = std::ranges::any_of(keys, [&](const mr::PlatformKey &key) { return mr::is_signed_by(result, key.key); });
    if (json) {
        print_json(json_of(result, keys.empty() ? std::nullopt : std::optional(holds)).dump(2));
        return keys.empty() || holds ? exit_done : exit_refused;
    }
    const auto &ear = result.ear;
    std::cout << "Attestation result (EAR), " << mr::printable_text(ear.profile) << '\n';
    std::vector<Row> rows{{"verifier", mr::printable_text(ear.developer) + ", " + mr::printable_text(ear.build)},
                          {"issued", utc_text(ear.issued_at)}};
    if (ear.expires) rows.push_back({"expires", utc_text(*ear.expires) + (has_expired(ear) ? " (it has expired)" : "")});
    for (const auto &nonce : ear.nonces) rows.push_back({"nonce", mr::printable_text(nonce)});
    for (const auto &[name, appraisal] : ear.appraisals) {
        const auto attester = mr::printable_text(name);
        rows.push_back({attester + ".status", std::string(mr::to_string(appraisal.status))});
        for (const auto &[claim, value] : appraisal.vector)
            rows.push_back(
                {attester + "." + mr::printable_text(claim), std::to_string(value) + " (" + mr::ear_value_text(claim, value) + ")"});
        for (const auto &policy : appraisal.policy_ids) rows.push_back({attester + ".policy", mr::printable_text(policy)});
        for (const auto &reg : appraisal.unbound_registers) rows.push_back({attester + ".unbound", mr::printable_text(reg)});
    }
    print_table({"CLAIM", "VALUE"}, rows);
    if (keys.empty()) {
        std::cout << "The signature (" << mr::printable_text(result.algorithm)
                  << ") was not checked: --key names the verifier's public key\n";
        return exit_done;
    }
    std::cout << (holds ? "The signature holds\n" : "The signature does NOT hold\n");
    return holds ? exit_done : exit_refused;
}

}  // namespace mrctl
