// The double of AppendFile: a disk whose files are bytes in memory, and which fails when it is told to. It knows what of them the machine's memory
// holds and what the disk, page by page and as Linux has it: see sync() and crash().
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "mrd/journal/append_file.h"
#include "mrd/journal/format.h"
#include "proto/varlink/file_descriptor.h"

namespace mrd::journal {

enum class Fault : std::uint8_t {
    none,
    io_error,
    no_space,
    short_write,  // half of the bytes are written, and the call says so
    torn_write,   // half of the bytes are written, and the call fails
    lost_write,   // all of the bytes are written, and the call fails
    kill,         // this call and all later ones fail and do nothing: mrd has been killed
    torn_kill,    // the same, with half of the bytes written before
};

// Names are those of real, empty files, so that what is linked and renamed keeps its bytes; a file that is not the disk's own is opened as
// it is.
class FaultyDisk {
public:
    // checkpoint, slot: writes of these, which are writes like any other too.
    enum class Call : std::uint8_t { write, allocate, sync, sync_folder, read, size, checkpoint, slot };
    static constexpr std::size_t page_size = 4096;

    OpenFile opener() {
        return [this](const std::filesystem::path &path, OpenMode mode) { return open(path, mode); };
    }
    SyncFolder folder_syncer() {
        return [this](const std::filesystem::path &folder) -> AppendFile::Result<void> {
            const std::lock_guard lock(mutex_);
            if (const auto fault = next(Call::sync_folder); fault != Fault::none) return failure(fault);
            synced_names_ = names_in(folder);
            return {};
        };
    }

    // The Nth call from now on, counted from 1, does this. `until_healed`: and all after it.
    void fail_call(std::uint64_t number, Fault fault, bool until_healed = false) {
        const std::lock_guard lock(mutex_);
        fails_at_ = calls_ + number;
        fault_ = fault;
        until_healed_ = until_healed;
        only_.reset();
        has_failed_ = false;
    }
    // The same, where only calls of one sort count.
    void fail_call(Call sort, std::uint64_t number, Fault fault, bool until_healed = false) {
        fail_call(0, fault, until_healed);
        const std::lock_guard lock(mutex_);
        only_ = sort;
        fails_at_ = counts_[sort] + number;
    }
    void heal() {
        const std::lock_guard lock(mutex_);
        fault_ = Fault::none;
        is_killed_ = false;
    }

    // mrd is killed: from now on nobody who has opened a file changes anything, until heal(). Syncs that wait end.
    void kill() {
        const std::lock_guard lock(mutex_);
        is_killed_ = true;
        changed_.notify_all();
    }
    [[nodiscard]] bool is_killed() {
        const std::lock_guard lock(mutex_);
        return is_killed_;
    }

    // The machine crashes: of what was not synced, has_reached() says of each page whether the disk has it. A page whose writing failed is not there, however
    // clean it was. Names are those of the last sync of the folder, or all. Nobody may be using a file.
    template <class HasReached>
    void crash(const std::filesystem::path &folder, const HasReached &has_reached) {
        const std::lock_guard lock(mutex_);
        const auto names = synced_names_ && !has_reached() ? *synced_names_ : names_in(folder);
        for (const auto &[inode, contents] : files_) {
            for (const auto page : std::exchange(contents->dirty, {})) {
                if (has_reached()) contents->write_page(page);
            }
            if (has_reached()) contents->on_disk.resize(std::max(contents->on_disk.size(), contents->bytes.size()));
            contents->bytes = contents->on_disk;
            contents->errors = contents->told_errors = 0;
        }
        for (const auto &[name, contents] : names_in(folder)) std::filesystem::remove(folder / name);
        for (const auto &[name, contents] : names) give_name(folder / name, contents);
        synced_names_ = names;
    }

    // The kernel writes pages of itself; where that fails, whoever syncs next is told. has_reached() says for each page whether it is chosen.
    template <class IsChosen>
    void write_back(const IsChosen &is_chosen, bool fails) {
        const std::lock_guard lock(mutex_);
        for (const auto &[inode, contents] : files_) {
            std::erase_if(contents->dirty, [&, &file = *contents](std::size_t page) {
                if (!is_chosen()) return false;
                if (fails) {
                    ++file.errors;
                } else {
                    file.write_page(page);
                }
                return true;
            });
        }
    }

