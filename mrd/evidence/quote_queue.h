// Who waits for a provider's quotes, which of them share one, and whose time is over. Decisions only: mrd/evidence/quotes.h has the thread and the
// timer.
//
// Quotes are made one at a time, in the order they were first asked for. One that begins is for every request that waits at that moment with
// the same report data and privilege level: its report is taken after all of them have arrived. A request that arrives later gets a later
// quote, for the registers may have changed between the report and the request.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mr/tdreport.h"
#include "mrd/shares/client_shares.h"

namespace mrd {

// Requests of one provider at a time, those included whose quote is being made. A quoting service on hardware takes some 5 ms for one. A connection has
// one at a time, since its calls run one after the other.
inline constexpr std::size_t max_waiting_quotes = 128;
inline constexpr SharedBound quote_bound{.what = "quotes", .all = max_waiting_quotes, .others = 96, .uid = 48, .connection = 1};

inline constexpr std::chrono::milliseconds default_quote_deadline = std::chrono::seconds(30);
inline constexpr std::chrono::milliseconds max_quote_deadline = std::chrono::minutes(10);

class QuoteQueue {
public:
    using TimePoint = std::chrono::steady_clock::time_point;
    using Ticket = std::uint64_t;  // names a request

    // What is to be quoted.
    struct Subject {
        mr::ReportData report_data{};
        std::optional<std::int64_t> privilege_level = {};
        friend bool operator==(const Subject &, const Subject &) = default;
    };

    // The limit that leaves this client no place, by its name; nothing: there is one.
    [[nodiscard]] std::optional<std::string> refuses(const Client &client) const;
    [[nodiscard]] std::size_t waiting() const { return requests_.size(); }

    // Precondition: refuses() does not refuse the client; no other request has that ticket.
    void add(Ticket ticket, const Client &client, const Subject &subject, TimePoint deadline);

    // The quote to make now, if somebody waits for one. Precondition: none is being made.
    std::optional<Subject> begin();
    // It is made, or has failed: who gets the answer. Whoever was cancelled or timed out meanwhile is not among them.
    std::vector<Ticket> end();

    // Its client has gone. False: it has been answered already.
    bool cancel(Ticket ticket);
    // Whose deadline has come. None of them waits any more.
    std::vector<Ticket> expire(TimePoint now);
    [[nodiscard]] std::optional<TimePoint> next_deadline() const;

    // A quote is being made and nobody waits for it any more.
    [[nodiscard]] bool unwanted() const;

private:
    struct Request {
        Ticket ticket;
        Client client;
        Subject subject;
        TimePoint deadline;
        bool begun = false;
    };

    // Takes those out for which that is so.
    template <class Predicate>
    std::vector<Ticket> take(const Predicate &predicate);

    std::vector<Request> requests_;  // in the order of arrival
    ClientShares shares_{quote_bound};
    bool making_ = false;
};

}  // namespace mrd
