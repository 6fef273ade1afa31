// A provider that is another one but for what is overridden: of its parts as well.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "mrd/providers/provider.h"

namespace mrd::faults {

class WrappedProvider : public Provider, public RegisterDriver {
public:
    explicit WrappedProvider(std::unique_ptr<Provider> inner) : inner_(std::move(inner)) {}

    [[nodiscard]] std::string_view name() const override { return inner_->name(); }
    [[nodiscard]] std::string_view kind() const override { return inner_->kind(); }
    [[nodiscard]] bool simulated() const override { return inner_->simulated(); }
    [[nodiscard]] bool may_wait() const override { return inner_->may_wait(); }
    void tell(ProviderNews news) override { inner_->tell(std::move(news)); }
    RegisterDriver *registers() override { return inner_->registers() == nullptr ? nullptr : this; }
    Reporter *reporter() override { return inner_->reporter(); }
    ReportVerifier *report_verifier() override { return inner_->report_verifier(); }
    Quoter *quoter() override { return inner_->quoter(); }
    CollateralSource *collateral() override { return inner_->collateral(); }

    [[nodiscard]] const std::vector<RegisterSpec> &list() const override { return inner_->registers()->list(); }
    [[nodiscard]] RegisterAbilities abilities() const override { return inner_->registers()->abilities(); }
    std::expected<void, ProviderError> refresh(RefreshSet set, std::vector<mr::Bytes> &values) override {
        return inner_->registers()->refresh(set, values);
    }
    std::expected<void, ProviderError> extend(RegisterIndex index, const mr::Digest &digest) override {
        return inner_->registers()->extend(index, digest);
    }
    std::expected<void, ProviderError> write(RegisterIndex index, mr::ByteView value) override {
        return inner_->registers()->write(index, value);
    }

protected:
    [[nodiscard]] Provider &inner() const { return *inner_; }

private:
    std::unique_ptr<Provider> inner_;
};

}  // namespace mrd::faults
