// The registers of the simulator's TD, as List tells them.
#pragma once

#include <string>
#include <vector>

#include "mr/registers.h"

namespace mrfs {

inline std::vector<mr::Register> td_registers(const std::string &provider = "tdx") {
    using mr::Flag;
    const auto sha384 = mr::HashAlgorithm::sha384;
    std::vector<mr::Register> all;
    all.push_back({.name = provider + "/mrtd", .hash = sha384, .size = 48, .flags = Flag::readable});
    for (const char *name : {"mrconfigid", "mrowner", "mrownerconfig"})
        all.push_back({.name = provider + "/" + name, .hash = std::nullopt, .size = 48, .flags = Flag::readable});
    all.push_back({.name = provider + "/servtd_hash", .hash = sha384, .size = 48, .flags = Flag::readable});
    for (const char *name : {"rtmr0", "rtmr1", "rtmr2", "rtmr3"})
        all.push_back({.name = provider + "/" + name, .hash = sha384, .size = 48, .flags = mr::flags_rtmr | Flag::writable});
    all.push_back(
        {.name = provider + "/reportdata", .hash = std::nullopt, .size = 64, .flags = Flag::writable | Flag::readable | Flag::file});
    all.push_back({.name = provider + "/report0", .hash = std::nullopt, .size = 1024, .flags = mr::flags_live | Flag::file});
    return all;
}

}  // namespace mrfs
