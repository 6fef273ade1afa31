#include "mrfs/fuse_operations.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "mrfs/fuse_api.h"
#include "mrfs/interruptible_answer.h"

namespace mrfs {

namespace {

Served &served(fuse_req_t request) { return *static_cast<Served *>(::fuse_req_userdata(request)); }
FileSystem &files(fuse_req_t request) { return served(request).files; }

// Error: EACCES for whom nobody can be asked for.
std::expected<Caller, int> caller_of(fuse_req_t request) {
    const auto *context = ::fuse_req_ctx(request);
    const auto &for_whom = served(request);
    constexpr auto unmapped = static_cast<uid_t>(-1);
    if (for_whom.only) {
        if (context->uid != *for_whom.only) return std::unexpected(EACCES);
    } else if (context->uid == unmapped || context->gid == unmapped || context->uid == for_whom.overflow_uid || context->pid <= 0) {
        return std::unexpected(EACCES);
    }
    return Caller{.uid = context->uid, .gid = context->gid, .pid = context->pid};
}

struct stat as_stat(const Attributes &attributes, Inodes::Number number) {
    struct stat status{};
    status.st_ino = number;
    status.st_mode = attributes.mode;
    status.st_uid = attributes.uid;
    status.st_gid = attributes.gid;
    status.st_nlink = attributes.links;
    status.st_size = static_cast<off_t>(attributes.size);
    status.st_blksize = static_cast<blksize_t>(attributes.block_size);
    return status;
}

// The kernel keeps what never changes, the way to a file; all else that is asked again is answered again.
fuse_entry_param as_entry(const FileSystem::Found &found) {
    constexpr double a_day = 86'400;
    fuse_entry_param entry{};
    entry.ino = found.number;
    if (found.stays) entry.entry_timeout = a_day;
    entry.attr = as_stat(found.attributes, found.number);
    return entry;
}

void reply_entry(fuse_req_t request, const std::expected<FileSystem::Found, int> &found) {
    if (!found) {
        ::fuse_reply_err(request, found.error());
        return;
    }
    const auto entry = as_entry(*found);
    if (::fuse_reply_entry(request, &entry) != 0) files(request).forget(found->number, 1);
}

void reply_attributes(fuse_req_t request, fuse_ino_t number, const std::expected<Attributes, int> &told) {
    if (!told) {
        ::fuse_reply_err(request, told.error());
        return;
    }
    const auto status = as_stat(*told, number);
    ::fuse_reply_attr(request, &status, 0);
}

// Each call has a share of it: the kernel may close the file behind a read that was interrupted and still runs.
using OpenFile = std::shared_ptr<FileSystem::OpenFile>;
OpenFile &open_file(const fuse_file_info *info) {
    return *reinterpret_cast<OpenFile *>(info->fh);  // NOLINT(performance-no-int-to-ptr): libfuse keeps a number
}

using Listing = std::shared_ptr<const FileSystem::Listing>;
Listing &listing(const fuse_file_info *info) {
    return *reinterpret_cast<Listing *>(info->fh);  // NOLINT(performance-no-int-to-ptr): as above
}

// ---- Names

void look_up(fuse_req_t request, fuse_ino_t folder, const char *name) {
    const auto caller = caller_of(request);
    reply_entry(request, caller ? files(request).look_up(*caller, folder, name) : std::unexpected(caller.error()));
}

void forget(fuse_req_t request, fuse_ino_t number, std::uint64_t times) {
    files(request).forget(number, times);
    ::fuse_reply_none(request);
}

void forget_several(fuse_req_t request, std::size_t count, fuse_forget_data *forgotten) {
    for (const auto &each : std::span(forgotten, count)) files(request).forget(each.ino, each.nlookup);
    ::fuse_reply_none(request);
}

void get_attributes(fuse_req_t request, fuse_ino_t number, fuse_file_info * /*info*/) {
    const auto caller = caller_of(request);
    reply_attributes(request, number, caller ? files(request).attributes(*caller, number) : std::unexpected(caller.error()));
}

void set_attributes(fuse_req_t request, fuse_ino_t number, struct stat * /*wanted*/, int which, fuse_file_info * /*info*/) {
    const auto caller = caller_of(request);
    const bool owner_or_mode = (which & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) != 0;
    reply_attributes(request, number,
                     caller ? files(request).set_attributes(*caller, number, owner_or_mode) : std::unexpected(caller.error()));
}

void check_access(fuse_req_t request, fuse_ino_t number, int mask) {
    const auto caller = caller_of(request);
    const auto checked = caller ? files(request).check_access(*caller, number, mask) : std::unexpected(caller.error());
    ::fuse_reply_err(request, checked ? 0 : checked.error());
}

void make_folder(fuse_req_t request, fuse_ino_t folder, const char *name, mode_t mode) {
    const auto caller = caller_of(request);
    reply_entry(request, caller ? files(request).make_folder(*caller, folder, name, mode) : std::unexpected(caller.error()));
}

void remove_folder(fuse_req_t request, fuse_ino_t folder, const char *name) {
    const auto caller = caller_of(request);
    const auto removed = caller ? files(request).remove_folder(*caller, folder, name) : std::unexpected(caller.error());
    ::fuse_reply_err(request, removed ? 0 : removed.error());
}

// What neither sysfs nor configfs lets anybody do.

void refuse_node(fuse_req_t request, fuse_ino_t /*folder*/, const char * /*name*/, mode_t /*mode*/, dev_t /*device*/) {
    ::fuse_reply_err(request, EPERM);
}
void refuse_unlink(fuse_req_t request, fuse_ino_t /*folder*/, const char * /*name*/) { ::fuse_reply_err(request, EPERM); }
void refuse_symbolic_link(fuse_req_t request, const char * /*target*/, fuse_ino_t /*folder*/, const char * /*name*/) {
    ::fuse_reply_err(request, EPERM);
}
void refuse_rename(fuse_req_t request, fuse_ino_t /*from*/, const char * /*name*/, fuse_ino_t /*to*/, const char * /*new_name*/,
                   unsigned /*flags*/) {
    ::fuse_reply_err(request, EPERM);
}
void refuse_link(fuse_req_t request, fuse_ino_t /*number*/, fuse_ino_t /*folder*/, const char * /*name*/) {
    ::fuse_reply_err(request, EPERM);
}
// Without this the kernel would make a node.
void refuse_create(fuse_req_t request, fuse_ino_t /*folder*/, const char * /*name*/, mode_t /*mode*/, fuse_file_info * /*info*/) {
    ::fuse_reply_err(request, EACCES);
}
// Whoever copies goes on by reading and writing.
void refuse_copy(fuse_req_t request, fuse_ino_t /*from*/, off_t /*offset*/, fuse_file_info * /*info*/, fuse_ino_t /*to*/,
                 off_t /*to_offset*/, fuse_file_info * /*to_info*/, std::size_t /*size*/, int /*flags*/) {
    ::fuse_reply_err(request, EXDEV);
}

// ---- Files

void open(fuse_req_t request, fuse_ino_t number, fuse_file_info *info) {
    const auto caller = caller_of(request);
    auto opened = caller ? files(request).open(*caller, number, info->flags) : std::unexpected(caller.error());
    if (!opened) {
        ::fuse_reply_err(request, opened.error());
        return;
    }
    // What is read is asked for, whatever size the file seems to have.
    info->direct_io = 1;
    info->noflush = (*opened)->needs_flush() ? 0 : 1;
    auto kept = std::make_unique<OpenFile>(std::move(*opened));
    info->fh = reinterpret_cast<std::uint64_t>(kept.get());
    if (::fuse_reply_open(request, info) == 0) (void)kept.release();
}

void read(fuse_req_t request, fuse_ino_t /*number*/, std::size_t size, off_t offset, fuse_file_info *info) {
    // Before anybody can answer: then the kernel may close the file.
    auto &where = files(request);
    const auto file = open_file(info);
    InterruptibleAnswer answer(request);
    if (answer.is_answered()) return;
    const auto got = where.read(*file, static_cast<std::uint64_t>(offset), size);
    answer.give([&got](fuse_req_t answered) {
        if (got) {
            ::fuse_reply_buf(answered, reinterpret_cast<const char *>(got->data()), got->size());
        } else {
            ::fuse_reply_err(answered, got.error());
        }
    });
}

// An extend is not interrupted: it happens, and its writer is told.
void write(fuse_req_t request, fuse_ino_t /*number*/, const char *bytes, std::size_t size, off_t offset, fuse_file_info *info) {
    const auto taken = files(request).write(*open_file(info), static_cast<std::uint64_t>(offset), mr::as_bytes({bytes, size}));
    if (taken) {
        ::fuse_reply_write(request, *taken);
    } else {
        ::fuse_reply_err(request, taken.error());
    }
}

// Here, and not in release(), for which close() does not wait. The result is dropped, as the kernel drops it.
void flush(fuse_req_t request, fuse_ino_t /*number*/, fuse_file_info *info) {
    files(request).flush(*open_file(info));
    ::fuse_reply_err(request, 0);
}

void synchronize(fuse_req_t request, fuse_ino_t /*number*/, int /*data_only*/, fuse_file_info *info) {
    const auto done = FileSystem::synchronize(*open_file(info));
    ::fuse_reply_err(request, done ? 0 : done.error());
}

void release(fuse_req_t request, fuse_ino_t /*number*/, fuse_file_info *info) {
    const std::unique_ptr<OpenFile> ended(&open_file(info));
    ::fuse_reply_err(request, 0);
}

// ---- Folders

void open_folder(fuse_req_t request, fuse_ino_t number, fuse_file_info *info) {
    const auto caller = caller_of(request);
    auto listed = caller ? files(request).open_folder(*caller, number) : std::unexpected(caller.error());
    if (!listed) {
        ::fuse_reply_err(request, listed.error());
        return;
    }
    auto kept = std::make_unique<Listing>(std::move(*listed));
    info->fh = reinterpret_cast<std::uint64_t>(kept.get());
    if (::fuse_reply_open(request, info) == 0) (void)kept.release();
}

// An offset is the number of entries that were told.
void read_folder(fuse_req_t request, fuse_ino_t /*number*/, std::size_t size, off_t offset, fuse_file_info *info) {
    const auto &entries = *listing(info);
    std::vector<char> told(size);
    std::size_t used = 0;
    for (auto next = static_cast<std::size_t>(offset); next < entries.size(); ++next) {
        const auto &entry = entries[next];
        struct stat status{};
        status.st_ino = entry.number;
        status.st_mode = entry.is_folder ? S_IFDIR : S_IFREG;
        const auto room = size - used;
        const auto needed =
            ::fuse_add_direntry(request, told.data() + used, room, entry.name.c_str(), &status, static_cast<off_t>(next + 1));
        if (needed > room) break;
        used += needed;
    }
    ::fuse_reply_buf(request, told.data(), used);
}

void release_folder(fuse_req_t request, fuse_ino_t /*number*/, fuse_file_info *info) {
    const std::unique_ptr<Listing> ended(&listing(info));
    ::fuse_reply_err(request, 0);
}

void tell_of_file_system(fuse_req_t request, fuse_ino_t /*number*/) {
    struct statvfs status{};
    status.f_bsize = text_size;
    status.f_frsize = text_size;
    constexpr unsigned long longest_name = 255;
    status.f_namemax = longest_name;
    ::fuse_reply_statfs(request, &status);
}

}  // namespace

// No locks, poll, ioctl or allocation: without them the kernel answers for itself, as for its own files.
const fuse_lowlevel_ops &fuse_operations() {
    static const fuse_lowlevel_ops operations = [] {
        fuse_lowlevel_ops made{};
        made.lookup = &look_up;
        made.forget = &forget;
        made.forget_multi = &forget_several;
        made.getattr = &get_attributes;
        made.setattr = &set_attributes;
        made.access = &check_access;
        made.mkdir = &make_folder;
        made.rmdir = &remove_folder;
        made.mknod = &refuse_node;
        made.unlink = &refuse_unlink;
        made.symlink = &refuse_symbolic_link;
        made.rename = &refuse_rename;
        made.link = &refuse_link;
        made.create = &refuse_create;
        made.copy_file_range = &refuse_copy;
        made.open = &open;
        made.read = &read;
        made.write = &write;
        made.flush = &flush;
        made.fsync = &synchronize;
        made.release = &release;
        made.opendir = &open_folder;
        made.readdir = &read_folder;
        made.releasedir = &release_folder;
        made.statfs = &tell_of_file_system;
        return made;
    }();
    return operations;
}

}  // namespace mrfs
