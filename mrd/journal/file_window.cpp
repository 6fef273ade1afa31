#include "mrd/journal/file_window.h"

#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <utility>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

namespace mrd::journal {

namespace {

// Where the copy that this thread makes goes on after a SIGBUS; null: it makes none.
sigjmp_buf *&copy_failed() {
    thread_local constinit sigjmp_buf *place = nullptr;
    return place;
}

struct sigaction &action_before() {
    static struct sigaction action{};
    return action;
}

void on_bus_error(int signal) {
    if (copy_failed() != nullptr) ::siglongjmp(*copy_failed(), 1);
    // Not of a copy: as if nobody had caught it.
    (void)::sigaction(SIGBUS, &action_before(), nullptr);
    (void)std::raise(signal);
}

void catch_bus_errors() {
    [[maybe_unused]] static const bool done = [] {
        struct sigaction action{};
        action.sa_handler = on_bus_error;
        action.sa_flags = SA_NODEFER;  // who leaves by a jump leaves no signal blocked
        return ::sigaction(SIGBUS, &action, &action_before()) == 0;
    }();
}

// False: a page of it was not to be had. A function of its own, in which nothing is to be destroyed when it is left by a jump.
[[gnu::noinline]] bool copy(std::uint8_t *to, const std::uint8_t *from, std::size_t size) {
    sigjmp_buf failed;
    auto &place = copy_failed();
    if (sigsetjmp(failed, 0) != 0) {
        copy_failed() = nullptr;
        return false;
    }
    place = &failed;
    std::atomic_signal_fence(std::memory_order_seq_cst);  // for the handler
    std::memcpy(to, from, size);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    place = nullptr;
    return true;
}

std::uint64_t page_size() {
    static const auto size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return size;
}

}  // namespace

std::optional<FileWindow> FileWindow::over(int file) {
    struct statfs status{};
    if (!MRD_FAST_PATHS || ::fstatfs(file, &status) != 0) return std::nullopt;
    const auto kind = static_cast<unsigned long>(status.f_type);
    if (kind != TMPFS_MAGIC && kind != EXT4_SUPER_MAGIC && kind != XFS_SUPER_MAGIC) return std::nullopt;
    catch_bus_errors();
    return FileWindow(file, kind == TMPFS_MAGIC);
}

FileWindow::FileWindow(FileWindow &&other) noexcept
    : file_(other.file_),
      populates_(other.populates_),
      memory_(std::exchange(other.memory_, nullptr)),
      begin_(other.begin_),
      populated_(other.populated_) {}

FileWindow::~FileWindow() { unmap(); }

void FileWindow::unmap() {
    if (memory_ != nullptr) (void)::munmap(std::exchange(memory_, nullptr), size);
}

bool FileWindow::move_to(std::uint64_t offset) {
    unmap();
    begin_ = offset - offset % page_size();
    populated_ = 0;
    auto *mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file_, static_cast<off_t>(begin_));
    if (mapped == MAP_FAILED) return false;
    memory_ = static_cast<std::uint8_t *>(mapped);
    return true;
}

// An older kernel does not know this, and a file that was cut off has no such pages: the copy meets both.
void FileWindow::populate(std::uint64_t until, std::uint64_t allocated_until) {
    const auto whole_pages = (allocated_until - begin_) / page_size() * page_size();
    const auto wanted = (until + populate_step - 1) / populate_step * populate_step;
    const auto to = std::min({wanted, size, whole_pages});
    if (to > populated_) (void)::madvise(memory_ + populated_, to - populated_, MADV_POPULATE_WRITE);
    populated_ = std::max(to, until);
}

FileWindow::Outcome FileWindow::write(std::uint64_t offset, mr::ByteView bytes, std::uint64_t allocated_until) {
    if (!has(offset, bytes.size()) && !(move_to(offset) && has(offset, bytes.size()))) return Outcome::refused;
    const auto at = offset - begin_;
    if (populates_ && at + bytes.size() > populated_) populate(at + bytes.size(), allocated_until);
    return copy(memory_ + at, bytes.data(), bytes.size()) ? Outcome::written : Outcome::lost;
}

std::optional<bool> FileWindow::holds(const Mark &mark) const {
    std::array<std::uint8_t, Mark::size> found{};
    if (!has(mark.offset, found.size()) || !copy(found.data(), memory_ + (mark.offset - begin_), found.size())) return std::nullopt;
    return found == mark.bytes;
}

}  // namespace mrd::journal
