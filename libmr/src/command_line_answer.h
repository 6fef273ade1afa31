// What a program says to a command line that it does not take, or that asks for help or the version.
#pragma once

#include <CLI/CLI.hpp>
#include <iostream>
#include <sstream>
#include <string_view>

#include "mr/event_content.h"

namespace mr {

// Nothing that was typed reaches the terminal but as text. The exit code: 0, or `exit_usage`.
inline int answer_command_line(const CLI::App &app, const CLI::ParseError &error, std::string_view program, int exit_usage) {
    std::ostringstream out;
    std::ostringstream wrong;
    const bool is_wrong = app.exit(error, out, wrong) != 0;
    std::cout << printable_lines(out.str());
    if (is_wrong) std::cerr << program << ": ";
    std::cerr << printable_lines(wrong.str());
    return is_wrong ? exit_usage : 0;
}

}  // namespace mr
