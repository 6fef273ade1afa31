// What a guest's own report holds, as registers that are read: of SEV-SNP and Arm CCA, whose guests extend none through the kernel. Which there are, and what they are
// called, is libmr's to know (mr::Tee::read), so that they have the names that a verdict has for them.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mr/claims.h"
#include "mr/tee.h"
#include "mrd/providers/provider.h"

namespace mrd::tsm {

// Each refresh, the first too, is a report of its own, over 64 random bytes, so that one that was made before is noticed. They are read together: all of one moment. What is
// measured once, when the guest starts, is not live. Which hash a realm has is known with its first token.
//
// Where the first report that comes is none that this mrd can read, there are no registers, as ProviderNews is told.
class ReportRegisters final : public RegisterDriver {
public:
    // Asks for nothing yet. `quoter` is theirs alone. Null: nobody here knows what reports of this kind hold.
    static std::unique_ptr<ReportRegisters> of(std::string_view kind, std::unique_ptr<Quoter> quoter);

    [[nodiscard]] const std::vector<RegisterSpec> &list() const override { return specs_; }
    [[nodiscard]] RegisterAbilities abilities() const override { return {.refresh = true, .by_report = true}; }
    std::expected<void, ProviderError> refresh(RefreshSet set, std::vector<mr::Bytes> &values) override;
    std::expected<void, ProviderError> extend(RegisterIndex index, const mr::Digest &digest) override;
    std::expected<void, ProviderError> write(RegisterIndex index, mr::ByteView value) override;

    // As Provider::tell().
    void tell(const ProviderNews &news);

private:
    ReportRegisters(const mr::Tee &tee, std::vector<RegisterSpec> specs, std::unique_ptr<Quoter> quoter)
        : tee_(tee), specs_(std::move(specs)), quoter_(std::move(quoter)) {}
    std::expected<std::vector<mr::ClaimedRegister>, std::string> take_report();
    void none_can_be_read(const std::string &reason);

    const mr::Tee &tee_;
    const std::vector<RegisterSpec> specs_;
    std::unique_ptr<Quoter> quoter_;
    bool was_read_ = false;  // a report was

    // Between the thread of refreshes and that of tell().
    std::mutex mutex_;
    ProviderNews news_;
    std::optional<RegistersNow> there_are_none_;
};

// What a report of this kind says of those of these registers that are extended; nothing where it cannot be read.
std::vector<QuoteStatement::Register> registers_said(std::string_view kind, mr::ByteView report,
                                                     const std::vector<RegisterSpec> &registers);

}  // namespace mrd::tsm
