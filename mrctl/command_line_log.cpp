// The event log.
#include "mrctl/command_line_parts.h"

#include <cstdint>
#include <string>

namespace mrctl {

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

}  // namespace mrctl
