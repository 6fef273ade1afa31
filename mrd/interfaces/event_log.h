// io.mrd.EventLog: each method reads the journal's file from its beginning, in steps that delay nobody else.
// The interface file is proto/interfaces/io.mrd.EventLog.varlink.
#pragma once

#include <cstddef>
#include <memory>

#include "mrd/interfaces/log_reading.h"
#include "mrd/interfaces/methods.h"
#include "proto/varlink/service.h"

namespace mrd {

inline constexpr std::size_t export_chunk = std::size_t{48} << 10U;  // bytes of the exported log in one reply, at most

// The registers of `readings` must outlive the interface.
varlink::Interface event_log_interface(const std::shared_ptr<Gate> &gate, const std::shared_ptr<LogReadings> &readings);

}  // namespace mrd
