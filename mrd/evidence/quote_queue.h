// Who waits for a provider's quotes, which of them share one, and whose time is over. Decisions only: mrd/evidence/quotes.h has the thread and the
// timer.
//
// Quotes are made in turn, fairly by uid and connection (mrd/shares/share_queue.h), one after the other: one at a time, or, where they are made so quickly that to hand each
// on costs more than to wait for some, a few in a round. One that begins is for every request that waits at that moment
// with the same report data and options: its report is taken after all of them have arrived. A request that arrives later gets a later
// quote, for the registers may have changed between the report and the request.
//
// Nobody is refused: a connection has one request at a time, since its calls run one after the other, so that no more wait than there are connections.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mr/bytes.h"
#include "mr/limits.h"
#include "mrd/providers/provider.h"
#include "mrd/shares/share_queue.h"

namespace mrd {

// Of one provider. A quoting service on hardware takes some 5 ms for one, which are made one at a time therefore; a simulated one some 20 us.
inline constexpr std::size_t max_quotes_in_a_round = 4;
inline constexpr std::chrono::nanoseconds quick_quote =
    std::chrono::microseconds(250);  // what none of the last round may have taken longer than for several to be in the next
inline constexpr SharedBound quote_bound{
    .what = "quotes", .all = max_quotes_in_a_round, .others = max_quotes_in_a_round, .uid = max_quotes_in_a_round, .connection = 1};

inline constexpr std::chrono::milliseconds default_quote_deadline = std::chrono::seconds(30);
using mr::max_quote_deadline;

class QuoteQueue {
public:
    using TimePoint = std::chrono::steady_clock::time_point;
    using Ticket = std::uint64_t;  // names a request

    // What is to be quoted.
    struct Subject {
        mr::Bytes report_data = {};
        mr::ReportOptions options = {};
        friend bool operator==(const Subject &, const Subject &) = default;
    };

    // Those included whose quote is being made.
    [[nodiscard]] std::size_t waiting() const { return requests_.size(); }

    // Precondition: no other request has that ticket, and none had a higher one before.
    void add(Ticket ticket, const Client &client, const Subject &subject, TimePoint deadline);

    // The quotes to make now, at most so many, in their turns. Precondition: none is being made.
    std::vector<Subject> begin(std::size_t most);
    // They are made, or have failed: who gets the answer of each. Whoever was cancelled or timed out meanwhile is not among them.
    std::vector<std::vector<Ticket>> end();

    // Its client has gone. False: it has been answered already.
    bool cancel(Ticket ticket);
    // Whose deadline has come. None of them waits any more.
    std::vector<Ticket> expire(TimePoint now);
    [[nodiscard]] std::optional<TimePoint> next_deadline() const;

    // Those being made, in the order of begin(), that nobody waits for any more.
    [[nodiscard]] bool unwanted(std::size_t quote) const { return making_[quote].tickets.empty(); }
    [[nodiscard]] std::size_t making() const { return making_.size(); }

private:
    struct Request {
        Subject subject;
        TimePoint deadline;
        ShareQueue::Ticket turn = 0;
        std::optional<std::size_t> quote = {};  // that is being made for it
    };
    struct Making {
        ShareQueue::Turn turn;
        std::set<Ticket> tickets = {};  // who gets it
    };

    void remove(Ticket ticket);

    std::map<Ticket, Request> requests_;  // in the order of arrival
    std::set<std::pair<TimePoint, Ticket>> deadlines_;
    ShareQueue turns_{quote_bound};
    std::unordered_map<ShareQueue::Ticket, Ticket> by_turn_;  // of those whose quote has not begun
    std::vector<Making> making_;
};

}  // namespace mrd
