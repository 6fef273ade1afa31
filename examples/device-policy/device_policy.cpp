// A policy: it asks for evidence of a device over a nonce of its own, judges it by a file of rules, and accepts that very generation. What it does on failure is the file's first word:
//
//   on_failure refuse | warn | go_on    exit 1; or say it, and exit 0; or exit 0. It accepts in none of these cases: whoever looks at mrd sees a device that nobody accepted
//   pci TEXT                            what the leaf certificate calls the PCI function; to be compared with what lspci says
//   block INDEX TYPE HEX                a block of that index and that type has this value. Never a set of values: a device that swaps two of them is another device
//   svn INDEX NUMBER                    the security version is at least that
//   unlisted allow | refuse             what a block that no rule is for means
//   value fresh | any                   fresh: the device has to measure when it is asked
//
//   device-policy DEVICE POLICY ROOTS
#include <ctime>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <string>

#include "mr/client.h"
#include "mr/digest.h"
#include "mr/file.h"
#include "mr/spdm_evidence.h"

namespace {

enum class OnFailure { refuse, warn, go_on };

struct Rule {
    std::uint8_t index = 0;
    std::string type;
    std::optional<mr::Bytes> value;           // of a block
    std::optional<std::uint64_t> least = {};  // of a security version
};

struct Policy {
    OnFailure on_failure = OnFailure::refuse;
    std::optional<std::string> pci;
    std::vector<Rule> rules;
    bool allows_unlisted = false;
    bool needs_fresh_values = true;
    std::string digest;
};

// Empty: it is one.
std::string read_rule(const std::string &line, Policy &policy) {
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word.empty() || word.starts_with('#')) return {};
    std::string argument;
    unsigned index = 0;
    if (word == "on_failure" && words >> argument) {
        if (argument != "refuse" && argument != "warn" && argument != "go_on") return line;
        policy.on_failure = argument == "refuse" ? OnFailure::refuse : argument == "warn" ? OnFailure::warn : OnFailure::go_on;
    } else if (word == "pci" && words >> argument) {
        policy.pci = argument;
    } else if (word == "block" && words >> index && index < 256) {
        std::string hex;
        words >> argument >> hex;
        auto value = mr::from_hex(hex);
        if (!value || value->empty()) return line;
        policy.rules.push_back({static_cast<std::uint8_t>(index), argument, std::move(*value)});
    } else if (std::uint64_t least = 0; word == "svn" && words >> index >> least && index < 256) {
        policy.rules.push_back({static_cast<std::uint8_t>(index), "security_version", std::nullopt, least});
    } else if (word == "unlisted" && words >> argument) {
        policy.allows_unlisted = argument == "allow";
    } else if (word == "value" && words >> argument) {
        policy.needs_fresh_values = argument != "any";
    } else {
        return line;
    }
    return {};
}

std::optional<Policy> read_policy(const char *path) {
    const auto bytes = mr::read_file(path, 1 << 20);
    if (!bytes) return std::cerr << bytes.error().message << '\n', std::nullopt;
    Policy policy;
    policy.digest = "sha384:" + mr::to_hex(mr::hash(mr::HashAlgorithm::sha384, *bytes)->bytes());
    std::istringstream lines(std::string(bytes->begin(), bytes->end()));
    for (std::string line; std::getline(lines, line);) {
        if (const auto wrong = read_rule(line, policy); !wrong.empty())
            return std::cerr << path << ": no rule: " << wrong << '\n', std::nullopt;
    }
    return policy;
}

mr::SpdmNonce new_nonce() {
    std::random_device random;
    mr::SpdmNonce nonce;
    for (auto &byte : nonce) byte = static_cast<std::uint8_t>(random());
    return nonce;
}

// As mrd gives it; nothing of it is believed before verify_spdm() has looked.
mr::SpdmEvidence evidence_of(const nlohmann::json &document) {
    mr::SpdmEvidence evidence;
    evidence.transcript = mr::from_base64(document.at("transcript").get<std::string>()).value_or(mr::Bytes());
    evidence.signature = mr::from_base64(document.at("signature").get<std::string>()).value_or(mr::Bytes());
    evidence.chain = mr::from_base64(document.at("chain").get<std::string>()).value_or(mr::Bytes());
    evidence.slot = document.at("slot").get<std::uint8_t>();
    evidence.version = mr::spdm_version_from(document.at("version").get<std::string>()).value_or(mr::SpdmVersion::v1_2);
    return evidence;
}

// Why it is not what the policy wants; empty: it is.
std::string judge(const Policy &policy, const mr::SpdmVerified &verified) {
    if (policy.needs_fresh_values && !verified.content.values_are_fresh()) return "its values may date from its last reset";
    std::set<std::uint8_t> listed;
    for (const auto &rule : policy.rules) {
        listed.insert(rule.index);
        const mr::SpdmBlock *found = nullptr;
        for (const auto &block : verified.content.blocks) {
            if (block.index == rule.index && mr::spdm_block_type_text(block.type) == rule.type) found = &block;
        }
        const auto name = "block " + std::to_string(rule.index) + " " + rule.type;
        if (found == nullptr) return "it has no " + name;
        if (rule.value && found->value != *rule.value) return name + " is " + mr::to_hex(found->value);
        if (rule.least && mr::spdm_security_version(*found).value_or(0) < *rule.least) return name + " is too low";
    }
    for (const auto &block : verified.content.blocks) {
        if (!policy.allows_unlisted && !listed.contains(block.index)) return "no rule is for its block " + std::to_string(block.index);
    }
    return {};
}

std::string accept(mr::Client &client, const std::string &device, const Policy &policy, const mr::TrustAnchors &roots) {
    const auto nonce = new_nonce();
    const auto told = client.device_evidence(device, nonce);
    if (!told) return told.error().message;
    const auto document = nlohmann::json::parse(told->json, nullptr, false);
    if (document.is_discarded()) return "its evidence is no JSON";
    const auto verified = mr::verify_spdm(evidence_of(document), nonce, roots, std::time(nullptr));
    if (!verified) return verified.error().message;
    if (auto why = judge(policy, *verified); !why.empty()) return why;
    if (policy.pci) {
        const auto described = client.device(device);
        if (!described || described->pci != policy.pci) return "its certificate is not for " + *policy.pci;
        // mrd's word for a name in a certificate that was verified: which one it was, the digest says.
        if (!described->device.leaf.ends_with(mr::to_hex(verified->identity.leaf_digest.bytes())))
            return "it has another certificate by now";
    }
    // Of this generation, or not at all: what has passed meanwhile was not judged.
    const auto accepted = client.accept_device(device, document.at("generation").get<std::int64_t>(), policy.digest);
    if (!accepted) return accepted.error().message;
    std::cout << device << " is accepted, event " << *accepted << '\n';
    return {};
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 4) return std::cerr << "usage: device-policy DEVICE POLICY ROOTS\n", 2;
    const std::string device = argv[1];
    const auto policy = read_policy(argv[2]);
    const auto file = mr::read_file(argv[3], mr::max_certificate_file_size);
    const auto roots = file ? mr::parse_trust_anchors(*file) : std::unexpected(file.error());
    if (!roots) std::cerr << roots.error().message << '\n';
    if (!policy || !roots) return 2;
    auto client = mr::Client::connect();
    const auto why = client ? accept(*client, device, *policy, *roots) : client.error().message;
    if (why.empty()) return 0;
    if (policy->on_failure != OnFailure::go_on) std::cerr << device << " is not accepted: " << why << '\n';
    return policy->on_failure == OnFailure::refuse ? 1 : 0;
}