    // The kernel drops what it takes to be on the disk, and reads it again: a page whose writing failed is what it was before.
    void evict() {
        const std::lock_guard lock(mutex_);
        for (const auto &[inode, contents] : files_) contents->evict();
    }

    [[nodiscard]] std::uint64_t calls() {
        const std::lock_guard lock(mutex_);
        return calls_;
    }
    [[nodiscard]] std::uint64_t calls(Call sort) {
        const std::lock_guard lock(mutex_);
        return counts_[sort];
    }
    [[nodiscard]] bool has_failed() {
        const std::lock_guard lock(mutex_);
        return has_failed_;
    }

    // The bytes of a file. Nobody may be using it.
    mr::Bytes &bytes(const std::filesystem::path &path) {
        struct stat status{};
        if (::stat(path.c_str(), &status) != 0 || !files_.contains(status.st_ino)) return nowhere_;
        return files_.at(status.st_ino)->bytes;
    }

    // A sync that begins on another thread than this waits until release_syncs(), or its own turn of release_sync().
    void hold_syncs() {
        const std::lock_guard lock(mutex_);
        holds_syncs_ = true;
        released_ = 0;
        holder_ = std::this_thread::get_id();
    }
    // The same, but it does not begin either before begin_sync(): so that a test that plays at random does the same once more.
    void step_syncs() {
        hold_syncs();
        const std::lock_guard lock(mutex_);
        steps_syncs_ = true;
        begun_ = 0;
    }
    // Returns when one has begun: what is written from now on is not its own. False: nobody asks for one.
    bool begin_sync() {
        constexpr std::chrono::seconds patience{20};
        std::unique_lock lock(mutex_);
        ++begun_;
        changed_.notify_all();
        return changed_.wait_for(lock, patience, [this] { return begun_ == 0; });
    }
    void release_sync() {
        const std::lock_guard lock(mutex_);
        ++released_;
        changed_.notify_all();
    }
    void release_syncs() {
        const std::lock_guard lock(mutex_);
        holds_syncs_ = false;
        changed_.notify_all();
    }
    // Waits until so many syncs have begun since the disk's first.
    void wait_for_sync(std::uint64_t number) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return counts_[Call::sync] >= number; });
    }

