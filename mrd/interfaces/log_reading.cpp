#include "mrd/interfaces/log_reading.h"

namespace mrd {

void LogReading::go() {
    using journal::Cursor;
    while (!done_ && !scheduled_ && !congested()) {
        if (registers_.journal().file() != file_) return fail("the journal was repaired meanwhile: read it again");
        cursor_.set_end(registers_.journal().end());
        const auto step = cursor_.next(event_, records_in_a_step);
        if (!step) return fail(step.error());
        switch (*step) {
        case Cursor::Step::event: take(event_); break;
        case Cursor::Step::end: return at_end();
        case Cursor::Step::busy: break;
        }
        steps_ += *step == Cursor::Step::busy ? records_in_a_step : 2 + (event_.data ? event_.data->size() / bytes_of_a_record : 0);
        if (steps_ < records_in_a_step) continue;
        steps_ = 0;
        scheduled_ = true;
        registers_.later([self = shared_from_this()] {
            self->scheduled_ = false;
            self->go();
        });
    }
}

}  // namespace mrd
