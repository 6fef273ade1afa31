// Linux's own interfaces of a confidential VM as a provider, made of what the machine has.
#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mrd/opener/request.h"
#include "mrd/providers/provider.h"
#include "mrd/providers/qgs/address.h"
#include "mrd/providers/tsm/guest_device.h"
#include "mrd/providers/tsm/measurement_files.h"

namespace mrd::tsm {

struct Paths {
    std::filesystem::path measurements = "/sys/devices/virtual/misc/tdx_guest/measurements";
    std::filesystem::path guest_device = "/dev/tdx_guest";
    std::filesystem::path reports = "/sys/kernel/config/tsm/report";
    std::filesystem::path firmware_log = "/sys/firmware/acpi/tables/data/CCEL";
};

struct Options {
    std::string name;
    std::optional<qgs::Address> qgs = {};  // whom to ask for quotes, instead of the kernel
    Paths paths = {};
};

// What it opens while it runs.
opener::Places places_of(const Options &options);

// Error: one sentence that says what was looked for and what to do.
std::expected<std::unique_ptr<Provider>, std::string> open(const Options &options);

// The same on what was found already. `device` may be null, but not without files, nor where quotes are asked of a service.
std::unique_ptr<Provider> make_provider(const Options &options, std::vector<MeasurementFile> files, std::unique_ptr<GuestDevice> device);

}  // namespace mrd::tsm
