// mrctl measure: the digest is computed while the file is read, so its size does not matter.
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <string_view>

#include "libmr/src/input_file.h"
#include "mr/digest.h"
#include "mr/envelope.h"
#include "mr/event_content.h"
#include "mrctl/commands.h"
#include "mrctl/file_state.h"
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
    bool shown_ = obeys_escapes(STDERR_FILENO);
    bool visible_ = false;
    std::size_t total_ = 0;
    std::size_t next_ = std::size_t{256} << 20;
};

// A character device other than a terminal, whose user ends it, and /dev/null.
bool has_no_end(int file) {
    struct stat status{};
    if (::fstat(file, &status) != 0 || !S_ISCHR(status.st_mode)) return false;
    return ::isatty(file) != 1 && status.st_rdev != makedev(1, 3);
}

std::expected<mr::Digest, mr::Error> digest_of_file(const std::string &path, mr::HashAlgorithm algorithm) {
    auto hasher = mr::Hasher::open(algorithm);
    if (!hasher) return std::unexpected(hasher.error());
    varlink::FileDescriptor opened;
    if (path != "-") {
        auto file = mr::open_input(path);
        if (!file) return std::unexpected(file.error());
        opened = std::move(*file);
    }
    const int file = opened ? opened.get() : STDIN_FILENO;
    if (has_no_end(file))
        return std::unexpected(mr::Error{mr::ErrorCode::io, "cannot measure " + path + ": it is a device, which may have no end"});
    const auto name = path == "-" ? std::string("standard input") : path;
    const auto state = FileState::of(file, name);
    if (!state) return std::unexpected(state.error());
    mr::Bytes piece(piece_size);
    Progress progress;
    for (;;) {
        const auto size = mr::read_input(file, piece, name);
        if (!size) return std::unexpected(size.error());
        if (*size == 0) {
            // A digest of half the one and half the other would be of a file that there never was.
            if (auto unchanged = state->check_unchanged(file, name); !unchanged) return std::unexpected(unchanged.error());
            return hasher->finish();
        }
        hasher->update(mr::ByteView(piece).first(*size));
        progress.add(*size);
    }
}

// A file's name is any bytes, up to 4095 of them; a description is printable text of a limited length. The end of a name says most.
std::string description_from(std::string_view path) {
    std::string text = mr::printable_text(path);
    if (text.size() < mr::max_event_description) return text;
    constexpr std::string_view mark = "...";
    constexpr std::size_t step = 16;
    while (text.size() > mr::max_event_description - mark.size()) {
        path.remove_prefix(step);
        while ((static_cast<unsigned char>(path.front()) & 0xC0U) == 0x80) path.remove_prefix(1);
        text = mr::printable_text(path);
    }
    return std::string(mark) + text;
}

// The register that mrd means by the name: its own names are tdx/rtmr3 and rtmr3, both with :sha384, and its roles. A virtual register is called by its whole name
// alone: users make them, and none may take the name of another, nor of a role that no register has, or of what comes later.
std::expected<mr::Register, mr::Error> find_register(mr::Client &client, const std::string &name) {
    const auto registers = client.list();
    // Who may do nothing is not told of a register. What he asked for is to measure.
    if (!registers && registers.error().code == mr::ErrorCode::permission_denied)
        return std::unexpected(
            mr::Error{mr::ErrorCode::permission_denied,
                      "PermissionDenied (right measure, " + name +
                          "): no access rule of mrd gives the caller that right; `mrctl access` says which rights he has"});
    if (!registers) return std::unexpected(registers.error());
    const mr::Register *found = nullptr;
    for (const auto &candidate : *registers) {
        if (candidate.name.starts_with("virtual/") && candidate.name != name) continue;
        const auto bare = candidate.name.substr(candidate.name.find('/') + 1);
        const auto bank =
            candidate.hash && bare.find(':') == std::string::npos ? std::string(":").append(mr::to_string(*candidate.hash)) : "";
        if (name != candidate.name && name != bare && name != candidate.name + bank && name != bare + bank &&
            std::ranges::find(candidate.roles, name) == candidate.roles.end())
            continue;
        if (found != nullptr)
            return std::unexpected(
                mr::Error{mr::ErrorCode::no_such_register, name + " is " + found->name + " or " + candidate.name + ": name one of them"});
        found = &candidate;
    }
    if (found == nullptr) {
        const auto whole = virtual_register_name(name);
        const bool is_short = std::ranges::find(*registers, whole, &mr::Register::name) != registers->end();
        return std::unexpected(
            mr::Error{mr::ErrorCode::no_such_register,
                      "no register that this user may list has the name or the role " + name +
                          (is_short ? "; the virtual register is called " + whole : "; `mrctl list` shows them, and `mrctl access` why")});
    }
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
    if (!event->description && command.file != "-") event->description = description_from(command.file);
    // A log-centric register takes no bare digest.
    const bool log_only = target->flags.has(mr::Flag::extensible) && !target->flags.has(mr::Flag::writable);
    if (command.envelope || log_only) return measure_envelope(common, *client, *target, command.file, std::move(*event));
    const auto digest = digest_of_file(command.file, *target->hash);
    if (!digest) return fail(digest.error());
    const auto extended = client->extend(target->name, *digest, *event);
    if (!extended) {
        auto error = extended.error();
        if (error.code == mr::ErrorCode::permission_denied) error.message += "; with --envelope it takes the right measure";
        return fail(error);
    }
    return print_extended(common.json, extended->reading, extended->sequence, *digest);
}

}  // namespace mrctl
