// create and close.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "libmr/wire/registers.h"
#include "mrctl/answer.h"
#include "mrctl/commands.h"
#include "mrctl/output.h"

namespace mrctl {

std::string virtual_register_name(const std::string &name) { return name.find('/') == std::string::npos ? "virtual/" + name : name; }

int create(const Common &common, const CreateCommand &command) {
    const auto hash = mr::hash_algorithm_from(command.hash);
    if (!hash) return fail_usage("--hash names no hash that is known: sha256, sha384 or sha512");
    const auto name = virtual_register_name(command.name);
    if (common.json) return print_reply<mr::wire::Create>(common, {name, mr::to_string(*hash), command.on});
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto created = answer_of<mr::wire::Create>(*client, {name, mr::to_string(*hash), command.on});
    if (!created) return fail(created.error());
    const auto on = nlohmann::json::parse(*created).value("on", command.on);
    std::cout << mr::printable_text(name) << " created on " << mr::printable_text(on) << '\n';
    return exit_done;
}

int close(const Common &common, const std::string &name) {
    if (common.json) return print_reply<mr::wire::Close>(common, {virtual_register_name(name)});
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto sequence = client->close(virtual_register_name(name));
    if (!sequence) return fail(sequence.error());
    std::cout << mr::printable_text(virtual_register_name(name)) << " closed by event " << *sequence << '\n';
    return exit_done;
}

}  // namespace mrctl
