#include "mrd/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

#include "mr/bytes.h"
#include "mr/event_content.h"
#include "mrd/system_journal.h"
#include "proto/varlink/json_writer.h"
#include "proto/varlink/text.h"

namespace mrd::log {

namespace {

constexpr std::array<std::pair<std::string_view, Level>, 4> levels{
    {{"debug", Level::debug}, {"info", Level::info}, {"warning", Level::warning}, {"error", Level::error}}};

spdlog::level::level_enum level_of(Level level) {
    switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warning: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
    }
    return spdlog::level::err;
}

// As syslog(3) and the journal number them.
char priority_of(Level level) {
    switch (level) {
    case Level::debug: return '7';
    case Level::info: return '6';
    case Level::warning: return '4';
    case Level::error: return '3';
    }
    return '3';
}

spdlog::logger &logger() {
    static const auto instance = [] {
        auto made = std::make_shared<spdlog::logger>("mrd", std::make_shared<spdlog::sinks::stderr_color_sink_st>());
        made->set_pattern(goes_to_journal() ? "%v" : "%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
        made->flush_on(spdlog::level::debug);
        return made;
    }();
    return *instance;
}

std::optional<SystemJournal> &system_journal() {
    static std::optional<SystemJournal> instance;
    return instance;
}

bool is_plain(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\' && c != '='; });
}

std::string_view bounded(std::string_view text, std::string &shorter) {
    if (text.size() <= max_value) return text;
    shorter = std::string(varlink::beginning_of(text, max_value)) + "...";
    return shorter;
}

// To standard error. The journal keeps the time itself and takes the level from a prefix (sd-daemon(3)).
void write_line(Level level, std::string_view text) {
    static const bool is_journal = goes_to_journal();
    const std::array prefix{'<', priority_of(level), '>'};
    logger().log(level_of(level), "{}{}", is_journal ? std::string_view(prefix.data(), prefix.size()) : std::string_view(), text);
}

}  // namespace

// JOURNAL_STREAM names device and inode of the stream that the service manager connected to the journal (systemd.exec(5)).
bool goes_to_journal() {
    const char *text = std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe): nothing here sets it
    struct stat here{};
    if (text == nullptr || ::fstat(STDERR_FILENO, &here) != 0) return false;
    return std::string_view(text) == std::to_string(here.st_dev) + ":" + std::to_string(here.st_ino);
}

bool set_level(std::string_view name) {
    const auto *const known = std::ranges::find(levels, name, [](const auto &each) { return each.first; });
    if (known == levels.end()) return false;
    logger().set_level(level_of(known->second));
    return true;
}

std::string_view level() {
    return std::ranges::find(levels, logger().level(), [](const auto &each) { return level_of(each.second); })->first;
}

bool is_told(Level level) { return logger().should_log(level_of(level)); }

bool change_level(std::string_view name, std::string_view by) {
    const std::string before(level());
    if (!set_level(name)) return false;
    const bool tells_info = is_told(Level::info);
    logger().set_level(spdlog::level::info);
    info(Kind::level, "the log's level is changed",
         {{"level", name}, {"before", before}, {"by", by}, {"changes", tells_info ? "told" : "not told"}});
    return set_level(name);
}

std::string_view to_string(Kind kind) {
    switch (kind) {
    case Kind::other: return "other";
    case Kind::ready: return "ready";
    case Kind::stopping: return "stopping";
    case Kind::configuration: return "configuration";
    case Kind::level: return "level";
    case Kind::extend: return "extend";
    case Kind::cap: return "cap";
    case Kind::create: return "create";
    case Kind::write: return "write";
    case Kind::refused: return "refused";
    case Kind::repair: return "repair";
    case Kind::divergence: return "divergence";
    case Kind::gap: return "gap";
    case Kind::provider_failed: return "provider_failed";
    case Kind::provider_up: return "provider_up";
    case Kind::journal: return "journal";
    }
    return "other";
}