private:
    struct Contents {
        varlink::FileDescriptor name;          // held open, so that its inode's number stays its own
        mr::Bytes bytes = {};                  // what everybody reads
        mr::Bytes on_disk = {};                // what a crash leaves
        std::set<std::size_t> dirty = {};      // pages that are to be written
        std::set<std::size_t> under_way = {};  // pages that a sync is writing
        std::uint64_t errors = 0;              // of writing them
        std::uint64_t told_errors = 0;         // so many of them somebody was told

        void write_page(std::size_t page) {
            const auto begin = page * page_size;
            const auto end = std::min(begin + page_size, bytes.size());
            if (begin >= end) return;
            if (on_disk.size() < end) on_disk.resize(end);
            std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(begin), bytes.begin() + static_cast<std::ptrdiff_t>(end),
                      on_disk.begin() + static_cast<std::ptrdiff_t>(begin));
        }
        void evict() {
            auto kept = bytes;
            std::ranges::fill(bytes, std::uint8_t{0});
            std::ranges::copy(mr::ByteView(on_disk).first(std::min(on_disk.size(), bytes.size())), bytes.begin());
            auto keeps = dirty;
            keeps.insert(under_way.begin(), under_way.end());
            for (const auto page : keeps) {
                const auto begin = static_cast<std::ptrdiff_t>(page * page_size);
                const auto end = static_cast<std::ptrdiff_t>(std::min((page + 1) * page_size, bytes.size()));
                std::copy(kept.begin() + begin, kept.begin() + end, bytes.begin() + begin);
            }
        }
    };
    using Names = std::map<std::string, std::shared_ptr<Contents>>;

    Names names_in(const std::filesystem::path &folder) {
        Names names;
        for (const auto &entry : std::filesystem::directory_iterator(folder)) {
            struct stat status{};
            if (::stat(entry.path().c_str(), &status) == 0 && files_.contains(status.st_ino))
                names.emplace(entry.path().filename().native(), files_.at(status.st_ino));
        }
        return names;
    }
    // What has lost its last name gets another inode.
    void give_name(const std::filesystem::path &path, const std::shared_ptr<Contents> &contents) {
        varlink::FileDescriptor name(::open(path.c_str(), O_CLOEXEC | O_RDWR | O_CREAT | O_EXCL, 0600));
        struct stat status{};
        if (!name || ::fstat(name.get(), &status) != 0) return;
        auto &file = files_[status.st_ino];
        file = std::make_shared<Contents>(Contents{.name = std::move(name), .bytes = contents->bytes, .on_disk = contents->on_disk});
    }

    // What a write into the journal is beside a write.
    static std::optional<Call> sort_of_write(std::uint64_t offset, mr::ByteView bytes) {
        if (offset >= first_slot && offset < file_header_size) return Call::slot;
        const auto head = offset >= file_header_size && bytes.size() > record_head_size ? decode_head(bytes, offset) : std::nullopt;
        return head && head->is_checkpoint() ? std::optional(Call::checkpoint) : std::nullopt;
    }

    // Counts the call and says what it does. `also`: it is one of that sort too.
    Fault next(Call sort, std::optional<Call> also = {}) {
        const auto number = ++calls_;
        ++counts_[sort];
        if (also) ++counts_[*also];
        if (is_killed_) return Fault::io_error;
        if (fault_ == Fault::none || (only_ && *only_ != sort && only_ != also)) return Fault::none;
        const auto count = only_ ? counts_[*only_] : number;
        const bool is_it = until_healed_ ? count >= fails_at_ : count == fails_at_;
        if (!is_it) return Fault::none;
        has_failed_ = true;
        if (fault_ != Fault::kill && fault_ != Fault::torn_kill) return fault_;
        is_killed_ = true;
        return fault_ == Fault::torn_kill && sort == Call::write ? Fault::torn_write : Fault::io_error;
    }

    static std::unexpected<std::error_code> failure(Fault fault) {
        return std::unexpected(std::error_code(fault == Fault::no_space ? ENOSPC : EIO, std::generic_category()));
    }

    class File final : public AppendFile {
    public:
        // An error that nobody was told is this one's too.
        File(FaultyDisk &disk, std::shared_ptr<Contents> contents)
            : disk_(disk), contents_(std::move(contents)), seen_errors_(contents_->told_errors) {}

        Result<std::size_t> write(std::uint64_t offset, mr::ByteView bytes) override {
            const std::lock_guard lock(disk_.mutex_);
            const auto fault = disk_.next(Call::write, sort_of_write(offset, bytes));
            if (fault == Fault::io_error || fault == Fault::no_space) return failure(fault);
            if (fault == Fault::short_write || fault == Fault::torn_write) bytes = bytes.first((bytes.size() + 1) / 2);
            auto &all = contents_->bytes;
            if (all.size() < offset + bytes.size()) all.resize(offset + bytes.size());
            std::ranges::copy(bytes, all.begin() + static_cast<std::ptrdiff_t>(offset));
            for (auto page = offset / page_size; page * page_size < offset + bytes.size(); ++page) contents_->dirty.insert(page);
            if (fault == Fault::torn_write || fault == Fault::lost_write) return failure(fault);
            return bytes.size();
        }
        Result<void> allocate(std::uint64_t offset, std::uint64_t size) override {
            const std::lock_guard lock(disk_.mutex_);
            if (const auto fault = disk_.next(Call::allocate); is_failure(fault)) return failure(fault);
            auto &all = contents_->bytes;
            all.resize(std::max<std::size_t>(all.size(), offset + size));
            return {};
        }
        Result<std::uint64_t> size_at(const std::filesystem::path &path) override {
            struct stat named{};
            struct stat own{};
            if (::lstat(path.c_str(), &named) != 0 || ::fstat(contents_->name.get(), &own) != 0 || named.st_ino != own.st_ino)
                return std::unexpected(std::make_error_code(std::errc::no_such_file_or_directory));
            const std::lock_guard lock(disk_.mutex_);
            return contents_->bytes.size();
        }
        // As Linux does it: where the writing fails the pages count as written, everybody who has the file open is told once, and a second sync may succeed. Of
        // two at once on one open file only one is told: here the other, whose pages they were not.
        Result<void> sync() override {
            std::unique_lock lock(disk_.mutex_);
            ++syncing_;
            const bool is_held = std::this_thread::get_id() != disk_.holder_;
            if (is_held) {
                disk_.changed_.wait(lock, [this] { return !disk_.steps_syncs_ || disk_.begun_ > 0 || disk_.is_killed_; });
                if (disk_.steps_syncs_ && disk_.begun_ > 0) --disk_.begun_;
            }
            const auto fault = disk_.next(Call::sync);
            auto pages = std::exchange(contents_->dirty, {});
            contents_->under_way.insert(pages.begin(), pages.end());
            disk_.changed_.notify_all();
            if (is_held) {
                disk_.changed_.wait(lock, [this] { return !disk_.holds_syncs_ || disk_.released_ > 0 || disk_.is_killed_; });
                if (disk_.holds_syncs_ && disk_.released_ > 0) --disk_.released_;
            }
            if (--syncing_ == 0) contents_->under_way.clear();
            if (disk_.is_killed_) {
                contents_->dirty.merge(pages);
                return failure(Fault::io_error);
            }
            if (is_failure(fault)) {
                ++contents_->errors;
            } else {
                for (const auto page : pages) contents_->write_page(page);
                contents_->on_disk.resize(std::max(contents_->on_disk.size(), contents_->bytes.size()));
            }
            if (seen_errors_ == contents_->errors || syncing_ > 0) return {};
            seen_errors_ = contents_->told_errors = contents_->errors;
            return failure(fault == Fault::none ? Fault::io_error : fault);
        }
        Result<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> into) override {
            const std::lock_guard lock(disk_.mutex_);
            if (const auto fault = disk_.next(Call::read); is_failure(fault)) return failure(fault);
            const auto &all = contents_->bytes;
            const auto rest = mr::ByteView(all).subspan(std::min<std::size_t>(offset, all.size()));
            const auto found = rest.first(std::min(rest.size(), into.size()));
            std::ranges::copy(found, into.begin());
            return found.size();
        }
        Result<std::uint64_t> size() override {
            const std::lock_guard lock(disk_.mutex_);
            if (const auto fault = disk_.next(Call::size); is_failure(fault)) return failure(fault);
            return contents_->bytes.size();
        }
        // No call that fails: what a test counts is what the journal needs.
        Result<bool> holds(const Mark &mark) override {
            const std::lock_guard lock(disk_.mutex_);
            const auto rest = mr::ByteView(contents_->bytes).subspan(std::min<std::size_t>(mark.offset, contents_->bytes.size()));
            return std::ranges::equal(rest.first(std::min(rest.size(), Mark::size)), mark.bytes);
        }

    private:
        // There is no short form of what is not a write.
        static bool is_failure(Fault fault) { return fault != Fault::none && fault != Fault::short_write; }

        FaultyDisk &disk_;
        std::shared_ptr<Contents> contents_;
        std::uint64_t seen_errors_;
        int syncing_ = 0;
    };

    std::expected<std::unique_ptr<AppendFile>, std::error_code> open(const std::filesystem::path &path, OpenMode mode) {
        const std::lock_guard lock(mutex_);
        varlink::FileDescriptor name(
            ::open(path.c_str(), O_CLOEXEC | (mode == OpenMode::new_file ? O_RDWR | O_CREAT | O_EXCL : O_RDONLY), 0600));
        if (!name) return std::unexpected(std::error_code(errno, std::generic_category()));
        struct stat status{};
        if (::fstat(name.get(), &status) != 0) return std::unexpected(std::error_code(errno, std::generic_category()));
        if (mode == OpenMode::new_file) files_[status.st_ino] = std::make_shared<Contents>(Contents{.name = std::move(name)});
        const auto found = files_.find(status.st_ino);
        if (found == files_.end()) return open_append_file(path, mode);
        return std::make_unique<File>(*this, found->second);
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<ino_t, std::shared_ptr<Contents>> files_;
    std::optional<Names> synced_names_;
    mr::Bytes nowhere_;
    std::map<Call, std::uint64_t> counts_;
    std::uint64_t calls_ = 0;
    std::uint64_t fails_at_ = 0;
    std::optional<Call> only_;
    Fault fault_ = Fault::none;
    bool until_healed_ = false;
    bool is_killed_ = false;
    bool has_failed_ = false;
    bool holds_syncs_ = false;
    bool steps_syncs_ = false;
    std::uint64_t begun_ = 0;
    std::uint64_t released_ = 0;
    std::thread::id holder_;
};

}  // namespace mrd::journal
