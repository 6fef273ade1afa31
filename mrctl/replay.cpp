// mrctl replay: what a log leads to. With files it needs no mrd.
#include <algorithm>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "libmr/wire/event_log.h"
#include "mr/event_content.h"
#include "mr/event_log.h"
#include "mr/evidence.h"
#include "mrctl/commands.h"
#include "mrctl/confinement.h"
#include "mrctl/inspect.h"
#include "mrctl/mapped_file.h"
#include "mrctl/output.h"
#include "mrctl/record_event.h"

namespace mrctl {

using Json = nlohmann::ordered_json;

namespace {

std::string alarm(const std::string &text) { return coloured(text, sgr::red); }

bool has_gaps(const mr::Replay &replay) {
    return std::ranges::any_of(replay.registers(), [](const auto &reg) { return !reg.gaps.empty(); });
}

Json json_of(mr::Replay &replay, const EventNumbers::Wrong &numbers) {
    // One that no event extended holds what it began with: that, too, is what the log says.
    const auto is_rtmr = [](const mr::ReplayedRegister &reg) { return reg.name.starts_with("rtmr"); };
    if (std::ranges::any_of(replay.registers(), is_rtmr)) {
        const auto zero = mr::Digest::zero(mr::HashAlgorithm::sha384);
        for (const std::string name : {"rtmr0", "rtmr1", "rtmr2", "rtmr3"}) {
            if (replay.find(name) == nullptr) replay.declare({name, mr::HashAlgorithm::sha384, zero, zero});
        }
    }
    auto replayed = replay.registers();
    const auto by_name = [](const auto &a, const auto &b) { return ::strverscmp(a.name.c_str(), b.name.c_str()) < 0; };
    std::ranges::sort(replayed,
                      [&](const auto &a, const auto &b) { return by_name(a, b) || (!by_name(b, a) && a.algorithm < b.algorithm); });
    Json registers = Json::object();
    Json gaps = Json::array();
    for (const auto &reg : replayed) {
        auto name = mr::printable_text(reg.name);
        // Of several banks each is shown.
        if (std::ranges::equal_range(replayed, reg, by_name).size() > 1) name.append(":").append(mr::to_string(reg.algorithm));
        registers[name] = mr::to_hex(reg.value.bytes());
        for (const auto &gap : reg.gaps) {
            gaps.push_back({{"register", name},
                            {"sequence", gap.sequence},
                            {"expected", mr::to_hex(gap.expected.bytes())},
                            {"found", mr::to_hex(gap.found.bytes())},
                            {"joins", gap.joins}});
        }
    }
    Json missing = Json::array();
    for (const auto &range : numbers.missing) missing.push_back({{"first", range.first}, {"last", range.last}});
    return {{"registers", registers}, {"events", replay.events()}, {"gaps", gaps}, {"missing", missing}, {"repeated", numbers.repeated}};
}

}  // namespace

mr::ReplayNames names_for(const std::vector<mr::LogRegister> &registers) {
    std::set<std::pair<std::string_view, mr::HashAlgorithm>> names;
    const bool collide =
        std::ranges::any_of(registers, [&](const auto &reg) { return !names.emplace(mr::common_name(reg.name), reg.algorithm).second; });
    return collide ? mr::ReplayNames::as_logged : mr::ReplayNames::common;
}

void EventNumbers::see(const mr::Event &event) {
    if (!is_numbered_) return;
    if (event.sequence > last_ + 1 && wrong_.missing.size() < max_told) wrong_.missing.push_back({last_ + 1, event.sequence - 1});
    if (event.sequence <= last_ && wrong_.repeated.size() < max_told) wrong_.repeated.push_back(event.sequence);
    last_ = std::max(last_, event.sequence);
}

void EventNumbers::Wrong::add(const Wrong &other) {
    missing.insert(missing.end(), other.missing.begin(), other.missing.end());
    repeated.insert(repeated.end(), other.repeated.begin(), other.repeated.end());
}

bool print_replay(bool json, mr::Replay &replay, const EventNumbers::Wrong &numbers) {
    const auto result = json_of(replay, numbers);
    if (result["registers"].empty()) {
        note(replay.events() == 0
                 ? "the log holds no event, and so leads to no register"
                 : "none of the log's events extends a register by an algorithm that is computed here (sha1, sha256, sha384, "
                   "sha512, sm3_256): it leads to no register");
    }
    if (json) {
        print_json(result.dump());
    } else {
        for (const auto &[name, value] : result["registers"].items()) std::cout << name << ' ' << value.get<std::string>() << '\n';
        for (const auto &gap : result["gaps"]) {
            std::cout << alarm("gap " + gap["register"].get<std::string>() + " at " + std::to_string(gap["sequence"].get<std::uint64_t>()) +
                               " expected " + gap["expected"].get<std::string>() + " found " + gap["found"].get<std::string>() +
                               (gap["joins"].get<bool>() ? "" : " (the events before it do not lead to what is expected)"))
                      << '\n';
        }
        for (const auto &range : numbers.missing) {
            const auto first = std::to_string(range.first);
            std::cout << alarm(range.first == range.last ? "missing event " + first
                                                         : "missing events " + first + " to " + std::to_string(range.last))
                      << '\n';
        }
        for (const auto number : numbers.repeated)
            std::cout << alarm("event " + std::to_string(number) + " is there twice, or in no order") << '\n';
    }
    // A log that contradicts itself is no log of any register.
    return std::ranges::all_of(replay.registers(), &mr::ReplayedRegister::consistent);
}

namespace {

std::expected<void, mr::Error> read_log(mr::EventLogReader &reader, mr::Replay &replay, EventNumbers &numbers) {
    for (const auto &reg : reader.registers()) replay.declare(reg);
    mr::Event event;
    for (;;) {
        const auto more = reader.next(event);
        if (!more) return std::unexpected(more.error());
        if (!*more) return {};
        if (auto applied = replay.apply(event); !applied) return applied;
        numbers.see(event);
    }
}

int replay_files(bool json, const ReplayCommand &command) {
    std::vector<MappedFile> files;
    std::vector<mr::EventLogReader> readers;
    auto names = mr::ReplayNames::common;
    const auto name_file = [](const std::string &path, mr::Error error) {
        error.message = path + ": " + error.message;
        return error;
    };
    for (const auto &path : command.logs) {
        auto file = MappedFile::open(path);
        if (!file) return fail(file.error());
        files.push_back(std::move(*file));
    }
    confine_to_output();
    for (std::size_t i = 0; i < files.size(); ++i) {
        files[i].decode();
        auto reader = mr::EventLogReader::open(files[i].bytes(), {.registers = command.registers});
        if (!reader && mr::is_evidence(files[i].bytes()))
            return fail({mr::ErrorCode::malformed,
                         command.logs[i] + " is evidence: `mrctl inspect` shows the log in it, `mrctl verify` replays and judges it"});
        if (!reader) return fail(name_file(command.logs[i], reader.error()));
        if (names_for(reader->registers()) == mr::ReplayNames::as_logged) names = mr::ReplayNames::as_logged;
        readers.push_back(std::move(*reader));
    }
    mr::Replay replay(names);
    EventNumbers::Wrong wrong;
    for (std::size_t i = 0; i < readers.size(); ++i) {
        EventNumbers numbers(readers[i].format());
        if (auto done = read_log(readers[i], replay, numbers); !done) return fail(name_file(command.logs[i], done.error()));
        wrong.add(numbers.wrong());
    }

    const bool is_whole = !has_gaps(replay) && wrong.empty();
    return print_replay(json, replay, wrong) && (command.accept_gaps || is_whole) ? exit_done : exit_refused;
}

std::string gap_text(std::int64_t sequence, const std::string &expected, const std::string &found) {
    return "at " + std::to_string(sequence) + " expected " + expected + " found " + found;
}

// The gap at 0: what the log's start leads to is no event's word, but mrd's.
std::string describe_start(mr::Client &client, const std::string &name) {
    const auto status = client.status();
    const auto json = status ? Json::parse(status->json, nullptr, false) : Json();
    if (json.is_object()) {
        for (const auto &provider : json.value("providers", Json::array())) {
            for (const auto &entry : provider.value("registers", Json::array())) {
                if (entry.value("name", "") == name)
                    return mr::printable_text(gap_text(0, entry.value("explained", ""), entry.value("start", "")));
            }
        }
    }
    return "at 0";
}

// A log that cannot be read leads nowhere, which is nobody's extend.
void note_damage(mr::Client &client) {
    const auto status = client.status();
    const auto json = status ? Json::parse(status->json, nullptr, false) : Json();
    const auto journal = json.is_object() ? json.value("journal", Json::object()) : Json::object();
    if (journal.value("condition", "") == "damaged")
        note("the journal is damaged, and its log leads to what could still be read: " + journal.value("reason", ""));
}

// The resync's own words, from its record.
std::string describe_resync(mr::Client &client, std::int64_t sequence) {
    std::string expected;
    std::string found;
    (void)client.records(sequence, false, [&](const mr::LogRecord &record) {
        const auto event = logged_event(record);
        if (event.digests.empty()) return false;
        const auto envelope = mr::bound_envelope(event, event.digests.front());
        if (const auto values = envelope ? mr::resync_values(*envelope, record.digest.size()) : std::nullopt) {
            expected = mr::to_hex(values->expected.bytes());
            found = mr::to_hex(values->found.bytes());
        }
        return false;
    });
    return gap_text(sequence, expected, found);
}

bool is_good(bool equal, bool ends_at_register, bool accept_gaps) { return equal || (ends_at_register && accept_gaps); }

}  // namespace

int replay(const Common &common, const ReplayCommand &command) {
    if (!command.logs.empty()) return replay_files(common.json, command);
    if (command.registers) return fail_usage("replay: --registers goes with --log: the registers of mrd's log have names");
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    // Who has the log has its replay, also where he may not list registers, or the listener serves nothing but the log.
    const auto listed = client->list();
    if (!listed && listed.error().code != mr::ErrorCode::permission_denied && listed.error().code != mr::ErrorCode::method_not_implemented)
        return fail(listed.error());
    if (!listed)
        note("which registers are only observed is not known here, so that one of them may seem to differ: " + listed.error().message);
    const auto is_observed = [&listed](std::string_view name) {
        return listed &&
               std::ranges::any_of(*listed, [&](const auto &reg) { return reg.name == name && reg.owner == mr::Owner::observed; });
    };
    bool all_good = true;
    if (common.json) {
        const auto reply = client->call(mr::wire::Replay::description.name, "{}");
        if (!reply) return fail(reply.error());
        print_json(reply->json);
        const auto json = Json::parse(reply->json, nullptr, false);
        for (const auto &reg : json.value("registers", Json::array())) {
            all_good = all_good && (is_observed(reg.value("name", "")) ||
                                    is_good(reg.value("equal", false), reg.value("endsAtRegister", false), command.accept_gaps));
        }
        if (!all_good) note_damage(*client);
        return all_good ? exit_done : exit_refused;
    }
    const auto results = client->replay();
    if (!results) return fail(results.error());
    std::vector<std::string> unbound;
    for (const auto &result : *results) {
        if (result.unbound) unbound.push_back(result.name);
        const auto value = mr::to_hex(result.replayed.bytes());
        const auto actual = mr::to_hex(result.actual.bytes());
        if (result.equal) {
            std::cout << mr::printable_text(result.name) << " equal " << value << '\n';
            continue;
        }
        if (is_observed(result.name)) {
            std::cout << mr::printable_text(result.name) << " observed: the firmware's log leads to " << value << ", the register holds "
                      << actual << '\n';
            continue;
        }
        all_good = all_good && is_good(result.equal, result.ends_at_register, command.accept_gaps);
        const auto said = result.ends_at_register
                              ? "GAPS: the log leads there only over gaps, which others' extends or missing records left:"
                          : value.empty() ? "UNKNOWN to the journal: nothing explains"
                                          : "DIFFERS: the log leads to " + value + ", the register holds";
        std::cout << mr::printable_text(result.name) << ' ' << alarm(said) << ' ' << actual << '\n';
        for (const auto gap : result.gaps)
            std::cout << "  gap " << (gap == 0 ? describe_start(*client, result.name) : describe_resync(*client, gap)) << '\n';
    }
    if (!all_good) note_damage(*client);
    note_unbound(unbound);
    return all_good ? exit_done : exit_refused;
}

}  // namespace mrctl
