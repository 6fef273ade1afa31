// One connection of a service, without its socket: received bytes in, bytes to send out. Calls run one after the other, and replies are in the order of the
// calls, whether a method answers at once or later, and whether or not it lets the next call begin before.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "proto/varlink/framing.h"
#include "proto/varlink/limits.h"
#include "proto/varlink/owed_answers.h"
#include "proto/varlink/service.h"

namespace varlink {

class Session : public std::enable_shared_from_this<Session> {
public:
    // `wake` is called when a method that answered later has produced output or made way for the next call: the transport then calls
    // resume(), but not from within `wake`. The service must outlive the session.
    static std::shared_ptr<Session> create(Service &service, Peer peer, const Limits &limits, std::function<void()> wake);

    Session(const Session &) = delete;
    Session &operator=(const Session &) = delete;
    ~Session();

    // Runs the calls that are complete in these bytes, as far as their turn has come and for one turn at most, and appends the replies to `out`.
    void receive(std::string_view bytes, std::string &out);

    // Keeps them for the next turn: resume().
    void keep(std::string_view bytes);

    // Goes on after `wake`, after the output was sent, or when the next turn has come: appends what was answered meanwhile, then runs the calls that wait.
    void resume(std::string &out);

    // A call is being answered or calls wait for their turn: receive nothing further now.
    [[nodiscard]] bool busy() const { return answering_ || held_back() || too_much_owed_; }

    // Calls have been done whose answers are to come, or have come and are given by resume(): `wake` tells of them. Calls that follow need not wait for them.
    [[nodiscard]] bool owes_answers() const { return !owed_.empty() || !pending_.empty(); }

    // Calls wait although none is being answered: resume() runs them, once the output has been sent or the next turn has come.
    [[nodiscard]] bool held_back() const { return too_much_unsent_ || turn_is_over_; }

    // They wait for the next turn: others are to be served first.
    [[nodiscard]] bool turn_is_over() const { return turn_is_over_; }

    // The peer broke the protocol, or a call was left unanswered: send what there is, then close.
    [[nodiscard]] bool broken() const { return !why_broken_.empty(); }
    [[nodiscard]] std::string_view why_broken() const { return why_broken_; }

    // A message has begun and is not whole.
    [[nodiscard]] bool awaits_rest() const { return !busy() && splitter_.waiting() > 0; }

    // Messages taken from the stream so far.
    [[nodiscard]] std::uint64_t messages() const { return messages_; }

    // Bytes of memory for what was received and has not had its turn, and for answers that resume() will give.
    [[nodiscard]] std::size_t memory() const { return splitter_.memory() + (pending_.empty() ? 0 : pending_.capacity()) + owed_.memory(); }

    // The transport says how many bytes it could not send yet.
    void set_unsent(std::size_t bytes);

    // The peer reads no answers any more, now and for whatever begins from now on: a subscription (a call whose method asked to be told of the end) ends,
    // nothing is written, and of the calls that wait those are run that change something. What names none of these is dropped unread, all of it at once: thousands
    // can leave such calls behind. resume() is to follow.
    void hang_up();
    [[nodiscard]] bool hung_up() const { return hung_up_; }

    // The service ends: so do subscriptions, those too that begin from now on; other calls are answered. resume() is to follow, for what a subscription's
    // method answers to that.
    void stop();

    // The transport says that the connection has ended. No call runs after that.
    void close();

private:
    friend class Responder;
    Session(Service &service, Peer peer, const Limits &limits, std::function<void()> wake);

    enum class Answered : std::uint8_t { with_reply, with_error, in_part };

    class Timer;

    void run(std::string &out);
    void run_call(std::string_view message, bool is_first);
    // By what is kept of the call, or straight from its text. False: it is for the parser, and nothing has happened. Precondition: the peer waits for the answer.
    bool run_fast(std::string_view message, bool is_first);
    void begin_call(bool oneway);
    // Its method has returned; null: there is none.
    void count_call(CallCounters *counters, const Timer &timer);
    // Nobody would have anything of it.
    [[nodiscard]] bool is_in_vain(const Call &call) const;

    // For the Responder.
    void answer(const void *self, Responder::WriteFunction write, Answered answered);
    void abandon();
    std::uint64_t let_next_begin();
    void answer_owed(std::uint64_t number, const void *self, Responder::WriteFunction write, Answered answered);
    void abandon_owed(std::uint64_t number);
    [[nodiscard]] bool congested() const;
    void on_drained(std::function<void()> handler);
    void on_closed(std::function<void()> handler);

    // The answer of the call that has the turn, or a part of it: behind those that are owed.
    template <class Write>
    void give(const Write &write) {
        owed_.empty() ? write(output()) : owed_.keep(write);
    }
    std::string &output() { return out_ != nullptr ? *out_ : pending_; }
    [[nodiscard]] std::size_t produced() const { return pending_.size() + (out_ != nullptr ? out_->size() : 0) + owed_.kept(); }
    void end_subscription();
    void let_go_of_handlers();

    Service &service_;
    Peer peer_;
    std::function<void()> wake_;
    MessageSplitter splitter_;
    std::string *out_ = nullptr;  // where replies go while run() runs
    std::string pending_;         // answered outside run()
    OwedAnswers owed_;
    std::function<void()> drained_;
    std::function<void()> closed_;
    std::size_t unsent_ = 0;
    std::uint64_t messages_ = 0;
    CallCounters *counters_ = nullptr;  // of the call that is answered later than its method returns
    CallCounters::Clock::time_point began_;
    std::uint64_t let_begin_ = 0;  // the call that last let the next one begin; 0: not the one that runs
    bool answering_ = false;
    bool failed_ = false;  // the last call was answered with an error
    bool oneway_ = false;  // the call being answered wants no answer
    bool too_much_unsent_ = false;
    bool too_much_owed_ = false;
    bool turn_is_over_ = false;
    std::string_view why_broken_;
    bool hung_up_ = false;
    bool stopping_ = false;
    bool ended_ = false;
};

}  // namespace varlink
