// mrd's Varlink service: who it is, its interfaces, its status.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "mrd/registers.h"
#include "proto/varlink/service.h"

namespace mrd {

// What Status tells beside the registers.
struct ServiceFacts {
    std::int64_t started = 0;                  // microseconds since the epoch
    std::function<std::size_t()> connections;  // open now
    std::function<std::size_t()> refused;      // over the limit, since the start
    std::string_view sync = "none";            // of the journal, or "group"
};

// `registers` and what the facts refer to must outlive the service.
std::unique_ptr<varlink::Service> make_service(Registers &registers, ServiceFacts facts);

}  // namespace mrd
