// Registers and what extends them.
#include "mrctl/command_line_parts.h"

#include <string>
#include <vector>

namespace mrctl {

namespace {

void add_event_options(CLI::App &command, Event &event) {
    command.add_option("--description", event.description, "What was measured [of measure: the file's name]")->check(text);
    command.add_option("--type", event.type, "TCG event type, a number or a name [EV_IPL]")->check(text);
    command.add_option("--id", event.id, "Makes it idempotent: the same event again with the same id, by the same user, extends nothing")
        ->type_name("ID")
        ->check(text);
}

}  // namespace

void add_list(CommandLine &line) { line.runs(*line.app.add_subcommand("list", "The registers: flags, hash, size, owner"), &mrctl::list); }

void add_read(CommandLine &line) {
    auto &read = line.keep<ReadCommand>();
    auto *read_app = line.app.add_subcommand("read", "Values of registers, a line for each name given; of several, all from one moment");
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

void add_write(CommandLine &line) {
    auto &write = line.keep<WriteCommand>();
    auto *write_app = line.app.add_subcommand("write", "Stores a pseudo-register such as tdx/reportdata");
    write_app->add_option("REGISTER", write.name, "Its name")->type_name("")->required()->check(text);
    write_app->add_option("FILE", write.file, "File with the value's bytes, or - for standard input")->type_name("");
    write_app->add_option("--hex", write.hex, "The value, hexadecimal")->type_name("HEX");
    line.runs(*write_app, [&write](const Common &common) { return mrctl::write(common, write); });
}

void add_watch(CommandLine &line) {
    auto &watched = line.keep<std::vector<std::string>>();
    auto *watch_app = line.app.add_subcommand("watch", "Prints the values, then every change");
    watch_app->add_option("REGISTER", watched, "Which [all]")->type_name("")->check(text);
    line.runs(*watch_app, [&watched](const Common &common) { return mrctl::watch(common, watched); });
}

}  // namespace mrctl
