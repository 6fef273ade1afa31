// Quotes by the kernel's configfs-tsm (Linux 6.7 and later; Documentation/ABI/testing/configfs-tsm-report). What the kernel does with each call:
// tests/kernel-lab/reports_test.cpp.
#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "mrd/providers/provider.h"

namespace mrd::tsm {

// Of a quote and of what comes beside it, in bytes; the kernel's own is 32 KiB, or 16 MiB since 7.0.
inline constexpr std::size_t max_blob_size = std::size_t{1} << 20;

// Each quote has a folder of its own, "mrd-PID-NUMBER", which is removed afterwards: what another process does in others changes nothing of it, and a folder that
// somebody else wrote to is noticed by its generation. The kernel holds one lock for all folders while it makes a quote, up to 30 s, and heeds no `stop`: so does
// a call. What processes that are gone have left is removed at once.
//
// All options are of one folder, and so of one request. What the kernel does not show, and what it or its driver would take and pass over, is refused by its name on the wire
// (mrd/providers/tsm/report_kind.h); without a privilege level the machine's own is asked for.
//
// `registers` are the provider's, which the quote speaks of.
std::unique_ptr<Quoter> make_configfs_quoter(std::filesystem::path reports, std::vector<RegisterSpec> registers);

// Whose reports the kernel hands out: "tdx_guest". Makes a folder and removes it; waits while the kernel makes a report for somebody else, which
// the log tells after 5 s. Error: why there are none, one sentence.
std::expected<std::string, std::string> find_report_driver(const std::filesystem::path &reports);

}  // namespace mrd::tsm
