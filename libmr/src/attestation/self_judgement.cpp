#include "libmr/src/attestation/self_judgement.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>

#include "libmr/src/attestation/event_text.h"
#include "mr/self_measurement.h"
#include "proto/varlink/fields.h"
#include "proto/varlink/value.h"

namespace mr::attestation {

namespace {

using varlink::field;

// As mrd/daemon/self_description.h writes it.
struct SelfFields {
    std::string binary;
    std::optional<std::string> configuration;
    std::optional<std::string> reloaded;
    std::string access;
    std::vector<std::string> options;
    std::optional<std::map<std::string, std::string>> roles;
    static constexpr auto fields() {
        return std::tuple(field("binary", &SelfFields::binary), field("configuration", &SelfFields::configuration),
                          field("reloaded", &SelfFields::reloaded), field("access", &SelfFields::access),
                          field("options", &SelfFields::options), field("roles", &SelfFields::roles));
    }
};

bool has(const std::vector<std::string> &allowed, const std::string &value) { return std::ranges::find(allowed, value) != allowed.end(); }

}  // namespace

SelfJudgement::SelfJudgement(const ReferenceValues &reference, const SelfMeasurementRule &rule, std::span<const SignedRegister> registers)
    : reference_(reference), rule_(rule), registers_(registers), seen_(registers.size()) {}

std::string SelfJudgement::what_is_wrong(const EventContent &content) const {
    const auto *body = content.body();
    if (body == nullptr) return "the log does not have what it says";
    varlink::Document document;
    const std::string_view text =
        body->data ? std::string_view(reinterpret_cast<const char *>(body->data->data()), body->data->size()) : std::string_view();
    if (!document.parse(text)) return "what it says is no JSON";
    const auto said = varlink::decode<SelfFields>(document.root());
    if (!said) return "what it says of " + said.error().name + " cannot be read";
    if (!has(rule_.binaries, said->binary)) return "the binary is " + said->binary;
    const auto configuration = said->configuration.value_or("none");
    if (!has(rule_.configurations, configuration)) return "the configuration is " + configuration;
    if (said->reloaded && !has(rule_.configurations, *said->reloaded)) return "the configuration that was reloaded is " + *said->reloaded;
    if (!rule_.access.empty() && !has(rule_.access, said->access)) return "the access rules are " + said->access;
    if (std::ranges::find(rule_.options, said->options) == rule_.options.end()) {
        std::string options;
        for (const auto &each : said->options) options += (options.empty() ? "" : " ") + each;
        return options.empty() ? "there are no options" : "the options are " + options;
    }
    if (rule_.roles && *rule_.roles != said->roles.value_or(std::map<std::string, std::string>())) {
        std::string roles;
        for (const auto &[role, reg] : said->roles.value_or(std::map<std::string, std::string>()))
            roles += (roles.empty() ? "" : ", ") + role + " = " + reg;
        return roles.empty() ? "the configuration gives no roles" : "the roles are " + roles;
    }
    return {};
}

void SelfJudgement::note(const EventContent &content, const Event &event, std::size_t number, std::uint64_t count) {
    if (!is_meant(rule_.register_name, registers_[number], reference_)) return;
    auto &seen = seen_[number];
    if (!content.is_told()) {
        seen.untold = count;
        seen.untold_event = event_name(event, registers_[number].shown) + " is " + told(content);
        return;
    }
    const auto *header = content.header();
    if (header == nullptr || header->type != self_envelope_type || !content.is_of_register()) return;
    auto name = event_name(event, registers_[number].shown);
    if (auto wrong = what_is_wrong(content); !wrong.empty()) {
        seen.wrong = count;
        seen.why = name + ": " + wrong;
    } else {
        seen.good = count;
        seen.good_event = std::move(name);
    }
}

Finding SelfJudgement::finding(std::span<const LoggedEnd> ends) const {
    std::string found;
    std::string untold;
    bool takes_nothing_else = true;
    std::vector<std::string> in;
    for (std::size_t number = 0; number < registers_.size(); ++number) {
        if (!is_meant(rule_.register_name, registers_[number], reference_)) continue;
        const auto &seen = seen_[number];
        if (seen.wrong > 0 && ends[number].proves(seen.wrong)) return fails("mrd is another one than is allowed: " + seen.why);
        if (seen.untold > 0 && ends[number].proves(seen.untold)) untold = seen.untold_event;
        if (seen.good == 0 || !ends[number].proves(seen.good)) continue;
        in.push_back(registers_[number].part);
        found += (found.empty() ? "" : " and ") + seen.good_event;
        takes_nothing_else = takes_nothing_else && is_log_only(registers_[number], reference_);
    }
    const auto parts = parts_with(registers_, [&](const SignedRegister &reg) { return is_meant(rule_.register_name, reg, reference_); });
    if (parts.empty()) return fails(not_signed(rule_.register_name, registers_, reference_));
    if (!untold.empty())
        return not_judged(untold +
                          ", so that mrd may say of itself there that it is another one: only envelopes, or events whose content "
                          "the log has, may stand beside a self-measurement");
    const auto without = std::ranges::find_if(parts, [&](const std::string &part) { return std::ranges::find(in, part) == in.end(); });
    if (without != parts.end())
        return fails((parts.size() > 1 ? "in " + *without + ": " : "") + "mrd has not measured itself into " + rule_.register_name +
                     ", or only before a gap, where nothing binds it");
    return holds("mrd is one that is allowed, by its own word: " + found +
                 "; it tells the configuration of an image that something earlier measured" +
                 (takes_nothing_else ? "" : "; whoever may extend the register by digest can state it too"));
}

}  // namespace mr::attestation
