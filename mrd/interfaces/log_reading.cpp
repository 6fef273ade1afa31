#include "mrd/interfaces/log_reading.h"

#include <algorithm>
#include <utility>

namespace mrd {

void LogReadings::enter(LogReading &reading) {
    if (reading.ticket_ != 0) return;
    reading.ticket_ = turns_.enter(reading.client_);
    readings_.emplace(reading.ticket_, reading.shared_from_this());
    work_later();
}

void LogReadings::leave(LogReading &reading) {
    const auto ticket = std::exchange(reading.ticket_, 0);
    if (ticket == 0) return;
    turns_.leave(ticket);
    const auto last = readings_.extract(ticket);  // dropped last: it may be what holds the reading
}

void LogReadings::work_later() {
    if (readings_.empty() || std::exchange(will_work_, true)) return;
    registers_.later([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->work();
    });
}

void LogReadings::work() {
    will_work_ = false;
    for (std::size_t records = 0; records < records_in_a_step;) {
        const auto ticket = turns_.next();
        if (!ticket) break;
        const auto reading = readings_.at(*ticket);
        records += reading->step(records_in_a_step - records);
        if (!reading->has_work_) leave(*reading);
    }
    work_later();
}

void LogReading::go() {
    if (done_) return;
    has_work_ = true;
    if (const auto readings = readings_.lock()) readings->enter(*this);
}

void LogReading::stop() {
    done_ = true;
    has_work_ = false;
    if (const auto readings = readings_.lock()) readings->leave(*this);
}

std::size_t LogReading::step(std::size_t records) {
    using journal::Cursor;
    std::size_t read = 0;
    while (!done_ && read < records) {
        if (congested()) {
            has_work_ = false;
            break;
        }
        if (registers_.journal().file() != file_) {
            fail("the journal was repaired meanwhile: read it again");
            break;
        }
        cursor_.set_end(registers_.journal().end());
        const auto step = cursor_.next(event_, records - read);
        if (!step) {
            fail(step.error());
            break;
        }
        if (*step == Cursor::Step::end) {
            has_work_ = false;
            at_end();
            break;
        }
        if (*step == Cursor::Step::busy) return records;
        take(event_);
        read += 2 + (event_.data ? event_.data->size() / bytes_of_a_record : 0);
    }
    if (!has_work_) cursor_.rest();
    return std::max<std::size_t>(read, 1);
}

}  // namespace mrd
