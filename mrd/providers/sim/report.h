// Makes and checks TDREPORTs as TDX module 1.5 does, with constants of its own where hardware has its identity.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "mr/bytes.h"
#include "mr/digest.h"
#include "mr/tdreport.h"
#include "mrd/providers/provider.h"
#include "mrd/providers/sim/state.h"

namespace mrd::sim {

// x87, SSE, AVX, AVX-512, PKRU, AMX; with bits 11 and 12 (CET): what a Linux guest on current hardware has.
inline constexpr std::uint64_t simulated_xfam = 0x618E7;

inline constexpr std::array<std::uint8_t, 4> simulated_report_type = {mr::tdreport_type_tdx, 0, 1, 0};

// "mrdsim", so that nobody takes it for a processor's.
inline constexpr std::array<std::uint8_t, 16> simulated_cpu_svn = {'m', 'r', 'd', 's', 'i', 'm', 1};

// The simulator's "module": SVN 5 of module 1.5, MRSEAM = SHA-384("mrd simulated TDX module"), signer zero (as Intel's is).
mr::TeeTcbInfo simulated_tcb_info();

// The TDINFO of the state's TD: attributes and static values, the registers as given, SERVTD_HASH zero.
mr::TdInfo td_info_of(const StaticValues &statics, const RunTimeValues &values);

// Not for two threads at once: it keeps its hash and MAC contexts, for a report should cost no more than its hashing.
class ReportMaker {
public:
    static std::expected<ReportMaker, std::string> open(const ReportKey &key);

    ReportMaker(ReportMaker &&) noexcept;
    ReportMaker &operator=(ReportMaker &&) noexcept;
    ~ReportMaker();

    std::array<std::uint8_t, mr::tdreport_size> make(const mr::TdInfo &td_info, const mr::ReportData &report_data);

    // Length, type, MAC and both hashes, in this order; the reason names the first that does not hold. Bytes 495..511 are
    // covered by neither hash nor MAC, as on hardware: they may hold anything.
    ReportVerdict verify(mr::ByteView report);

private:
    struct Mac;
    ReportMaker(std::unique_ptr<Mac> mac, mr::Hasher hasher);

    std::unique_ptr<Mac> mac_;
    mr::Hasher hasher_;
    mr::TdReport template_;  // what all reports have in common
};

}  // namespace mrd::sim
