// What a command line of mrctl is made of: the commands, each of which adds itself with all that it takes.
#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mrctl/commands.h"

namespace mrctl {

struct CommandLine {
    CLI::App &app;
    const Common &common;
    int &exit_code;
    std::vector<CLI::App *> judging;  // have a verdict, in an error too
    const CLI::App *gate = nullptr;   // whose exit status of a wrong command line is another
    std::vector<std::shared_ptr<void>> kept;

    // What a command is told, for as long as the command line is there.
    template <class Command>
    Command &keep() {
        auto made = std::make_shared<Command>();
        kept.push_back(made);
        return *made;
    }

    void runs(CLI::App &command, std::function<int(const Common &)> work) const {
        command.callback([&common = common, &exit_code = exit_code, work = std::move(work)] { exit_code = work(common); });
    }
};

struct NamedCommand {
    std::string_view name;
    void (*add)(CommandLine &line);
};

// In the order of `mrctl --help`.
std::span<const NamedCommand> commands();

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

}  // namespace mrctl
