#include "mrd/interfaces/devices.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "libmr/wire/devices.h"
#include "mr/bytes.h"
#include "mr/envelope.h"
#include "mrd/access/audit.h"
#include "mrd/clock.h"
#include "mrd/interfaces/known_register.h"
#include "mrd/interfaces/methods.h"
#include "mrd/interfaces/quote.h"
#include "mrd/registers/error_text.h"
#include "mrd/registers/measurement.h"
#include "mrd/shares/client_shares.h"
#include "proto/interfaces.h"

namespace mrd {

namespace wire = mr::wire;
using varlink::field;
using varlink::InvalidParameter;

namespace {

// Calls for evidence of one device: it is asked for one after the other, which takes each some seconds at most. One that was answered at its deadline, or whose client has
// gone, is held until its turn: so a connection, too, may hold several.
constexpr SharedBound evidence_calls_bound{
    .what = "calls for evidence of this device", .all = 64, .others = 48, .uid = 16, .connection = 8};
// Into the register that has it an acceptance is measured.
constexpr std::string_view acceptance_role = "app";

// ---- What is said

// Evidence as a file. docs/devices.md describes it.
struct EvidenceDocument {
    std::string_view device;
    std::int64_t generation = 0;
    std::int64_t time = 0;
    std::string nonce;
    std::string_view version;
    std::int64_t slot = 0;
    std::string_view signature_algorithm;
    std::string_view hash;
    std::optional<std::string_view> measurement_hash;
    bool value_fresh = false;
    std::string transcript;
    std::string signature;
    std::string chain;
    std::vector<wire::devices::Block> blocks;
    std::optional<std::string> measurement_log;
    static constexpr auto fields() {
        return std::tuple(field("device", &EvidenceDocument::device), field("generation", &EvidenceDocument::generation),
                          field("time", &EvidenceDocument::time), field("nonce", &EvidenceDocument::nonce),
                          field("version", &EvidenceDocument::version), field("slot", &EvidenceDocument::slot),
                          field("signatureAlgorithm", &EvidenceDocument::signature_algorithm), field("hash", &EvidenceDocument::hash),
                          field("measurementHash", &EvidenceDocument::measurement_hash),
                          field("valueFresh", &EvidenceDocument::value_fresh), field("transcript", &EvidenceDocument::transcript),
                          field("signature", &EvidenceDocument::signature), field("chain", &EvidenceDocument::chain),
                          field("blocks", &EvidenceDocument::blocks), field("measurementLog", &EvidenceDocument::measurement_log));
    }
};

// What an acceptance's envelope says: mr/device_acceptance.h.
struct Acceptance {
    std::string_view device;
    std::string_view leaf;
    std::int64_t slot = 0;
    std::int64_t generation = 0;
    std::string_view policy;
    static constexpr auto fields() {
        return std::tuple(field("device", &Acceptance::device), field("leaf", &Acceptance::leaf), field("slot", &Acceptance::slot),
                          field("generation", &Acceptance::generation), field("policy", &Acceptance::policy));
    }
};

std::vector<wire::devices::Block> blocks_of(std::string_view device, const DeviceFacts &facts, bool with_registers) {
    std::vector<wire::devices::Block> blocks;
    for (const auto &block : facts.blocks) {
        wire::devices::Block told{.index = block.index, .type = block.type, .raw = block.is_raw, .value = mr::to_hex(block.value)};
        if (!block.is_raw && facts.measurement_hash) told.algorithm = mr::to_string(*facts.measurement_hash);
        if (with_registers && block.reg) told.reg = std::string(device) + "/" + *block.reg;
        blocks.push_back(std::move(told));
    }
    return blocks;
}

std::string document_of(std::string_view device, const DeviceEvidence &evidence) {
    const auto &facts = evidence.facts;
    std::string text;
    varlink::write_json(
        text,
        EvidenceDocument{.device = device,
                         .generation = facts.generation,
                         .time = facts.signed_at,
                         .nonce = mr::to_hex(facts.nonce),
                         .version = facts.version,
                         .slot = evidence.slot,
                         .signature_algorithm = facts.signature_algorithm,
                         .hash = mr::to_string(facts.hash),
                         .measurement_hash = facts.measurement_hash ? std::optional(mr::to_string(*facts.measurement_hash)) : std::nullopt,
                         .value_fresh = facts.measures_anew,
                         .transcript = mr::to_base64(evidence.transcript),
                         .signature = mr::to_base64(evidence.signature),
                         .chain = mr::to_base64(evidence.chain),
                         .blocks = blocks_of(device, facts, false),
                         .measurement_log = evidence.log ? std::optional(mr::to_base64(*evidence.log)) : std::nullopt});
    return text;
}

// ---- What was decided

struct Accepted {
    DeviceGeneration generation = 0;
    std::string policy;
    std::int64_t sequence = 0;
    std::int64_t uid = 0;
    std::int64_t time = 0;

