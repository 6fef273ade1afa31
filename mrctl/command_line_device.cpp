// Devices.
#include "mrctl/command_line_parts.h"

#include <cstdint>

namespace mrctl {

void add_device(CommandLine &line) {
    auto &device = line.keep<DeviceCommand>();
    auto *device_app =
        line.app.add_subcommand("device", "Devices that prove themselves by SPDM: what they are, evidence of them, what was decided");
    device_app->require_subcommand(1);
    const auto add_device_command = [&line, &device, device_app](const char *name, const char *help,
                                                                 int (*run)(const Common &, const DeviceCommand &)) {
        auto *made = device_app->add_subcommand(name, help);
        made->add_option("DEVICE", device.name, "Its name, as spdm0")->type_name("")->required()->check(text);
        line.runs(*made, [&device, run](const Common &common) { return run(common, device); });
        return made;
    };
    line.runs(*device_app->add_subcommand("list", "Those that there are: state, generation, leaf certificate, or why one is not there"),
              &device_list);
    add_device_command("show", "All that is known of one, without asking it: identity, freshness, blocks, verdict", &device_show);
    auto *device_evidence_app = add_device_command(
        "evidence", "Asks the device for all its blocks, signed over a nonce: what a verifier needs, anywhere", &device_evidence);
    device_evidence_app->add_option("--nonce", device.nonce, "The verifier's: 32 bytes, hexadecimal")->type_name("HEX")->required();
    device_evidence_app->add_option("-o,--output", device.output, "File for the evidence, JSON [standard output]")->type_name("FILE");
    add_number<std::uint32_t>(
        *device_evidence_app, "--deadline", 1, [&device](std::uint32_t milliseconds) { device.deadline_ms = milliseconds; }, "MILLISECONDS",
        deadline_help, max_deadline);
    auto &judged_device = line.keep<VerifyCommand>();
    auto *device_verify_app = device_app->add_subcommand(
        "verify", "Asks the device over a nonce of its own and judges what it signed, as `mrctl verify` does. Exit 0: verified, 1: not");
    device_verify_app->add_option("DEVICE", device.name, "Its name, as spdm0")->type_name("")->check(text);
    device_verify_app->add_option("--file", judged_device.files, "In its place evidence that was asked for before; several")
        ->type_name("FILE");
    device_verify_app->add_option("--nonce", judged_device.nonce, "With --file: the nonce that it was asked for over")->type_name("HEX");
    add_judging_options(*device_verify_app, judged_device);
    device_verify_app->add_option("-o,--output", device.output, "File for the evidence, JSON")->type_name("FILE");
    add_number<std::uint32_t>(
        *device_verify_app, "--deadline", 1, [&device](std::uint32_t milliseconds) { device.deadline_ms = milliseconds; }, "MILLISECONDS",
        deadline_help, max_deadline);
    line.judging.push_back(device_verify_app);
    line.runs(*device_verify_app,
              [&device, &judged_device](const Common &common) { return mrctl::device_verify(common, device, judged_device); });
    auto &interface = line.keep<InterfaceCommand>();
    auto *interface_app = device_app->add_subcommand(
        "verify-interface",
        "Judges the report of a device interface (TDISP), as the kernel or the TSM hands it out, by a policy; needs no mrd, and asks no "
        "device. Exit 0: verified, 1: not");
    interface_app
        ->add_option("REPORT", interface.files,
                     "The report, or the messages DEVICE_INTERFACE_REPORT that it comes in, in their order; or - for standard input")
        ->type_name("FILE")
        ->required();
    interface_app->add_option("--policy", interface.policy, "What the interface may be, JSON; {} is the strictest")->type_name("FILE");
    interface_app->add_option("--digest", interface.digest, "Of the report, as the TSM says it: sha384:0a1b... [what the policy has]")
        ->type_name("DIGEST");
    interface_app->add_option("--state", interface.state, "The interface's, as the TSM says it")
        ->type_name("{CONFIG_UNLOCKED,CONFIG_LOCKED,RUN,ERROR}")
        ->check(CLI::IsMember({"CONFIG_UNLOCKED", "CONFIG_LOCKED", "RUN", "ERROR"}).description(""));
    interface_app->add_option(
        "--without", interface.without,
        "Of policy, origin and state, with commas between: what is not asked for. What is neither given nor named here makes the "
        "verdict negative");
    line.judging.push_back(interface_app);
    line.runs(*interface_app, [&interface](const Common &common) { return mrctl::device_verify_interface(common.json, interface); });
    auto *device_accept_app = add_device_command(
        "accept", "One generation of it was judged by a policy, and is accepted: an event in the register of the role app", &device_accept);
    add_number<std::int64_t>(
        *device_accept_app, "--generation", 1, [&device](std::int64_t number) { device.generation = number; }, "NUMBER",
        "Which was judged, as the evidence says: one that has passed is refused");
    device_accept_app->get_option("--generation")->required();
    device_accept_app->add_option("--policy", device.policy, "Digest of the policy, as sha384:0a1b...")
        ->type_name("DIGEST")
        ->required()
        ->check(text);
}

}  // namespace mrctl
