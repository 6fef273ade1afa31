// The system calls behind each step: of an opener, and of an mrd that has none.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <filesystem>
#include <span>
#include <string>

#include "mrd/opener/opener.h"
#include "proto/varlink/file_descriptor.h"

namespace mrd::opener {

// Through no symbolic link whatever, wherever in the path: openat2() (Linux 5.6). A unit's RestrictSUIDSGID= takes that away, since what it is given cannot be looked at:
// then folder by folder. errno says why it is not open.
varlink::FileDescriptor open_without_links(const std::filesystem::path &path, int flags);
varlink::FileDescriptor open_folder_by_folder(const std::filesystem::path &path, int flags);

// `owner` is in the name. Error: errno.
std::expected<std::filesystem::path, int> make_instance_of(pid_t owner, std::uint64_t number, const std::filesystem::path &folder);
// Of `owner` itself, and of processes that are gone.
void remove_instances_of(pid_t owner, const std::filesystem::path &folder);
// What socket() is told of such a connection. A stream is not waited for; a datagram is, by who writes it.
constexpr int flags_of_connection(int type) { return type | SOCK_CLOEXEC | (type == SOCK_STREAM ? SOCK_NONBLOCK : 0); }
Connecting connect_to(std::span<const std::uint8_t> address, int type);
// Of a socket's file, and of nothing else that is at its path by then, nor by a link. 0, or errno.
int set_socket_mode_of(const std::filesystem::path &file, mode_t mode);
// Empty: it has ended, or is not to be looked at.
std::string executable_of(pid_t process);

}  // namespace mrd::opener
