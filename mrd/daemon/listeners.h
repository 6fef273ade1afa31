// The sockets on which mrd listens: which of them are handed over by the service manager, and those that mrd makes itself and removes.
#pragma once

#include <sys/stat.h>

#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "mrd/daemon/activation.h"
#include "mrd/daemon/config.h"
#include "proto/varlink/file_descriptor.h"
#include "proto/varlink/server.h"

namespace mrd {

// Which listener each passed socket is for: by its name, or the first listener's, if it is the only one and has no name of its own. One place for each listener; empty:
// mrd makes the socket itself. Error: a sentence that names the socket.
using PassedToListeners = std::vector<std::optional<PassedSocket>>;
std::expected<PassedToListeners, std::string> assign_sockets(const std::vector<ListenerConfig> &listeners,
                                                             std::vector<PassedSocket> passed);

// What fit_modes() gives a socket.
inline constexpr mode_t mode_for_all = 0666;
inline constexpr mode_t mode_for_mrd = 0600;

// A socket's file that mrd has made. Removed with this, if it is still there: another's may have its name by then.
class SocketFile {
public:
    // `lock` is held as long.
    SocketFile(std::filesystem::path path, varlink::FileDescriptor lock);
    SocketFile(SocketFile &&other) noexcept;
    SocketFile &operator=(SocketFile &&) = delete;
    ~SocketFile();

    [[nodiscard]] const std::filesystem::path &path() const { return path_; }
    // mode_for_all or mode_for_mrd. Error: as the system says it.
    [[nodiscard]] std::error_code set_mode(mode_t mode) const;
    [[nodiscard]] bool is_there() const;

private:
    std::filesystem::path path_;  // empty: moved from
    struct stat made_{};
    varlink::FileDescriptor lock_;
};

// A socket at a path, bound, on which nobody listens yet; its file has its mode and owner. Its folder is made where it is not there, and is nobody else's (make_own_folder()).
struct BoundSocket {
    varlink::FileDescriptor socket;
    SocketFile file;
};
// A file that is left over goes: the lock beside it says that nobody listens there. Error: a sentence that names the socket.
std::expected<BoundSocket, std::string> bind_socket_file(const std::string &path, const varlink::SocketAccess &access);

struct Listener {
    const ListenerConfig *config = nullptr;
    varlink::FileDescriptor socket;
    bool listening = true;                // false: connected, as PassedSocket has it
    std::optional<SocketFile> file = {};  // none: the socket was passed
};

// Has each a path of its own, however it is written, beside all their locks and what mrd keeps in the state directory, and does this machine have the owners and groups that they name? Makes nothing. Error: a
// sentence that names the key.
std::expected<void, std::string> check_listeners(const std::vector<ListenerConfig> &listeners, const AccessRules &rules,
                                                 const std::filesystem::path &state);

// Opens them all, in their order; or, where a connected socket was passed, that one alone. A socket whose mode is not configured has the one that the rules need: all
// may connect where others than root and mrd's user may do anything there. `listeners` outlives what it returns. Error: a sentence that names the socket or the key;
// what was made before is removed again.
std::expected<std::vector<Listener>, std::string> open_listeners(const std::vector<ListenerConfig> &listeners, PassedToListeners passed,
                                                                 const AccessRules &rules);

// Gives the sockets that mrd made the modes that new rules need, where none is configured. Those that could not be changed are told in mrd's log.
void fit_modes(const std::vector<Listener> &listeners, const AccessRules &rules);

}  // namespace mrd
