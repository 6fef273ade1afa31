// Where a test finds what is not compiled into it: the samples beside the repository, and files and programs of this build. Their paths stand in one object
// only, so that all others are the same in every clone and come from the compiler's cache. Who runs a program depends on it in CMake.
#pragma once

#include <filesystem>
#include <string>

namespace places {

// ../shared/data from the repository's root; absent in most clones, and then the tests of it skip.
std::filesystem::path shared_data();

std::string mrd();
std::string mrd_with_faults();
std::string mrd_quoting_service();
std::string mrd_sim_extend();
std::string mrctl();
std::string device_policy();  // examples/device-policy
std::string mrfs();           // empty: this build has none
// tests/exploit/exploit.cpp, for LD_PRELOAD
std::string exploit();

// packaging/mrd.toml and packaging/mrd.service
std::string sample_config();
std::string unit_file();

}  // namespace places
