// Registers as List tells them: first those of the simulator's TD.
#pragma once

#include <string>
#include <vector>

#include "mr/registers.h"
#include "mrfs/shown_registers.h"

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

// Of a guest of SEV-SNP.
inline std::vector<mr::Register> snp_registers(const std::string &provider = "snp") {
    std::vector<mr::Register> all;
    all.push_back({.name = provider + "/measurement", .hash = mr::HashAlgorithm::sha384, .size = 48, .flags = mr::Flag::readable});
    for (const char *name : {"host_data", "report_id"})
        all.push_back({.name = provider + "/" + name, .hash = std::nullopt, .size = 32, .flags = mr::Flag::readable});
    for (const char *name : {"id_key_digest", "author_key_digest"})
        all.push_back({.name = provider + "/" + name, .hash = std::nullopt, .size = 48, .flags = mr::Flag::readable});
    return all;
}

// Of a realm of Arm CCA.
inline std::vector<mr::Register> cca_registers(const std::string &provider = "cca") {
    const auto sha256 = mr::HashAlgorithm::sha256;
    std::vector<mr::Register> all;
    all.push_back({.name = provider + "/rim", .hash = sha256, .size = 32, .flags = mr::Flag::readable});
    for (const char *name : {"rem0", "rem1", "rem2", "rem3"})
        all.push_back({.name = provider + "/" + name, .hash = sha256, .size = 32, .flags = mr::flags_live, .owner = mr::Owner::observed});
    return all;
}

inline constexpr std::string_view some_guid = "c476f1eb-0123-45a5-9641-b4e7dde5bfe3";

// Who makes the reports of a provider with these, on a machine of that level.
inline ReportMaker maker_of(const std::vector<mr::Register> &registers, std::uint32_t privlevel_floor = 0) {
    return {.driver = ShownRegisters(registers, "").report_driver(), .privlevel_floor = privlevel_floor};
}

}  // namespace mrfs
