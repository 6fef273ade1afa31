#include "mrd/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "mr/bytes.h"
#include "mr/event_content.h"
#include "proto/varlink/json_writer.h"

namespace mrd::log {

namespace {

// JOURNAL_STREAM names device and inode of the stream that the service manager connected to the journal (systemd.exec(5)).
bool goes_to_journal() {
    const char *text = std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe): nothing here sets it
    struct stat here{};
    if (text == nullptr || ::fstat(STDERR_FILENO, &here) != 0) return false;
    return std::string_view(text) == std::to_string(here.st_dev) + ":" + std::to_string(here.st_ino);
}

spdlog::level::level_enum level_of(Level level) {
    switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warning: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
    }
    return spdlog::level::err;
}

// The journal keeps the time itself and takes the level from a prefix (sd-daemon(3)).
std::string_view journal_prefix(Level level) {
    switch (level) {
    case Level::debug: return "<7>";
    case Level::info: return "<6>";
    case Level::warning: return "<4>";
    case Level::error: return "<3>";
    }
    return "<3>";
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

bool is_plain(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\' && c != '='; });
}

}  // namespace

bool set_level(std::string_view name) {
    for (const auto &[known, level] :
         {std::pair{"debug", Level::debug}, {"info", Level::info}, {"warning", Level::warning}, {"error", Level::error}}) {
        if (name == known) {
            logger().set_level(level_of(level));
            return true;
        }
    }
    return false;
}

std::string format(std::string_view message, Fields fields) {
    auto text = mr::printable_text(message);
    for (const auto &[key, value] : fields) {
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

void write(Level level, std::string_view message, Fields fields) {
    static const bool journal = goes_to_journal();
    if (!logger().should_log(level_of(level))) return;
    logger().log(level_of(level), "{}{}", journal ? journal_prefix(level) : "", format(message, fields));
}

}  // namespace mrd::log
