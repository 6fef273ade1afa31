// mrctl quote, mrctl collateral
#include <iostream>
#include <nlohmann/json.hpp>

#include "libmr/wire/attestation.h"
#include "mr/bytes.h"
#include "mrctl/commands.h"
#include "mrctl/output.h"

namespace mrctl {

using Json = nlohmann::ordered_json;

int quote(const Common &common, const QuoteCommand &command) {
    const auto report_data = report_data_of("--data", command.data);
    if (!report_data) return fail_usage(report_data.error().message);
    if (const auto twice = written_twice({command.output.empty() ? "-" : command.output, command.auxiliary, command.manifest}))
        return fail_usage("quote: " + *twice + " is to be written twice: name a file for each output");
    mr::QuoteOptions options{.provider = command.provider, .report = command.options};
    if (command.deadline_ms) options.deadline = std::chrono::milliseconds(*command.deadline_ms);
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto quoted = client->quote(*report_data, options);
    if (!quoted) return fail(quoted.error());
    for (const auto &[path, beside] : {std::pair(command.auxiliary, quoted->auxiliary), std::pair(command.manifest, quoted->manifest)}) {
        if (path.empty()) continue;
        if (!beside)
            return fail(mr::Error{mr::ErrorCode::not_supported, path + " is not written: nothing of the kind came with the quote"});
        if (const auto written = write_file(path, *beside); !written) return fail(written.error());
    }
    if (common.json && command.output.empty()) {
        Json json{{"quote", mr::to_base64(quoted->quote)}};
        if (quoted->auxiliary) json["auxiliary"] = mr::to_base64(*quoted->auxiliary);
        if (quoted->manifest) json["manifest"] = mr::to_base64(*quoted->manifest);
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

int collateral(const Common &common, const CollateralCommand &command) {
    if (const auto twice = written_twice({command.output, command.root}))
        return fail_usage("collateral: " + *twice + " is to be written twice: name a file for each output");
    if (common.json && command.output.empty() && command.root.empty())
        return print_reply<mr::wire::attestation::Collateral>(common, {command.provider});
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto collateral = client->collateral(command.provider);
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
