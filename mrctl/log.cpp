// mrctl log: the event log, as a table for people, as lines for programs, or as a file in a format that verifiers read.
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <iostream>
#include <optional>

#include "libmr/wire/event_log.h"
#include "mr/bytes.h"
#include "mr/event_content.h"
#include "mrctl/commands.h"
#include "mrctl/output.h"
#include "mrctl/output_file.h"
#include "mrctl/pager.h"
#include "mrctl/record_event.h"

namespace mrctl {

namespace {

constexpr std::size_t usual_width = 120;
constexpr std::size_t short_digest = 12;  // hexadecimal digits

std::size_t terminal_width() {
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : usual_width;
}

std::string time_of(const mr::LogRecord &record) {
    if (!record.time) return {};
    const std::time_t seconds = *record.time / 1'000'000;
    std::tm parts{};
    if (::localtime_r(&seconds, &parts) == nullptr) return {};
    std::array<char, 32> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%F %T", &parts)};
}

// The caller's unit, or its program, with its process and user.
std::string caller_of(const mr::LogRecord &record) {
    if (!record.caller) return {};
    const auto &caller = *record.caller;
    const auto who = caller.unit         ? *caller.unit
                     : caller.executable ? caller.executable->substr(caller.executable->rfind('/') + 1)
                                         : std::string("?");
    auto text = mr::printable_text(who) + "[" + std::to_string(caller.pid) + "] uid " + std::to_string(caller.uid);
    if (const auto &other = caller.on_behalf_of) text += " for [" + std::to_string(other->pid) + "] uid " + std::to_string(other->uid);
    // Who made the gap is not known: this is the client whose extend came next.
    return record.origin == mr::EventOrigin::resync ? "mrd, before " + text : text;
}

std::string description_of(const mr::LogRecord &record, std::size_t width) {
    if (record.description && record.origin != mr::EventOrigin::resync) return mr::printable_text(*record.description);
    return mr::summarize_content(logged_event(record), width);
}

// At most so many characters; UTF-8 is not cut in the middle of one.
std::string cut(const std::string &text, std::size_t width) {
    std::size_t characters = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if ((static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) continue;
        if (++characters == width && text.size() - i > 1) return text.substr(0, i) + "…";
    }
    return text + std::string(width - std::min(width, characters), ' ');
}

// Lines come as the records do, so the columns' widths are fixed.
class Table {
public:
    Table(std::size_t width, bool has_colour)
        : description_(std::max<std::size_t>(20, width - std::min(width, fixed_))), has_colour_(has_colour) {
        line("SEQUENCE", "TIME", "REGISTER", "TYPE", "BOUND", "DESCRIPTION", "DIGEST", "CALLER", sgr::bold);
    }

    void add(const mr::LogRecord &record) const {
        const auto colour = record.origin == mr::EventOrigin::resync     ? sgr::red
                            : record.origin == mr::EventOrigin::firmware ? sgr::faint
                                                                         : sgr::plain;
        line(std::to_string(record.sequence), time_of(record), mr::printable_text(record.name), mr::event_type_name(record.type),
             record.binding == mr::Binding::bound ? "bound" : "claim", description_of(record, description_),
             mr::to_hex(record.digest).substr(0, short_digest), caller_of(record), colour);
    }

private:
    void line(const std::string &sequence, const std::string &time, const std::string &name, const std::string &type,
              const std::string &bound, const std::string &description, const std::string &digest, const std::string &caller,
              std::string_view colour) const {
        const auto text = std::string(8 - std::min<std::size_t>(8, sequence.size()), ' ') + sequence + "  " + cut(time, 19) + "  " +
                          cut(name, 14) + "  " + cut(type.starts_with("EV_") ? type.substr(3) : type, 20) + "  " + cut(bound, 5) + "  " +
                          cut(description, description_) + "  " + cut(digest, short_digest) + "  " + caller;
        std::cout << coloured(text, colour, has_colour_) << '\n';
    }

