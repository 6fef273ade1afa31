// Which unit of systemd's system manager a client is in, for certain or not at all.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "proto/varlink/service.h"

namespace mrd {

inline constexpr std::size_t max_cgroup_text = 64 * 1024;  // bytes of /proc/PID/cgroup; what is longer tells no unit

// "foo.service" of "0::/system.slice/foo.service": exactly there, from the root of the hierarchy as mrd sees it. Whatever stands deeper was made by somebody who
// had a part of the hierarchy given to him, and can have any name; what stands elsewhere can be a user's; and what is outside of mrd's root ("/../") says
// nothing. Text that has two unified hierarchies tells nothing.
std::optional<std::string> system_service(std::string_view cgroup);

// Is the process not at its end yet? So long nobody else has its number.
bool lives(const varlink::FileDescriptor &process);

// Of the process that made the connection, as it is now: its cgroup is read, and afterwards it must still live, so that it is that process's and not that of one
// which was given its number. Nothing: it is in no such unit, has ended, has closed the connection, or this kernel (before Linux 6.5) cannot say which process
// it is.
std::optional<std::string> unit_of(const varlink::Peer &peer);

// The same of what is found there: the process, and how the text of its cgroup is read. For tests.
using ReadCgroup = std::function<std::optional<std::string>(pid_t)>;
std::optional<std::string> unit_of(const varlink::FileDescriptor &process, const ReadCgroup &read_cgroup);

}  // namespace mrd
