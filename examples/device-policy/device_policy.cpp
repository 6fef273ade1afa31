// A policy: it asks for evidence of a device over a nonce of its own, judges it by a file of rules, and accepts that very generation. What it does on failure the file has to say. A line that is no rule,
// and a rule that is there twice, is an error:
//
//   on_failure refuse | warn | go_on    exit 1; or say it, and exit 0; or exit 0. It accepts in none of these cases: whoever looks at mrd sees a device that nobody accepted
//   pci TEXT                            what the leaf certificate calls the PCI function; to be compared with what lspci says
//   block INDEX TYPE HEX                a block of that index and that type has this value. Never a set of values: a device that swaps two of them is another device
//   svn INDEX NUMBER                    the security version is at least that
//   mode normal | any                   normal, also where the file has no such line: the device says that it is in normal mode, and that nobody debugs it or has done so
//   unlisted allow | refuse             what a block that no rule is for means; refuse where the file has no such line
//   value fresh | any                   fresh, also where the file has no such line: the device has to measure when it is asked
//
//   device-policy DEVICE POLICY ROOTS
#include <algorithm>
#include <charconv>
#include <ctime>
#include <initializer_list>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "mr/client.h"
#include "mr/digest.h"
#include "mr/file.h"
#include "mr/spdm_evidence.h"
#include "mr/verify_spdm.h"

namespace {

enum class OnFailure { refuse, warn, go_on };

constexpr std::uint32_t normal_mode = 4;  // of the device-mode block

struct Rule {
    std::uint8_t index = 0;
    std::uint8_t type = 0;
    std::optional<mr::Bytes> value = {};      // of a block
    std::optional<std::uint64_t> least = {};  // of a security version
};

struct Policy {
    OnFailure on_failure = OnFailure::refuse;
    std::optional<std::string> pci;
    std::vector<Rule> rules;
    bool allows_unlisted = false;
    bool needs_fresh_values = true;
    bool needs_normal_mode = true;
    std::string digest;
    std::set<std::string> said;  // the words that the file has, of those that it may have once
};

// Which of the words it is, by number. Nothing: none of them.
std::optional<std::size_t> one_of(const std::string &word, std::initializer_list<const char *> words) {
    const auto *const found = std::find(words.begin(), words.end(), word);
    return found == words.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - words.begin()));
}

// Decimal and nothing else.
template <class Number>
bool is_number(const std::string &text, Number &number) {
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failed == std::errc{} && end == text.data() + text.size();
}

// Of one line's words, of which there is one at least.
bool read_rule(const std::vector<std::string> &words, Policy &policy) {
    const auto &word = words.front();
    if (word == "block" && words.size() == 4) {
        Rule rule;
        const auto type = mr::spdm_block_type_from(words[2]);
        auto value = mr::from_hex(words[3]);
        if (!is_number(words[1], rule.index) || !type || !value || value->empty()) return false;
        rule.type = *type;
        rule.value = std::move(*value);
        policy.rules.push_back(std::move(rule));
        return true;
    }
    if (word == "svn" && words.size() == 3) {
        Rule rule{.type = std::to_underlying(mr::SpdmBlockType::security_version)};
        if (!is_number(words[1], rule.index) || !is_number(words[2], rule.least.emplace())) return false;
        policy.rules.push_back(std::move(rule));
        return true;
    }
    // Those that are of the whole file.
    if (words.size() != 2 || !policy.said.insert(word).second) return false;
    const auto &argument = words[1];
    if (word == "pci") {
        policy.pci = argument;
        return true;
    }
    std::optional<std::size_t> chosen;
    if (word == "on_failure" && (chosen = one_of(argument, {"refuse", "warn", "go_on"})))
        policy.on_failure = static_cast<OnFailure>(*chosen);
    if (word == "unlisted" && (chosen = one_of(argument, {"refuse", "allow"}))) policy.allows_unlisted = *chosen == 1;
    if (word == "value" && (chosen = one_of(argument, {"fresh", "any"}))) policy.needs_fresh_values = *chosen == 0;
    if (word == "mode" && (chosen = one_of(argument, {"normal", "any"}))) policy.needs_normal_mode = *chosen == 0;
    return chosen.has_value();
}

std::optional<Policy> read_policy(const char *path) {
    const auto bytes = mr::read_file(path, 1 << 20);
    if (!bytes) return std::cerr << bytes.error().message << '\n', std::nullopt;
    Policy policy;
    policy.digest = "sha384:" + mr::to_hex(mr::hash(mr::HashAlgorithm::sha384, *bytes)->bytes());
    std::istringstream lines(std::string(bytes->begin(), bytes->end()));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream text(line);
        const std::vector<std::string> words{std::istream_iterator<std::string>(text), {}};
        if (words.empty() || words.front().starts_with('#')) continue;
        if (!read_rule(words, policy)) return std::cerr << path << ": no rule, or said twice: " << line << '\n', std::nullopt;
    }
    if (!policy.said.contains("on_failure")) return std::cerr << path << ": on_failure is missing: refuse, warn or go_on\n", std::nullopt;
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
    std::optional<mr::SpdmDeviceMode> mode;
    for (const auto &block : verified.content.blocks) {
        if (!mode) mode = mr::spdm_device_mode(block);
    }
    if (policy.needs_normal_mode) {
        if (!mode) return "it does not say in which mode it is";
        if (mode->mode != normal_mode) return "it is in another mode than normal: " + mr::bits_text(mode->mode, mr::spdm_mode_bits());
        if (mode->debug != 0) return "it is, or was, under debug: " + mr::bits_text(mode->debug, mr::spdm_debug_bits());
    }
    std::set<std::uint8_t> listed;
    for (const auto &rule : policy.rules) {
        listed.insert(rule.index);
        const mr::SpdmBlock *found = nullptr;
        for (const auto &block : verified.content.blocks) {
            if (block.index == rule.index && block.type == rule.type) found = &block;
        }
        const auto name = "block " + std::to_string(rule.index) + " " + mr::spdm_block_type_text(rule.type);
        if (found == nullptr) return "it has no " + name;
        if (rule.value && found->value != *rule.value) return name + " is " + mr::to_hex(found->value);
        if (rule.least && mr::spdm_security_version(*found).value_or(0) < *rule.least) return name + " is too low";
    }
    for (const auto &block : verified.content.blocks) {
        const bool is_judged_mode = policy.needs_normal_mode && mr::spdm_device_mode(block).has_value();
        if (!policy.allows_unlisted && !is_judged_mode && !listed.contains(block.index))
            return "no rule is for its block " + std::to_string(block.index);
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
