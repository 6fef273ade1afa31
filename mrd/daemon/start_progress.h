// Tells the service manager that a start which takes long goes on (EXTEND_TIMEOUT_USEC: sd_notify(3)): from the work itself, so that a start that hangs is ended all the
// same, when TimeoutStartSec= is over.
#pragma once

#include <chrono>

#include "mrd/daemon/activation.h"

namespace mrd {

class StartProgress {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    static constexpr std::chrono::seconds interval{1};    // from one message to the next, and before the first
    static constexpr std::chrono::seconds extension{30};  // in which there is to be another

    // `manager` outlives it.
    explicit StartProgress(const ServiceManager &manager, TimePoint begin = TimePoint::clock::now()) : manager_(manager), told_(begin) {}

    // Some of the work is done.
    void went_on(TimePoint now = TimePoint::clock::now());
    // All of it is: what goes on from now on is no start.
    void end() { is_over_ = true; }

private:
    const ServiceManager &manager_;
    TimePoint told_;
    bool is_over_ = false;
};

}  // namespace mrd
