// Reads the event log from its beginning, event after event, in steps that hold up nobody else.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "mr/event_log.h"
#include "mrd/journal/cursor.h"
#include "mrd/registers.h"

namespace mrd {

inline constexpr std::size_t records_in_a_step = 512;  // of the journal, before others have their turn
inline constexpr std::size_t bytes_of_a_record = 512;  // an event with more data counts as so many more records

// It lives as long as somebody holds it: whoever waits for it, and the step that is to come.
class LogReading : public std::enable_shared_from_this<LogReading> {
public:
    explicit LogReading(Registers &registers)
        : registers_(registers), file_(registers.journal().file()), cursor_(*file_, registers.journal().end()) {}
    LogReading(const LogReading &) = delete;
    LogReading &operator=(const LogReading &) = delete;
    virtual ~LogReading() = default;

    // Goes on as far as there are events and nothing is congested.
    void go();

    [[nodiscard]] bool done() const { return done_; }

protected:
    // The next event.
    virtual void take(const mr::Event &event) = 0;
    // There is no further event yet: stop(), or go() when there is one.
    virtual void at_end() = 0;
    // The log cannot be read on, by a sentence; it is stopped then.
    virtual void failed(const std::string &reason) = 0;
    // What was read waits to be sent.
    [[nodiscard]] virtual bool congested() const { return false; }

    void fail(const std::string &reason) {
        stop();
        failed(reason);
    }
    void stop() { done_ = true; }

    // What stands after the damage is missing: nobody may take the log for whole.
    [[nodiscard]] bool is_damaged() const { return registers_.journal().condition() == journal::Journal::Condition::damaged; }

    [[nodiscard]] const journal::Cursor &cursor() const { return cursor_; }
    [[nodiscard]] Registers &registers() { return registers_; }

private:
    Registers &registers_;
    std::shared_ptr<journal::AppendFile> file_;
    journal::Cursor cursor_;
    mr::Event event_;
    std::size_t steps_ = 0;
    bool scheduled_ = false;
    bool done_ = false;
};

}  // namespace mrd