    [[nodiscard]] bool holds(const DeviceState &state) const { return state.facts && state.facts->generation == generation; }
};

std::string why_fallen(const DeviceState &state) {
    if (!state.facts) return "the device is not there: " + state.absence;
    return "the device is in generation " + std::to_string(state.facts->generation) + " by now";
}

// The last verdict of each device, of this start of mrd: generations of an earlier one have all passed.
using Verdicts = std::map<std::string, Accepted, std::less<>>;

// ---- The methods

using DeviceSlot = std::expected<ProviderSlot *, wire::devices::NoSuchDevice>;

DeviceState state_of(const ProviderSlot &slot) {
    const auto *device = slot.device();
    return device == nullptr ? DeviceState{.absence = "its provider has failed"} : device->state();
}

class DevicesHandlers : public std::enable_shared_from_this<DevicesHandlers> {
public:
    explicit DevicesHandlers(Daemon &daemon) : daemon_(daemon) {}

    void operator()(wire::devices::List, const Caller &caller, const varlink::NoParameters &, Answer<wire::devices::List> answer) {
        wire::devices::ListReply reply;
        for (const auto *slot : known(caller)) {
            auto state = state_of(*slot);
            const auto accepted = verdicts_.find(slot->name());
            wire::devices::Device told{.name = std::string(slot->name()),
                                       .present = state.facts.has_value(),
                                       .accepted = accepted != verdicts_.end() && accepted->second.holds(state)};
            if (state.facts) {
                told.generation = state.facts->generation;
                told.leaf = std::move(state.facts->leaf);
            } else {
                told.reason = std::move(state.absence);
            }
            reply.devices.push_back(std::move(told));
        }
        answer.reply(reply);
    }

    void operator()(wire::devices::Describe, const Caller &caller, const wire::devices::DescribeParameters &parameters,
                    Answer<wire::devices::Describe> answer) {
        const auto slot = find(caller, parameters.device);
        if (!slot) return answer.fail(slot.error());
        const auto state = state_of(**slot);
        wire::devices::Description told{.name = std::string((*slot)->name()),
                                        .address = state.address,
                                        .transport = state.transport,
                                        .present = state.facts.has_value(),
                                        .slot = state.slot,
                                        .link = state.link,
                                        .tdi = state.tdi};
        if (!state.pci_function.empty()) told.pci_function = state.pci_function;
        if (!state.facts) told.reason = state.absence;
        if (state.facts) describe(*state.facts, told);
        // As long as it is said.
        std::string why;
        if (const auto accepted = verdicts_.find(parameters.device); accepted != verdicts_.end()) {
            const auto &[generation, policy, sequence, uid, time] = accepted->second;
            const bool holds = accepted->second.holds(state);
            if (!holds) why = why_fallen(state);
            told.verdict = wire::devices::Verdict{generation, policy, holds, holds ? std::nullopt : std::optional<std::string_view>(why),
                                                  sequence,   uid,    time};
        }
        answer.reply({std::move(told)});
    }

