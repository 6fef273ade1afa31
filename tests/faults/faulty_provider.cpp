#include "tests/faults/faulty_provider.h"

#include <chrono>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "mr/tdreport.h"
#include "mrd/providers/sim/report.h"
#include "mrd/providers/sim/state.h"
#include "tests/faults/faulty_quote_host.h"
#include "tests/faults/wrapped_provider.h"

namespace mrd::faults {

namespace {

// What happens before a call, and in place of its success. A provider that fails cannot tell whether it took effect: the two differ in their reason only.
template <class Act>
auto interfere(const FaultPlan::Call &call, const Act &act) -> decltype(act()) {
    if (call.hang) {
        std::cerr << "mrd: simulated hang" << std::endl;
        for (;;) std::this_thread::sleep_for(std::chrono::hours(1));  // pause() is none of mrd's calls
    }
    if (call.delay.count() > 0) std::this_thread::sleep_for(call.delay);
    if (!call.fail_before.empty()) return std::unexpected(ProviderError{call.fail_before, Applied::unknown});
    auto result = act();
    if (result && !call.fail_after.empty()) return std::unexpected(ProviderError{call.fail_after, Applied::unknown});
    return result;
}

class FaultyProvider final : public WrappedProvider, Reporter, Quoter {
public:
    FaultyProvider(std::unique_ptr<Provider> provider, const std::vector<Fault> &faults, std::shared_ptr<NextQuote> next_quote)
        : WrappedProvider(std::move(provider)), faults_(faults), quote_faults_(faults), next_quote_(std::move(next_quote)) {}

    [[nodiscard]] bool may_wait() const override { return inner().may_wait() || faults_.delays(); }
    Reporter *reporter() override { return inner().reporter() == nullptr ? nullptr : this; }
    Quoter *quoter() override { return inner().quoter() == nullptr ? nullptr : this; }

private:
    std::expected<void, ProviderError> refresh(RefreshSet set, std::vector<mr::Bytes> &values) override {
        return interfere(faults_.next(Operation::refresh), [&] { return WrappedProvider::refresh(set, values); });
    }
    std::expected<void, ProviderError> extend(RegisterIndex index, const mr::Digest &digest) override {
        return interfere(faults_.next(Operation::extend), [&] { return WrappedProvider::extend(index, digest); });
    }
    std::expected<void, ProviderError> write(RegisterIndex index, mr::ByteView value) override {
        return interfere(faults_.next(Operation::write), [&] { return WrappedProvider::write(index, value); });
    }

    // Reports have their data's size from the inner provider, too: it is asked for a part at a time.
    [[nodiscard]] ReportDataSize report_data_size() const override { return {}; }
    std::expected<mr::Bytes, ProviderError> report(mr::ByteView report_data) override {
        return interfere(faults_.next(Operation::report), [&] { return inner().reporter()->report(report_data); });
    }
    std::expected<Quoted, QuoteFailure> quote(mr::ByteView report_data, const mr::ReportOptions &options,
                                              const std::stop_token &stop) override {
        auto call = quote_faults_.next(Operation::quote);
        if (call.host == Action::no_report)
            return std::unexpected(QuoteFailure{QuoteFailure::Cause::no_report, "simulated failure of the report"});
        if (next_quote_) next_quote_->set(std::move(call));
        return inner().quoter()->quote(report_data, options, stop);
    }

    FaultPlan faults_;
    FaultPlan quote_faults_;  // on a thread of its own
    std::shared_ptr<NextQuote> next_quote_;
};

// The module makes it, over other report data.
OtherReport other_report_of(std::filesystem::path state_file) {
    return [file = std::move(state_file)](mr::ByteView report) {
        auto other = mr::decode_tdreport(report).value();
        other.report_data.front() ^= 1U;
        const auto made = sim::ReportMaker::open(sim::State::attach(file)->report_key()).value().make(other.td_info, other.report_data);
        return mr::Bytes(made.begin(), made.end());
    };
}

}  // namespace

std::unique_ptr<Provider> with_faults(std::unique_ptr<Provider> provider, const std::vector<Fault> &faults) {
    return std::make_unique<FaultyProvider>(std::move(provider), faults, nullptr);
}

OpenProvider with_faults(OpenProvider open, std::vector<Fault> faults) {
    return [open = std::move(open), faults = std::move(faults)](
               const ProviderConfig &provider, ProviderSurroundings surroundings) -> std::expected<std::unique_ptr<Provider>, std::string> {
        const auto next_quote = std::make_shared<NextQuote>();
        surroundings.simulated_td.host_side =
            faulty_host_side(next_quote, other_report_of(sim::state_file(surroundings.state, provider.name)));
        auto opened = open(provider, surroundings);
        if (!opened) return opened;
        return std::make_unique<FaultyProvider>(std::move(*opened), faults, next_quote);
    };
}

}  // namespace mrd::faults
