#include "mrctl/output.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iostream>
#include <memory>
#include <system_error>

#include "mr/event_content.h"

namespace mrctl {

int fail(const mr::Error &error) {
    std::string line = error.message;
    std::ranges::replace(line, '\n', ' ');
    // Parts of it may be of a file or a peer.
    std::cerr << "mrctl: " << mr::printable_text(line) << '\n';
    return error.code == mr::ErrorCode::no_service ? exit_no_service : exit_refused;
}

int fail_usage(std::string_view message) {
    std::cerr << "mrctl: " << message << '\n';
    return exit_usage;
}

bool is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }

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
    if (for_people) std::cout << "\x1b[1m" << line(head) << "\x1b[0m\n";
    for (const auto &row : rows) std::cout << line(row) << '\n';
}

namespace {

struct CloseFile {
    void operator()(std::FILE *file) const {
        if (file != stdin && file != stdout) (void)std::fclose(file);
    }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

std::unexpected<mr::Error> failed(std::string_view what, const std::string &path) {
    return std::unexpected(
        mr::Error{mr::ErrorCode::io, "cannot " + std::string(what) + " " + path + ": " + std::generic_category().message(errno)});
}

}  // namespace

std::expected<mr::Bytes, mr::Error> read_file(const std::string &path, std::size_t limit) {
    const File file(path == "-" ? stdin : std::fopen(path.c_str(), "rbe"));
    if (!file) return failed("open", path);
    mr::Bytes bytes;
    constexpr std::size_t piece = std::size_t{64} * 1024;
    while (std::feof(file.get()) == 0) {
        const auto start = bytes.size();
        bytes.resize(start + std::min(piece, limit + 1 - start));
        const auto size = std::fread(bytes.data() + start, 1, bytes.size() - start, file.get());
        bytes.resize(start + size);
        if (std::ferror(file.get()) != 0) return failed("read", path);
        if (bytes.size() > limit) {
            return std::unexpected(mr::Error{mr::ErrorCode::wrong_length, path + " is longer than " + std::to_string(limit) + " bytes"});
        }
    }
    return bytes;
}

std::expected<void, mr::Error> write_file(const std::string &path, mr::ByteView bytes) {
    File file(path == "-" ? stdout : std::fopen(path.c_str(), "wbe"));
    if (!file) return failed("open", path);
    if (std::fwrite(bytes.data(), 1, bytes.size(), file.get()) != bytes.size() || std::fflush(file.get()) != 0)
        return failed("write", path);
    return {};
}

}  // namespace mrctl