    void operator()(wire::devices::Evidence, const Caller &caller, const wire::devices::EvidenceParameters &parameters,
                    Answer<wire::devices::Evidence> answer) {
        const auto nonce = nonce_from(parameters.nonce);
        if (!nonce) return answer.fail(InvalidParameter{"nonce"});
        const auto deadline = deadline_of(parameters.deadline_milliseconds);
        if (!deadline) return answer.fail(deadline.error());
        const auto found = find(caller, parameters.device);
        if (!found) return answer.fail(found.error());
        auto *slot = *found;
        if (slot->device() == nullptr) return answer.fail(wire::devices::DeviceAbsent{std::string(slot->name()), state_of(*slot).absence});
        auto held = hold_call(*slot, caller.client());
        if (!held) return answer.fail(Busy{std::move(held.error())});
        auto gone = answer.client_gone();
        // Whoever asked before may take longer than this one has time: he is answered at his deadline, whoever's turn it is.
        struct Waiting {
            std::optional<Answer<wire::devices::Evidence>> answer;
            std::shared_ptr<void> timer = {};
        };
        const auto waiting = std::make_shared<Waiting>(Waiting{std::move(answer)});
        waiting->timer = daemon_.registers().at(*deadline, [weak = std::weak_ptr(waiting), slot] {
            const auto late = weak.lock();
            if (!late || !late->answer) return;
            std::exchange(late->answer, std::nullopt)->fail(wire::devices::DeviceTimeout{std::string(slot->name())});
        });
        slot->device_evidence(caller.client().uid, *nonce, *deadline, std::move(gone),
                              [waiting, slot, held = std::move(*held)](const std::expected<DeviceEvidence, DeviceFailure> &evidence) {
                                  if (!waiting->answer) return;
                                  auto to = *std::exchange(waiting->answer, std::nullopt);
                                  waiting->timer.reset();
                                  if (!evidence) return fail(to, *slot, evidence.error());
                                  to.reply({{document_of(slot->name(), *evidence)}});
                              });
    }

    void operator()(wire::devices::Accept, const Caller &caller, const wire::devices::AcceptParameters &parameters,
                    Answer<wire::devices::Accept> answer) {
        const auto policy = mr::content_digest_from(parameters.policy_digest);
        if (!policy || policy->algorithm == mr::HashAlgorithm::sha1) return answer.fail(InvalidParameter{"policyDigest"});
        const auto found = find(caller, parameters.device);
        if (!found) return answer.fail(found.error());
        auto *slot = *found;
        const auto state = state_of(*slot);
        const auto name = std::string(slot->name());
        if (!state.facts) return answer.fail(wire::devices::DeviceAbsent{name, state.absence});
        if (state.facts->generation != parameters.generation)
            return answer.fail(wire::devices::GenerationPassed{name, parameters.generation, state.facts->generation});
        const auto place = daemon_.registers().find(acceptance_role);
        if (!place) return answer.fail(wire::devices::NotMeasured{sentence_of(place.error())});
        if (auto allowed = place->table().may_measure(place->index); !allowed)
            return answer.fail(wire::devices::NotMeasured{sentence_of(allowed.error())});
        auto policy_text = mr::to_string(*policy);
        std::string said;
        varlink::write_json(said, Acceptance{name, state.facts->leaf, state.slot, parameters.generation, policy_text});
        const auto by = caller.in_log();
        auto measured = measure_acceptance(place->provider->measured(place->index), name, said, by);
        if (!measured) return answer.fail(wire::devices::NotMeasured{"what it says is longer than an event can hold"});
        const auto share = caller.client().uid;
        measured->details.share = share;
        const auto digest = measured->digests.front();
        place->provider->extend(
            place->index, digest, std::move(measured->details),
            [self = shared_from_this(), slot, name, place = *place, by, share, uid = std::int64_t{caller.uid()},
             generation = parameters.generation, policy_text = std::move(policy_text),
             answer = std::move(answer)](const std::expected<ProviderRegisters::Extended, RegisterError> &extended) mutable {
                if (!extended) return answer.fail(wire::devices::NotMeasured{sentence_of(extended.error())});
                self->daemon_.audit()->tell(
                    {.kind = log::Kind::extend, .method = "Accept", .reg = place.name(), .sequence = extended->sequence}, *by, share);
                const Accepted accepted{generation, std::move(policy_text), extended->sequence, uid, now_in_microseconds()};
                // Meanwhile it may have passed: the event is true all the same, and says of which it is.
                const auto now = state_of(*slot);
                self->verdicts_.insert_or_assign(name, accepted);
                if (!accepted.holds(now)) {
                    return answer.fail(
                        wire::devices::GenerationPassed{name, generation, now.facts ? std::optional(now.facts->generation) : std::nullopt});
                }
                answer.reply({extended->sequence});
            });
    }

private:
    using Busy = wire::Busy;

