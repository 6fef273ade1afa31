#include "tests/places.h"

namespace places {

std::filesystem::path shared_data() { return MRD_SHARED_DATA; }
std::string mrd() { return MRD_PROGRAM; }
std::string mrd_with_faults() { return MRD_WITH_FAULTS_PROGRAM; }
std::string mrd_quoting_service() { return MRD_QUOTING_SERVICE_PROGRAM; }
std::string mrd_sim_extend() { return MRD_SIM_EXTEND_PROGRAM; }
std::string mrctl() { return MRCTL_PROGRAM; }
std::string device_policy() { return DEVICE_POLICY_PROGRAM; }
std::string mrfs() { return MRFS_PROGRAM; }
std::string exploit() { return MRD_EXPLOIT; }
std::string sample_config() { return MRD_SAMPLE_CONFIG; }
std::string unit_file() { return MRD_UNIT_FILE; }

}  // namespace places
