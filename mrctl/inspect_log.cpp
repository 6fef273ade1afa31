// mrctl inspect of an event log: every event, what its data says, whether its digest binds it, and what the registers hold at the end.
#include <iostream>
#include <nlohmann/json.hpp>

#include "mr/event_content.h"
#include "mr/event_log.h"
#include "mrctl/inspect.h"
#include "mrctl/output.h"

namespace mrctl {

using Json = nlohmann::ordered_json;

namespace {

std::string algorithm_name(std::uint16_t id) {
    const auto algorithm = mr::hash_algorithm_from_tcg(id);
    return algorithm ? std::string(mr::to_string(*algorithm)) : "algorithm " + std::to_string(id);
}

// The binding of the bank that says most: banks of one event differ only where one of them was computed by another rule.
mr::RecomputedBinding binding_of(const mr::Event &event) {
    mr::RecomputedBinding binding;
    for (const auto &digest : event.digests) {
        binding = mr::recompute_binding(event, digest);
        if (binding.binding == mr::Binding::bound) break;
    }
    return binding;
}

Json json_of(const mr::Event &event) {
    const auto binding = binding_of(event);
    Json json{{"sequence", event.sequence},
              {"name", mr::printable_text(event.name)},
              {"eventType", event.type},
              {"type", mr::event_type_name(event.type)}};
    for (const auto &digest : event.digests) json["digests"][algorithm_name(digest.algorithm_id)] = mr::to_hex(digest.value);
    json["binding"] = mr::to_string(binding.binding);
    if (!binding.rule.empty()) json["rule"] = binding.rule;
    if (event.description) json["description"] = mr::printable_text(*event.description);
    json["content"] = Json::array();
    for (const auto &[name, value] : mr::decode_content(event)) json["content"].push_back({{"name", name}, {"value", value}});
    return json;
}

void print_event(const mr::Event &event) {
    const auto binding = binding_of(event);
    std::cout << event.sequence << ' ' << (event.name.empty() ? "-" : mr::printable_text(event.name)) << ' '
              << mr::event_type_name(event.type) << ' ' << mr::to_string(binding.binding)
              << (binding.rule.empty() ? "" : ": the digest is of the ") << binding.rule << '\n';
    for (const auto &digest : event.digests)
        std::cout << "    " << algorithm_name(digest.algorithm_id) << ' ' << mr::to_hex(digest.value) << '\n';
    if (event.description) std::cout << "    description: " << mr::printable_text(*event.description) << '\n';
    for (const auto &[name, value] : mr::decode_content(event)) std::cout << "    " << name << ": " << value << '\n';
}

}  // namespace

int inspect_log(bool json, const std::string &file, mr::EventLogReader &reader) {
    mr::Replay replay;
    for (const auto &reg : reader.registers()) replay.declare(reg);
    std::cout << (json ? R"({"format":")" : "event log, format ") << mr::to_string(reader.format()) << (json ? R"(","events":[)" : "\n");
    mr::Event event;
    bool first = true;
    for (;;) {
        const auto more = reader.next(event);
        if (!more) return fail({more.error().code, file + ": " + more.error().message});
        if (!*more) break;
        if (json) {
            std::cout << (std::exchange(first, false) ? "\n" : ",\n") << json_of(event).dump();
        } else {
            print_event(event);
        }
        if (auto applied = replay.apply(event); !applied) return fail({applied.error().code, file + ": " + applied.error().message});
        if (!std::cout.good()) return exit_refused;
    }
    Json registers = Json::object();
    for (const auto &reg : replay.registers()) registers[mr::printable_text(reg.name)] = mr::to_hex(reg.value.bytes());
    if (json) {
        std::cout << "\n],\"registers\":" << registers.dump() << "}\n";
    } else {
        std::cout << replay.events() << " events, which lead to\n";
        for (const auto &[name, value] : registers.items()) std::cout << name << ' ' << value.get<std::string>() << '\n';
    }
    return exit_done;
}

}  // namespace mrctl