    static std::optional<DeviceNonce> nonce_from(std::string_view hex) {
        const auto bytes = mr::from_hex(hex);
        DeviceNonce nonce{};
        if (!bytes || bytes->size() != nonce.size()) return std::nullopt;
        std::ranges::copy(*bytes, nonce.begin());
        return nonce == DeviceNonce{} ? std::nullopt : std::optional(nonce);
    }

    // As long as it is kept; error: the limit that it would exceed.
    std::expected<std::shared_ptr<void>, std::string> hold_call(const ProviderSlot &slot, const Client &client) {
        auto &shares = evidence_calls_[&slot];
        if (!shares) shares = std::make_shared<ClientShares>(evidence_calls_bound);
        if (const auto limit = shares->exceeded(client, 1)) return std::unexpected(shares->name_of(*limit, client));
        shares->take(client, 1);
        return std::shared_ptr<void>(nullptr, [shares, client](void *) { shares->give_back(client, 1); });
    }

    static void fail(Answer<wire::devices::Evidence> &answer, const ProviderSlot &slot, const DeviceFailure &failure) {
        auto name = std::string(slot.name());
        switch (failure.cause) {
        case DeviceFailure::Cause::absent: return answer.fail(wire::devices::DeviceAbsent{std::move(name), failure.reason});
        case DeviceFailure::Cause::timed_out: return answer.fail(wire::devices::DeviceTimeout{std::move(name)});
        case DeviceFailure::Cause::failed: return answer.fail(wire::devices::DeviceFailed{std::move(name), failure.reason});
        }
    }

    static void describe(const DeviceFacts &facts, wire::devices::Description &told) {
        told.generation = facts.generation;
        told.since = facts.since;
        told.identity = facts.identity;
        told.pci = facts.pci;
        told.dmtf = facts.dmtf;
        told.leaf = facts.leaf;
        told.chain = static_cast<std::int64_t>(facts.certificates);
        told.root = facts.root;
        told.slots.assign(facts.slots.begin(), facts.slots.end());
        told.version = facts.version;
        told.signature_algorithm = facts.signature_algorithm;
        told.hash = mr::to_string(facts.hash);
        if (facts.measurement_hash) told.measurement_hash = mr::to_string(*facts.measurement_hash);
        told.signature = wire::devices::Signature{mr::to_hex(facts.nonce), facts.signed_at};
        told.value_fresh = facts.measures_anew;
        told.blocks = blocks_of(told.name, facts, true);
        if (facts.log) {
            told.log = wire::devices::Log{static_cast<std::int64_t>(facts.log->entries), facts.log->defect.empty(), std::nullopt};
            if (!facts.log->defect.empty()) told.log->why = facts.log->defect;
        }
        if (const auto &report = facts.interface) {
            told.report = wire::devices::Report{.ranges = static_cast<std::int64_t>(report->ranges), .refused = report->refused};
            if (!report->digest.empty()) told.report->digest = report->digest;
            if (!report->defect.empty()) told.report->why = report->defect;
        }
    }

    [[nodiscard]] std::vector<ProviderSlot *> known(const Caller &caller) const {
        std::vector<ProviderSlot *> all;
        for (auto *slot : daemon_.providers()) {
            if (slot->device() != nullptr && knows_of_provider(daemon_.registers(), caller, slot->name())) all.push_back(slot);
        }
        return all;
    }

    [[nodiscard]] DeviceSlot find(const Caller &caller, std::string_view name) const {
        const auto all = known(caller);
        const auto found = std::ranges::find(all, name, [](const auto *slot) { return slot->name(); });
        if (found != all.end()) return *found;
        wire::devices::NoSuchDevice error{varlink::echoed(name), {}};
        for (const auto *slot : all) error.candidates.emplace_back(slot->name());
        return std::unexpected(std::move(error));
    }

    Daemon &daemon_;
    Verdicts verdicts_;
    std::map<const ProviderSlot *, std::shared_ptr<ClientShares>> evidence_calls_;
};

}  // namespace

varlink::Interface devices_interface(Daemon &daemon) {
    return make_interface<interfaces::io_mrd_Devices>(wire::devices::DevicesMethods(), daemon.gate(),
                                                      std::make_shared<DevicesHandlers>(daemon));
}

}  // namespace mrd
