// The file system as libfuse calls it (low-level API): from its requests to FileSystem, and back.
#pragma once

#include <sys/types.h>
#include <cstdint>
#include <optional>

#include "mrfs/file_system.h"

// libfuse's, whose header is included by few.
struct fuse_lowlevel_ops;

namespace mrfs {

// What every request is served with: libfuse's userdata.
struct Served {
    FileSystem &files;
    // Whom it serves: everybody whom mrd is told of, or this user alone.
    std::optional<uid_t> only;
    // Whoever has no uid here: nobody's rights can be told for him.
    uid_t overflow_uid = 65534;
};

const fuse_lowlevel_ops &fuse_operations();

}  // namespace mrfs
