#include "mrd/interfaces/log_reading.h"

#include <algorithm>
#include <utility>

namespace mrd {

LogReadings::Lane &LogReadings::lane_of(const LogReading &reading) { return lanes_.at(static_cast<std::size_t>(reading.what_for_)); }

void LogReadings::enter(LogReading &reading) {
    if (reading.ticket_ != 0) return;
    auto &lane = lane_of(reading);
    reading.ticket_ = lane.turns.enter(reading.client_);
    lane.readings.emplace(reading.ticket_, reading.shared_from_this());
    work_later();
}

void LogReadings::leave(LogReading &reading) {
    const auto ticket = std::exchange(reading.ticket_, 0);
    if (ticket == 0) return;
    auto &lane = lane_of(reading);
    lane.turns.leave(ticket);
    const auto last = lane.readings.extract(ticket);  // dropped last: it may be what holds the reading
}

void LogReadings::work_later() {
    const bool nobody = std::ranges::all_of(lanes_, [](const Lane &lane) { return lane.readings.empty(); });
    if (nobody || std::exchange(will_work_, true)) return;
    registers_.later([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->work();
    });
}

std::shared_ptr<LogReading> LogReadings::next() {
    for (const auto index : {preferred_, 1 - preferred_}) {
        auto &lane = lanes_.at(index);
        if (const auto ticket = lane.turns.next()) return lane.readings.at(*ticket);
    }
    return nullptr;
}

void LogReadings::work() {
    will_work_ = false;
    preferred_ = 1 - preferred_;
    for (std::size_t records = 0; records < records_in_a_step;) {
        const auto reading = next();
        if (!reading) break;
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

void LogReading::go_at_once() {
    if (done_ || has_work_) return;
    const auto self = shared_from_this();
    has_work_ = true;
    (void)step(records_in_a_step);
    if (has_work_) go();
}

void LogReading::stop() {
    done_ = true;
    has_work_ = false;
    if (const auto readings = readings_.lock()) readings->leave(*this);
}

std::size_t LogReading::step(std::size_t records) {
    using journal::Cursor;
    std::size_t read = 0;
    if (needs_checked_log() && !registers_.journal().is_checked()) {
        has_work_ = false;
        registers_.journal().when_checked([self = shared_from_this()] { self->go(); });
        return 1;
    }
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
            // An extend that is answered behind it would be lost with it.
            auto &journal = registers_.journal();
            if (const auto &damage = cursor_.damage()) journal.found_damaged(*damage);
            fail(cursor_.damage() ? journal.reason() : step.error());
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
    if (!has_work_) {
        event_ = {};
        cursor_.rest();
    }
    return std::max<std::size_t>(read, 1);
}

}  // namespace mrd
