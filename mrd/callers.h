// Who is at the other end of a connection, as the log names him. Looked up once for each connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "mr/event_log.h"
#include "proto/varlink/service.h"

namespace mrd {

inline constexpr std::size_t remembered_connections = 256;
inline constexpr std::size_t max_executable = 1024;  // bytes of its path; what is longer is cut
inline constexpr std::size_t max_unit = 256;         // bytes

class Callers {
public:
    // The executable and the unit are /proc's word, for people: the process may have ended, or been replaced, since it
    // connected.
    std::shared_ptr<const mr::EventCaller> find(const varlink::Peer &peer);

private:
    std::unordered_map<std::uint64_t, std::shared_ptr<const mr::EventCaller>> known_;  // by connection
    std::deque<std::uint64_t> order_;                                                  // the latest at the end
};

// The last part of the caller's place in the unified hierarchy ("0::/system.slice/foo.service"): the unit, as systemd names it.
std::optional<std::string> unit_from_cgroup(std::string_view cgroup);

}  // namespace mrd
