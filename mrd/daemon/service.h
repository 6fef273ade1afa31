// mrd's Varlink service: who it is, its interfaces, its status.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "mrd/daemon/daemon.h"
#include "proto/varlink/server.h"
#include "proto/varlink/service.h"

namespace mrd {

// What Status tells beside the registers.
struct ServiceFacts {
    std::int64_t started = 0;  // microseconds since the epoch
    std::function<varlink::ServerCounters()> server;
    varlink::Limits limits;          // as they are kept
    std::string_view sync = "none";  // of the journal, or "group"
};

// `daemon` and what the facts refer to must outlive the service.
std::unique_ptr<varlink::Service> make_service(Daemon &daemon, ServiceFacts facts);

}  // namespace mrd
