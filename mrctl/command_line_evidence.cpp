// What is signed on this machine.
#include "mrctl/command_line_parts.h"

#include <cstdint>
#include <string>

namespace mrctl {

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

}  // namespace mrctl
