// mrctl evidence
#include "mr/evidence.h"

#include "mr/bytes.h"
#include "mr/wrapped_evidence.h"
#include "mrctl/commands.h"
#include "mrctl/output.h"

namespace mrctl {

namespace {

using EvidenceCall = mr::Call<mr::RawReply>;

mr::EvidenceOptions options_of(const EvidenceCommand &command) {
    mr::EvidenceOptions options{.registers = command.registers, .providers = command.providers};
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
    if (command.cbor && command.format == "coco") return fail_usage("evidence: CoCo's evidence is JSON: --cbor goes with mrd and cmw");
    auto call = command.data ? call_over(*command.data, options_of(command)) : call_that_binds(command, options_of(command));
    if (!call) return call.error().code == mr::ErrorCode::invalid_argument ? fail_usage(call.error().message) : fail(call.error());
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto given = client->call(*call);
    if (!given) return fail(given.error());
    const auto evidence = mr::parse_evidence(mr::as_bytes(given->json));
    if (!evidence) return fail(evidence.error());
    if (evidence->simulated()) note("this evidence is simulated and proves nothing");
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
