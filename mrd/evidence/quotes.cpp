#include "mrd/evidence/quotes.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <ranges>
#include <utility>

namespace mrd {

using Cause = QuoteFailure::Cause;

Quotes::Quotes(boost::asio::io_context &loop, Quoter &quoter, std::chrono::nanoseconds quick)
    : loop_(loop), quoter_(&quoter), report_data_size_(quoter.report_data_size()), timer_(loop), quick_(quick) {}

// The last one first: a round goes on behind the one that is being made.
Quotes::~Quotes() {
    for (auto &stop : stop_ | std::views::reverse) stop.request_stop();
}

void Quotes::ask(Ticket ticket, const Client &client, const Subject &subject, QuoteQueue::TimePoint deadline, Done done) {
    if (why_stopped_) {
        return boost::asio::post(loop_, [done = std::move(done), why = *why_stopped_]() mutable {
            done(std::unexpected(QuoteFailure{Cause::unavailable, why}));
        });
    }
    queue_.add(ticket, client, subject, deadline);
    waiting_.emplace(ticket, std::move(done));
    review();
    if (std::exchange(at_work_, true)) return;
    worker().run(mrd_itself, Round{*this});
}

ProviderQueue &Quotes::worker() {
    if (!worker_) worker_.emplace(loop_, true);
    return *worker_;
}

bool Quotes::gave_way() {
    if (worker_->waiting() == 0) return false;
    worker_->run(mrd_itself, Round{*this});
    return true;
}

void Quotes::cancel(Ticket ticket) {
    if (!queue_.cancel(ticket)) return;
    review();
    answer(ticket, std::unexpected(QuoteFailure{Cause::cancelled, {}}));
}

void Quotes::stop(std::string why, std::move_only_function<void()> idle) {
    why_stopped_ = std::move(why);
    std::vector<Ticket> tickets;
    tickets.reserve(waiting_.size());
    for (const auto &[ticket, done] : waiting_) tickets.push_back(ticket);
    for (const auto ticket : tickets) {
        queue_.cancel(ticket);
        review();
        answer(ticket, std::unexpected(QuoteFailure{Cause::unavailable, *why_stopped_}));
    }
    if (!worker_) return idle();
    worker_->run_last(Idle{std::move(idle)});
}

void Quotes::go_on(Quoter &quoter) {
    quoter_ = &quoter;
    report_data_size_ = quoter.report_data_size();
    why_stopped_.reset();
}

bool Quotes::Round::begin() {
    self.stop_.clear();
    quotes.clear();
    longest.reset();
    for (auto &subject : self.queue_.begin(self.last_was_quick_ ? max_quotes_in_a_round : 1))
        quotes.push_back({std::move(subject), self.stop_.emplace_back().get_token()});
    self.at_work_ = !quotes.empty();
    return self.at_work_;
}

void Quotes::Round::work() {
    auto begun = std::chrono::steady_clock::now();
    for (auto &[subject, stop, result] : quotes) {
        // The first began with the round, whenever the thread came to it: the quoter stops it.
        const bool has_begun = &subject == &quotes.front().subject;
        if (!has_begun && stop.stop_requested()) continue;
        result = check_quote(self.quoter_->quote(subject.report_data, subject.options, stop), subject.report_data);
        const auto now = std::chrono::steady_clock::now();
        longest = std::max(longest.value_or(std::chrono::nanoseconds::zero()), now - std::exchange(begun, now));
    }
}

void Quotes::made(const Round &round) {
    if (round.longest) last_was_quick_ = *round.longest <= quick_;
    const auto tickets = queue_.end();
    stop_.clear();
    review();
    for (std::size_t i = 0; i < tickets.size(); ++i) {
        for (const auto ticket : tickets[i]) answer(ticket, round.quotes[i].result);
    }
}

void Quotes::answer(Ticket ticket, const Result &result) {
    auto waiting = waiting_.extract(ticket);
    if (!waiting.empty()) waiting.mapped()(result);
}

void Quotes::review() {
    for (std::size_t i = 0; i < queue_.making(); ++i) {
        if (queue_.unwanted(i)) stop_[i].request_stop();
    }
    const auto next = queue_.next_deadline();
    if (!next) {
        if (std::exchange(timer_waits_for_, std::nullopt)) timer_.cancel();
        return;
    }
    // One that comes too early looks again: that is rare, and to set it costs a system call.
    if (timer_waits_for_ && *timer_waits_for_ <= *next) return;
    timer_waits_for_ = next;
    timer_.expires_at(*next);
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](const boost::system::error_code &error) {
        // A wait that is over is not cancelled any more: it comes too early then, which does no harm, or after this has ended.
        if (!error && !alive.expired()) on_deadline();
    });
}

void Quotes::on_deadline() {
    timer_waits_for_.reset();
    const auto late = queue_.expire(std::chrono::steady_clock::now());
    review();
    for (const auto ticket : late) answer(ticket, std::unexpected(QuoteFailure{Cause::timed_out, {}}));
}

}  // namespace mrd
