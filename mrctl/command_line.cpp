// The commands of mrctl, and what each of them takes.
#include "mrctl/command_line.h"

#include <array>
#include <cstdint>
#include <optional>

#include "mr/event_content.h"
#include "mr/limits.h"

namespace mrctl {

namespace {

// What is sent to mrd, or compared with what it says. A file's name may be any bytes.
const CLI::Validator text([](std::string &value) { return mr::is_text(value) ? std::string() : "it is not text in UTF-8"; }, "", "text");

constexpr auto max_deadline = static_cast<std::uint32_t>(mr::max_quote_deadline.count());
constexpr const char *deadline_help = "How long mrd may take, from 1 to 600000 [30000]";
static_assert(max_deadline == 600'000);

// Of all commands that ask for report data.
constexpr const char *data_help = "A nonce, or a hash: 16 to 64 bytes, hexadecimal; zero bytes follow up to 64";

void add_event_options(CLI::App &command, Event &event) {
    command.add_option("--description", event.description, "What was measured [of measure: the file's name]")->check(text);
    command.add_option("--type", event.type, "TCG event type, a number or a name [EV_IPL]")->check(text);
    command.add_option("--id", event.id, "Makes it idempotent: the same event again with the same id, by the same user, extends nothing")
        ->type_name("ID")
        ->check(text);
}

void add_binding_options(CLI::App &command, const std::string &prefix, BindingOptions &options) {
    const bool is_asked_for = prefix == "--bind-";
    command
        .add_option(
            prefix + "key", options.key,
            is_asked_for ? "Public key, PEM or DER, that the quotes are to bind" : "Public key, PEM or DER, that the quotes must bind")
        ->type_name("FILE");
    command
        .add_option(prefix + "tls-exporter", options.tls_exporter,
                    "In its place a TLS connection: the value of its exporter (RFC 9266), 32 to 64 bytes, hexadecimal")
        ->type_name("HEX");
    command.add_option("--role", options.role, "Which side of the connection the attester is")
        ->type_name("{client,server}")
        ->check(CLI::IsMember({"client", "server"}).description(""));
}

// Of what is judged, by what, and what is waived.
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

void add_list(CommandLine &line) { line.runs(*line.app.add_subcommand("list", "The registers: flags, hash, size, owner"), &mrctl::list); }

void add_read(CommandLine &line) {
    auto &read = line.keep<ReadCommand>();
    auto *read_app = line.app.add_subcommand("read", "Values of registers, one line each; of several, all from one moment");
    read_app->add_option("REGISTER", read.names, "Register, as tdx/rtmr3")->type_name("")->required()->check(text);
    read_app->add_flag("--fresh", read.fresh, "Reread the hardware");
    read_app->add_flag("--raw", read.raw, "The value's bytes and nothing else");
    line.runs(*read_app, [&read](const Common &common) { return mrctl::read(common, read); });
}

void add_extend(CommandLine &line) {
    auto &extend = line.keep<ExtendCommand>();
    auto *extend_app = line.app.add_subcommand("extend", "new = H(old || digest)");
    extend_app->add_option("REGISTER", extend.name, "Its name")->type_name("")->required()->check(text);
    extend_app->add_option("--digest", extend.digest, "Digest, hexadecimal")->type_name("HEX")->required();
    add_event_options(*extend_app, extend.event);
    line.runs(*extend_app, [&extend](const Common &common) { return mrctl::extend(common, extend); });
}

void add_measure(CommandLine &line) {
    auto &measure = line.keep<MeasureCommand>();
    auto *measure_app = line.app.add_subcommand(
        "measure", "Extends by the hash of a file: new = H(old || H(file)); into a log-only register by an envelope, as with --envelope");
    measure_app->add_option("REGISTER", measure.name, "Its name")->type_name("")->required()->check(text);
    measure_app->add_option("FILE", measure.file, "File, or - for standard input")->type_name("")->required();
    add_event_options(*measure_app, measure.event);
    measure_app->add_flag("--envelope", measure.envelope,
                          "Bind description and content: extend by the hash of an envelope that holds the description and the file's hash");
    line.runs(*measure_app, [&measure](const Common &common) { return mrctl::measure(common, measure); });
}

void add_exec(CommandLine &line) {
    auto &exec = line.keep<ExecCommand>();
    auto *exec_app = line.app.add_subcommand(
        "exec",
        "Runs a program from a sealed copy of it, which is measured before, with its arguments: one that is replaced "
        "meanwhile is not run. Of a script the interpreter, too. Its exit status is the program's");
    exec_app->footer(
        "Takes --socket and --timeout. Exit: the program's status; where it is not run 1 refused or failed, 2 wrong usage, 3 no service.");
    exec_app->positionals_at_end();  // what stands behind them is the program's
    exec_app->add_option("REGISTER", exec.name, "Its name; options of mrctl stand before it")->type_name("")->required()->check(text);
    exec_app->add_option("PROGRAM", exec.program, "Program, found as a shell does, and its arguments; -- may stand before it")
        ->type_name("FILE")
        ->required();
    line.runs(*exec_app, [&exec](const Common &common) { return mrctl::exec(common, exec); });
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
    gate_app->add_option("PROGRAM", gate.program, "Program and its arguments [none: the exit status alone tells]; -- may stand before it")
        ->type_name("FILE");
    line.runs(*gate_app, [&gate](const Common &common) { return mrctl::gate(common, gate); });
}

void add_cap(CommandLine &line) {
    auto &capped = line.keep<std::string>();
    auto *cap_app = line.app.add_subcommand("cap", "One last event, then no extend until the next boot");
    cap_app->add_option("REGISTER", capped, "Its name")->type_name("")->required()->check(text);
    line.runs(*cap_app, [&capped](const Common &common) { return mrctl::cap(common, capped); });
}

void add_create(CommandLine &line) {
    auto &create = line.keep<CreateCommand>();
    auto *create_app = line.app.add_subcommand("create", "A register of one's own, kept on one in hardware that is log-only");
    create_app->add_option("REGISTER", create.name, "Its name, virtual/NAME or NAME alone")->type_name("")->required()->check(text);
    create_app->add_option("--hash", create.hash, "Its hash [sha384]")->type_name("HASH")->check(text);
    create_app->add_option("--on", create.on, "The register that carries it")->type_name("REGISTER")->required()->check(text);
    line.runs(*create_app, [&create](const Common &common) { return mrctl::create(common, create); });
}

void add_close(CommandLine &line) {
    auto &closed = line.keep<std::string>();
    auto *close_app = line.app.add_subcommand("close", "The last event of a virtual register, which is there no more then");
    close_app->add_option("REGISTER", closed, "Its name")->type_name("")->required()->check(text);
    line.runs(*close_app, [&closed](const Common &common) { return mrctl::close(common, closed); });
}

void add_log(CommandLine &line) {
    auto &log = line.keep<LogCommand>();
    auto *log_app =
        line.app.add_subcommand("log",
                                "The event log: a table on a terminal, else a line a record with tabs between: sequence, time (us), "
                                "register, type, digest, binding, origin, caller, description");
    log_app->add_option("--format", log.format, "Export a file instead (tcg_index0: for tpm2_eventlog)")
        ->type_name("{tcg,tcg_index0,cel_json,json,firmware}")
        ->check(text);
    log_app->add_option("-o,--output", log.output, "File for the export [standard output]")->type_name("FILE");
    add_number<std::int64_t>(
        *log_app, "--from", 0, [&log](std::int64_t number) { log.from = number; }, "NUMBER", "First sequence number [1]");
    log_app
        ->add_option("--for", log.of_register,
                     "Its events alone are whole: of the others there is only what proves them (a virtual register)")
        ->type_name("REGISTER")
        ->check(text);
    log_app->add_flag("--follow", log.follow, "Also the records to come, without end");
    line.runs(*log_app, [&log](const Common &common) { return mrctl::log(common, log); });
}

void add_replay(CommandLine &line) {
    auto &replay = line.keep<ReplayCommand>();
    auto &log_registers = line.keep<std::string>();
    auto *replay_app =
        line.app.add_subcommand("replay",
                                "Replays mrd's log against its registers, or, without mrd, says what files lead to (`verify --quote` "
                                "compares them). Exit 1: the log does not lead to the registers, or only over gaps");
    replay_app->add_option("--log", replay.logs, "A log in any format we read; several are read one after the other")->type_name("FILE");
    replay_app->add_flag("--accept-gaps", replay.accept_gaps, "Exit 0 also where the log leads to a register only over gaps");
    replay_app->add_option("--registers", log_registers, "Whose numbers a TCG log's are [what the log looks like]")
        ->type_name("{rtmr,pcr}")
        ->check(CLI::IsMember({"rtmr", "pcr"}).description(""));
    line.runs(*replay_app, [&replay, &log_registers](const Common &common) {
        if (!log_registers.empty()) replay.registers = log_registers == "pcr" ? mr::LogRegisters::pcr : mr::LogRegisters::rtmr;
        return mrctl::replay(common, replay);
    });
}

void add_repair(CommandLine &line) {
    line.runs(*line.app.add_subcommand("repair", "Begins a new journal in the place of a damaged one; the old file is kept"),
              &mrctl::repair);
}

void add_write(CommandLine &line) {
    auto &write = line.keep<WriteCommand>();
    auto *write_app = line.app.add_subcommand("write", "Stores a pseudo-register such as tdx/reportdata");
    write_app->add_option("REGISTER", write.name, "Its name")->type_name("")->required()->check(text);
    write_app->add_option("FILE", write.file, "File with the value's bytes, or - for standard input")->type_name("");
    write_app->add_option("--hex", write.hex, "The value, hexadecimal")->type_name("HEX");
    line.runs(*write_app, [&write](const Common &common) { return mrctl::write(common, write); });
}

void add_report(CommandLine &line) {
    auto &report = line.keep<ReportCommand>();
    auto *report_app = line.app.add_subcommand("report", "A report (TDREPORT) over bytes of your own");
    report_app->add_option("--data", report.data, data_help)->type_name("HEX")->required();
    report_app->add_option("-o,--output", report.output, "File for the report's bytes; without it, base64 on standard output")
        ->type_name("FILE");
    report_app->add_option("--provider", report.provider, "Provider, where several can report")->type_name("PROVIDER")->check(text);
    line.runs(*report_app, [&report](const Common &common) { return mrctl::report(common, report); });
}

void add_quote(CommandLine &line) {
    auto &quote = line.keep<QuoteCommand>();
    auto *quote_app = line.app.add_subcommand("quote", "A quote over bytes of your own, which can be checked anywhere");
    quote_app->add_option("--data", quote.data, data_help)->type_name("HEX")->required();
    quote_app->add_option("-o,--output", quote.output, "File for the quote's bytes; without it, base64 on standard output")
        ->type_name("FILE");
    quote_app->add_option("--provider", quote.provider, "Provider, where several make quotes")->type_name("PROVIDER")->check(text);
    add_number<std::int64_t>(
        *quote_app, "--privilege-level", 0, [&quote](std::int64_t level) { quote.options.privilege_level = level; }, "NUMBER",
        "VMPL that a report of SEV-SNP is for [the machine's own]");
    quote_app->add_option("--service-provider", quote.options.service_provider, "Instead: a report of services, by who keeps them: svsm")
        ->check(text);
    quote_app->add_option("--service-guid", quote.options.service_guid, "One of them alone [all]")->check(text);
    add_number<std::int64_t>(
        *quote_app, "--service-manifest-version", 0, [&quote](std::int64_t version) { quote.options.service_manifest_version = version; },
        "NUMBER", "Of that one's manifest [0]");
    quote_app->add_flag("--certificates", quote.options.certificates, "A quote without certificates is an error");
    quote_app->add_option("--auxiliary", quote.auxiliary, "File for what the hardware gives beside the quote: certificates")
        ->type_name("FILE");
    quote_app->add_option("--manifest", quote.manifest, "File for the services' manifest")->type_name("FILE");
    add_number<std::uint32_t>(
        *quote_app, "--deadline", 1, [&quote](std::uint32_t milliseconds) { quote.deadline_ms = milliseconds; }, "MILLISECONDS",
        deadline_help, max_deadline);
    line.runs(*quote_app, [&quote](const Common &common) { return mrctl::quote(common, quote); });
}

void add_collateral(CommandLine &line) {
    auto &collateral = line.keep<CollateralCommand>();
    auto *collateral_app =
        line.app.add_subcommand("collateral", "What a verifier needs beside a quote of the simulator; `assemble` makes it for hardware's");
    collateral_app->add_option("-o,--output", collateral.output, "File for the collateral, JSON; without it and --root, standard output")
        ->type_name("FILE");
    collateral_app->add_option("--root", collateral.root, "File for the root certificate that the quotes lead to, PEM")->type_name("FILE");
    collateral_app->add_option("--provider", collateral.provider, "Provider, where several are simulated")
        ->type_name("PROVIDER")
        ->check(text);
    auto &assemble = line.keep<AssembleCommand>();
    auto *assemble_app = collateral_app->add_subcommand(
        "assemble",
        "One file of collateral out of what Intel's service or a cache of it answered, as it was kept; needs no mrd and no network");
    assemble_app
        ->add_option("FILE", assemble.files,
                     "TCB info and QE identity as JSON; CRLs and certificates as DER, PEM, hexadecimal or base64; headers of the answers, "
                     "alone or before their body")
        ->type_name("")
        ->required();
    assemble_app
        ->add_option("--quote", assemble.quote,
                     "A quote of the platform: what is of another is refused, or passed over where there are several")
        ->type_name("FILE");
    assemble_app->add_option("-o,--output", assemble.output, "File for the collateral, JSON [standard output]")->type_name("FILE");
    line.runs(*assemble_app, [&assemble](const Common &) { return mrctl::assemble_collateral(assemble); });
    line.runs(*collateral_app, [&line, &collateral, assemble_app](const Common &common) {
        return assemble_app->parsed() ? line.exit_code : mrctl::collateral(common, collateral);
    });
}

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

void add_watch(CommandLine &line) {
    auto &watched = line.keep<std::vector<std::string>>();
    auto *watch_app = line.app.add_subcommand("watch", "Prints the values, then every change");
    watch_app->add_option("REGISTER", watched, "Which [all]")->type_name("")->check(text);
    line.runs(*watch_app, [&watched](const Common &common) { return mrctl::watch(common, watched); });
}

void add_stats(CommandLine &line) {
    line.runs(*line.app.add_subcommand("stats", "Counters of each provider: reads, cached reads, refreshes, writes"), &mrctl::stats);
}

void add_status(CommandLine &line) {
    line.runs(*line.app.add_subcommand("status", "State of mrd and its registers; rereads the hardware first"), &mrctl::status);
}

void add_access(CommandLine &line) {
    auto &asked_about = line.keep<std::string>();
    auto *access_app = line.app.add_subcommand("access", "What one may do by the access rules, by which of them, and why not");
    access_app->add_option("USER", asked_about, "Name or number; without, whoever asks, as he is [oneself]")->type_name("")->check(text);
    line.runs(*access_app, [&asked_about](const Common &common) { return mrctl::access(common, asked_about); });
}

void add_metrics(CommandLine &line) {
    line.runs(*line.app.add_subcommand("metrics", "What mrd counts, as Prometheus reads it"), &mrctl::metrics);
}

void add_log_level(CommandLine &line) {
    auto &level = line.keep<std::optional<std::string>>();
    auto *level_app = line.app.add_subcommand("log-level", "How much mrd's log tells, and until it ends another level where one is given");
    level_app->add_option("LEVEL", level, "What is to be told at least [as it is]")
        ->type_name("{debug,info,warning,error}")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}).description(""));
    line.runs(*level_app, [&level](const Common &common) { return mrctl::log_level(common, level); });
}

