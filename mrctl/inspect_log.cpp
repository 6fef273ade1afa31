// mrctl inspect of an event log: every event, what its data says, whether its digest binds it, and what the registers hold at the end.
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <vector>

#include "mr/event_content.h"
#include "mr/event_log.h"
#include "mrctl/inspect.h"
#include "mrctl/inspect_tcg.h"
#include "mrctl/output.h"

namespace mrctl {

using Json = nlohmann::ordered_json;

namespace {

// Of all banks: a digest that is not the data's may be the one that a register was extended by, whatever stands beside it.
// `known`: the registers that mrd's JSON begins with, each with its bank. What is extended into none of them says nothing.
mr::RecomputedBinding binding_of(const mr::Event &event, const std::vector<mr::LogRegister> *known) {
    mr::RecomputedBinding binding;
    for (const auto &digest : event.digests) {
        const auto algorithm = mr::hash_algorithm_from_tcg(digest.algorithm_id);
        const auto is_its_bank = [&](const mr::LogRegister &reg) { return reg.name == event.name && reg.algorithm == algorithm; };
        if (!algorithm || (known != nullptr && std::ranges::none_of(*known, is_its_bank))) continue;
        binding = mr::recompute_binding(event, digest);
        if (binding.binding == mr::Binding::described) break;
    }
    return binding;
}

Json json_of(const mr::Event &event, const mr::RecomputedBinding &binding, bool in_realms_log) {
    Json json{{"sequence", event.sequence},
              {"name", mr::printable_text(event.name)},
              {"eventType", event.type},
              {"type", mr::event_type_name(event.type)}};
    for (const auto &digest : event.digests) json["digests"][algorithm_name(digest.algorithm_id)] = mr::to_hex(digest.value);
    json["binding"] = mr::to_string(binding.binding);
    if (!binding.rule.empty()) json["rule"] = binding.rule;
    json["origin"] = mr::to_string(event.origin);
    if (event.caller) {
        const auto &caller = *event.caller;
        json["claimed"]["caller"] = {{"uid", caller.uid}, {"gid", caller.gid}, {"pid", caller.pid}};
        if (caller.executable) json["claimed"]["caller"]["executable"] = mr::printable_text(*caller.executable);
        if (caller.unit) json["claimed"]["caller"]["unit"] = mr::printable_text(*caller.unit);
        if (const auto &other = caller.on_behalf_of)
            json["claimed"]["caller"]["onBehalfOf"] = {{"uid", other->uid}, {"gid", other->gid}, {"pid", other->pid}};
    }
    if (event.time) json["claimed"]["time"] = *event.time;
    if (event.id) json["claimed"]["id"] = mr::printable_text(*event.id);
    if (event.description) json["claimed"]["description"] = mr::printable_text(*event.description);
    json["content"] = Json::array();
    for (const auto &[name, value] : mr::decode_content(event, in_realms_log))
        json["content"].push_back({{"name", name}, {"value", value}});
    return json;
}

void print_event(const mr::Event &event, const mr::RecomputedBinding &binding, bool in_realms_log) {
    std::cout << event.sequence << ' ' << (event.name.empty() ? "-" : mr::printable_text(event.name)) << ' '
              << mr::event_type_name(event.type) << ' ' << mr::to_string(binding.binding)
              << (binding.rule.empty() ? "" : ": the digest is of the ") << binding.rule << '\n';
    for (const auto &digest : event.digests)
        std::cout << "    " << algorithm_name(digest.algorithm_id) << ' ' << mr::to_hex(digest.value) << '\n';
    if (event.caller) {
        const auto &caller = *event.caller;
        std::cout << "    claimed caller: uid " << caller.uid << " gid " << caller.gid << " pid " << caller.pid
                  << (caller.executable ? " " + mr::printable_text(*caller.executable) : "")
                  << (caller.unit ? " " + mr::printable_text(*caller.unit) : "");
        if (const auto &other = caller.on_behalf_of)
            std::cout << " on behalf of uid " << other->uid << " gid " << other->gid << " pid " << other->pid;
        std::cout << '\n';
    }
    if (event.time) std::cout << "    claimed time: " << *event.time << " us\n";
    if (event.id) std::cout << "    id: " << mr::printable_text(*event.id) << '\n';
    if (event.description) std::cout << "    claimed description: " << mr::printable_text(*event.description) << '\n';
    for (const auto &[name, value] : mr::decode_content(event, in_realms_log)) std::cout << "    " << name << ": " << value << '\n';
}

// The events before it have been printed.
int fail_inside(bool json, const std::string &file, mr::Error error) {
    error.message = file + ": " + error.message;
    if (!json) return fail(error);
    std::cout << "\n]";
    return fail_within_object(error);
}

}  // namespace

std::string algorithm_name(std::uint16_t id) {
    const auto algorithm = mr::hash_algorithm_from_tcg(id);
    return algorithm ? std::string(mr::to_string(*algorithm)) : "algorithm " + std::to_string(id);
}

int inspect_log(bool json, const std::string &file, mr::ByteView bytes, mr::EventLogReader &reader) {
    mr::Replay replay(names_for(reader.registers()));
    for (const auto &reg : reader.registers()) replay.declare(reg);
    std::cout << (json ? R"({"format":")" : "event log, format ") << mr::to_string(reader.format()) << (json ? R"(","events":[)" : "\n");
    EventNumbers numbers(reader.format());
    TcgSummary summary(bytes, reader.format());
    const auto *const known = reader.format() == mr::LogFormat::json ? &reader.registers() : nullptr;
    mr::Event event;
    bool first = true;
    bool in_realms_log = false;
    for (;;) {
        const auto more = reader.next(event);
        if (!more) return fail_inside(json, file, more.error());
        if (!*more) break;
        in_realms_log = in_realms_log || mr::begins_realms_log(event);
        const auto binding = binding_of(event, known);
        if (json) {
            std::cout << (std::exchange(first, false) ? "\n" : ",\n") << mr::printable_json(json_of(event, binding, in_realms_log).dump());
        } else {
            print_event(event, binding, in_realms_log);
        }
        if (auto applied = replay.apply(event); !applied) return fail_inside(json, file, applied.error());
        numbers.see(event);
        summary.see(event);
        if (!std::cout.good()) return exit_refused;
    }
    const auto end = reader.offset();
    std::cout << (json ? "\n]," + summary.json_members(end, replay) + "\"replay\":"
                       : summary.text(end) + std::to_string(replay.events()) + " events, which lead to\n");
    const bool consistent = print_replay(json, replay, numbers.wrong());
    if (json) std::cout << "}\n";
    return consistent ? exit_done : exit_refused;
}

}  // namespace mrctl
