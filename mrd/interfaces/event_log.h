// io.mrd.EventLog: each method reads the journal's file from its beginning, in steps that delay nobody else.
// The interface file is proto/interfaces/io.mrd.EventLog.varlink.
#pragma once

#include <cstddef>

#include "mrd/daemon/daemon.h"
#include "proto/varlink/service.h"

namespace mrd {

inline constexpr std::size_t export_chunk = std::size_t{48} << 10U;  // bytes of the exported log in one reply, at most

// `daemon` must outlive the interface.
varlink::Interface event_log_interface(Daemon &daemon);

}  // namespace mrd
