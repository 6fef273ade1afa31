// mrctl evidence
#include "mr/evidence.h"

#include "mr/bytes.h"
#include "mrctl/commands.h"
#include "mrctl/output.h"

namespace mrctl {

int evidence(const Common &common, const EvidenceCommand &command) {
    const auto report_data = report_data_of("--data", command.data);
    if (!report_data) return fail_usage(report_data.error().message);
    mr::EvidenceOptions options{.providers = command.providers};
    if (command.deadline_ms) options.deadline = std::chrono::milliseconds(*command.deadline_ms);
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto given = client->evidence(*report_data, options);
    if (!given) return fail(given.error());
    const auto evidence = mr::parse_evidence(mr::as_bytes(given->json));
    if (!evidence) return fail(evidence.error());
    if (evidence->simulated()) note("this evidence is simulated and proves nothing");
    if (evidence->cut)
        note("the log does not fit: " + std::to_string(evidence->cut->events) +
             " of its events lack what they say; `mrctl quote` and `mrctl log --format json` have all of it");
    if (!evidence->coherent()) note("the log does not lead to what is signed: somebody else has extended a register");
    const auto json = command.cbor ? std::string() : mr::write_evidence_json(*evidence) + '\n';
    const auto written =
        write_file(command.output, command.cbor ? mr::write_evidence_cbor(*evidence) : mr::Bytes(json.begin(), json.end()));
    return written ? exit_done : fail(written.error());
}

}  // namespace mrctl
