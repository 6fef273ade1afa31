// A TD's device: TDREPORTs (Linux 6.2 and later; Documentation/virt/coco/tdx-guest.rst). One report has all registers of one moment.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>

#include "mr/tdreport.h"
#include "mrd/providers/provider.h"

namespace mrd::tsm {

using RawReport = std::array<std::uint8_t, mr::tdreport_size>;

// A virtual one: tests make it fail.
class GuestDevice {
public:
    virtual ~GuestDevice() = default;
    virtual std::expected<RawReport, ProviderError> report(const mr::ReportData &report_data) = 0;
};

// The request of an ioctl() that it makes.
extern const std::uint64_t report_request;

std::unique_ptr<GuestDevice> open_guest_device(std::filesystem::path path);

}  // namespace mrd::tsm
