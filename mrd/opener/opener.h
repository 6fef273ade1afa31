// Files, folders and connections that mrd needs late, and may no longer open itself: devices, the kernel's folders for quotes, logs that others wrote, who a caller is.
// Small processes of mrd's own that were forked before it gave up its rights (mrd/opener/process.h) open them, and hand over descriptors. Where none was started
// (the tests of a room, `confinement = "off"`) this process opens them itself.
//
// From any thread; each call waits for its answer. errno, or its value, says why not: EACCES for what no place was agreed on for, EPIPE where the opener has died,
// with which mrd ends (mrd/daemon/confine.h).
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "mr/bytes.h"
#include "proto/varlink/file_descriptor.h"

namespace mrd::opener {

// `flags`: O_RDONLY, O_WRONLY or O_RDWR, and O_NONBLOCK. Nobody else has the descriptor any more: its closing is the last one. errno says why it is not open.
varlink::FileDescriptor open(const std::filesystem::path &path, int flags);

// The whole file. Error: why not, one sentence; it may have more than `limit` bytes.
std::expected<mr::Bytes, std::string> read_file(const std::filesystem::path &path, std::size_t limit);

// A new folder below this one, which is named by who makes it: its path. Error: errno.
std::expected<std::filesystem::path, int> make_instance(const std::filesystem::path &folder);
void remove_instance(const std::filesystem::path &instance);
// Those of processes that are gone.
void remove_left_instances(const std::filesystem::path &folder);

// A listener's file, by the path that it was agreed on with.
void remove_socket(const std::filesystem::path &file);
// One of the modes that were agreed on with it. 0, or errno.
int set_socket_mode(const std::filesystem::path &file, mode_t mode);

struct Connecting {
    varlink::FileDescriptor socket;
    int error = 0;  // EINPROGRESS: wait until it can be written to
};
// A stream, not blocking, or datagrams (SOCK_DGRAM), blocking. `name` is what it is called in the list of places, `address` a sockaddr; both and the type as they were
// agreed on.
Connecting connect(const std::string &name, std::span<const std::uint8_t> address, int type = SOCK_STREAM);

// The path of the program that the process runs.
std::optional<std::string> executable(pid_t process);

}  // namespace mrd::opener
