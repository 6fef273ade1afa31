// mrctl exec: what is measured is what runs.
#include <nlohmann/json.hpp>
#include <system_error>

#include "mr/digest.h"
#include "mr/envelope.h"
#include "mrctl/commands.h"
#include "mrctl/output.h"
#include "mrctl/program.h"

namespace mrctl {

namespace {

// What the event says: `exec ["agent","--port","80"]`, of a script's interpreter `interpreter ["/bin/sh","-e"]`. JSON without blanks, so that anybody can write
// it down before. Error: what an event cannot hold.
std::expected<std::string, std::string> part_description(const ProgramPart &part, bool is_interpreter) {
    const nlohmann::json arguments(part.arguments);
    std::string text = (is_interpreter ? "interpreter " : "exec ") + arguments.dump();
    if (text.size() > mr::max_event_description)
        return std::unexpected("exec: the program's name and arguments take " + std::to_string(text.size()) +
                               " bytes in the event's description, which has at most " + std::to_string(mr::max_event_description) +
                               ": give it a file with them");
    return text;
}

}  // namespace

int exec(const Common &common, const ExecCommand &command) {
    // Of the program's own --json nothing is meant for mrctl.
    set_error_form({.json = common.json, .has_verdict = false});
    auto program = command.program;
    // CLI11 has taken none away: what stands behind the register is the program's.
    if (!program.empty() && program.front() == "--") program.erase(program.begin());
    if (program.empty() || program.front().empty()) return fail_usage("exec: name the program behind the register");
    for (const auto &argument : program) {
        if (!mr::is_text(argument)) return fail_usage("exec: an argument is not text in UTF-8, so that the event cannot hold it");
    }
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto parts = load_program(program);
    if (!parts) return fail(parts.error());
    std::vector<std::string> descriptions;
    for (const auto &part : *parts) {
        auto description = part_description(part, &part != &parts->back());
        if (!description) return fail_usage(description.error());
        descriptions.push_back(std::move(*description));
    }
    for (std::size_t i = 0; i < parts->size(); ++i) {
        constexpr auto algorithm = mr::HashAlgorithm::sha384;
        const auto digest = mr::hash(algorithm, (*parts)[i].file.bytes());
        if (!digest) return fail(digest.error());
        const auto measured = client->measure_digest(command.name, mr::ContentDigest{algorithm, *digest}, {.description = descriptions[i]});
        if (!measured) return fail(measured.error());
    }
    const auto error = run_program(*parts);
    return fail(
        {mr::ErrorCode::io, "cannot run " + program.front() + ", which is measured already: " + std::generic_category().message(error)});
}

}  // namespace mrctl
