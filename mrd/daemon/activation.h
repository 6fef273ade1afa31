// What the service manager hands over and is told. Source: sd_listen_fds(3), sd_notify(3); both protocols are a few lines, and linking their
// library would double the time to the first answer.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "proto/varlink/file_descriptor.h"

namespace mrd {

inline constexpr int max_passed = 64;  // sockets

struct PassedSocket {
    varlink::FileDescriptor socket;
    std::string name = {};   // of LISTEN_FDNAMES (FileDescriptorName= of the socket unit); empty: it has none
    bool listening = false;  // false: connected, one client alone (Accept=yes)
};

// The sockets passed as LISTEN_FDS; none if none were passed to this process. Clears the environment variables, so that no child takes them for its own.
// Error: one line that says what is wrong with what was passed.
std::expected<std::vector<PassedSocket>, std::string> take_passed_sockets();

// "READY=1", "STOPPING=1", "STATUS=..."; does nothing where no service manager listens.
void notify_service_manager(std::string_view state);

}  // namespace mrd
