// What the kernel's drivers of reports show in a folder, and what of it they heed: the one place that knows them.
//
// Sources: Linux, Documentation/ABI/testing/configfs-tsm-report; drivers/virt/coco/guest/report.c; drivers/virt/coco: tdx-guest, sev-guest, arm-cca-guest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace mrfs {

inline constexpr std::size_t max_inblob = 64;
inline constexpr std::uint32_t max_privlevel = 3;  // TSM_REPORT_PRIVLEVEL_MAX

struct ReportDriver {
    std::string_view name;               // "sev_guest"
    std::string_view known_by;           // a register that a provider of this kind has, and none of another kind
    std::size_t least_inblob = 0;        // with fewer bytes there is no report; behind these there are zeros
    bool shows_options = false;          // privlevel, privlevel_floor, auxblob
    bool always_shows_services = false;  // service_*, manifestblob: also where no service module is beneath the guest
    bool heeds_options = false;          // otherwise what is written to them changes nothing
};

// In the order in which one is taken where a machine has several.
std::span<const ReportDriver> report_drivers();

// Who makes the reports of a folder.
struct ReportMaker {
    const ReportDriver *driver = &report_drivers().front();
    std::uint32_t privlevel_floor = 0;  // 0: of a driver that heeds none

    // A guest of a higher level has a service module beneath it.
    [[nodiscard]] bool shows_services() const { return driver->always_shows_services || (driver->shows_options && privlevel_floor > 0); }
};

}  // namespace mrfs
