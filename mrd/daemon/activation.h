// What the service manager hands over and is told. Source: sd_listen_fds(3), sd_notify(3); both protocols are a few lines, and linking their
// library would double the time to the first answer.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/varlink/file_descriptor.h"

namespace mrd {

inline constexpr int max_passed = 64;  // sockets

// What a socket that metrics are asked for on is called. It may be of TCP; every other one is a Unix socket.
inline constexpr std::string_view metrics_socket_name = "metrics";

struct PassedSocket {
    varlink::FileDescriptor socket;
    std::string name = {};   // of LISTEN_FDNAMES (FileDescriptorName= of the socket unit); empty: it has none
    bool listening = false;  // false: connected, one client alone (Accept=yes)
};

// The sockets passed as LISTEN_FDS; none if none were passed to this process. Clears the environment variables, so that no child takes them for its own.
// Error: one line that says what is wrong with what was passed.
std::expected<std::vector<PassedSocket>, std::string> take_passed_sockets();

// Who started mrd and wants to be told how it does (NOTIFY_SOCKET); or nobody, and then nothing here does anything.
class ServiceManager {
public:
    // Opens the socket: later mrd may open none. Before any thread is started.
    static ServiceManager from_environment();

    // "READY=1", "STOPPING=1".
    void tell(std::string_view state) const;

    // How long mrd may go without a sign of life (WATCHDOG_USEC, WATCHDOG_PID: sd_watchdog_enabled(3)); nothing: as long as it likes.
    [[nodiscard]] std::optional<std::chrono::microseconds> patience() const { return patience_; }
    // That sign. It waits for nobody: where the manager does not read, it is one too few, and the next comes in time.
    void say_alive() const;

private:
    varlink::FileDescriptor socket_;
    std::optional<std::chrono::microseconds> patience_;
};

}  // namespace mrd