std::string_view message_id(Kind kind) {
    switch (kind) {
    case Kind::other: return "";
    case Kind::ready: return "61749cf205c64c029351e5f27063637e";
    case Kind::stopping: return "7e9fb8780dd34ea3b9667382aa2e67c8";
    case Kind::configuration: return "88a8d5f3cf864004a6210ffa7fad0861";
    case Kind::level: return "2aebd866880b4e20812f0eaac30d6b2e";
    case Kind::extend: return "1e3812dd626947c4a914dd325f366bb5";
    case Kind::cap: return "f0eaed85ba8944d5921cd2e5403c96f5";
    case Kind::create: return "65cd0ff6aa02491a975f2ed4fe6df0f7";
    case Kind::write: return "64577ee3b36543b6a3e31853bd4a04c4";
    case Kind::refused: return "bf43c2948cc748e3946f070bd6a42cc9";
    case Kind::repair: return "bf52f11853694505b39915425a600826";
    case Kind::divergence: return "1fb838e0e377447c9f70297ba2aa8796";
    case Kind::gap: return "e61357b9d7ce4defadd223a6fefda265";
    case Kind::provider_failed: return "885b46fa23cd473a9cab42a3956ede50";
    case Kind::provider_up: return "21dcff974a8d4d4a869e2fc5ac126dd6";
    case Kind::journal: return "044bc22105ec40f3966c6c0a2599dc41";
    }
    return "";
}

std::string format(std::string_view message, std::span<const Field> fields) {
    std::string shorter;
    auto text = mr::printable_text(bounded(message, shorter));
    for (const auto &[key, whole] : fields) {
        const auto value = bounded(whole, shorter);
        text += ' ';
        text += key;
        text += '=';
        if (is_plain(value)) {
            text += value;
        } else {
            varlink::write_json(text, mr::is_text(value) ? value : std::string_view(mr::printable_text(value)));
        }
    }
    return text;
}

// "KEY=value" and a line feed: none is in a value, as what is invisible is escaped.
std::string journal_entry(Level level, Kind kind, std::string_view message, std::span<const Field> fields) {
    std::string entry;
    const auto add = [&entry](std::string_view key, std::string_view value) { entry.append(key).append("=").append(value).append("\n"); };
    add("MESSAGE", format(message, fields));
    add("PRIORITY", std::string_view(std::array{priority_of(level)}.data(), 1));
    add("SYSLOG_IDENTIFIER", "mrd");
    if (const auto id = message_id(kind); !id.empty()) add("MESSAGE_ID", id);
    for (const auto &[key, value] : fields) {
        std::string name = "MRD_";
        for (const char c : key) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        std::string shorter;
        add(name, mr::printable_text(bounded(value, shorter)));
    }
    return entry;
}

void open(std::string_view socket, SystemJournal::Connect connect) {
    if (goes_to_journal()) system_journal() = SystemJournal::open(socket, std::move(connect));
}

void to_standard_error() { system_journal().reset(); }

std::span<const std::uint8_t> journal_address() {
    const auto &journal = system_journal();
    return journal ? journal->address() : std::span<const std::uint8_t>();
}

void write(Level level, Kind kind, std::string_view message, std::span<const Field> fields) {
    if (!is_told(level)) return;
    auto &journal = system_journal();
    if (!journal) return write_line(level, format(message, fields));
    if (const auto lost = journal->lost(); lost > 0) {
        const auto count = std::to_string(lost);
        const std::array<Field, 1> told{{{"count", count}}};
        if (journal->send(journal_entry(Level::warning, Kind::other, "the journal took no records for a while", told)) ==
            SystemJournal::Sent::sent)
            journal->forget_lost();
    }
    if (journal->send(journal_entry(level, kind, message, fields)) == SystemJournal::Sent::nobody_there)
        write_line(level, format(message, fields));
}

}  // namespace mrd::log
