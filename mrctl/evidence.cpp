// mrctl evidence
#include "mr/evidence.h"

#include "mr/bytes.h"
#include "mrctl/commands.h"
#include "mrctl/output.h"

namespace mrctl {

int evidence(const Common &common, const EvidenceCommand &command) {
    const auto asked = quote_arguments(command.quote);
    if (!asked) return asked.error();
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto given = client->evidence(asked->report_data, asked->options);
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
        write_file(command.quote.output, command.cbor ? mr::write_evidence_cbor(*evidence) : mr::Bytes(json.begin(), json.end()));
    return written ? exit_done : fail(written.error());
}

}  // namespace mrctl
