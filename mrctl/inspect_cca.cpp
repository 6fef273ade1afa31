// mrctl inspect of a token of Arm's CCA: its claims by name.
#include <iostream>
#include <nlohmann/json.hpp>

#include "mr/cca_token.h"
#include "mr/event_content.h"
#include "mrctl/inspect.h"
#include "mrctl/output.h"

namespace mrctl {

using Json = nlohmann::ordered_json;

namespace {

std::string algorithm_of(const mr::CoseSign1 &token) {
    if (token.algorithm == mr::cose_es256) return "ES256";
    if (token.algorithm == mr::cose_es384) return "ES384";
    return "COSE algorithm " + std::to_string(token.algorithm);
}

Json text_or_null(const std::optional<std::string_view> &text) { return text ? Json(mr::printable_text(*text)) : Json(); }

Json json_of(const mr::CcaComponent &component) {
    return {{"type", text_or_null(component.type)},
            {"measurement", mr::to_hex(component.measurement)},
            {"version", text_or_null(component.version)},
            {"signer_id", mr::to_hex(component.signer_id)},
            {"hash_alg", text_or_null(component.hash_algorithm)}};
}

Json json_of(const mr::CcaDevice &device) {
    return {{"hash_alg", text_or_null(device.hash_algorithm)},
            {"measurements", mr::to_hex(device.measurements)},
            {"certificate_chain", mr::to_hex(device.certificate_chain)},
            {"uses_ide", device.uses_ide},
            {"protocol", mr::printable_text(device.protocol)},
            {"vca", device.vca ? Json(mr::to_hex(*device.vca)) : Json()},
            {"type", text_or_null(device.type)},
            {"encryption", device.encryption ? Json(*device.encryption) : Json()}};
}

Json json_of(const mr::CcaBootKey &key) {
    return {{"name", mr::printable_text(key.name)}, {"array", key.array}, {"index", key.index}, {"hash", mr::to_hex(key.hash)}};
}

Json json_of(const mr::CcaToken &token) {
    const auto &platform = token.platform;
    Json components = Json::array();
    for (const auto &component : platform.components) components.push_back(json_of(component));
    const auto &realm = token.realm;
    Json rem = Json::array();
    for (const auto &each : realm.rem) rem.push_back(mr::to_hex(each));
    Json json{{"outer_tag", token.outer_tag},
              {"platform",
               {{"cmw_record", token.has_records()},
                {"alg", algorithm_of(token.platform_token)},
                {"profile", mr::printable_text(platform.profile)},
                {"nonce", mr::to_hex(platform.nonce)},
                {"implementation_id", mr::to_hex(platform.implementation_id)},
                {"instance_id", mr::to_hex(platform.instance_id)},
                {"config", mr::to_hex(platform.config)},
                {"lifecycle", platform.lifecycle},
                {"lifecycle_name", mr::to_string(mr::cca_lifecycle(platform.lifecycle))},
                {"hash_alg", mr::printable_text(platform.hash_algorithm)},
                {"service", text_or_null(platform.service)},
                {"sw_components", components}}},
              {"realm",
               {{"cmw_record", token.has_records()},
                {"alg", algorithm_of(token.realm_token)},
                {"profile", text_or_null(realm.profile)},
                {"challenge", mr::to_hex(realm.challenge)},
                {"rpv", mr::to_hex(realm.personalization)},
                {"hash_alg", mr::printable_text(realm.hash_algorithm)},
                {"rak", mr::to_hex(realm.key)},
                {"rak_form", realm.profile ? "COSE_Key" : "raw point 0x04||x||y"},
                {"rak_hash_alg", mr::printable_text(realm.key_hash_algorithm)},
                {"rim", mr::to_hex(realm.rim)},
                {"rem", rem}}}};
    auto &of_platform = json["platform"];
    if (platform.client_id) of_platform["client_id"] = *platform.client_id;
    if (platform.manufacturing_config) of_platform["manufacturing_config"] = mr::to_hex(*platform.manufacturing_config);
    for (const auto &device : platform.devices) of_platform["extension"].push_back(json_of(device));
    for (const auto &key : platform.boot_keys) of_platform["tbb_rotpk"].push_back(json_of(key));
    if (platform.peer_signers) of_platform["peer_signers"] = mr::to_hex(*platform.peer_signers);
    if (realm.instance_id) json["realm"]["instance_id"] = mr::to_hex(*realm.instance_id);
    if (realm.mec_policy)
        json["realm"]["mec_policy"] = *realm.mec_policy == 0   ? "shared"
                                      : *realm.mec_policy == 1 ? "private"
                                                               : std::to_string(*realm.mec_policy);
    return json;
}

}  // namespace

int inspect_cca_token(bool json, const mr::CcaToken &token, std::size_t total) {
    const auto fields = json_of(token);
    if (json) {
        print_json(fields.dump(2));
        return exit_done;
    }
    std::cout << "Token of an Arm CCA realm, " << total << " bytes\n";
    print_table({"CLAIM", "VALUE (bytes in hexadecimal, in their order)"}, rows_of(fields.dump()));
    const auto lifecycle = mr::cca_lifecycle(token.platform.lifecycle);
    if (lifecycle != mr::CcaLifecycle::secured)
        std::cout << "WARNING: the platform is not secured: its lifecycle is " << mr::to_string(lifecycle) << '\n';
    std::cout << "No signature was checked: `mrctl verify` does that, with the platform's key given by --roots\n";
    return exit_done;
}

}  // namespace mrctl
