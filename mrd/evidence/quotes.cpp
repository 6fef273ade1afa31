#include "mrd/evidence/quotes.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace mrd {

using Cause = QuoteFailure::Cause;

Quotes::Quotes(boost::asio::io_context &loop, Quoter &quoter)
    : loop_(loop), quoter_(&quoter), report_data_size_(quoter.report_data_size()), timer_(loop) {}

Quotes::~Quotes() { stop_.request_stop(); }

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
    if (!worker_) worker_.emplace(loop_, true);
    worker_->run(mrd_itself, Round{*this});
}

void Quotes::cancel(Ticket ticket) {
    if (!queue_.cancel(ticket)) return;
    review();
    answer(ticket, std::unexpected(QuoteFailure{Cause::cancelled, {}}));
}

void Quotes::stop(std::string why, std::move_only_function<void()> idle) {
    why_stopped_ = std::move(why);
    std::vector<Ticket> tickets;
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
    const auto next = self.queue_.begin();
    self.at_work_ = next.has_value();
    if (!next) return false;
    subject = *next;
    self.stop_ = std::stop_source();
    stop = self.stop_.get_token();
    return true;
}

void Quotes::made(const Result &result) {
    const auto tickets = queue_.end();
    review();
    for (const auto ticket : tickets) answer(ticket, result);
}

void Quotes::answer(Ticket ticket, const Result &result) {
    auto waiting = waiting_.extract(ticket);
    if (!waiting.empty()) waiting.mapped()(result);
}

void Quotes::review() {
    if (queue_.unwanted()) stop_.request_stop();
    const auto next = queue_.next_deadline();
    if (next == timer_waits_for_) return;
    timer_waits_for_ = next;
    if (!next) {
        timer_.cancel();
        return;
    }
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