void add_evidence(CommandLine &line) {
    auto &evidence = line.keep<EvidenceCommand>();
    auto *evidence_app =
        line.app.add_subcommand("evidence", "Quotes over bytes of your own and the log that leads to them: for `mrctl verify`, anywhere");
    evidence_app->add_option("--data", evidence.data, data_help)->type_name("HEX");
    add_binding_options(*evidence_app, "--bind-", evidence.bind);
    evidence_app->add_option("--nonce", evidence.nonce, "With what is bound: the relying party's, 16 to 64 bytes, hexadecimal")
        ->type_name("HEX");
    evidence_app->add_option("-o,--output", evidence.output, "File, or - for standard output")->type_name("FILE")->required();
    evidence_app
        ->add_option("--format", evidence.format,
                     "mrd's own; cmw: a CMW of TSM reports and of mrd's own; coco: the evidence JSON of Confidential Containers [mrd]")
        ->type_name("{mrd,cmw,coco}")
        ->check(CLI::IsMember({"mrd", "cmw", "coco"}).description(""));
    evidence_app->add_flag("--cbor", evidence.cbor, "CBOR instead of JSON, of mrd and cmw");
    evidence_app
        ->add_option("--for", evidence.registers,
                     "Virtual registers: their events alone are whole, of the others there is only what proves them [all is whole]")
        ->type_name("REGISTER")
        ->check(text);
    evidence_app->add_option("--provider", evidence.providers, "Providers whose quotes are its parts [all that make quotes]")
        ->type_name("PROVIDER")
        ->check(text);
    evidence_app
        ->add_option("--device", evidence.devices,
                     "Devices that are asked over the same nonce, of at most 32 bytes, and become parts, too [none]")
        ->type_name("DEVICE")
        ->check(text);
    add_number<std::uint32_t>(
        *evidence_app, "--deadline", 1, [&evidence](std::uint32_t milliseconds) { evidence.deadline_ms = milliseconds; }, "MILLISECONDS",
        deadline_help, max_deadline);
    line.runs(*evidence_app, [&evidence](const Common &common) { return mrctl::evidence(common, evidence); });
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
                                "What a file is and says (TDREPORT, quote, SEV-SNP report, CCA token, device evidence, CoRIM, TDISP, "
                                "IDE_KM, certificates, collateral, "
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
    realm_app->add_option("--image", realm.images, "An image that is measured, by its name there, as KERNEL=Image")->type_name("NAME=FILE");
    line.runs(*realm_app, [&realm](const Common &common) { return mrctl::realm_measurement(common.json, realm); });
}

constexpr std::array<NamedCommand, 27> all_commands{{
    {"list", &add_list},
    {"read", &add_read},
    {"extend", &add_extend},
    {"measure", &add_measure},
    {"exec", &add_exec},
    {"gate", &add_gate},
    {"cap", &add_cap},
    {"create", &add_create},
    {"close", &add_close},
    {"log", &add_log},
    {"replay", &add_replay},
    {"repair", &add_repair},
    {"write", &add_write},
    {"report", &add_report},
    {"quote", &add_quote},
    {"collateral", &add_collateral},
    {"device", &add_device},
    {"watch", &add_watch},
    {"stats", &add_stats},
    {"status", &add_status},
    {"access", &add_access},
    {"metrics", &add_metrics},
    {"log-level", &add_log_level},
    {"evidence", &add_evidence},
    {"verify", &add_verify},
    {"inspect", &add_inspect},
    {"realm-measurement", &add_realm_measurement},
}};

}  // namespace

std::span<const NamedCommand> commands() { return all_commands; }

}  // namespace mrctl
