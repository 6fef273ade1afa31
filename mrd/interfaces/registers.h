// io.mrd.Registers: each method is parse, validate, act, reply. The interface file is proto/interfaces/io.mrd.Registers.varlink.
#pragma once

#include <functional>
#include <string>

#include "mr/limits.h"
#include "mrd/access/caller.h"
#include "mrd/daemon/daemon.h"
#include "proto/varlink/service.h"

namespace mrd {

using mr::max_names;
inline constexpr int max_snapshot_rounds = 16;  // tries to see all providers unchanged

// The reply of Status to whoever asks.
using StatusFor = std::function<std::string(const Caller &)>;
// The daemon, and what `status` refers to, must outlive the interface.
varlink::Interface registers_interface(Daemon &daemon, StatusFor status);

}  // namespace mrd
