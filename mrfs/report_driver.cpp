#include "mrfs/report_driver.h"

#include <array>

namespace mrfs {

namespace {

// Arm's driver does not choose what is shown: the kernel shows all.
constexpr std::array drivers{
    ReportDriver{.name = "tdx_guest", .known_by = "mrtd", .least_inblob = max_inblob},
    ReportDriver{
        .name = "sev_guest", .known_by = "id_key_digest", .least_inblob = max_inblob, .shows_options = true, .heeds_options = true},
    ReportDriver{.name = "arm_cca_guest", .known_by = "rim", .least_inblob = 32, .shows_options = true, .always_shows_services = true},
};

}  // namespace

std::span<const ReportDriver> report_drivers() { return drivers; }

}  // namespace mrfs
