// The calls of io.mrd.Devices.
#include <algorithm>
#include <string>
#include <utility>

#include "libmr/src/client/check_texts.h"
#include "libmr/src/client/make_call.h"
#include "libmr/wire/devices.h"
#include "mr/bytes.h"
#include "mr/client.h"

namespace mr {

using detail::make_call;
using detail::protocol_error;

namespace {

// Empty where there is none.
template <class Text>
std::string text_or_empty(const std::optional<Text> &text) {
    return text ? std::string(*text) : std::string();
}

std::expected<std::vector<Device>, Error> devices_of(const wire::devices::ListReply &reply) {
    std::vector<Device> devices;
    for (const auto &device : reply.devices)
        devices.push_back(
            {device.name, device.present, text_or_empty(device.reason), device.generation, text_or_empty(device.leaf), device.accepted});
    return devices;
}

std::expected<DeviceDescription, Error> device_of(const wire::devices::DescribeReply &reply) {
    const auto &told = reply.description;
    DeviceDescription device{.device = {told.name, told.present, text_or_empty(told.reason), told.generation, text_or_empty(told.leaf),
                                        told.verdict && told.verdict->holds},
                             .address = told.address,
                             .transport = std::string(told.transport),
                             .pci_function = told.pci_function,
                             .since = told.since.value_or(0),
                             .identity = text_or_empty(told.identity),
                             .pci = told.pci,
                             .dmtf = told.dmtf,
                             .certificates = told.chain,
                             .root = text_or_empty(told.root),
                             .slot = told.slot,
                             .slots = told.slots,
                             .link = std::string(told.link),
                             .tdi = std::string(told.tdi),
                             .version = text_or_empty(told.version),
                             .signature_algorithm = text_or_empty(told.signature_algorithm),
                             .hash = text_or_empty(told.hash),
                             .measurement_hash = text_or_empty(told.measurement_hash),
                             .value_is_fresh = told.value_fresh};
    if (told.signature) {
        auto nonce = from_hex(told.signature->nonce);
        if (!nonce) return std::unexpected(protocol_error("the nonce"));
        device.nonce = std::move(*nonce);
        device.signed_at = told.signature->time;
    }
    for (const auto &block : told.blocks) {
        auto value = from_hex(block.value);
        if (!value) return std::unexpected(protocol_error("a block's value"));
        device.blocks.push_back(
            {block.index, std::string(block.type), block.raw, text_or_empty(block.algorithm), std::move(*value), block.reg});
    }
    if (const auto &report = told.report)
        device.report = DeviceInterfaceReport{text_or_empty(report->digest), report->ranges, report->refused, text_or_empty(report->why)};
    if (told.log) device.log = DeviceLog{told.log->entries, told.log->holds, text_or_empty(told.log->why)};
    if (const auto &verdict = told.verdict)
        device.verdict = DeviceVerdict{verdict->generation, std::string(verdict->policy_digest),
                                       verdict->holds,      text_or_empty(verdict->why),
                                       verdict->sequence,   verdict->uid,
                                       verdict->time};
    return device;
}

std::expected<RawReply, Error> device_evidence_of(const wire::devices::EvidenceReply &reply) { return RawReply{reply.evidence.text}; }

std::expected<std::int64_t, Error> accepted_of(const wire::devices::AcceptReply &reply) { return reply.sequence; }

}  // namespace

namespace calls {

Call<std::vector<Device>> devices() { return make_call<wire::devices::List, &devices_of>({}); }

Call<DeviceDescription> device(std::string_view name) {
    return make_call<wire::devices::Describe, &device_of>(check_texts(wire::devices::DescribeParameters{name}));
}

Call<RawReply> device_evidence(std::string_view name, ByteView nonce, const std::optional<std::chrono::milliseconds> &deadline) {
    const auto hex = to_hex(nonce);
    wire::devices::EvidenceParameters parameters{name, hex, {}};
    if (deadline) parameters.deadline_milliseconds = deadline->count();
    // mrd takes its deadline, and then has as long as any call.
    const auto extra = std::clamp<std::chrono::milliseconds>(deadline.value_or(std::chrono::milliseconds(0)), std::chrono::milliseconds(0),
                                                             std::chrono::hours(1));
    return make_call<wire::devices::Evidence, &device_evidence_of>(check_texts(parameters), extra);
}

Call<std::int64_t> accept_device(std::string_view name, std::int64_t generation, std::string_view policy_digest) {
    return make_call<wire::devices::Accept, &accepted_of>(check_texts(wire::devices::AcceptParameters{name, generation, policy_digest}));
}

}  // namespace calls

namespace {

struct DevicesFunctions {
    static constexpr auto of(wire::devices::List) { return &Client::devices; }
    static constexpr auto of(wire::devices::Describe) { return &Client::device; }
    static constexpr auto of(wire::devices::Evidence) { return &Client::device_evidence; }
    static constexpr auto of(wire::devices::Accept) { return &Client::accept_device; }
};
static_assert(detail::has_all<DevicesFunctions>(wire::devices::DevicesMethods()), "a method that no client can call");

}  // namespace

}  // namespace mr
