// A guest of SEV-SNP or Arm CCA, put together as mrd/providers/tsm/tsm.cpp does it, on reports that a test makes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "mrd/providers/provider.h"
#include "mrd/providers/tsm/report_registers.h"

namespace mrd::tsm {

// `Reports`: a Quoter, copied for the registers that are read by its reports.
template <class Reports>
class PlayedGuest : public Provider {
public:
    // `kind`: "snp" or "cca".
    PlayedGuest(std::string name, std::string kind, const Reports &reports)
        : name_(std::move(name)),
          kind_(std::move(kind)),
          registers_(ReportRegisters::of(kind_, std::make_unique<Reports>(reports))),
          quoter_(reports) {}

    [[nodiscard]] std::string_view name() const override { return name_; }
    [[nodiscard]] std::string_view kind() const override { return kind_; }
    [[nodiscard]] bool simulated() const override { return false; }
    [[nodiscard]] bool may_wait() const override { return true; }
    void tell(ProviderNews news) override { registers_->tell(std::move(news)); }
    RegisterDriver *registers() override { return registers_.get(); }
    Quoter *quoter() override { return &quoter_; }

protected:
    [[nodiscard]] Reports &reports() { return quoter_; }

private:
    std::string name_;
    std::string kind_;
    std::unique_ptr<ReportRegisters> registers_;
    Reports quoter_;
};

}  // namespace mrd::tsm
