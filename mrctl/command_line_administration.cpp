// What looks after mrd.
#include "mrctl/command_line_parts.h"

#include <optional>
#include <string>

namespace mrctl {

void add_repair(CommandLine &line) {
    line.runs(*line.app.add_subcommand("repair", "Begins a new journal in the place of a damaged one; the old file is kept"),
              &mrctl::repair);
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

}  // namespace mrctl
