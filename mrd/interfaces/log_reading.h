// Reads the event log from its beginning, event after event. However many read, one turn of the event loop takes them no further than it takes one: so
// they hold up nobody else.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "mr/event_log.h"
#include "mrd/journal/cursor.h"
#include "mrd/registers/registers.h"
#include "mrd/shares/log_turns.h"

namespace mrd {

inline constexpr std::size_t records_in_a_step = 512;  // of the journal, before others have their turn
inline constexpr std::size_t bytes_of_a_record = 512;  // an event with more data counts as so many more records

class LogReading;

// Evidence has every other turn of the event loop, and waits behind none who merely read: its own number is bounded (mrd/evidence/evidence_budget.h).
enum class ReadFor : std::uint8_t { reader, evidence };

// All who read. mrd/shares/log_turns.h decides whose step is next.
class LogReadings : public std::enable_shared_from_this<LogReadings> {
public:
    // `registers` must outlive it.
    explicit LogReadings(Registers &registers) : registers_(registers) {}
    LogReadings(const LogReadings &) = delete;
    LogReadings &operator=(const LogReadings &) = delete;
    ~LogReadings() = default;

    [[nodiscard]] Registers &registers() const { return registers_; }
    [[nodiscard]] std::size_t working() const { return lanes_[0].turns.working() + lanes_[1].turns.working(); }
    [[nodiscard]] std::size_t waiting() const { return lanes_[0].turns.waiting() + lanes_[1].turns.waiting(); }

private:
    friend class LogReading;
    void enter(LogReading &reading);
    void leave(LogReading &reading);
    void work_later();
    void work();

    struct Lane {
        LogTurns turns;
        std::unordered_map<LogTurns::Ticket, std::shared_ptr<LogReading>> readings;  // that have something to do
    };
    Lane &lane_of(const LogReading &reading);
    // Whose step is next: of the preferred lane, as long as somebody there has something to do.
    std::shared_ptr<LogReading> next();

    Registers &registers_;
    std::array<Lane, 2> lanes_;  // by ReadFor
    std::size_t preferred_ = 0;  // the lane that comes first in this turn of the event loop
    bool will_work_ = false;
};

// It lives as long as somebody holds it: whoever waits for it, and while it has something to do.
class LogReading : public std::enable_shared_from_this<LogReading> {
public:
    LogReading(LogReadings &readings, const Client &client, ReadFor what_for = ReadFor::reader)
        : readings_(readings.weak_from_this()),
          client_(client),
          what_for_(what_for),
          registers_(readings.registers()),
          file_(registers_.journal().file()),
          cursor_(*file_, registers_.journal().end()) {}
    LogReading(const LogReading &) = delete;
    LogReading &operator=(const LogReading &) = delete;
    virtual ~LogReading() = default;

    // Goes on when its turn comes, as far as there are events and nothing is congested.
    void go();

    // As go(), but the first step comes before its turn: for what is left of a log that has been read.
    void go_at_once();

    // Nobody waits for it any more.
    void cancel() { stop(); }
    [[nodiscard]] bool done() const { return done_; }

protected:
    // The next event.
    virtual void take(const mr::Event &event) = 0;
    // There is no further event yet: stop(), or go() when there is one.
    virtual void at_end() = 0;
    // The log cannot be read on, by a sentence; it is stopped then.
    virtual void failed(const std::string &reason) = 0;
    // What it leads to rests on the whole log: it waits until that is checked.
    [[nodiscard]] virtual bool needs_checked_log() const { return true; }
    // What was read waits to be sent.
    [[nodiscard]] virtual bool congested() const { return false; }

    void fail(const std::string &reason) {
        stop();
        failed(reason);
    }
    void stop();

    // What stands after the damage is missing: nobody may take the log for whole.
    [[nodiscard]] bool is_damaged() const { return registers_.journal().condition() == journal::Journal::Condition::damaged; }

    [[nodiscard]] const Client &client() const { return client_; }
    [[nodiscard]] const journal::Cursor &cursor() const { return cursor_; }
    [[nodiscard]] Registers &registers() { return registers_; }

private:
    friend class LogReadings;
    // Reads on, by so many records if there are; how many it was, at least one. It has something to do afterwards only if has_work_.
    std::size_t step(std::size_t records);

    std::weak_ptr<LogReadings> readings_;  // not held: what is left of a call may outlive the service
    Client client_;
    ReadFor what_for_;
    LogTurns::Ticket ticket_ = 0;  // while it has something to do
    Registers &registers_;
    std::shared_ptr<journal::AppendFile> file_;
    journal::Cursor cursor_;
    mr::Event event_;
    bool has_work_ = false;
    bool done_ = false;
};

}  // namespace mrd
