// The command line of mrctl.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <iostream>
#include <limits>
#include <string>
#include <string_view>

#include "libmr/src/command_line.h"
#include "mr/limits.h"
#include "mrctl/commands.h"
#include "mrctl/output.h"
#include "proto/varlink/file_descriptor.h"

namespace {

std::function<void()> run_into(int &exit_code, std::function<int()> command) {
    return [&exit_code, command = std::move(command)] { exit_code = command(); };
}

// What is sent to mrd, or compared with what it says. A file's name may be any bytes.
const CLI::Validator text([](std::string &value) { return mr::is_text(value) ? std::string() : "it is not text in UTF-8"; }, "", "text");

// Decimal, as it looks: 010 is ten. Out of range is wrong usage.
template <class Number>
void add_number(CLI::App &command, const std::string &names, Number least, std::function<void(Number)> take, const char *kind,
                const std::string &help, Number most = std::numeric_limits<Number>::max()) {
    auto *option = command.add_option_function<std::string>(
        names,
        [names, least, most, take = std::move(take)](const std::string &value) {
            Number number{};
            const char *const end = value.data() + value.size();
            const auto [stopped, failed] = std::from_chars(value.data(), end, number);
            if (failed != std::errc{} || stopped != end || number < least || number > most) {
                constexpr bool has_bounds = std::numeric_limits<Number>::digits < 63;
                throw CLI::ValidationError(names, "\"" + value + "\" is no decimal number" +
                                                      (least > std::numeric_limits<Number>::min() || has_bounds
                                                           ? " from " + std::to_string(least) + " to " + std::to_string(most)
                                                           : std::string(", as `date +%s` prints")));
            }
            take(number);
        },
        help);
    option->type_name(kind);
}

constexpr auto max_deadline = static_cast<std::uint32_t>(mr::max_quote_deadline.count());
constexpr const char *deadline_help = "How long mrd may take, from 1 to 600000 [30000]";
static_assert(max_deadline == 600'000);

// Of all commands that ask for report data.
constexpr const char *data_help = "A nonce, or a hash: 16 to 64 bytes, hexadecimal; zero bytes follow up to 64";

void add_event_options(CLI::App &command, mrctl::Event &event) {
    command.add_option("--description", event.description, "What was measured [of measure: the file's name]")->check(text);
    command.add_option("--type", event.type, "TCG event type, a number or a name [EV_IPL]")->check(text);
    command.add_option("--id", event.id, "Makes it idempotent: the same event again with the same id, by the same user, extends nothing")
        ->type_name("ID")
        ->check(text);
}

// Where a command's name is looked for; null: there is none.
const char *first_word(int argc, char **argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--socket" || word == "--timeout") {
            ++i;
        } else if (!word.starts_with('-')) {
            return argv[i];
        }
    }
    return nullptr;
}

void add_binding_options(CLI::App &command, const std::string &prefix, mrctl::BindingOptions &options) {
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
void add_judging_options(CLI::App &command, mrctl::VerifyCommand &verify) {
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
        "Of nonce, reference and tcb, with commas between: what is not asked for. What is neither given nor named here makes the "
        "verdict negative");
    add_number<std::int64_t>(
        command, "--time", std::numeric_limits<std::int64_t>::min(), [&verify](std::int64_t seconds) { verify.time = seconds; }, "SECONDS",
        "Verify as of this time, since the epoch [now]");
}

}  // namespace

