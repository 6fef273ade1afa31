// io.mrd.Devices. The interface file is proto/interfaces/io.mrd.Devices.varlink.
#pragma once

#include "mrd/daemon/daemon.h"
#include "proto/varlink/service.h"

namespace mrd {

// `daemon` must outlive the interface.
varlink::Interface devices_interface(Daemon &daemon);

}  // namespace mrd
