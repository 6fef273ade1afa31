// What the kernel's drivers of reports make: the one place that knows them by the name that configfs shows ("provider").
//
// Sources: Linux, drivers/virt/coco: tdx-guest, sev-guest, arm-cca-guest.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mr/bytes.h"
#include "mr/report_options.h"
#include "mrd/providers/provider.h"

namespace mrd::tsm {

struct ReportAsked {
    mr::ByteView data;  // 64 bytes, all of them for each driver
    const mr::ReportOptions &options;
};

// What the kernel gave for it.
struct ReportGiven {
    mr::ByteView report;
    mr::ByteView manifest;  // empty: none
};

struct ReportRead {
    std::string format;
    QuoteStatement says;
};

struct ReportKind {
    std::string_view driver;  // "sev_guest"
    std::string_view kind;    // Provider::kind(): "snp"
    // The options that the driver heeds. It may show more: the kernel shows all of a driver that does not choose, and passes over what that does not know.
    std::span<const std::string_view> options;
    // Error: why it is not the report that was asked for, one sentence.
    std::expected<ReportRead, std::string> (*read)(const ReportAsked &asked, const ReportGiven &given,
                                                   const std::vector<RegisterSpec> &registers);
};

// Null: this mrd does not know the driver.
const ReportKind *find_report_kind(std::string_view driver);

}  // namespace mrd::tsm
