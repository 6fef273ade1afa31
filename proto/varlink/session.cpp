#include "proto/varlink/session.h"

#include <atomic>
#include <utility>

#include "proto/varlink/release.h"

namespace varlink {

std::shared_ptr<Session> Session::create(Service &service, Peer peer, const Limits &limits, std::function<void()> wake) {
    std::shared_ptr<Session> session(new Session(service, std::move(peer), limits, std::move(wake)));
    session->peer_.open = session;
    return session;
}

Session::Session(Service &service, Peer peer, const Limits &limits, std::function<void()> wake)
    : service_(service), peer_(std::move(peer)), wake_(std::move(wake)), splitter_(limits.max_message) {
    static std::atomic<std::uint64_t> connections = 0;
    peer_.connection = ++connections;
    peer_.listener = service.listener();
}

Session::~Session() = default;

void Session::receive(std::string_view bytes, std::string &out) {
    splitter_.feed(bytes);
    run(out);
    splitter_.keep_rest();
}

void Session::keep(std::string_view bytes) {
    splitter_.feed(bytes);
    turn_is_over_ = turn_is_over_ || splitter_.has_next();
    splitter_.keep_rest();
}

void Session::resume(std::string &out) {
    splitter_.feed({});
    run(out);
    splitter_.keep_rest();
}

void Session::run(std::string &out) {
    // A method may drop the last reference to this session's connection.
    const auto self = shared_from_this();
    out += pending_;
    release(pending_);
    const auto start = out.size();
    out_ = &out;
    too_much_unsent_ = false;
    too_much_owed_ = false;
    turn_is_over_ = false;
    end_subscription();
    for (std::size_t served = 0; !answering_ && !broken() && !ended_;) {
        const bool is_too_much = unsent_ + owed_.kept() + out.size() - start > max_unsent;
        if (owed_.size() >= max_owed_answers || (is_too_much && owed_.kept() > 0)) {
            too_much_owed_ = true;
            break;
        }
        if (is_too_much) {
            too_much_unsent_ = true;
            break;
        }
        if (served >= calls_in_a_turn && splitter_.waiting() > 0) {
            turn_is_over_ = true;
            break;
        }
        const auto written = out.size() + owed_.kept();
        const auto message = splitter_.next();
        if (!message) {
            if (splitter_.overflowed()) why_broken_ = "a message is longer than max_message";
            break;
        }
        ++messages_;
        if (hung_up_ && !service_.may_change(*message)) continue;
        const bool is_first = served == 0;
        served += 1 + message->size() / bytes_of_a_call;
        run_call(*message, is_first);
        end_subscription();
        served += (out.size() + owed_.kept() - written) / bytes_of_a_call;
    }
    out_ = nullptr;
}

// How long one call takes, where that is measured.
class Session::Timer {
public:
    Timer(const Service &service, bool is_first)
        : counts_for_(is_first               ? 1
                      : service.times_next() ? CallCounters::timed_one_in
                                             : 0),
          began_(counts_for_ > 0 ? Clock::now() : Clock::time_point()) {}

