// mrctl quote, mrctl evidence, mrctl collateral
#include <iostream>
#include <nlohmann/json.hpp>

#include "mr/bytes.h"
#include "mrctl/commands.h"
#include "mrctl/output.h"

namespace mrctl {

using Json = nlohmann::ordered_json;

namespace {

// Connects, and asks with what the command says. Error: the exit code; what is wrong has been told.
template <class T>
std::expected<T, int> ask(const Common &common, const QuoteCommand &command,
                          std::expected<T, mr::Error> (mr::Client::*method)(const mr::ReportData &, const mr::QuoteOptions &)) {
    const auto report_data = report_data_of("--data", command.data);
    if (!report_data) return std::unexpected(fail_usage(report_data.error().message));
    mr::QuoteOptions options{.provider = command.provider};
    if (command.deadline_ms) options.deadline = std::chrono::milliseconds(*command.deadline_ms);
    auto client = mr::Client::connect(common.client);
    if (!client) return std::unexpected(fail(client.error()));
    auto answer = (*client.*method)(*report_data, options);
    if (!answer) return std::unexpected(fail(answer.error()));
    return std::move(*answer);
}

}  // namespace

int quote(const Common &common, const QuoteCommand &command) {
    const auto quoted = ask(common, command, &mr::Client::quote);
    if (!quoted) return quoted.error();
    if (common.json && command.output.empty()) {
        Json json{{"quote", mr::to_base64(quoted->quote)}};
        if (quoted->auxiliary) json["auxiliary"] = mr::to_base64(*quoted->auxiliary);
        json["format"] = quoted->format;
        json["provider"] = quoted->provider;
        json["simulated"] = quoted->simulated;
        print_json(json.dump());
        return exit_done;
    }
    if (quoted->simulated) note("this quote is simulated and proves nothing");
    if (command.output.empty()) {
        std::cout << mr::to_base64(quoted->quote) << '\n';
        return exit_done;
    }
    const auto written = write_file(command.output, quoted->quote);
    return written ? exit_done : fail(written.error());
}

int evidence(const Common &common, const EvidenceCommand &command) {
    const auto evidence = ask(common, command.quote, &mr::Client::evidence);
    if (!evidence) return evidence.error();
    if (evidence->simulated) note("this evidence is simulated and proves nothing");
    if (evidence->cut)
        note("the log does not fit: " + std::to_string(evidence->cut->events) +
             " of its events lack what they say; `mrctl quote` and `mrctl log --format json` have all of it");
    if (!evidence->coherent()) note("the log does not lead to what is signed: somebody else has extended a register");
    const auto json = command.cbor ? std::string() : mr::write_evidence_json(*evidence) + '\n';
    const auto written =
        write_file(command.quote.output, command.cbor ? mr::write_evidence_cbor(*evidence) : mr::Bytes(json.begin(), json.end()));
    return written ? exit_done : fail(written.error());
}

int collateral(const Common &common, const CollateralCommand &command) {
    if (common.json && command.output.empty() && command.root.empty()) return print_reply(common, "io.mrd.Attestation.Collateral");
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto collateral = client->collateral();
    if (!collateral) return fail(collateral.error());
    if (command.output.empty() && command.root.empty()) {
        print_json(collateral->json);
        return exit_done;
    }
    for (const auto &[path, text] : {std::pair(command.output, collateral->json), std::pair(command.root, collateral->root_pem)}) {
        if (path.empty()) continue;
        if (const auto written = write_file(path, mr::as_bytes(text)); !written) return fail(written.error());
    }
    return exit_done;
}

}  // namespace mrctl
