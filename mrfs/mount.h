// The mount and its two processes: one that serves and has no rights left, and one beside it that ends the mount when the first has ended, however it did.
#pragma once

#include <sys/types.h>

#include <expected>
#include <optional>
#include <string>

#include "confinement/rights.h"
#include "mrfs/fuse_operations.h"

namespace mrfs {

inline constexpr unsigned max_idle_threads = 8;

struct MountOptions {
    std::string mountpoint;
    bool for_everyone = false;
    std::optional<confinement::Identity> identity = {};  // who serves; nothing: who has started mrfs
};

// Serves until SIGTERM, SIGINT or SIGHUP, or until somebody else unmounts it. Tells the service manager when it is mounted. Error: one sentence.
std::expected<void, std::string> serve_mount(const MountOptions &options, Served served);

}  // namespace mrfs
