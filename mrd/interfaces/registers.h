// io.mrd.Registers: each method is parse, validate, act, reply. The interface file is proto/interfaces/io.mrd.Registers.varlink.
#pragma once

#include <functional>
#include <string>

#include "mr/limits.h"
#include "mrd/daemon/daemon.h"
#include "proto/varlink/service.h"

namespace mrd {

using mr::max_names;
inline constexpr int max_snapshot_rounds = 16;  // tries to see all providers unchanged

// `status` gives the reply of Status. The daemon, and what it refers to, must outlive the interface.
varlink::Interface registers_interface(Daemon &daemon, std::function<std::string()> status);

}  // namespace mrd