int main(int argc, char **argv) {
    varlink::fill_standard_descriptors();
    mrctl::own_arguments = argv;
    mrctl::Common common;
    int exit_code = mrctl::exit_done;

    CLI::App app{"Reads, extends and attests the measurement registers of this machine through mrd", "mrctl"};
    app.set_version_flag("--version", MRD_VERSION);
    app.require_subcommand(1);
    app.footer("Every command takes --socket, --json and --timeout. Exit: 0 done, 1 refused or failed, 2 wrong usage, 3 no service.");
    app.fallthrough();
    app.add_option("--socket", common.client.socket, "mrd's socket [$MRD_SOCKET, or /run/mrd/io.mrd]")->type_name("FILE");
    app.add_flag("--json", common.json, "Print the reply as JSON");
    add_number<std::uint32_t>(
        app, "--timeout", 1, [&common](std::uint32_t seconds) { common.client.call_timeout = std::chrono::seconds(seconds); }, "SECONDS",
        "How long to wait for an answer [45]; watch waits without limit");

    app.add_subcommand("list", "The registers: flags, hash, size, owner")->callback(run_into(exit_code, [&] {
        return mrctl::list(common);
    }));

    mrctl::ReadCommand read;
    auto *read_app = app.add_subcommand("read", "Values of registers, one line each; of several, all from one moment");
    read_app->add_option("REGISTER", read.names, "Register, as tdx/rtmr3")->type_name("")->required()->check(text);
    read_app->add_flag("--fresh", read.fresh, "Reread the hardware");
    read_app->add_flag("--raw", read.raw, "The value's bytes and nothing else");
    read_app->callback(run_into(exit_code, [&] { return mrctl::read(common, read); }));

    mrctl::ExtendCommand extend;
    auto *extend_app = app.add_subcommand("extend", "new = H(old || digest)");
    extend_app->add_option("REGISTER", extend.name, "Its name")->type_name("")->required()->check(text);
    extend_app->add_option("--digest", extend.digest, "Digest, hexadecimal")->type_name("HEX")->required();
    add_event_options(*extend_app, extend.event);
    extend_app->callback(run_into(exit_code, [&] { return mrctl::extend(common, extend); }));

    mrctl::MeasureCommand measure;
    auto *measure_app = app.add_subcommand(
        "measure", "Extends by the hash of a file: new = H(old || H(file)); into a log-only register by an envelope, as with --envelope");
    measure_app->add_option("REGISTER", measure.name, "Its name")->type_name("")->required()->check(text);
    measure_app->add_option("FILE", measure.file, "File, or - for standard input")->type_name("")->required();
    add_event_options(*measure_app, measure.event);
    measure_app->add_flag("--envelope", measure.envelope,
                          "Bind description and content: extend by the hash of an envelope that holds the description and the file's hash");
    measure_app->callback(run_into(exit_code, [&] { return mrctl::measure(common, measure); }));

    mrctl::ExecCommand exec;
    auto *exec_app =
        app.add_subcommand("exec",
                           "Runs a program from a sealed copy of it, which is measured before, with its arguments: one that is replaced "
                           "meanwhile is not run. Of a script the interpreter, too. Its exit status is the program's");
    exec_app->footer(
        "Takes --socket and --timeout. Exit: the program's status; where it is not run 1 refused or failed, 2 wrong usage, 3 no service.");
    exec_app->positionals_at_end();  // what stands behind them is the program's
    exec_app->add_option("REGISTER", exec.name, "Its name; options of mrctl stand before it")->type_name("")->required()->check(text);
    exec_app->add_option("PROGRAM", exec.program, "Program, found as a shell does, and its arguments; -- may stand before it")
        ->type_name("FILE")
        ->required();
    exec_app->callback(run_into(exit_code, [&] { return mrctl::exec(common, exec); }));

    mrctl::GateCommand gate;
    auto *gate_app = app.add_subcommand(
        "gate",
        "Runs a program if this machine's registers and log hold what reference values ask for: a local decision, by mrd's word. "
        "Reference values and decision are events. Exit: the program's status; 1 refused, 255 it cannot be judged");
    gate_app->footer(
        "Takes --socket and --timeout; $MRD_SOCKET is not looked at. Exit: the program's status, 0 without one; 1 refused; 255 it cannot "
        "be judged, also "
        "for wrong usage and where no mrd is.");
    gate_app->positionals_at_end();  // what stands behind them is the program's
    gate_app->add_option("--reference", gate.reference, "Reference values, JSON")->type_name("FILE")->required();
    gate_app->add_option("--register", gate.name, "Takes the events: a register, or a role [app]")->type_name("REGISTER")->check(text);
    gate_app->add_option("PROGRAM", gate.program, "Program and its arguments [none: the exit status alone tells]; -- may stand before it")
        ->type_name("FILE");
    gate_app->callback(run_into(exit_code, [&] { return mrctl::gate(common, gate); }));

    std::string capped;
    auto *cap_app = app.add_subcommand("cap", "One last event, then no extend until the next boot");
    cap_app->add_option("REGISTER", capped, "Its name")->type_name("")->required()->check(text);
    cap_app->callback(run_into(exit_code, [&] { return mrctl::cap(common, capped); }));

    mrctl::CreateCommand create;
    auto *create_app = app.add_subcommand("create", "A register of one's own, kept on one in hardware that is log-only");
    create_app->add_option("REGISTER", create.name, "Its name, virtual/NAME or NAME alone")->type_name("")->required()->check(text);
    create_app->add_option("--hash", create.hash, "Its hash [sha384]")->type_name("HASH")->check(text);
    create_app->add_option("--on", create.on, "The register that carries it")->type_name("REGISTER")->required()->check(text);
    create_app->callback(run_into(exit_code, [&] { return mrctl::create(common, create); }));

    std::string closed;
    auto *close_app = app.add_subcommand("close", "The last event of a virtual register, which is there no more then");
    close_app->add_option("REGISTER", closed, "Its name")->type_name("")->required()->check(text);
    close_app->callback(run_into(exit_code, [&] { return mrctl::close(common, closed); }));

    mrctl::LogCommand log;
    auto *log_app = app.add_subcommand("log",
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
    log_app->callback(run_into(exit_code, [&] { return mrctl::log(common, log); }));

    mrctl::ReplayCommand replay;
    std::string log_registers;
    auto *replay_app =
        app.add_subcommand("replay",
                           "Replays mrd's log against its registers, or, without mrd, says what files lead to (`verify --quote` "
                           "compares them). Exit 1: the log does not lead to the registers, or only over gaps");
    replay_app->add_option("--log", replay.logs, "A log in any format we read; several are read one after the other")->type_name("FILE");
    replay_app->add_flag("--accept-gaps", replay.accept_gaps, "Exit 0 also where the log leads to a register only over gaps");
    replay_app->add_option("--registers", log_registers, "Whose numbers a TCG log's are [what the log looks like]")
        ->type_name("{rtmr,pcr}")
        ->check(CLI::IsMember({"rtmr", "pcr"}).description(""));
    replay_app->callback(run_into(exit_code, [&] {
        if (!log_registers.empty()) replay.registers = log_registers == "pcr" ? mr::LogRegisters::pcr : mr::LogRegisters::rtmr;
        return mrctl::replay(common, replay);
    }));

    app.add_subcommand("repair", "Begins a new journal in the place of a damaged one; the old file is kept")
        ->callback(run_into(exit_code, [&] { return mrctl::repair(common); }));

    mrctl::WriteCommand write;
    auto *write_app = app.add_subcommand("write", "Stores a pseudo-register such as tdx/reportdata");
    write_app->add_option("REGISTER", write.name, "Its name")->type_name("")->required()->check(text);
    write_app->add_option("FILE", write.file, "File with the value's bytes, or - for standard input")->type_name("");
    write_app->add_option("--hex", write.hex, "The value, hexadecimal")->type_name("HEX");
    write_app->callback(run_into(exit_code, [&] { return mrctl::write(common, write); }));

    mrctl::ReportCommand report;
    auto *report_app = app.add_subcommand("report", "A report (TDREPORT) over bytes of your own");
    report_app->add_option("--data", report.data, data_help)->type_name("HEX")->required();
    report_app->add_option("-o,--output", report.output, "File for the report's bytes; without it, base64 on standard output")
        ->type_name("FILE");
    report_app->add_option("--provider", report.provider, "Provider, where several can report")->type_name("PROVIDER")->check(text);
    report_app->callback(run_into(exit_code, [&] { return mrctl::report(common, report); }));

    mrctl::QuoteCommand quote;
    auto *quote_app = app.add_subcommand("quote", "A quote over bytes of your own, which can be checked anywhere");
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
    quote_app->callback(run_into(exit_code, [&] { return mrctl::quote(common, quote); }));

    mrctl::CollateralCommand collateral;
    auto *collateral_app =
        app.add_subcommand("collateral", "What a verifier needs beside a quote of the simulator; `assemble` makes it for hardware's");
    collateral_app->add_option("-o,--output", collateral.output, "File for the collateral, JSON; without it and --root, standard output")
        ->type_name("FILE");
    collateral_app->add_option("--root", collateral.root, "File for the root certificate that the quotes lead to, PEM")->type_name("FILE");
    collateral_app->add_option("--provider", collateral.provider, "Provider, where several are simulated")
        ->type_name("PROVIDER")
        ->check(text);
    mrctl::AssembleCommand assemble;
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
    assemble_app->callback(run_into(exit_code, [&] { return mrctl::assemble_collateral(assemble); }));
    collateral_app->callback(
        run_into(exit_code, [&, assemble_app] { return assemble_app->parsed() ? exit_code : mrctl::collateral(common, collateral); }));

    mrctl::DeviceCommand device;
    auto *device_app =
        app.add_subcommand("device", "Devices that prove themselves by SPDM: what they are, evidence of them, what was decided");
    device_app->require_subcommand(1);
    const auto add_device_command = [&](const char *name, const char *help,
                                        int (*run)(const mrctl::Common &, const mrctl::DeviceCommand &)) {
        auto *made = device_app->add_subcommand(name, help);
        made->add_option("DEVICE", device.name, "Its name, as spdm0")->type_name("")->required()->check(text);
        made->callback(run_into(exit_code, [&, run] { return run(common, device); }));
        return made;
    };
    device_app->add_subcommand("list", "Those that there are: state, generation, leaf certificate, or why one is not there")
        ->callback(run_into(exit_code, [&] { return mrctl::device_list(common); }));
    add_device_command("show", "All that is known of one, without asking it: identity, freshness, blocks, verdict", &mrctl::device_show);
    auto *device_evidence_app = add_device_command(
        "evidence", "Asks the device for all its blocks, signed over a nonce: what a verifier needs, anywhere", &mrctl::device_evidence);
    device_evidence_app->add_option("--nonce", device.nonce, "The verifier's: 32 bytes, hexadecimal")->type_name("HEX")->required();
    device_evidence_app->add_option("-o,--output", device.output, "File for the evidence, JSON [standard output]")->type_name("FILE");
    add_number<std::uint32_t>(
        *device_evidence_app, "--deadline", 1, [&device](std::uint32_t milliseconds) { device.deadline_ms = milliseconds; }, "MILLISECONDS",
        deadline_help, max_deadline);
    mrctl::VerifyCommand judged_device;
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
    device_verify_app->callback(run_into(exit_code, [&] { return mrctl::device_verify(common, device, judged_device); }));
    auto *device_accept_app = add_device_command(
        "accept", "One generation of it was judged by a policy, and is accepted: an event in the register of the role app",
        &mrctl::device_accept);
    add_number<std::int64_t>(
        *device_accept_app, "--generation", 1, [&device](std::int64_t number) { device.generation = number; }, "NUMBER",
        "Which was judged, as the evidence says: one that has passed is refused");
    device_accept_app->get_option("--generation")->required();
    device_accept_app->add_option("--policy", device.policy, "Digest of the policy, as sha384:0a1b...")
        ->type_name("DIGEST")
        ->required()
        ->check(text);

    std::vector<std::string> watched;
    auto *watch_app = app.add_subcommand("watch", "Prints the values, then every change");
    watch_app->add_option("REGISTER", watched, "Which [all]")->type_name("")->check(text);
    watch_app->callback(run_into(exit_code, [&] { return mrctl::watch(common, watched); }));

    app.add_subcommand("stats", "Counters of each provider: reads, cached reads, refreshes, writes")->callback(run_into(exit_code, [&] {
        return mrctl::stats(common);
    }));
    app.add_subcommand("status", "State of mrd and its registers; rereads the hardware first")->callback(run_into(exit_code, [&] {
        return mrctl::status(common);
    }));

    std::string asked_about;
    auto *access_app = app.add_subcommand("access", "What one may do by the access rules, by which of them, and why not");
    access_app->add_option("USER", asked_about, "Name or number; without, whoever asks, as he is [oneself]")->type_name("")->check(text);
    access_app->callback(run_into(exit_code, [&] { return mrctl::access(common, asked_about); }));

    app.add_subcommand("metrics", "What mrd counts, as Prometheus reads it")->callback(run_into(exit_code, [&] {
        return mrctl::metrics(common);
    }));
    std::optional<std::string> level;
    auto *level_app = app.add_subcommand("log-level", "How much mrd's log tells, and until it ends another level where one is given");
    level_app->add_option("LEVEL", level, "What is to be told at least [as it is]")
        ->type_name("{debug,info,warning,error}")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}).description(""));
    level_app->callback(run_into(exit_code, [&] { return mrctl::log_level(common, level); }));

    mrctl::EvidenceCommand evidence;
    auto *evidence_app =
        app.add_subcommand("evidence", "Quotes over bytes of your own and the log that leads to them: for `mrctl verify`, anywhere");
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
    evidence_app->callback(run_into(exit_code, [&] { return mrctl::evidence(common, evidence); }));

    mrctl::VerifyCommand verify;
    auto *verify_app = app.add_subcommand(
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
    verify_app->callback(run_into(exit_code, [&] { return mrctl::verify(common.json, verify); }));

    mrctl::InspectCommand inspected;
    auto *inspect_app =
        app.add_subcommand("inspect",
                           "What a file is and says (TDREPORT, quote, SEV-SNP report, CCA token, device evidence, CoRIM, TDISP, "
                           "IDE_KM, certificates, collateral, "
                           "evidence of mrd, CoCo and ratsd, dstack's reply, CMW, TSM reports, EAR, event logs); needs no mrd");
    inspect_app->add_option("FILE", inspected.file, "File, or - for standard input")->type_name("")->required();
    inspect_app->add_option("--key", inspected.key, "Public key, PEM or JWK, that an attestation result (EAR) must be signed by")
        ->type_name("FILE");
    inspect_app->callback(run_into(exit_code, [&] { return mrctl::inspect(common.json, inspected); }));

    mrctl::RealmMeasurementCommand realm;
    auto *realm_app = app.add_subcommand("realm-measurement",
                                         "The initial measurement (RIM) that a realm of Arm's CCA has to have, step by step; needs no mrd");
    realm_app->add_option("--log", realm.log, "The realm's log, which the host made")->type_name("FILE");
    realm_app->add_option("--parameters", realm.parameters, "Instead: parameters and steps, JSON")->type_name("FILE");
    realm_app->add_option("--image", realm.images, "An image that is measured, by its name there, as KERNEL=Image")->type_name("NAME=FILE");
    realm_app->callback(run_into(exit_code, [&] { return mrctl::realm_measurement(common.json, realm); }));

    // A description may be left out so, and a program be called with an empty argument.
    mr::refuse_empty_values(app, {"--description", "PROGRAM"});

    // Also of arguments that cannot be read.
    const bool has_json = std::any_of(argv, argv + argc, [](std::string_view argument) { return argument == "--json"; });
    try {
        mrctl::set_error_form({.json = has_json, .has_verdict = false});
        for (auto *judging : {verify_app, device_verify_app})
            judging->parse_complete_callback([&] { mrctl::set_error_form({.json = has_json, .has_verdict = true}); });
        app.parse(argc, argv);
    } catch (const CLI::Success &asked) {
        app.exit(asked);  // prints --help or --version
    } catch (const CLI::ParseError &error) {
        mrctl::set_error_form({.json = has_json, .has_verdict = verify_app->parsed() || device_verify_app->parsed()});
        const auto *const wrong = app.get_subcommands().empty() ? first_word(argc, argv) : nullptr;
        exit_code =
            mrctl::fail_usage(wrong != nullptr ? "there is no command \"" + std::string(wrong) + "\"; mrctl --help shows those there are"
                                               : std::string(error.what()) + "; mrctl COMMAND --help shows what a command takes");
        // For systemd's ExecCondition= 2 would be a "no".
        if (gate_app->parsed()) exit_code = mrctl::exit_cannot_judge;
    }
    // What could not be written must not look as if it had been: a full disk, a closed descriptor. The error that was told is enough.
    if (std::cout.flush() || (exit_code != mrctl::exit_done && exit_code != mrctl::exit_refused)) return exit_code;
    // Of what changes something a script has to know that it need not be asked for again.
    const auto changes = [](const CLI::App *command) {
        constexpr std::array<std::string_view, 8> all{"extend", "measure", "cap", "create", "close", "repair", "write", "accept"};
        return std::ranges::find(all, command->get_name()) != all.end();
    };
    const bool is_done = exit_code == mrctl::exit_done && (std::ranges::any_of(app.get_subcommands(), changes) ||
                                                           std::ranges::any_of(device_app->get_subcommands(), changes));
    const std::string lost = "cannot write to standard output";
    return mrctl::fail({mr::ErrorCode::io, is_done ? lost + "; what was asked for is done" : lost});
}
