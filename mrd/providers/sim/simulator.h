// The TDX module in software: the registers and reports of one TD, for machines without one. Its values prove nothing.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "mrd/providers/provider.h"
#include "mrd/providers/sim/quote_host.h"
#include "mrd/providers/sim/quoting_service.h"
#include "mrd/providers/sim/state.h"

namespace mrd::sim {

struct Options {
    std::string name = "tdx";
    std::filesystem::path state_file;         // see sim::state_file()
    std::string boot_id;                      // 1 to 64 bytes: the kernel's, or a test's own
    bool reset = false;                       // start a new TD although this boot has one
    bool survives_boot = false;               // go on with the TD although the boot id is another
    std::filesystem::path quoting_file = {};  // see sim::quoting_file(); empty: this simulator makes no quotes
    QuoteFormat quote_format = QuoteFormat::v4;
    std::filesystem::path ccel = {};  // a firmware's log, whose events a new TD's registers hold; empty: none
    // What the TD is built with. Not given: what the running TD has, or default_statics() for a new one. Given and other than
    // the running TD's: an error, for only a new TD can have it.
    std::optional<Value> mrtd = {};
    std::optional<Value> mrconfigid = {};
    std::optional<Value> mrowner = {};
    std::optional<Value> mrownerconfig = {};
    std::optional<std::uint64_t> attributes = {};
    HostSide host_side = {};  // of its quotes
};

// Registers: mrtd, mrconfigid, mrowner, mrownerconfig, servtd_hash, rtmr0..rtmr3, reportdata, report0; one refresh set.
// reportdata lives in the provider alone and is zero after open(). Error: one sentence that names the file or the option and
// says what to do.
std::expected<std::unique_ptr<Provider>, std::string> open(const Options &options);

}  // namespace mrd::sim
