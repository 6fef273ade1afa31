// mrctl device verify: asks a device over a nonce of this program's own, and judges what it signed as `mrctl verify` does.
#include <utility>

#include "mr/spdm.h"
#include "mrctl/commands.h"
#include "mrctl/nonce.h"
#include "mrctl/output.h"

namespace mrctl {

int device_verify(const Common &common, const DeviceCommand &command, VerifyCommand verify_command) {
    if (command.name.empty() == verify_command.files.empty())
        return fail_usage("device verify: give a device that is to be asked, or with --file evidence of one");
    verify_command.only_device = true;
    if (!verify_command.files.empty()) return verify(common.json, verify_command);
    if (verify_command.nonce)
        return fail_usage("device verify: --nonce goes with --file: a device is asked over a nonce that this program chooses");
    const auto nonce = new_nonce<mr::SpdmNonce>();
    if (!nonce) return fail(nonce.error());
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto deadline = command.deadline_ms ? std::optional(std::chrono::milliseconds(*command.deadline_ms)) : std::nullopt;
    const auto evidence = client->device_evidence(command.name, *nonce, deadline);
    if (!evidence) return fail(evidence.error());
    if (!command.output.empty()) {
        if (const auto written = write_file(command.output, mr::as_bytes(evidence->json)); !written) return fail(written.error());
    }
    verify_command.files = {"the evidence of " + command.name};
    verify_command.judged = mr::Bytes(evidence->json.begin(), evidence->json.end());
    verify_command.nonce = mr::to_hex(*nonce);
    return verify(common.json, verify_command);
}

}  // namespace mrctl
