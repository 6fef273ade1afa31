// The ACPI table that says whose log a CCEL is. Linux shows it beside the log: /sys/firmware/acpi/tables/CCEL, and tables/data/CCEL. Source: ACPI 6.5, section 5.2.34;
// UEFI 2.10, section 38.4.1.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

namespace mrd {

// Is the log at this path of a TD? One that stands beside no table is taken for one. Error: one sentence, with the type and the subtype that the table has.
std::expected<void, std::string> check_ccel_table(const std::filesystem::path &log);

}  // namespace mrd
