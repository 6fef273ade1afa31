// The command line of mrctl.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iostream>
#include <string>
#include <string_view>

#include "libmr/src/command_line.h"
#include "mrctl/command_line.h"
#include "mrctl/commands.h"
#include "mrctl/output.h"
#include "proto/varlink/file_descriptor.h"

namespace {

// Where the command's name stands; 0: there is none.
int first_word(int argc, char **argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--socket" || word == "--timeout") {
            ++i;
        } else if (!word.starts_with('-')) {
            return i;
        }
    }
    return 0;
}

// The command that is named, alone: to make all that the others take would be most of what `mrctl read` does. All of them, where it is not known.
void add_commands(mrctl::CommandLine &line, std::string_view name) {
    const auto all = mrctl::commands();
    const auto named = std::ranges::find(all, name, &mrctl::NamedCommand::name);
    if (named != all.end()) return named->add(line);
    for (const auto &command : all) command.add(line);
}

// Of what changes something a script has to know that it need not be asked for again.
bool has_changed_something(const CLI::App &app) {
    constexpr std::array<std::string_view, 8> changes{"extend", "measure", "cap", "create", "close", "repair", "write", "accept"};
    return std::ranges::any_of(app.get_subcommands(), [&changes](const CLI::App *command) {
        return std::ranges::find(changes, command->get_name()) != changes.end() || has_changed_something(*command);
    });
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
    mrctl::add_number<std::uint32_t>(
        app, "--timeout", 1, [&common](std::uint32_t seconds) { common.client.call_timeout = std::chrono::seconds(seconds); }, "SECONDS",
        "How long to wait for an answer [45]; watch waits without limit");

    mrctl::CommandLine line{.app = app, .common = common, .exit_code = exit_code, .judging = {}, .kept = {}};
    const int word = first_word(argc, argv);
    add_commands(line, word == 0 ? std::string_view() : std::string_view(argv[word]));

    // A description may be left out so, and a program be called with an empty argument.
    mr::refuse_empty_values(app, {"--description", "PROGRAM"});

    // Also of arguments that cannot be read.
    const bool has_json = std::any_of(argv, argv + argc, [](std::string_view argument) { return argument == "--json"; });
    try {
        mrctl::set_error_form({.json = has_json, .has_verdict = false});
        for (auto *judging : line.judging)
            judging->parse_complete_callback([&] { mrctl::set_error_form({.json = has_json, .has_verdict = true}); });
        app.parse(argc, argv);
    } catch (const CLI::Success &asked) {
        app.exit(asked);  // prints --help or --version
    } catch (const CLI::ParseError &error) {
        mrctl::set_error_form({.json = has_json, .has_verdict = std::ranges::any_of(line.judging, &CLI::App::parsed)});
        const bool is_unknown = app.get_subcommands().empty() && word != 0;
        const auto extra = mr::in_given_order(app, error);
        exit_code =
            mrctl::fail_usage(is_unknown ? "there is no command \"" + std::string(argv[word]) + "\"; mrctl --help shows those there are"
                                         : std::string((extra ? static_cast<const CLI::ParseError &>(*extra) : error).what()) +
                                               "; mrctl COMMAND --help shows what a command takes");
        // For systemd's ExecCondition= 2 would be a "no".
        if (line.gate != nullptr && line.gate->parsed()) exit_code = mrctl::exit_cannot_judge;
    }
    // What could not be written must not look as if it had been: a full disk, a closed descriptor. The error that was told is enough.
    if (std::cout.flush() || (exit_code != mrctl::exit_done && exit_code != mrctl::exit_refused)) return exit_code;
    const bool is_done = exit_code == mrctl::exit_done && has_changed_something(app);
    const std::string lost = "cannot write to standard output";
    return mrctl::fail({mr::ErrorCode::io, is_done ? lost + "; what was asked for is done" : lost});
}
