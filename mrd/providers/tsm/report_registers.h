// What a guest's own report holds, as registers that are read: of SEV-SNP and Arm CCA, whose guests extend none through the kernel. Which there are, and what they are
// called, is libmr's to know (mr::Tee::read), so that they have the names that a verdict has for them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mr/claims.h"
#include "mr/tee.h"
#include "mrd/providers/provider.h"

namespace mrd::tsm {

// Each refresh is a report of its own, over 64 random bytes, so that one that was made before is noticed. They are read together: all of one moment. What is measured once,
// when the guest starts, is not live.
class ReportRegisters final : public RegisterDriver {
public:
    // Takes a first report. `quoter` is theirs alone: the provider's quotes are made beside them. Error: there is no report, or none that this mrd can read: one
    // sentence.
    static std::expected<std::unique_ptr<ReportRegisters>, std::string> open(std::string_view kind, std::unique_ptr<Quoter> quoter);

    [[nodiscard]] const std::vector<RegisterSpec> &list() const override { return specs_; }
    [[nodiscard]] RegisterAbilities abilities() const override { return {.refresh = true}; }
    std::expected<void, ProviderError> refresh(RefreshSet set, std::vector<mr::Bytes> &values) override;
    std::expected<void, ProviderError> extend(RegisterIndex index, const mr::Digest &digest) override;
    std::expected<void, ProviderError> write(RegisterIndex index, mr::ByteView value) override;

private:
    ReportRegisters(const mr::Tee &tee, std::unique_ptr<Quoter> quoter) : tee_(tee), quoter_(std::move(quoter)) {}
    std::expected<std::vector<mr::ClaimedRegister>, std::string> take_report();

    const mr::Tee &tee_;
    std::unique_ptr<Quoter> quoter_;
    std::vector<RegisterSpec> specs_;
};

// What a report of this kind says of those of these registers that are extended; nothing where it cannot be read.
std::vector<QuoteStatement::Register> registers_said(std::string_view kind, mr::ByteView report,
                                                     const std::vector<RegisterSpec> &registers);

}  // namespace mrd::tsm