    static constexpr std::size_t fixed_ = 8 + 2 + 19 + 2 + 14 + 2 + 20 + 2 + 5 + 2 + 2 + short_digest + 2 + 16;
    std::size_t description_;
    bool has_colour_;
};

// For programs: the fields between tabs, none of which holds one.
void print_line(const mr::LogRecord &record) {
    const auto or_dash = [](const std::string &text) { return text.empty() ? std::string("-") : text; };
    std::cout << record.sequence << '\t' << (record.time ? std::to_string(*record.time) : "-") << '\t'
              << or_dash(mr::printable_text(record.name)) << '\t' << mr::event_type_name(record.type) << '\t'
              << or_dash(mr::to_hex(record.digest)) << '\t' << mr::to_string(record.binding) << '\t' << mr::to_string(record.origin) << '\t'
              << or_dash(caller_of(record)) << '\t' << or_dash(description_of(record, mr::max_content_text)) << '\n';
}

// What the log's registers are bound to is no word of the log, which nothing binds either: mrd says it now.
void note_unbound_registers(mr::Client &client) {
    if (!is_error_terminal()) return;
    const auto registers = client.list();
    if (!registers) return;  // he may read the log, and list none, or the listener serves nothing else
    std::vector<std::string> names;
    for (const auto &reg : *registers) {
        if (reg.unbound && reg.flags.has(mr::Flag::extensible)) names.push_back(reg.name);
    }
    note_unbound(names);
}

int export_file(const Common &common, const LogCommand &command, const std::optional<std::string> &of_register) {
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    note_unbound_registers(*client);
    // Opened with the first piece: an unknown format leaves a file that is there alone.
    std::optional<OutputFile> file;
    std::expected<void, mr::Error> written;
    const auto done = client->export_log(
        command.format,
        [&](mr::ByteView chunk) {
            if (!file) {
                auto opened = OutputFile::open(command.output.empty() ? "-" : command.output);
                if (!opened) {
                    written = std::unexpected(opened.error());
                    return false;
                }
                file.emplace(std::move(*opened));
            }
            written = file->write(chunk);
            return written.has_value();
        },
        of_register);
    if (!done) return fail(done.error());
    if (written && file) written = file->close();
    return written ? exit_done : fail(written.error());
}

}  // namespace

int log(const Common &common, const LogCommand &command) {
    auto of_register = command.of_register;
    if (of_register) *of_register = virtual_register_name(*of_register);
    if (of_register && !of_register->starts_with("virtual/"))
        return fail_usage("--for takes a virtual register, as virtual/build: every event of " + mr::printable_text(*of_register) +
                          " is whole");
    if (!command.format.empty()) {
        if (command.follow) return fail_usage("--follow shows records; an export has an end: leave one of them out");
        if (command.from) return fail_usage("--from shows records from there on; an export is whole: leave one of them out");
        const bool is_binary = command.format.starts_with("tcg");
        if (is_binary && (command.output.empty() || command.output == "-") && is_terminal())
            return fail_usage("the format " + command.format + " is not for a terminal: give -o FILE, or a pipe");
        return export_file(common, command, of_register);
    }
    if (!command.output.empty()) return fail_usage("-o needs --format: tcg, tcg_index0, cel_json, json or firmware");
    if (common.json) {
        return print_reply<mr::wire::Records>(
            common, {command.from.value_or(1), command.follow ? std::optional(true) : std::nullopt, of_register, {}});
    }
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    note_unbound_registers(*client);
    const bool for_people = is_terminal();
    std::optional<Pager> pager;
    // Before the pager stands between.
    const auto width = terminal_width();
    const bool has_colour = may_colour();
    if (for_people && !command.follow) pager.emplace();
    std::optional<Table> table;
    if (for_people) table.emplace(width, has_colour);
    bool is_redacted = false;
    const auto ended = client->records(
        command.from.value_or(1), command.follow,
        [&](const mr::LogRecord &record) {
            is_redacted = is_redacted || (record.origin == mr::EventOrigin::service && !record.caller);
            if (table) {
                table->add(record);
            } else {
                print_line(record);
            }
            if (command.follow) std::cout.flush();
            return std::cout.good();
        },
        of_register);
    const auto pager_ended = pager ? pager->finish() : std::expected<void, mr::Error>();
    if (!pager_ended) return fail(pager_ended.error());
    if (is_redacted && !of_register)
        note(
            "who made an event, and what he said of it, is shown to who has the right log_contents; "
            "whose a virtual register is sees it by --for");
    return ended ? exit_done : fail(ended.error());
}

}  // namespace mrctl
