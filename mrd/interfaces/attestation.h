// io.mrd.Attestation. The interface file is proto/interfaces/io.mrd.Attestation.varlink.
#pragma once

#include "mrd/registers.h"
#include "proto/varlink/service.h"

namespace mrd {

// `registers` must outlive the interface.
varlink::Interface attestation_interface(Registers &registers);

}  // namespace mrd
