#include "mrctl/output.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "libmr/src/input_file.h"
#include "mr/event_content.h"
#include "mr/file.h"
#include "mrctl/output_file.h"

namespace mrctl {

namespace {

// Of the whole run: an error is told wherever it is found.
ErrorForm error_form;

// Empty also where it is not set.
std::string_view variable_of(const char *name) {
    const char *const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): mrctl has one thread
    return value != nullptr ? value : "";
}

// `begin`: what stands before the members of the object.
void tell(std::string_view message, std::string_view code, std::string_view begin = "{") {
    std::string line(message);
    std::ranges::replace(line, '\n', ' ');
    // Parts of it may be of a file or a peer.
    const auto text = mr::printable_text(line);
    std::cerr << "mrctl: " << text << '\n';
    if (!error_form.json) return;
    nlohmann::ordered_json told = nlohmann::ordered_json::object();
    if (error_form.has_verdict) told["verified"] = false;
    told["error"] = text;
    told["code"] = code;
    std::cout << begin << told.dump().substr(1) << '\n';
}

}  // namespace

void set_error_form(ErrorForm form) { error_form = form; }

int fail(const mr::Error &error) {
    tell(error.message, mr::to_string(error.code));
    return error.code == mr::ErrorCode::no_service ? exit_no_service : exit_refused;
}

int fail_within_object(const mr::Error &error) {
    tell(error.message, mr::to_string(error.code), ",");
    return exit_refused;
}

int fail_usage(std::string_view message) {
    tell(message, "usage");
    return exit_usage;
}

void note(std::string_view message) { std::cerr << "mrctl: note: " << mr::printable_text(message) << '\n'; }

bool is_error_terminal() { return ::isatty(STDERR_FILENO) == 1; }

void note_unbound(const std::vector<std::string> &names) {
    constexpr std::size_t most = 8;
    if (names.empty() || !is_error_terminal()) return;
    std::string all;
    for (std::size_t i = 0; i < std::min(most, names.size()); ++i) all.append(i == 0 ? "" : ", ").append(names[i]);
    if (names.size() > most) all += " and " + std::to_string(names.size() - most) + " more";
    note("unbound: nothing binds " + all + " to this machine's hardware");
}

void print_json(std::string_view json) { std::cout << mr::printable_json(json) << '\n'; }

bool is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }

bool obeys_escapes(int descriptor) {
    const auto terminal = variable_of("TERM");
    return ::isatty(descriptor) == 1 && !terminal.empty() && terminal != "dumb";
}

bool may_colour() { return variable_of("NO_COLOR").empty() && obeys_escapes(STDOUT_FILENO); }

std::string coloured(const std::string &text, std::string_view colour, bool may) {
    return may && !colour.empty() ? "\x1b[" + std::string(colour) + "m" + text + "\x1b[0m" : text;
}

void print_table(const Row &head, const std::vector<Row> &rows) {
    const bool for_people = is_terminal();
    std::vector<std::size_t> widths(head.size());
    const auto widen = [&widths](const Row &row) {
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    };
    widen(head);
    std::ranges::for_each(rows, widen);
    const auto line = [&](const Row &row) {
        std::string text;
        for (std::size_t i = 0; i < row.size(); ++i) {
            text += row[i].empty() && !for_people ? "-" : row[i];
            if (i + 1 == row.size()) break;
            text.append(for_people ? widths[i] - row[i].size() + 2 : 1, ' ');
        }
        return text;
    };
    if (for_people) std::cout << coloured(line(head), sgr::bold) << '\n';
    for (const auto &row : rows) std::cout << line(row) << '\n';
}

namespace {

bool may_be_shown(mr::ByteView bytes) {
    const std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    return mr::is_text(text) && mr::printable_json(text) == text;
}

// One that is there is known by its inode, whatever it is called; one to come by where its name leads.
struct FileId {
    dev_t device = 0;
    ino_t number = 0;
    std::filesystem::path path = {};
    friend bool operator==(const FileId &, const FileId &) = default;
};

// Nothing: what two may write to, such as a pipe, or what cannot be written either.
std::optional<FileId> id_of(const std::string &path) {
    struct stat status{};
    if (path == "-" ? ::fstat(STDOUT_FILENO, &status) == 0 : ::stat(path.c_str(), &status) == 0)
        return S_ISREG(status.st_mode) ? std::optional(FileId{.device = status.st_dev, .number = status.st_ino})
               : path == "-"           ? std::optional(FileId{.path = path})
                                       : std::nullopt;
    constexpr int most_links = 40;  // the kernel's
    std::error_code error;
    auto place = std::filesystem::absolute(path, error);
    for (int links = 0; links < most_links && std::filesystem::is_symlink(place, error); ++links)
        place = place.parent_path() / std::filesystem::read_symlink(place, error);
    place = std::filesystem::weakly_canonical(place, error);
    return error ? std::nullopt : std::optional(FileId{.path = std::move(place)});
}

}  // namespace

std::expected<mr::Bytes, mr::Error> read_file(const std::string &path, std::size_t limit) {
    return path == "-" ? mr::read_all_input(STDIN_FILENO, limit, "standard input") : mr::read_file(path, limit);
}

std::expected<void, mr::Error> write_file(const std::string &path, mr::ByteView bytes) {
    if (path == "-" && is_terminal() && !may_be_shown(bytes))
        return std::unexpected(mr::Error{mr::ErrorCode::io, "these bytes are not for a terminal: give -o FILE, or a pipe"});
    auto file = OutputFile::open(path);
    if (!file) return std::unexpected(file.error());
    if (auto written = file->write(bytes); !written) return written;
    return file->close();
}

std::optional<std::string> written_twice(const std::vector<std::string> &paths) {
    std::vector<FileId> seen;
    for (const auto &path : paths) {
        const auto file = path.empty() ? std::nullopt : id_of(path);
        if (!file) continue;
        if (std::ranges::find(seen, *file) != seen.end()) return path;
        seen.push_back(*file);
    }
    return std::nullopt;
}

}  // namespace mrctl
