// The simulator's quoting service: what on real hardware are the quoting enclave, the provisioning enclave and Intel's certificate service. Its
// keys and certificates are made at first use and kept in one file; its quotes pass DCAP verifiers under its own root, and under no other.
//
// Every certificate has the common name that verifiers demand, and says in organisation and unit that it is a simulation.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "mr/bytes.h"
#include "mr/collateral.h"
#include "mrd/providers/sim/state.h"

namespace mrd::sim {

enum class QuoteFormat : std::uint8_t { v4, v5_td10, v5_td15 };
std::string_view to_string(QuoteFormat format);  // "tdx_v4", "tdx_v5_td10", "tdx_v5_td15"

// For one thread at a time. Errors are one sentence.
class QuotingService {
public:
    // `file` holds keys and certificates (mode 0600) and is made where it is not there. `report_key` is the TD's: only its reports are quoted.
    static std::expected<QuotingService, std::string> open(const std::filesystem::path &file, const ReportKey &report_key,
                                                           QuoteFormat format);

    QuotingService(QuotingService &&) noexcept;
    QuotingService &operator=(QuotingService &&) noexcept;
    ~QuotingService();

    // Verifies the TDREPORT as the quoting enclave does, and signs its contents. One ECDSA signature; the rest was made before.
    std::expected<mr::Bytes, std::string> quote(mr::ByteView tdreport);

    // Issued now, valid for thirty days.
    std::expected<mr::Collateral, std::string> collateral();

    [[nodiscard]] const std::string &root_pem() const;

private:
    struct Keys;
    explicit QuotingService(std::unique_ptr<Keys> keys);
    std::unique_ptr<Keys> keys_;
};

}  // namespace mrd::sim
