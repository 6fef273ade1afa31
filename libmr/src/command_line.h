// What is the same of every program's command line: a value that is empty is refused, and what is said to one that is not taken, or that asks for help or the version.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <initializer_list>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mr/event_content.h"

namespace mr {

// Of an unset variable of a script: it would count as left out, and with it what the script asks for. All options and arguments of a command and of those below it, but
// for those of the names `may_be_empty`.
inline void refuse_empty_values(CLI::App &command, std::initializer_list<std::string_view> may_be_empty = {}) {
    static const CLI::Validator given(
        [](std::string &value) { return value.empty() ? std::string("it is empty: leave it out, or give it a value") : std::string(); }, "",
        "given");
    for (auto *option : command.get_options()) {
        const auto is_named = [option](std::string_view name) { return option->check_name(std::string(name)); };
        if (option->get_items_expected_max() > 0 && std::ranges::none_of(may_be_empty, is_named)) option->check(given);
    }
    for (auto *below : command.get_subcommands({})) refuse_empty_values(*below, may_be_empty);
}

// Those that no command takes, the last one first.
inline std::vector<std::string> unexpected_arguments(const CLI::App &command) {
    auto unexpected = command.remaining();
    std::ranges::reverse(unexpected);
    for (const auto *below : command.get_subcommands()) {
        auto its = unexpected_arguments(*below);
        unexpected.insert(unexpected.begin(), its.begin(), its.end());
    }
    return unexpected;
}

// CLI11 names them from behind, where they are in their order. Nothing: it is another error.
inline std::optional<CLI::ExtrasError> in_given_order(const CLI::App &app, const CLI::ParseError &error) {
    if (error.get_exit_code() != static_cast<int>(CLI::ExitCodes::ExtrasError)) return std::nullopt;
    auto unexpected = unexpected_arguments(app);
    return unexpected.empty() ? std::nullopt : std::optional<CLI::ExtrasError>(std::in_place, std::move(unexpected));
}

// Nothing that was typed reaches the terminal but as text. The exit code: 0, `exit_usage`, or 1 where the answer could not be written: a full disk, a closed descriptor.
inline int answer_command_line(const CLI::App &app, const CLI::ParseError &error, std::string_view program, int exit_usage) {
    std::ostringstream out;
    std::ostringstream wrong;
    const auto extra = in_given_order(app, error);
    const bool is_wrong = app.exit(extra ? static_cast<const CLI::ParseError &>(*extra) : error, out, wrong) != 0;
    std::cout << printable_lines(out.str());
    if (is_wrong) std::cerr << program << ": ";
    std::cerr << printable_lines(wrong.str());
    if (is_wrong) return exit_usage;
    if (std::cout.flush()) return 0;
    std::cerr << program << ": cannot write to standard output\n";
    return 1;
}

}  // namespace mr
