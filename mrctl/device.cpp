// mrctl device list, show, evidence, accept
#include <chrono>
#include <iostream>
#include <string>

#include "libmr/wire/devices.h"
#include "mr/bytes.h"
#include "mr/event_content.h"
#include "mrctl/commands.h"
#include "mrctl/output.h"

namespace mrctl {

namespace {

namespace wire = mr::wire::devices;

std::string state_of(const mr::Device &device) {
    if (!device.is_present) return "absent";
    return device.is_accepted ? "accepted" : "present";
}

// What is not known, or not there, is a dash.
std::string or_dash(const std::string &text) { return text.empty() ? "-" : mr::printable_text(text); }

void say(std::string_view what, const std::string &text) { std::cout << what << ' ' << or_dash(text) << '\n'; }

std::string time_text(std::int64_t microseconds) {
    const auto seconds = static_cast<std::time_t>(microseconds / 1'000'000);
    std::tm utc{};
    std::string text(32, '\0');
    if (::gmtime_r(&seconds, &utc) == nullptr) return {};
    text.resize(std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc));
    return text;
}

void say_freshness(const mr::DeviceDescription &told) {
    say("signature", told.signature_algorithm + " over nonce " + mr::to_hex(told.nonce) + " at " + time_text(told.signed_at));
    say("values", told.value_is_fresh ? "measured when the device is asked" : "may date from the device's last reset");
}

void say_blocks(const mr::DeviceDescription &told) {
    for (const auto &block : told.blocks) {
        std::cout << "block " << block.index << ' ' << mr::printable_text(block.type) << ' '
                  << (block.is_raw ? "raw" : or_dash(block.algorithm)) << ' ' << mr::to_hex(block.value) << ' '
                  << or_dash(block.register_name.value_or("")) << '\n';
    }
}

void say_log(const mr::DeviceDescription &told) {
    if (!told.log) return;
    say("log", std::to_string(told.log->entries) + " entries, " +
                   (told.log->holds ? "which lead to the hash-extend blocks" : "which do not hold: " + told.log->why));
}

// Who decides judges it by a policy of his own (`device verify-interface`): what the strictest one would refuse is a hint.
void say_report(const mr::DeviceDescription &told) {
    if (!told.report) return say("report", "not known: no interface_report is configured");
    const auto &report = *told.report;
    if (!report.why.empty())
        return say("report", (report.digest.empty() ? "not known: " : report.digest + ", which is none: ") + report.why);
    std::string refused;
    for (const auto &name : report.refused) refused += (refused.empty() ? "" : ", ") + name;
    say("report", report.digest + " of " + std::to_string(report.ranges) +
                      " ranges, refused by the strictest policy: " + (refused.empty() ? "nothing" : refused));
}

void say_verdict(const mr::DeviceDescription &told) {
    if (!told.verdict) return say("verdict", "none");
    const auto &verdict = *told.verdict;
    say("verdict", (verdict.holds ? "accepted" : "fallen (" + verdict.why + ")") + ", generation " + std::to_string(verdict.generation) +
                       ", policy " + verdict.policy_digest + ", by uid " + std::to_string(verdict.uid) + " at " + time_text(verdict.time) +
                       ", event " + std::to_string(verdict.sequence));
}

}  // namespace

int device_list(const Common &common) {
    if (common.json) return print_reply<wire::List>(common);
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto devices = client->devices();
    if (!devices) return fail(devices.error());
    std::vector<Row> rows;
    for (const auto &device : *devices) {
        rows.push_back({mr::printable_text(device.name), state_of(device),
                        device.generation ? std::to_string(*device.generation) : std::string("-"),
                        or_dash(device.is_present ? device.leaf : device.reason)});
    }
    print_table({"DEVICE", "STATE", "GENERATION", "LEAF, OR WHY NOT"}, rows);
    return exit_done;
}

int device_show(const Common &common, const DeviceCommand &command) {
    if (common.json) return print_reply<wire::Describe>(common, {command.name});
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto told = client->device(command.name);
    if (!told) return fail(told.error());
    say("device", told->device.name);
    say("address", told->address + " " + told->transport);
    say("function", told->pci_function ? *told->pci_function + ", as configured" : "not known: no pci_function is configured");
    say("state", told->device.is_present ? "present" : "absent: " + told->device.reason);
    if (told->device.is_present) {
        say("generation", std::to_string(*told->device.generation) + " since " + time_text(told->since));
        say("identity", told->identity);
        say("pci", told->pci.value_or(""));
        say("dmtf", told->dmtf.value_or(""));
        say("leaf", told->device.leaf);
        say("root", told->root + ", of " + std::to_string(told->certificates) + " certificates");
        std::string slots;
        for (const auto slot : told->slots) slots += (slots.empty() ? "" : ",") + std::to_string(slot);
        say("slot", std::to_string(told->slot) + " of " + slots);
        say("spdm",
            told->version + " " + told->hash + ", measurements " + (told->measurement_hash.empty() ? "raw" : told->measurement_hash));
        say_freshness(*told);
    }
    say("link", told->link);
    say("tdi", told->tdi);
    if (told->device.is_present) say_report(*told);
    say_blocks(*told);
    say_log(*told);
    say_verdict(*told);
    return exit_done;
}

int device_evidence(const Common &common, const DeviceCommand &command) {
    const auto nonce = mr::from_hex(command.nonce);
    if (!nonce) return fail_usage("--nonce takes 32 bytes, hexadecimal");
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto deadline = command.deadline_ms ? std::optional(std::chrono::milliseconds(*command.deadline_ms)) : std::nullopt;
    const auto evidence = client->device_evidence(command.name, *nonce, deadline);
    if (!evidence) return fail(evidence.error());
    if (command.output.empty() || command.output == "-") {
        print_json(evidence->json);
        return exit_done;
    }
    const auto written = write_file(command.output, mr::as_bytes(evidence->json));
    return written ? exit_done : fail(written.error());
}

int device_accept(const Common &common, const DeviceCommand &command) {
    if (common.json) return print_reply<wire::Accept>(common, {command.name, command.generation, command.policy});
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto sequence = client->accept_device(command.name, command.generation, command.policy);
    if (!sequence) return fail(sequence.error());
    std::cout << mr::printable_text(command.name) << " accepted in generation " << command.generation << " by event " << *sequence << '\n';
    return exit_done;
}

}  // namespace mrctl
