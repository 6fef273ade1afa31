// One provider's quotes at work: the queue decides, a thread of their own makes one after the other, the event loop answers. Used by every
// interface that needs a quote. To hand a quote to the thread and back costs as much as a simulated one: where they are made quickly, the thread takes a few in a round.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "mrd/evidence/quote_check.h"
#include "mrd/evidence/quote_queue.h"
#include "mrd/providers/provider.h"
#include "mrd/providers/provider_queue.h"

namespace mrd {

// All calls from the event loop.
class Quotes {
public:
    using Ticket = QuoteQueue::Ticket;
    using Subject = QuoteQueue::Subject;
    using Result = std::expected<Quoted, QuoteFailure>;
    using Done = std::move_only_function<void(const Result &)>;

    // `loop` must outlive this, and so must `quoter` unless stop() comes before. `quick`: in what time the last quote must have been made for several to be in the next
    // round.
    Quotes(boost::asio::io_context &loop, Quoter &quoter, std::chrono::nanoseconds quick = quick_quote);
    Quotes(const Quotes &) = delete;
    Quotes &operator=(const Quotes &) = delete;
    // Stops the quotes that are being made. Who waits is not answered.
    ~Quotes();

    [[nodiscard]] ReportDataSize report_data_size() const { return report_data_size_; }
    [[nodiscard]] std::size_t waiting() const { return queue_.waiting(); }

    // A name for one request, with which it can be cancelled before and after it is made.
    Ticket new_ticket() { return ++last_ticket_; }

    // done is called exactly once, never from within this call: with what the quoter gives, with timed_out at the deadline, or with cancelled.
    void ask(Ticket ticket, const Client &client, const Subject &subject, QuoteQueue::TimePoint deadline, Done done);

    // Answers the request with cancelled at once. One that has been answered is left alone.
    void cancel(Ticket ticket);

    // The thread that makes them, for other calls of the provider that take as long. With quotes they have their turns, as root's.
    [[nodiscard]] ProviderQueue &worker();

    // The quoter has failed: who waits, and who asks from now on, is answered that it is unavailable, and why. Calls `idle` when it is not used any more.
    void stop(std::string why, std::move_only_function<void()> idle);
    // Another one in its place, after idle().
    void go_on(Quoter &quoter);

private:
    // Makes quotes as long as somebody waits.
    struct Round {
        Quotes &self;
        struct Making {
            Subject subject;
            std::stop_token stop;  // nobody waits for it
            Result result = std::unexpected(QuoteFailure{QuoteFailure::Cause::cancelled, {}});
        };
        std::vector<Making> quotes = {};
        std::optional<std::chrono::nanoseconds> longest = {};  // of what was made

        bool begin();
        void work();
        bool end() {
            self.made(*this);
            return self.gave_way();
        }
    };
    struct Idle {
        std::move_only_function<void()> done;

        static bool begin() { return true; }
        static void work() {}
        bool end() {
            done();
            return true;
        }
    };

    void made(const Round &round);
    // Others wait for the thread: the next round comes behind one of them.
    bool gave_way();
    void answer(Ticket ticket, const Result &result);
    // After somebody stopped waiting: a quote that nobody wants is stopped, or not begun, and the timer waits for whose time is over next.
    void review();
    void on_deadline();

    boost::asio::io_context &loop_;
    Quoter *quoter_;
    ReportDataSize report_data_size_;
    std::optional<std::string> why_stopped_;
    QuoteQueue queue_;
    std::unordered_map<Ticket, Done> waiting_;
    Ticket last_ticket_ = 0;
    boost::asio::steady_timer timer_;
    std::optional<QuoteQueue::TimePoint> timer_waits_for_;
    std::vector<std::stop_source> stop_;  // of each quote that is being made
    bool at_work_ = false;
    std::chrono::nanoseconds quick_;
    bool last_was_quick_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::optional<ProviderQueue> worker_;  // made at first use; waits at its end for the call that runs
};

}  // namespace mrd
