#include "mrctl/commands.h"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "libmr/wire/attestation.h"
#include "libmr/wire/registers.h"
#include "libmr/wire/service.h"
#include "mr/bytes.h"
#include "mr/event_content.h"
#include "mr/limits.h"
#include "mrctl/answer.h"
#include "mrctl/output.h"

namespace mrctl {

using Json = nlohmann::ordered_json;

int print_raw(const Common &common, const mr::Call<mr::RawReply> &call) {
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto reply = client->call(call);
    if (!reply) return fail(reply.error());
    print_json(reply->json);
    return exit_done;
}

int print_raw(const Common &common, const mr::StreamCall<mr::RawReply> &call) {
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto ended = client->stream(call, [](const mr::RawReply &reply) {
        print_json(reply.json);
        return std::cout.flush().good();  // each line as it comes
    });
    return ended ? exit_done : fail(ended.error());
}

std::expected<mr::EventOptions, mr::Error> event_of(const Event &event) {
    mr::EventOptions options{.description = event.description, .id = event.id};
    if (event.type) {
        options.type = mr::event_type_from(*event.type);
        if (!options.type) {
            return std::unexpected(mr::Error{mr::ErrorCode::invalid_argument,
                                             "--type " + *event.type + " is no event type: give a number, or a name such as EV_EVENT_TAG"});
        }
    }
    return options;
}

namespace {

Json json_of(const mr::Reading &reading) {
    Json json{{"name", reading.name}, {"value", mr::to_hex(reading.value)}};
    if (reading.generation) json["generation"] = *reading.generation;
    json["refreshed"] = reading.refreshed;
    if (reading.unbound) json["unbound"] = true;
    return json;
}

void note_if_unbound(const mr::Reading &reading) {
    if (reading.unbound) note_unbound({reading.name});
}

std::string journal_text(const Json &journal) {
    std::string text = journal.value("condition", "") + ", " + std::to_string(journal.value("size", std::int64_t{0})) + " of " +
                       std::to_string(journal.value("sizeLimit", std::int64_t{0})) + " bytes";
    if (const auto checked = journal.value("checked", std::int64_t{0}), size = journal.value("size", std::int64_t{0}); checked < size)
        text += ", checked so far: " + std::to_string(checked) + " of " + std::to_string(size) + " bytes";
    if (const auto repairs = journal.value("repairs", std::int64_t{0}); repairs > 0)
        text += ", begun anew by repair " + std::to_string(repairs) + " times: records are missing";
    if (journal.contains("olderFormat"))
        text += ", new since mrd's start: the one before is of format " + std::to_string(journal.value("olderFormat", std::int64_t{0})) +
                ", which this mrd does not read, and is kept aside";
    if (journal.contains("reason")) text += ": " + journal.value("reason", "");
    return text;
}

// Of a register or a provider. What is simulated is unbound, too.
std::string_view note_of(const auto &either) { return either.simulated ? "simulated" : either.unbound ? "unbound" : ""; }

// "provider tpm (tpm) failed: ..."
std::string provider_text(const mr::ProviderState &provider) {
    auto text = "provider " + provider.name + " (" + provider.type + ") " + std::string(mr::to_string(provider.phase));
    if (const auto note = note_of(provider); !note.empty()) text.append(", ").append(note);
    if (provider.reason) text += ": " + *provider.reason;
    return text;
}

void print_reading(const mr::Reading &reading) {
    std::cout << mr::printable_text(reading.name) << ' ' << mr::to_hex(reading.value) << '\n';
}

// Of what sha384sum and openssl dgst print: "DIGITS  FILE", "DIGITS *FILE", with a backslash before where FILE has escapes, and "SHA384 (FILE) = DIGITS". Of
// anything else all of it. Nothing of a second line: that would be another file's.
std::string_view digits_of(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto begin = std::min(text.find_first_not_of(blanks), text.size());
    text = text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
    if (text.find('\n') != std::string_view::npos) return text;
    if (const auto tag = text.rfind(")= "); tag != std::string_view::npos) return text.substr(tag + 3);
    if (const auto tag = text.rfind(") = "); tag != std::string_view::npos) return text.substr(tag + 4);
    const auto digits = text.substr(text.starts_with('\\') ? 1 : 0);
    const auto end = digits.find(' ');
    const auto file = end == std::string_view::npos ? std::string_view() : digits.substr(end);
    return file.empty() || file.starts_with("  ") || file.starts_with(" *") ? digits.substr(0, end) : text;
}

}  // namespace

int list(const Common &common) {
    if (common.json) return print_reply<mr::wire::List>(common);
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto registers = client->list();
    if (!registers) return fail(registers.error());
    std::vector<Row> rows;
    for (const auto &entry : *registers) {
        std::string roles;
        for (const auto &role : entry.roles) roles += (roles.empty() ? "" : ",") + role;
        rows.push_back({mr::printable_text(entry.name), entry.flags.to_string(), std::string(entry.hash ? mr::to_string(*entry.hash) : ""),
                        std::to_string(entry.size), std::string(mr::to_string(entry.owner)), mr::printable_text(roles),
                        std::string(note_of(entry))});
    }
    print_table({"NAME", "FLAGS", "HASH", "SIZE", "OWNER", "ROLES", "NOTE"}, rows);
    // Whose registers are not there.
    const auto providers = client->providers();
    if (!providers) return fail(providers.error());
    for (const auto &provider : *providers) {
        if (provider.phase != mr::ProviderState::Phase::running) note(provider_text(provider));
    }
    return exit_done;
}

int read(const Common &common, const ReadCommand &command) {
    if (command.raw && command.names.size() != 1) return fail_usage("--raw prints one register: name one");
    if (common.json) {
        const auto fresh = command.fresh ? std::optional(true) : std::nullopt;
        if (command.names.size() == 1) return print_reply<mr::wire::Read>(common, {command.names.front(), fresh, std::nullopt, {}});
        const std::vector<std::string_view> names(command.names.begin(), command.names.end());
        return print_reply<mr::wire::Snapshot>(common, {names, fresh});
    }
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    if (command.names.size() == 1) {
        const auto reading = client->read(command.names.front(), {.fresh = command.fresh});
        if (!reading) return fail(reading.error());
        if (command.raw) {
            const auto written = write_file("-", reading->value);
            return written ? exit_done : fail(written.error());
        }
        print_reading(*reading);
        note_if_unbound(*reading);
        return exit_done;
    }
    // Several belong together: one snapshot, not one read after the other.
    const auto snapshot = client->snapshot(command.names, command.fresh);
    if (!snapshot) return fail(snapshot.error());
    std::ranges::for_each(snapshot->readings, print_reading);
    std::vector<std::string> unbound;
    for (const auto &reading : snapshot->readings) {
        if (reading.unbound && std::ranges::find(unbound, reading.name) == unbound.end()) unbound.push_back(reading.name);
    }
    note_unbound(unbound);
    return exit_done;
}

int print_extended(bool json, const mr::Reading &reading, std::int64_t sequence, const mr::Digest &digest) {
    if (json) {
        print_json(Json{{"reading", json_of(reading)}, {"digest", mr::to_hex(digest.bytes())}, {"sequence", sequence}}.dump());
    } else {
        print_reading(reading);
        note_if_unbound(reading);
    }
    return exit_done;
}

int extend(const Common &common, const ExtendCommand &command) {
    const auto digest = mr::from_hex(digits_of(command.digest));
    if (!digest || digest->empty() || digest->size() > mr::max_digest_size)
        return fail_usage("--digest needs one digest in hexadecimal, or what `sha384sum FILE` prints");
    const auto event = event_of(command.event);
    if (!event) return fail_usage(event.error().message);
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto extended = client->extend(command.name, mr::Digest(*digest), *event);
    if (!extended) return fail(extended.error());
    return print_extended(common.json, extended->reading, extended->sequence, mr::Digest(*digest));
}

int cap(const Common &common, const std::string &name) {
    if (common.json) return print_reply<mr::wire::Cap>(common, {name});
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    // The library has the number alone: here it is the register that counts, whatever it was asked for by.
    const auto capped = answer_of<mr::wire::Cap>(*client, {name});
    if (!capped) return fail(capped.error());
    const auto json = Json::parse(*capped);
    std::cout << mr::printable_text(json.value("name", name)) << " capped by event " << json.value("sequence", std::int64_t{0}) << '\n';
    return exit_done;
}

int repair(const Common &common) {
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto kept = client->repair();
    if (!kept) return fail(kept.error());
    if (common.json) {
        print_json(Json{{"kept", *kept}}.dump());
    } else {
        std::cout << "a new journal begins with what could still be read; the old file "
                  << (kept->empty() ? "was gone already" : "is " + mr::printable_text(*kept))
                  << "\n`mrctl replay` shows where the log and the registers differ; a cap among what is missing no longer holds\n";
    }
    return exit_done;
}

int write(const Common &common, const WriteCommand &command) {
    if (command.file.empty() && command.hex.empty()) return fail_usage("write needs a file, or - for standard input, or --hex HEX");
    if (!command.file.empty() && !command.hex.empty()) return fail_usage("write takes a file or --hex HEX, not both");
    constexpr std::size_t largest_register = std::size_t{64} * 1024;
    const auto value = command.hex.empty() ? read_file(command.file, largest_register) : mr::from_hex(command.hex);
    if (!value) return command.hex.empty() ? fail(value.error()) : fail_usage("--hex needs hexadecimal digits, two a byte");
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto generation = client->write(command.name, *value);
    if (!generation) return fail(generation.error());
    if (common.json) {
        print_json(Json{{"generation", *generation}}.dump());
    } else {
        std::cout << "generation " << *generation << '\n';
    }
    return exit_done;
}

std::expected<mr::ReportData, mr::Error> report_data_of(std::string_view option, const std::string &hex) {
    const auto refused = [option](const std::string &why) {
        return std::unexpected(mr::Error{mr::ErrorCode::invalid_argument, std::string(option) + ": " + why});
    };
    const auto data = mr::from_hex(hex);
    if (!data) return refused("this is not hexadecimal, two digits a byte and without 0x");
    auto report_data = mr::report_data_from(*data);
    return report_data ? std::move(report_data) : refused(report_data.error().message);
}

int report(const Common &common, const ReportCommand &command) {
    const auto report_data = report_data_of("--data", command.data);
    if (!report_data) return fail_usage(report_data.error().message);
    if (common.json && command.output.empty()) {
        const auto hex = mr::to_hex(*report_data);
        return print_reply<mr::wire::attestation::Report>(common, {hex, command.provider, {}});
    }
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto report = client->report(*report_data, command.provider);
    if (!report) return fail(report.error());
    if (report->simulated) note("this report is simulated and proves nothing");
    if (command.output.empty()) {
        std::cout << mr::to_base64(report->report) << '\n';
        return exit_done;
    }
    const auto written = write_file(command.output, report->report);
    return written ? exit_done : fail(written.error());
}

int watch(const Common &common, const std::vector<std::string> &names) {
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    std::set<std::string, std::less<>> noted;  // once of each
    const auto ended = client->watch(names, [&common, &noted](const mr::Change &change) {
        if (common.json) {
            Json shown = change.gone ? Json{{"gone", change.reading.name}} : Json{{"reading", json_of(change.reading)}};
            shown["sequence"] = change.sequence;
            print_json(shown.dump());
        } else if (change.gone) {
            std::cout << mr::printable_text(change.reading.name) << " gone\n";
        } else {
            print_reading(change.reading);
            if (change.reading.unbound && noted.insert(change.reading.name).second) note_if_unbound(change.reading);
        }
        std::cout.flush();
        return std::cout.good();
    });
    return ended ? exit_done : fail(ended.error());
}

int stats(const Common &common) {
    if (common.json) return print_reply<mr::wire::Statistics>(common);
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto counters = client->statistics();
    if (!counters) return fail(counters.error());
    std::vector<Row> rows;
    for (const auto &entry : *counters) {
        rows.push_back({mr::printable_text(entry.provider), std::to_string(entry.reads), std::to_string(entry.cached_reads),
                        std::to_string(entry.refreshes), std::to_string(entry.writes)});
    }
    print_table({"PROVIDER", "READS", "CACHED READS", "REFRESHES", "WRITES"}, rows);
    return exit_done;
}

namespace {

// Of what the status can do without: a note, if the connection is there still.
std::expected<void, mr::Error> note_if_answered(const mr::Error &error) {
    using enum mr::ErrorCode;
    if (error.code == no_service || error.code == timed_out || error.code == connection_lost || error.code == protocol)
        return std::unexpected(error);
    note(error.message);
    return {};
}

// So that the status tells not what the last refresh saw, whenever that was. Only of registers whose log can contradict them: a device takes seconds, and has none.
// Where the hardware cannot be reread the status tells why. Errors: those after which mrd tells nothing.
std::expected<void, mr::Error> reread_logged(mr::Client &client) {
    const auto registers = client.list();
    if (!registers) return note_if_answered(registers.error());
    std::vector<std::string> names;
    for (const auto &each : *registers) {
        const bool is_logged = each.flags.has(mr::Flag::extensible) && each.flags.has(mr::Flag::readable);
        if (is_logged && !each.name.starts_with("virtual/") && names.size() < mr::max_names) names.push_back(each.name);
    }
    if (names.empty()) return {};
    const auto reread = client.snapshot(names, true);
    if (reread) return {};
    if (reread.error().code != mr::ErrorCode::timed_out) return note_if_answered(reread.error());
    // Hardware that hangs: mrd tells all else.
    note("the registers are not reread, and the hardware may hang: " + reread.error().message);
    return client.reconnect();
}

constexpr std::string_view of_damaged = "; the journal is damaged";

// What the status says of a register.
std::string state_text(const Json &entry, bool is_damaged) {
    std::string state = "as logged";
    if (entry.value("startUnexplained", false)) state = "as logged, but the log's start is unexplained";
    if (entry.value("resyncs", std::int64_t{0}) > 0)
        state = "as logged, over " + std::to_string(entry.value("resyncs", std::int64_t{0})) +
                " gaps, which others' extends or missing records left";
    // It holds what mrd knows to have written, of which a replay finds less.
    if (is_damaged) state += of_damaged;
    if (entry.value("owner", "") != "owned") {
        state = entry.value("owner", "") + ": others extend it too";
    } else if (!entry.contains("logged")) {
        state = "UNKNOWN to the journal: nothing explains what it holds";
    }
    if (entry.value("capped", false)) state += ", capped";
    if (entry.value("diverged", false))
        state = "DIVERGED: expected " + entry.value("logged", "") + ", found " + entry.value("observed", "");
    if (entry.value("indeterminate", false)) state = "INDETERMINATE: an extend failed and may have happened";
    // Why a log of before mrd explains nothing: it may be the reason for all of these.
    if (const auto why = entry.value("startReason", ""); !why.empty()) state += "; " + why;
    if (entry.contains("lastFailure")) state += "; its last extend failed: " + entry.value("lastFailure", "");
    return state;
}

}  // namespace

int status(const Common &common) {
    if (common.json) return print_reply<mr::wire::Status>(common);
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    if (const auto reread = reread_logged(*client); !reread) return fail(reread.error());
    const auto reply = client->status();
    if (!reply) return fail(reply.error());
    const auto providers = client->providers();
    if (!providers && providers.error().code != mr::ErrorCode::permission_denied) return fail(providers.error());
    if (!providers) note(providers.error().message);
    const auto json = Json::parse(reply->json, nullptr, false);
    if (!json.is_object()) return fail({mr::ErrorCode::protocol, "mrd's status is not a JSON object"});
    std::cout << "version " << mr::printable_text(json.value("version", "")) << '\n'
              << "simulated " << (json.value("simulated", false) ? "yes: the registers and reports prove nothing" : "no") << '\n'
              << "events " << json.value("sequence", std::int64_t{0}) << '\n'
              << "journal " << mr::printable_text(journal_text(json.value("journal", Json::object()))) << '\n'
              << "connections " << json.value("connections", std::int64_t{0}) << " (refused "
              << json.value("refusedConnections", std::int64_t{0}) << ")\n";
    for (const auto &provider : providers.value_or(std::vector<mr::ProviderState>()))
        std::cout << mr::printable_text(provider_text(provider)) << '\n';
    // A provider that runs, whose device is not there. Who may not know of devices, or is at a socket without them, is told of none.
    for (const auto &device : client->devices().value_or(std::vector<mr::Device>())) {
        if (!device.is_present) std::cout << mr::printable_text("device " + device.name + " is not there: " + device.reason) << '\n';
    }
    const bool is_damaged = json.value("journal", Json::object()).value("condition", "") == "damaged";
    for (const auto &provider : json.value("providers", Json::array())) {
        for (const auto &entry : provider.value("registers", Json::array())) {
            std::cout << mr::printable_text(entry.value("name", "") + ' ' + state_text(entry, is_damaged)) << '\n';
        }
    }
    for (const auto &entry : json.value("virtualRegisters", Json::array())) {
        std::string state = "as logged";
        if (is_damaged) state += of_damaged;
        if (entry.value("capped", false)) state += ", its carrier is capped";
        if (entry.value("diverged", false)) state = "as logged, but its carrier has DIVERGED";
        if (entry.value("indeterminate", false)) state = "INDETERMINATE: an extend of its carrier failed and may have happened";
        std::cout << mr::printable_text(entry.value("name", "") + ' ' + state) << '\n';
    }
    return exit_done;
}

int metrics(const Common &common) {
    if (common.json) return print_reply<mr::wire::service::Metrics>(common);
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto text = client->metrics();
    if (!text) return fail(text.error());
    std::cout << mr::printable_lines(*text);
    return exit_done;
}

int log_level(const Common &common, const std::optional<std::string> &level) {
    if (common.json) return print_reply<mr::wire::service::LogLevel>(common, {level});
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto now = client->log_level(level);
    if (!now) return fail(now.error());
    std::cout << mr::printable_text(*now) << '\n';
    return exit_done;
}

}  // namespace mrctl
