// mrd's Varlink services, one for each listener: who it is, its interfaces, its status.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "mrd/daemon/config.h"
#include "mrd/daemon/daemon.h"
#include "proto/varlink/server.h"
#include "proto/varlink/service.h"

namespace mrd {

class Metrics;

// What Status tells beside the registers.
struct ServiceFacts {
    std::int64_t started = 0;  // microseconds since the epoch
    std::function<varlink::ServerCounters()> server;
    varlink::Limits limits;          // as they are kept
    std::string_view sync = "none";  // of the journal, or "group"
};

// Of virtual registers Status tells of so many: a monitor asks often.
inline constexpr std::size_t max_told_virtual_registers = 256;

// All interfaces of mrd (mrd/interfaces/names.h), each of them once: what one holds, it holds for all listeners.
using Interfaces = std::vector<std::shared_ptr<const varlink::Interface>>;
// `daemon` and what the facts refer to must outlive them. Their calls are counted in the metrics: null, in ones of their own.
Interfaces make_interfaces(Daemon &daemon, const ServiceFacts &facts, std::shared_ptr<Metrics> metrics = nullptr);

// What a listener serves of them.
std::unique_ptr<varlink::Service> make_service(const Daemon &daemon, const Interfaces &interfaces, const ListenerConfig &listener);

// Bytes of the journal as everybody is told of them: what was said in an event, whose length that is, is not for everybody.
inline constexpr std::uint64_t told_journal_unit = std::uint64_t{64} << 10U;
constexpr std::uint64_t told_journal_size(std::uint64_t bytes) {
    return (bytes + told_journal_unit - 1) / told_journal_unit * told_journal_unit;
}
// The same as the size where all is checked; else no more than is.
constexpr std::uint64_t told_journal_checked(std::uint64_t checked, std::uint64_t size) {
    return checked >= size ? told_journal_size(size) : checked / told_journal_unit * told_journal_unit;
}

}  // namespace mrd
