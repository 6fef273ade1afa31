// Makes what was written durable, away from the event loop: one sync serves all who wait when it begins, while the loop goes on.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "mrd/journal/append_file.h"

namespace mrd::journal {

class SyncThread {
public:
    // `synced(position, result)` is called on the loop: everything up to the position that was asked for is durable, or the sync failed. The
    // file must outlive the thread.
    using Synced = std::function<void(std::uint64_t, AppendFile::Result<void>)>;
    SyncThread(boost::asio::io_context &loop, AppendFile &file, Synced synced);
    SyncThread(const SyncThread &) = delete;
    SyncThread &operator=(const SyncThread &) = delete;
    ~SyncThread();

    // Everything up to here is written and shall be durable. Asked for while a sync runs, it is done by the next one.
    void ask(std::uint64_t position);

    // Somebody asked, and the result has not been told yet. Meanwhile nobody else may sync the file: of two at once the kernel tells an error to one only.
    [[nodiscard]] bool is_busy() const { return waiting_.has_value(); }

private:
    void work();

    boost::asio::io_context &loop_;
    AppendFile &file_;
    Synced synced_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    // Held while somebody waits: the loop must not run out of work meanwhile.
    std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> waiting_;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t position_ = 0;  // that was asked for last
    std::uint64_t asked_ = 0;     // how often somebody asked
    std::uint64_t taken_ = 0;     // so many of them the running or the last sync covers
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace mrd::journal
