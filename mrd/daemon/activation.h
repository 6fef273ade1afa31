// What the service manager hands over and is told. Source: sd_listen_fds(3), sd_notify(3); both protocols are a few lines, and linking their
// library would double the time to the first answer.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "proto/varlink/file_descriptor.h"

namespace mrd {

struct ActivatedSocket {
    varlink::FileDescriptor socket;
    bool listening = false;  // false: connected, one client alone (Accept=yes)
};

// The socket passed as LISTEN_FDS: the only one, or the one named "varlink". Nothing if none was passed to this process. Clears the environment
// variables, so that no child takes them for its own. Error: one line that says what is wrong with what was passed.
std::expected<std::optional<ActivatedSocket>, std::string> take_activated_socket();

// "READY=1", "STOPPING=1", "STATUS=..."; does nothing where no service manager listens.
void notify_service_manager(std::string_view state);

}  // namespace mrd
