// mrctl evidence
#include "mr/evidence.h"

#include <algorithm>

#include "mr/bytes.h"
#include "mr/event_content.h"
#include "mr/spdm.h"
#include "mr/verify_spdm.h"
#include "mr/wrapped_evidence.h"
#include "mrctl/commands.h"
#include "mrctl/output.h"

namespace mrctl {

namespace {

using EvidenceCall = mr::Call<mr::RawReply>;

mr::EvidenceOptions options_of(const EvidenceCommand &command) {
    mr::EvidenceOptions options{.registers = {}, .providers = command.providers};
    for (const auto &name : command.registers) options.registers.push_back(virtual_register_name(name));
    if (command.deadline_ms) options.deadline = std::chrono::milliseconds(*command.deadline_ms);
    return options;
}

std::expected<EvidenceCall, mr::Error> call_over(const std::string &data, const mr::EvidenceOptions &options) {
    const auto report_data = report_data_of("--data", data);
    if (!report_data) return std::unexpected(report_data.error());
    return mr::calls::evidence(*report_data, options);
}

std::expected<EvidenceCall, mr::Error> call_that_binds(const EvidenceCommand &command, const mr::EvidenceOptions &options) {
    std::optional<mr::Bytes> key;
    if (command.bind.key) {
        auto file = read_file(*command.bind.key, mr::max_public_key_file);
        if (!file) return std::unexpected(file.error());
        key = std::move(*file);
    }
    const auto binding = binding_of(command.bind, "--bind-", command.nonce, key);
    if (!binding) return std::unexpected(binding.error());
    return mr::calls::bound_evidence(*binding, options);
}

// Each device signs the nonce that the other parts' quotes are over.
std::expected<void, mr::Error> add_devices(const EvidenceCommand &command, mr::Client &client, mr::Evidence &evidence) {
    const auto nonce = mr::ByteView(evidence.report_data).first(mr::spdm_nonce_size);
    for (const auto &name : command.devices) {
        if (evidence.parts.size() == mr::max_evidence_parts)
            return std::unexpected(mr::Error{mr::ErrorCode::invalid_argument,
                                             "evidence has at most " + std::to_string(mr::max_evidence_parts) + " parts: name fewer"});
        if (std::ranges::find(evidence.parts, name, &mr::EvidencePart::name) != evidence.parts.end())
            return std::unexpected(mr::Error{mr::ErrorCode::invalid_argument, "--device: " + name + " is a part already"});
        const auto given = client.device_evidence(
            name, nonce, command.deadline_ms ? std::optional(std::chrono::milliseconds(*command.deadline_ms)) : std::nullopt);
        if (!given) return std::unexpected(given.error());
        evidence.parts.push_back({.name = name,
                                  .kind = std::string(mr::spdm_kind),
                                  .quote = {given->json.begin(), given->json.end()},
                                  .quote_format = std::string(mr::spdm_kind)});
    }
    return {};
}

mr::Bytes bytes_of(const std::string &text) { return {text.begin(), text.end()}; }

std::expected<mr::Bytes, mr::Error> written_as(const EvidenceCommand &command, const mr::Evidence &evidence) {
    if (command.format == "cmw") return mr::write_evidence_cmw(evidence, command.cbor ? mr::WrapEncoding::cbor : mr::WrapEncoding::json);
    if (command.format == "coco") {
        const auto json = mr::write_evidence_coco(evidence);
        if (!json) return std::unexpected(json.error());
        return bytes_of(*json + '\n');
    }
    return command.cbor ? mr::write_evidence_cbor(evidence) : bytes_of(mr::write_evidence_json(evidence) + '\n');
}

}  // namespace

int evidence(const Common &common, const EvidenceCommand &command) {
    if (command.data.has_value() == command.bind.given())
        return fail_usage("evidence: give --data, or with --nonce what to bind: --bind-key or --bind-tls-exporter");
    if (command.data && (command.nonce || command.bind.role))
        return fail_usage("evidence: --nonce and --role go with --bind-key or --bind-tls-exporter; --data is a nonce by itself");
    for (const auto &name : command.registers) {
        if (!virtual_register_name(name).starts_with("virtual/"))
            return fail_usage("evidence: --for takes virtual registers, as virtual/build: every event of " + mr::printable_text(name) +
                              " is whole");
    }
    if (command.cbor && command.format == "coco") return fail_usage("evidence: CoCo's evidence is JSON: --cbor goes with mrd and cmw");
    if (!command.devices.empty() && (!command.data || command.data->size() > 2 * mr::spdm_nonce_size))
        return fail_usage("evidence: a device signs a nonce of at most 32 bytes: with --device give --data of no more");
    if (!command.devices.empty() && command.format != "mrd")
        return fail_usage("evidence: --device goes with mrd's own form, of which a device can be a part");
    auto call = command.data ? call_over(*command.data, options_of(command)) : call_that_binds(command, options_of(command));
    if (!call) return call.error().code == mr::ErrorCode::invalid_argument ? fail_usage(call.error().message) : fail(call.error());
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto given = client->call(*call);
    if (!given) return fail(given.error());
    auto evidence = mr::parse_evidence(mr::as_bytes(given->json));
    if (!evidence) return fail(evidence.error());
    if (const auto added = add_devices(command, *client, *evidence); !added)
        return added.error().code == mr::ErrorCode::invalid_argument ? fail_usage("evidence: " + added.error().message)
                                                                     : fail(added.error());
    if (evidence->simulated()) note("this evidence is simulated, so unbound, and proves nothing");
    for (const auto &name : command.devices) note("unbound: nothing binds " + mr::printable_text(name) + " to this machine's hardware");
    if (evidence->cut)
        note("the log does not fit: " + std::to_string(evidence->cut->events) +
             " of its events lack what they say; `mrctl quote` and `mrctl log --format json` have all of it");
    if (!evidence->coherent()) note("the log does not lead to what is signed: somebody else has extended a register");
    const auto file = written_as(command, *evidence);
    if (!file) return fail(file.error());
    const auto written = write_file(command.output, *file);
    return written ? exit_done : fail(written.error());
}

}  // namespace mrctl
