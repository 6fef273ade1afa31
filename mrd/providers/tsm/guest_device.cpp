#include "mrd/providers/tsm/guest_device.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <utility>

#include "mrd/providers/tsm/kernel_file.h"

namespace mrd::tsm {
namespace {

// struct tdx_report_req and TDX_CMD_GET_REPORT0 of <linux/tdx-guest.h>, which the headers of an older system do not have.
struct ReportRequest {
    mr::ReportData report_data;
    RawReport report;
};
static_assert(sizeof(ReportRequest) == mr::report_data_size + mr::tdreport_size);
constexpr unsigned long get_report0 = _IOWR('T', 1, ReportRequest);

class RealDevice final : public GuestDevice {
public:
    explicit RealDevice(std::filesystem::path path) : path_(std::move(path)) {}

    std::expected<RawReport, ProviderError> report(const mr::ReportData &report_data) override {
        const auto opened = open_kernel_file(path_, O_RDWR);
        if (!opened) return std::unexpected(ProviderError{kernel_refusal("open", path_, errno), Applied::no});
        ReportRequest request{.report_data = report_data, .report = {}};
        if (::ioctl(opened.get(), get_report0, &request) != 0) {
            return std::unexpected(ProviderError{kernel_refusal("get a TDREPORT of", path_, errno), Applied::no});
        }
        return request.report;
    }

private:
    std::filesystem::path path_;
};

}  // namespace

const std::uint64_t report_request = get_report0;

std::unique_ptr<GuestDevice> open_guest_device(std::filesystem::path path) { return std::make_unique<RealDevice>(std::move(path)); }

}  // namespace mrd::tsm
