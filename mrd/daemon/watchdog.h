// Tells the service manager that the event loop goes round, at half the time that it allows: from a timer of the loop itself, so that a loop that hangs, in one
// call too, tells nothing, and mrd is restarted. Registers and log go on over it.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include "mrd/daemon/activation.h"

namespace mrd {

class Watchdog {
public:
    // `manager` outlives it.
    Watchdog(boost::asio::io_context &loop, const ServiceManager &manager) : timer_(loop), manager_(manager) {}
    Watchdog(const Watchdog &) = delete;
    Watchdog &operator=(const Watchdog &) = delete;
    ~Watchdog() = default;

    // From when mrd is ready: before that the manager has another limit (TimeoutStartSec=).
    void start();

private:
    boost::asio::steady_timer timer_;
    const ServiceManager &manager_;
};

}  // namespace mrd
