// What is judged or explained, and what follows from it.
#include "mrctl/command_line_parts.h"

#include <cstdint>
#include <limits>

namespace mrctl {

void add_judging_options(CLI::App &command, VerifyCommand &verify) {
    command
        .add_option("--roots", verify.roots,
                    "Trust anchors: certificates, PEM or DER; of CCA platform keys, JSON, JWK or PEM [the roots of Intel and AMD]")
        ->type_name("FILE");
    command
        .add_option("--collateral", verify.collateral,
                    "Collateral, JSON; for SEV-SNP CRLs, PEM or DER; of a device its maker's manifest, CoRIM [what is in the evidence]")
        ->type_name("FILE");
    command.add_option("--reference", verify.reference, "Reference values, JSON")->type_name("FILE");
    command.add_option(
        "--without", verify.without,
        "Of nonce, tcb and reference, with commas between: what is not asked for. What is neither given nor named here makes the "
        "verdict negative");
    add_number<std::int64_t>(
        command, "--time", std::numeric_limits<std::int64_t>::min(), [&verify](std::int64_t seconds) { verify.time = seconds; }, "SECONDS",
        "Verify as of this time, since the epoch [now]");
}

void add_gate(CommandLine &line) {
    auto &gate = line.keep<GateCommand>();
    auto *gate_app = line.app.add_subcommand(
        "gate",
        "Runs a program if this machine's registers and log hold what reference values ask for: a local decision, by mrd's word. "
        "Reference values and decision are events. Exit: the program's status; 1 refused, 255 it cannot be judged");
    gate_app->footer(
        "Takes --socket and --timeout; $MRD_SOCKET is not looked at. Exit: the program's status, 0 without one; 1 refused; 255 it cannot "
        "be judged, also "
        "for wrong usage and where no mrd is.");
    line.gate = gate_app;
    gate_app->positionals_at_end();  // what stands behind them is the program's
    gate_app->add_option("--reference", gate.reference, "Reference values, JSON")->type_name("FILE")->required();
    gate_app->add_option("--register", gate.name, "Takes the events: a register, or a role [app]")->type_name("REGISTER")->check(text);
    gate_app->add_flag("--unmeasured", gate.may_be_unmeasured,
                       "Where no register has that role: judge without events [it cannot be judged]");
    gate_app->add_option("--provider", gate.provider, "Whose registers are judged [the only one that makes reports, or else quotes]")
        ->type_name("NAME")
        ->check(text);
    gate_app->add_option("PROGRAM", gate.program, "Program and its arguments [none: the exit status alone tells]; -- may stand before it")
        ->type_name("FILE");
    line.runs(*gate_app, [&gate](const Common &common) { return mrctl::gate(common, gate); });
}

void add_verify(CommandLine &line) {
    auto &verify = line.keep<VerifyCommand>();
    auto *verify_app = line.app.add_subcommand(
        "verify",
        "From evidence, or a quote, report or token and its logs, to a verdict; needs no mrd and no network. Exit 0: verified, 1: not");
    verify_app
        ->add_option("FILE", verify.files,
                     "Evidence of mrd or of a device, CMW, a TSM report, the evidence JSON of CoCo or ratsd, a TD quote, a SEV-SNP report, "
                     "a CCA token or a "
                     "TDREPORT: its bytes say which; or - for standard input. Of several each is judged")
        ->type_name("");
    verify_app->add_option("--quote", verify.quote, "The same, where it must be a quote, a report, a token or a TDREPORT")
        ->type_name("FILE");
    verify_app
        ->add_option(
            "--log", verify.logs,
            "With a quote, a report or a token: a log of the same boot, in any format we read; several in the order they were extended")
        ->type_name("FILE");
    add_judging_options(*verify_app, verify);
    verify_app
        ->add_option("--certificates", verify.certificates,
                     "What comes beside a SEV-SNP report: the kernel's auxblob, or certificates and CRLs, PEM or DER; several")
        ->type_name("FILE");
    verify_app
        ->add_option(
            "--nonce", verify.nonce,
            "The report data that is expected, as it was given to `evidence --data`; with --bound-key the nonce that it was bound with")
        ->type_name("HEX");
    add_binding_options(*verify_app, "--bound-", verify.bound);
    add_number<std::uint32_t>(
        *verify_app, "--bound-uid", 0, [&verify](std::uint32_t uid) { verify.bound_uid = uid; }, "UID",
        "Who must have asked for it on the machine [0]");
    verify_app->add_option("--ear", verify.ear, "File for the verdict as an attestation result (EAR), or - for standard output")
        ->type_name("FILE");
    verify_app->add_option("--ear-key", verify.ear_key, "Private key of P-256, PEM or DER, that signs it")->type_name("FILE");
    line.judging.push_back(verify_app);
    line.runs(*verify_app, [&verify](const Common &common) { return mrctl::verify(common.json, verify); });
}

void add_inspect(CommandLine &line) {
    auto &inspected = line.keep<InspectCommand>();
    auto *inspect_app =
        line.app.add_subcommand("inspect",
                                "What a file is and says (TDREPORT, quote, SEV-SNP report, CCA token, device evidence, CoRIM, SPDM, TDISP, "
                                "IDE_KM, certificates, CRLs, public keys, collateral, "
                                "evidence of mrd, CoCo and ratsd, dstack's reply, CMW, TSM reports, EAR, event logs); needs no mrd");
    inspect_app->add_option("FILE", inspected.file, "File, or - for standard input")->type_name("")->required();
    inspect_app->add_option("--key", inspected.key, "Public key, PEM or JWK, that an attestation result (EAR) must be signed by")
        ->type_name("FILE");
    line.runs(*inspect_app, [&inspected](const Common &common) { return mrctl::inspect(common.json, inspected); });
}

void add_realm_measurement(CommandLine &line) {
    auto &realm = line.keep<RealmMeasurementCommand>();
    auto *realm_app = line.app.add_subcommand(
        "realm-measurement", "The initial measurement (RIM) that a realm of Arm's CCA has to have, step by step; needs no mrd");
    realm_app->add_option("--log", realm.log, "The realm's log, which the host made")->type_name("FILE");
    realm_app->add_option("--parameters", realm.parameters, "Instead: parameters and steps, JSON")->type_name("FILE");
    realm_app
        ->add_option("--image", realm.images,
                     "An image that is measured, by its name there, as KERNEL=Image; without a name it may be any that the log has")
        ->type_name("[NAME=]FILE");
    realm_app
        ->add_option("--reference", realm.reference,
                     "Reference values: the RIM has to be one of those in their registers, and is what images without a name are found by")
        ->type_name("FILE");
    line.runs(*realm_app, [&realm](const Common &common) { return mrctl::realm_measurement(common.json, realm); });
}

}  // namespace mrctl
