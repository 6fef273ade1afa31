// Calls to one provider, one at a time, each user's turn after the other's (call_turns.h). A provider that may wait works on a thread of its own, so that it
// delays neither the event loop nor another provider.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "mrd/providers/call_turns.h"

namespace mrd {

// One call, in three steps; begin and end run on the event loop, work where the queue says.
//
//   bool begin()   its turn has come; false: it has been answered already, nothing is to be done
//   void work()    asks the provider
//   bool end()     answers; false: it needs another round, before anybody else's turn
class ProviderQueue {
public:
    ProviderQueue(boost::asio::io_context &loop, bool own_thread);
    ProviderQueue(const ProviderQueue &) = delete;
    ProviderQueue &operator=(const ProviderQueue &) = delete;

    // Waits for the call that runs; those that wait are dropped.
    ~ProviderQueue();

    // For a user, or for mrd_itself. Without a thread of its own and with nothing running, the call is made at once, and nothing is allocated.
    template <class Operation>
    void run(uid_t user, Operation operation) {
        if (!thread_.joinable() && !running_) return run_at_once(operation);
        waiting_.add(user, std::make_unique<Holder<Operation>>(std::move(operation)));
        if (thread_.joinable()) start_next();
    }
    // When all that was asked for before has been done.
    template <class Operation>
    void run_last(Operation operation) {
        if (!thread_.joinable() && !running_) return run_at_once(operation);
        waiting_.add_last(std::make_unique<Holder<Operation>>(std::move(operation)));
        if (thread_.joinable()) start_next();
    }

    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

private:
    struct Held {
        virtual ~Held() = default;
        virtual bool begin() = 0;
        virtual void work() = 0;
        virtual bool end() = 0;
    };
    template <class Operation>
    struct Holder final : Held {
        explicit Holder(Operation operation_) : operation(std::move(operation_)) {}
        bool begin() override { return operation.begin(); }
        void work() override { operation.work(); }
        bool end() override { return operation.end(); }
        Operation operation;
    };

    template <class Operation>
    void run_at_once(Operation &operation) {
        running_ = true;
        perform(operation);
        running_ = false;
        run_waiting();
    }

    template <class Operation>
    static void perform(Operation &operation) {
        do {
            if (!operation.begin()) return;
            operation.work();
        } while (!operation.end());
    }

    void run_waiting();
    void start_next();
    bool begin_on_thread(std::unique_ptr<Held> call);
    void work_on_thread();

    boost::asio::io_context &loop_;
    CallTurns<std::unique_ptr<Held>> waiting_;
    bool running_ = false;

    // Held while the thread works or an answer is under way: the loop must not run out of work meanwhile.
    std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> at_work_;

    // Between the loop and the thread: the one call it works on.
    std::mutex mutex_;
    std::condition_variable changed_;
    std::unique_ptr<Held> current_;  // given to the thread; it gives it back through the loop
    bool stopping_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::thread thread_;
};

}  // namespace mrd
