// Who is at the other end of a connection, as the log names him. Looked up once for each connection, and forgotten with it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "mr/event_log.h"
#include "proto/varlink/service.h"

namespace mrd {

inline constexpr std::size_t max_executable = 1024;  // bytes of its path; what is longer is cut
inline constexpr std::size_t max_unit = 256;         // bytes; what is longer is not told

class Callers {
public:
    // The executable and the unit are /proc's word, for people. They are absent if the process that connected has ended. `rule`: that allowed what he does; empty:
    // none had to.
    std::shared_ptr<const mr::EventCaller> find(const varlink::Peer &peer, std::string_view rule,
                                                const std::optional<mr::OnBehalfOf> &on_behalf_of = {});

    [[nodiscard]] std::size_t remembered() const { return known_.size(); }

private:
    struct Known {
        std::weak_ptr<const void> connection;
        std::shared_ptr<const mr::EventCaller> caller;
    };
    std::unordered_map<std::uint64_t, Known> known_;  // by connection
    std::size_t next_sweep_ = 64;                     // so many are known when those whose connection has ended are dropped
};

// The caller's place in the unified hierarchy ("0::/system.slice/foo.service"), below system.slice where it is there: "foo.service". A service, or a user in
// his own slice, can make groups of any name below its own: then the place is told whole, which no other group has.
std::optional<std::string> unit_from_cgroup(std::string_view cgroup);

// When the process was started, by CLOCK_BOOTTIME, out of /proc/PID/stat.
std::optional<std::chrono::nanoseconds> start_from_stat(std::string_view stat);

}  // namespace mrd
