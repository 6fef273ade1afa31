// io.mrd.Attestation. The interface file is proto/interfaces/io.mrd.Attestation.varlink.
#pragma once

#include "mrd/daemon/daemon.h"
#include "proto/varlink/service.h"

namespace mrd {

// `daemon` must outlive the interface.
varlink::Interface attestation_interface(Daemon &daemon);

}  // namespace mrd
