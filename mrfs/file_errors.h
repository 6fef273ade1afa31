// What mrd refuses, as the kernel's own files would say it.
#pragma once

#include "mr/error.h"

namespace mrfs {

// An errno value; never EINTR or ENOSYS, which FUSE takes for something else.
int to_errno(const mr::Error &error);

}  // namespace mrfs
