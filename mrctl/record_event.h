// A record of the service as the event that it is in a log, for what libmr says of events.
#pragma once

#include "mr/client.h"
#include "mr/event_log.h"

namespace mrctl {

// Views into the record, which must outlive it. Without digests where the bank cannot be told.
mr::Event logged_event(const mr::LogRecord &record);

}  // namespace mrctl
