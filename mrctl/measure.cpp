// mrctl measure: the digest is computed while the file is read, so its size does not matter.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iostream>
#include <memory>
#include <system_error>

#include "mr/digest.h"
#include "mr/envelope.h"
#include "mrctl/commands.h"
#include "mrctl/output.h"

namespace mrctl {

namespace {

constexpr std::size_t piece_size = std::size_t{256} * 1024;

// Shown on standard error while a long file is read by a person's command.
class Progress {
public:
    void add(std::size_t bytes) {
        constexpr std::size_t step = std::size_t{64} << 20;
        total_ += bytes;
        if (!shown_ || total_ < next_) return;
        next_ = total_ + step;
        std::cerr << "\rmeasured " << (total_ >> 20) << " MiB" << std::flush;
        visible_ = true;
    }
    ~Progress() {
        if (visible_) std::cerr << "\r\x1b[K" << std::flush;
    }
    Progress() = default;
    Progress(const Progress &) = delete;
    Progress &operator=(const Progress &) = delete;

private:
    bool shown_ = ::isatty(STDERR_FILENO) == 1;
    bool visible_ = false;
    std::size_t total_ = 0;
    std::size_t next_ = std::size_t{256} << 20;
};

std::expected<mr::Digest, mr::Error> digest_of_file(const std::string &path, mr::HashAlgorithm algorithm) {
    auto hasher = mr::Hasher::open(algorithm);
    if (!hasher) return std::unexpected(hasher.error());
    const auto close = [](std::FILE *file) {
        if (file != stdin) (void)std::fclose(file);
    };
    const std::unique_ptr<std::FILE, decltype(close)> file(path == "-" ? stdin : std::fopen(path.c_str(), "rbe"), close);
    const auto failed = [&path](const char *what) {
        return std::unexpected(mr::Error{mr::ErrorCode::io, std::string("cannot ") + what + " " + (path == "-" ? "standard input" : path) +
                                                                ": " + std::generic_category().message(errno)});
    };
    if (!file) return failed("open");
    (void)std::setvbuf(file.get(), nullptr, _IONBF, 0);
    mr::Bytes piece(piece_size);
    Progress progress;
    while (std::feof(file.get()) == 0) {
        const auto size = std::fread(piece.data(), 1, piece.size(), file.get());
        if (std::ferror(file.get()) != 0) return failed("read");
        hasher->update(mr::ByteView(piece).first(size));
        progress.add(size);
    }
    return hasher->finish();
}

// A file's name is any bytes; a description is text. What is not is written as \\xNN.
std::string as_text(const std::string &file) {
    if (mr::is_text(file)) return file;
    std::string text;
    for (const char c : file) {
        if (static_cast<unsigned char>(c) < 0x80) {
            text += c;
        } else {
            text += "\\x" + mr::to_hex(mr::as_bytes({&c, 1}));
        }
    }
    return text;
}

// The register that mrd means by the name: its own names are tdx/rtmr3 and rtmr3, and both with :sha384.
std::expected<mr::Register, mr::Error> find_register(mr::Client &client, const std::string &name) {
    const auto registers = client.list();
    if (!registers) return std::unexpected(registers.error());
    const mr::Register *found = nullptr;
    for (const auto &candidate : *registers) {
        const auto bare = candidate.name.substr(candidate.name.find('/') + 1);
        const auto bank =
            candidate.hash && bare.find(':') == std::string::npos ? std::string(":").append(mr::to_string(*candidate.hash)) : "";
        if (name != candidate.name && name != bare && name != candidate.name + bank && name != bare + bank) continue;
        if (found != nullptr)
            return std::unexpected(
                mr::Error{mr::ErrorCode::no_such_register, name + " is " + found->name + " or " + candidate.name + ": name one of them"});
        found = &candidate;
    }
    if (found == nullptr)
        return std::unexpected(
            mr::Error{mr::ErrorCode::no_such_register, "no register has the name " + name + "; `mrctl list` shows the names"});
    return *found;
}

// mrd builds an envelope that holds description and content's digest, so that both are bound.
int measure_envelope(const Common &common, mr::Client &client, const mr::Register &target, const std::string &path,
                     mr::EventOptions event) {
    if (event.type && *event.type != mr::ev_event_tag)
        return fail_usage("an envelope, which a log-centric register needs too, is an EV_EVENT_TAG: leave --type out");
    const auto digest = digest_of_file(path, *target.hash);
    if (!digest) return fail(digest.error());
    const auto measured = client.measure_digest(target.name, mr::ContentDigest{*target.hash, *digest}, event);
    if (!measured) return fail(measured.error());
    return print_extended(common.json, measured->reading, measured->sequence, measured->digest);
}

}  // namespace

int measure(const Common &common, const MeasureCommand &command) {
    auto client = mr::Client::connect(common.client);
    if (!client) return fail(client.error());
    const auto target = find_register(*client, command.name);
    if (!target) return fail(target.error());
    if (!target->hash) return fail({mr::ErrorCode::not_extensible, target->name + " has no hash: it cannot be extended"});
    auto event = event_of(command.event);
    if (!event) return fail_usage(event.error().message);
    if (!event->description && command.file != "-") event->description = as_text(command.file);
    // A log-centric register takes no bare digest.
    const bool log_only = target->flags.has(mr::Flag::extensible) && !target->flags.has(mr::Flag::writable);
    if (command.envelope || log_only) return measure_envelope(common, *client, *target, command.file, std::move(*event));
    const auto digest = digest_of_file(command.file, *target->hash);
    if (!digest) return fail(digest.error());
    const auto extended = client->extend(target->name, *digest, *event);
    if (!extended) return fail(extended.error());
    return print_extended(common.json, extended->reading, extended->sequence, *digest);
}

}  // namespace mrctl
