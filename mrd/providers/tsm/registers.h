// A TD's registers by what the kernel offers: extended through tsm-mr's files, read out of one TDREPORT. Of the two, each may be missing.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "mrd/providers/provider.h"
#include "mrd/providers/tsm/guest_device.h"
#include "mrd/providers/tsm/measurement_files.h"

namespace mrd::tsm {

// Default owners: RTMR3 is mrd's own, RTMR2 is extended by others too, RTMR0 and 1 are the firmware's.
//
// With the device everything that a TDREPORT has is one refresh set, of one moment, and reportdata and report0 are registers beside them. What it has not, and
// all registers where there is no device, are read from the files, each a set of its own: two of them may be of different moments, and an extend that did not
// pass through the files is not seen before mrd's own next one: none is shared. Where one of mrd's own extends failed and may have happened, they are not served before another one has succeeded, since
// the kernel does not look again before.
class Registers final : public RegisterDriver {
public:
    // `device` may be null, and outlives them.
    Registers(std::vector<MeasurementFile> files, GuestDevice *device);

    [[nodiscard]] const std::vector<RegisterSpec> &list() const override { return specs_; }
    [[nodiscard]] RegisterAbilities abilities() const override { return {.refresh = true, .extend = true, .write = true}; }
    std::expected<void, ProviderError> refresh(RefreshSet set, std::vector<mr::Bytes> &values) override;
    std::expected<void, ProviderError> extend(RegisterIndex index, const mr::Digest &digest) override;
    std::expected<void, ProviderError> write(RegisterIndex index, mr::ByteView value) override;

private:
    // Where a register's value comes from, beside its file.
    struct Source {
        std::optional<MeasurementFile> file = {};
        std::optional<std::size_t> in_report = {};  // offset
        bool is_report_data = false;
    };

    void add(RegisterSpec spec, Source source);
    std::expected<void, ProviderError> refresh_report(std::vector<mr::Bytes> &values);
    std::expected<void, ProviderError> write_file(const Source &source, mr::ByteView bytes);

    GuestDevice *device_;
    std::vector<RegisterSpec> specs_;
    std::vector<Source> sources_;  // of each register
    mr::ReportData report_data_{};
    bool files_are_stale_ = false;
};

}  // namespace mrd::tsm
