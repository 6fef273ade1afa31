// Quotes by the kernel's configfs-tsm (Linux 6.7 and later; Documentation/ABI/testing/configfs-tsm-report). What the kernel does with each call:
// tests/kernel-lab/reports_test.cpp.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <vector>

#include "mrd/providers/provider.h"

namespace mrd::tsm {

// Of a quote and of what comes beside it, in bytes; the kernel's own is 32 KiB, or 16 MiB since 7.0.
inline constexpr std::size_t max_blob_size = std::size_t{1} << 20;

// Each quote has a folder of its own, "mrd-PID-NUMBER", which is removed afterwards: what another process does in others changes nothing of it, and a folder that
// somebody else wrote to is noticed by its generation. The kernel holds one lock for all folders while it makes a quote, up to 30 s, and heeds no `stop`: so does
// a call. What processes that are gone have left is removed at once.
//
// `registers` are the provider's, which the quote speaks of.
std::unique_ptr<Quoter> make_configfs_quoter(std::filesystem::path reports, std::vector<RegisterSpec> registers);

}  // namespace mrd::tsm
