// What the two processes of a mount give up. The one that serves, before it answers the first request: its user, its capabilities, every file that is not open, and
// all system calls but those by which it reads requests, asks mrd and answers. docs/mrfs.md, "Confinement".
#pragma once

#include <sys/types.h>

#include <expected>
#include <optional>
#include <string>

#include "confinement/rights.h"

namespace mrfs {

// Of the one that serves, before there is a second thread. Error: one sentence.
std::expected<void, std::string> confine_serving(const std::optional<confinement::Identity> &identity);

// Of the one that ends the mount when that one has ended: root keeps the right to unmount. Who is not root needs a program for it, and keeps what he has. Error: one
// sentence.
std::expected<void, std::string> confine_keeper(pid_t serving);

}  // namespace mrfs
