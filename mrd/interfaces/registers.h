// io.mrd.Registers: each method is parse, validate, act, reply. The interface file is proto/interfaces/io.mrd.Registers.varlink.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "mrd/interfaces/methods.h"
#include "mrd/registers/registers.h"
#include "proto/varlink/service.h"

namespace mrd {

inline constexpr std::size_t max_names = 1024;  // registers named in one call
inline constexpr int max_snapshot_rounds = 16;  // tries to see all providers unchanged

// `status` gives the reply of Status. The registers, and what it refers to, must outlive the interface.
varlink::Interface registers_interface(const std::shared_ptr<Gate> &gate, Registers &registers, std::function<std::string()> status);

}  // namespace mrd
