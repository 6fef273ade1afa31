// The simulator's platform as its host sees it: quotes over the TDREPORTs of its TD, collateral, and what it is. The keys are those of an mrd with the simulator on the same
// state directory, so that all quotes have one root.
#pragma once

#include <chrono>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>

#include "mr/bytes.h"
#include "mrd/providers/qgs/message.h"
#include "mrd/providers/sim/pki.h"
#include "mrd/providers/sim/quoting_service.h"
#include "mrd/providers/sim/state.h"

namespace mrd::quoting_service {

struct PlatformOptions {
    std::filesystem::path state = {};  // directory; it is there
    std::string provider = "tdx";      // whose TD and keys: sim::state_file(), sim::quoting_file()
    sim::QuoteFormat format = sim::QuoteFormat::v4;
    std::optional<sim::ReportKey> report_key = {};  // of another module in software, whose reports are quoted in the place of the TD's
};

// For one thread at a time. Errors are one sentence.
class Platform {
public:
    // Makes the keys where there are none. The TD need not be there yet; no lock of an mrd that runs on the directory is taken or waited for.
    static std::expected<Platform, std::string> open(PlatformOptions options);

    // Of a TDREPORT of the TD that is there now, and of no other: its MAC says so.
    std::expected<mr::Bytes, std::string> quote(mr::ByteView report);

    // Where both name this platform. Made anew once an hour.
    std::expected<qgs::CollateralParts, std::string> collateral(mr::ByteView fmspc, mr::ByteView pck_ca);

    [[nodiscard]] const qgs::Platform &description() const { return description_; }

private:
    Platform(PlatformOptions options, sim::Pki pki, const qgs::Platform &description);

    PlatformOptions options_;
    sim::Pki pki_;
    qgs::Platform description_;
    sim::ReportKey key_{};  // of service_
    std::optional<sim::QuotingService> service_;
    qgs::CollateralParts collateral_;
    std::chrono::system_clock::time_point collateral_made_at_;
};

}  // namespace mrd::quoting_service
