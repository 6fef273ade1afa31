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

#include "libmr/wire/method.h"
#include "mr/event_log.h"
#include "mrd/shares/client_shares.h"
#include "proto/varlink/service.h"

namespace mrd {

inline constexpr std::size_t max_executable = 1024;  // bytes of its path; what is longer is cut
inline constexpr std::size_t max_unit = 256;         // bytes; what is longer is not told

class Callers {
public:
    // The executable and the unit are /proc's word, for people. They are absent if the process that connected has ended.
    std::shared_ptr<const mr::EventCaller> find(const varlink::Peer &peer);

    [[nodiscard]] std::size_t remembered() const { return known_.size(); }

private:
    struct Known {
        std::weak_ptr<const void> connection;
        std::shared_ptr<const mr::EventCaller> caller;
    };
    std::unordered_map<std::uint64_t, Known> known_;  // by connection
    std::size_t next_sweep_ = 64;                     // so many are known when those whose connection has ended are dropped
};

// Who makes a call, and where, for as long as the call's method runs.
class Caller {
public:
    Caller(const varlink::Peer &peer, Callers &callers, const std::optional<mr::wire::OnBehalfOf> &on_behalf_of = {})
        : peer_(peer), callers_(callers), on_behalf_of_(on_behalf_of) {}

    [[nodiscard]] uid_t uid() const { return peer_.uid; }
    [[nodiscard]] gid_t gid() const { return peer_.gid; }
    [[nodiscard]] pid_t pid() const { return peer_.pid; }
    // The listener to which he connected, by its name in the configuration.
    [[nodiscard]] std::string_view listener() const { return peer_.listener; }
    // For whom he says that he asks. His word alone.
    [[nodiscard]] const std::optional<mr::wire::OnBehalfOf> &on_behalf_of() const { return on_behalf_of_; }
    // Whose share of what all share he takes.
    [[nodiscard]] Client client() const { return Client::of(peer_); }
    // As the log names him.
    [[nodiscard]] std::shared_ptr<const mr::EventCaller> in_log() const { return callers_.find(peer_); }

private:
    const varlink::Peer &peer_;
    Callers &callers_;
    std::optional<mr::wire::OnBehalfOf> on_behalf_of_;
};

// The caller's place in the unified hierarchy ("0::/system.slice/foo.service"), below system.slice where it is there: "foo.service". A service, or a user in
// his own slice, can make groups of any name below its own: then the place is told whole, which no other group has.
std::optional<std::string> unit_from_cgroup(std::string_view cgroup);

// When the process was started, by CLOCK_BOOTTIME, out of /proc/PID/stat.
std::optional<std::chrono::nanoseconds> start_from_stat(std::string_view stat);

}  // namespace mrd
