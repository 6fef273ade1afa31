#include "mrd/daemon/watchdog.h"

#include <boost/asio/error.hpp>

namespace mrd {

void Watchdog::start() {
    if (!manager_.patience()) return;
    manager_.say_alive();
    timer_.expires_after(*manager_.patience() / 2);
    timer_.async_wait([this](const boost::system::error_code &error) {
        if (!error) start();
    });
}

}  // namespace mrd