    // Of a call that is answered later than its method returns: each is measured.
    [[nodiscard]] CallCounters::Clock::time_point began() const { return counts_for_ > 0 ? began_ : Clock::now(); }
    void end(CallCounters &counters) const {
        if (counts_for_ > 0) counters.answered(Clock::now() - began_, counts_for_);
    }

private:
    using Clock = CallCounters::Clock;
    unsigned counts_for_;
    Clock::time_point began_;
};

void Session::run_call(std::string_view message, bool is_first) {
    const bool is_fast = service_.has_fast_paths() && !hung_up_;
    if (is_fast && run_fast(message, is_first)) return;
    auto &document = service_.scratch();
    const auto call = parse_call(message, document);
    if (!call) {
        why_broken_ = "a message is no call, or holds more than one may: docs/connections.md, Limits";
        return;
    }
    if (!is_in_vain(*call)) {
        if (is_fast) service_.keep(message, *call);
        const Timer timer(service_, is_first);
        if (!is_first) service_.count_next();
        begin_call(call->oneway);
        count_call(service_.dispatch(*call, peer_, Responder(weak_from_this())), timer);
    }
    document.trim();
}

bool Session::run_fast(std::string_view message, bool is_first) {
    const Timer timer(service_, is_first);
    if (auto *kept = service_.kept(message)) {
        if (const auto *reply = kept->call->answer(peer_)) {
            if (!is_first) service_.count_next();
            ++kept->counters->calls;
            give([reply](std::string &out) { out += *reply; });
            timer.end(*kept->counters);
            return true;
        }
    }
    Responder responder(weak_from_this());
    begin_call(false);
    auto *counters = service_.dispatch_plain(message, peer_, responder);
    if (counters == nullptr) {
        answering_ = false;  // before the responder goes
        return false;
    }
    if (!is_first) service_.count_next();
    count_call(counters, timer);
    return true;
}

void Session::begin_call(bool oneway) {
    answering_ = true;
    oneway_ = oneway;
    counters_ = nullptr;
    failed_ = false;
    let_begin_ = 0;
}

void Session::count_call(CallCounters *counters, const Timer &timer) {
    if (counters == nullptr) return;
    if (auto *owed = let_begin_ != 0 ? owed_.find(let_begin_) : nullptr) {
        owed->counters = counters;
        owed->began = timer.began();
        return;
    }
    if (answering_) {
        counters_ = counters;
        began_ = timer.began();
        return;
    }
    if (failed_) ++counters->failed;
    timer.end(*counters);
}

bool Session::is_in_vain(const Call &call) const {
    const bool is_answered = !hung_up_ && !call.oneway;
    return !is_answered && service_.effect(call) == Effect::reads;
}

void Session::answer(const void *self, Responder::WriteFunction write, Answered answered) {
    if (ended_ || !answering_) return;
    if (!oneway_ && !hung_up_) give([&](std::string &out) { write(self, out); });
    if (answered != Answered::in_part) {
        answering_ = false;
        failed_ = answered == Answered::with_error;
        if (auto *counters = std::exchange(counters_, nullptr)) {
            if (failed_) ++counters->failed;
            counters->answered(CallCounters::Clock::now() - began_, 1);
        }
        let_go_of_handlers();
    }
    if (out_ == nullptr) wake_();
}

void Session::abandon() {
    if (ended_ || !answering_) return;
    answering_ = false;
    let_go_of_handlers();
    // Where somebody waits for the answer; otherwise what was sent behind this call still has its turn.
    if (!hung_up_) why_broken_ = "a call was left unanswered";
    if (out_ == nullptr) wake_();
}

// What a peer that has gone leaves behind takes no more memory than it took when it went.
std::uint64_t Session::let_next_begin() {
    if (ended_ || hung_up_ || !answering_) return 0;
    answering_ = false;
    let_begin_ = owed_.add({.oneway = oneway_, .counters = std::exchange(counters_, nullptr), .began = began_});
    if (out_ == nullptr) wake_();
    return let_begin_;
}

void Session::answer_owed(std::uint64_t number, const void *self, Responder::WriteFunction write, Answered answered) {
    auto *call = ended_ ? nullptr : owed_.find(number);
    if (call == nullptr) return;
    const auto [oneway, counters, began] = *call;
    const bool failed = answered == Answered::with_error;
    owed_.answer(
        number,
        [&](std::string &out) {
            if (!oneway && !hung_up_) write(self, out);
        },
        output());
    if (counters != nullptr) {
        if (failed) ++counters->failed;
        counters->answered(CallCounters::Clock::now() - began, 1);
    } else {
        failed_ = failed;  // from within its method
    }
    if (out_ == nullptr) wake_();
}

void Session::abandon_owed(std::uint64_t number) {
    if (ended_ || owed_.find(number) == nullptr) return;
    if (hung_up_) {
        owed_.answer(number, [](std::string &) {}, output());
    } else {
        owed_.give_up_from(number);
        why_broken_ = "a call was left unanswered";
    }
    if (out_ == nullptr) wake_();
}

// A handler may hold the last responder, which comes back here when it goes.
void Session::let_go_of_handlers() {
    const auto drained = std::exchange(drained_, nullptr);
    const auto closed = std::exchange(closed_, nullptr);
}

bool Session::congested() const { return hung_up_ || ended_ || unsent_ + produced() > max_unsent; }

void Session::on_drained(std::function<void()> handler) {
    if (hung_up_ || ended_) return;
    drained_ = std::move(handler);
}

void Session::on_closed(std::function<void()> handler) {
    if (ended_ || !answering_) return handler();
    closed_ = std::move(handler);
    if (out_ == nullptr && (hung_up_ || stopping_)) wake_();
}

void Session::set_unsent(std::size_t bytes) {
    unsent_ = bytes;
    if (bytes == 0 && pending_.empty() && owed_.kept() == 0 && drained_) {
        const auto handler = drained_;
        handler();
    }
}

void Session::hang_up() {
    if (std::exchange(hung_up_, true)) return;
    unsent_ = 0;
    release(pending_);
    owed_.drop_texts();
    end_subscription();
    const auto drained = std::exchange(drained_, nullptr);
}

void Session::stop() {
    stopping_ = true;
    end_subscription();
}

// "more" alone does not make one: it may be sent with any call.
void Session::end_subscription() {
    if (!closed_ || !(hung_up_ || stopping_)) return;
    const auto drained = std::exchange(drained_, nullptr);
    const auto handler = std::exchange(closed_, nullptr);
    handler();
    // One that was neither answered nor dropped, to a peer that waits for the end.
    if (!hung_up_ && std::exchange(answering_, false)) why_broken_ = "a call was left unanswered";
}

void Session::close() {
    if (std::exchange(ended_, true)) return;
    const auto drained = std::exchange(drained_, nullptr);
    if (const auto handler = std::exchange(closed_, nullptr)) handler();
}

}  // namespace varlink
