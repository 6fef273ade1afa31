// The interfaces that mrd has, by name.
#pragma once

#include <array>
#include <string_view>

namespace mrd {

inline constexpr std::array<std::string_view, 5> interface_names{"io.mrd.Registers", "io.mrd.EventLog", "io.mrd.Attestation",
                                                                 "io.mrd.Devices", "io.mrd.Service"};

}  // namespace mrd
