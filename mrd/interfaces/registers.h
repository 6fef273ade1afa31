// io.mrd.Registers: each method is parse, validate, act, reply. The interface file is proto/interfaces/io.mrd.Registers.varlink.
#pragma once

#include <functional>
#include <string>

#include "mrd/daemon/daemon.h"
#include "proto/varlink/service.h"

namespace mrd {

inline constexpr std::size_t max_names = 1024;  // registers named in one call
inline constexpr int max_snapshot_rounds = 16;  // tries to see all providers unchanged

// `status` gives the reply of Status. The daemon, and what it refers to, must outlive the interface.
varlink::Interface registers_interface(Daemon &daemon, std::function<std::string()> status);

}  // namespace mrd
