// io.mrd.Service. The interface file is proto/interfaces/io.mrd.Service.varlink.
#pragma once

#include <functional>
#include <string>

#include "mrd/daemon/daemon.h"
#include "proto/varlink/service.h"

namespace mrd {

// `daemon` and what `metrics` refers to must outlive the interface.
varlink::Interface service_interface(Daemon &daemon, std::function<std::string()> metrics);

}  // namespace mrd
