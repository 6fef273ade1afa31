#include "mrd/providers/sim/quoter.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

#include "mr/tdreport.h"
#include "mrd/providers/report_options.h"
#include "mrd/providers/sim/collateral.h"
#include "mrd/providers/sim/report.h"
#include "mrd/providers/sim/state.h"
#include "mrd/providers/tdx/td_quote.h"

namespace mrd::sim {
namespace {

using Cause = QuoteFailure::Cause;

// The quoting service, opened when it is first needed. The host and who asks for collateral take turns.
class SharedService {
public:
    SharedService(std::filesystem::path file, QuoteFormat format) : file_(std::move(file)), format_(format) {}

    // Calls with the open service. Error: that of the opening, or of the call.
    template <class Use>
    auto with(const ReportKey &report_key, const Use &use) -> decltype(use(std::declval<QuotingService &>())) {
        const std::lock_guard lock(mutex_);
        if (!service_) {
            auto opened = QuotingService::open(file_, report_key, format_);
            why_closed_ = opened ? std::string() : opened.error();
            if (!opened) return std::unexpected(std::move(opened.error()));
            service_ = std::move(*opened);
        }
        return use(*service_);
    }

    // Why it could not be opened the last time; empty if it is open.
    std::string why_closed() {
        const std::lock_guard lock(mutex_);
        return why_closed_;
    }

private:
    std::filesystem::path file_;
    QuoteFormat format_;
    std::mutex mutex_;
    std::optional<QuotingService> service_;
    std::string why_closed_;
};

// The TD and its host, as far as quotes need them.
class Parties {
public:
    static std::expected<std::unique_ptr<Parties>, std::string> open(const QuoterOptions &options, SharedService &shared) {
        auto state = State::attach(options.state_file);
        if (!state) return std::unexpected(std::move(state.error()));
        auto reports = ReportMaker::open(state->report_key());
        if (!reports) return std::unexpected(std::move(reports.error()));
        return std::unique_ptr<Parties>(new Parties(std::move(*state), std::move(*reports), options.host_side, shared));
    }

    std::expected<mr::Bytes, QuoteFailure> report(const mr::ReportData &report_data) {
        const auto values = state_.read();
        if (!values) return no_quote(Cause::no_report, values.error());
        const auto made = reports_.make(td_info_of(state_.statics(), *values), report_data);
        return mr::Bytes(made.begin(), made.end());
    }

    // The bytes that the host gives for it.
    std::expected<mr::Bytes, QuoteFailure> quote(mr::ByteView report, const std::stop_token &stop) {
        auto *buffer = buffers_.take();
        if (buffer == nullptr) {
            return no_quote(Cause::unavailable,
                            "the host has " + std::to_string(max_abandoned_buffers + 1) + " requests that it has not answered");
        }
        buffer->fill(report);
        auto seen = notification_.count();
        if (!host_->get_quote(*buffer)) return no_quote(Cause::failed, "the host does not take the request");
        for (;;) {
            if (auto collected = collect_quote(*buffer)) {
                // The shared buffer has no room for a reason; this host is on our own machine, and can be asked.
                if (!*collected && collected->error().cause == Cause::unavailable) {
                    if (auto why = shared_.why_closed(); !why.empty()) collected->error().reason = std::move(why);
                }
                return std::move(*collected);
            }
            // The buffer stays the host's until it has been answered.
            if (!notification_.wait(seen, stop)) return no_quote(Cause::cancelled, {});
        }
    }

private:
    Parties(State state, ReportMaker reports, const HostSide &host_side, SharedService &shared)
        : shared_(shared),
          state_(std::move(state)),
          reports_(std::move(reports)),
          buffers_(host_side.make_buffer),
          host_(host_side.make_host(
              [&shared, key = state_.report_key()](mr::ByteView tdreport) -> std::expected<mr::Bytes, std::uint64_t> {
                  bool open = false;
                  auto made = shared.with(key, [&](QuotingService &service) {
                      open = true;
                      return service.quote(tdreport);
                  });
                  // The shared buffer has no room for a reason.
                  if (!made) return std::unexpected(open ? quote_error : quote_unavailable);
                  if (made->size() > quote_buffer_capacity) return std::unexpected(quote_error);
                  return std::move(*made);
              },
              notification_)) {}

    SharedService &shared_;
    State state_;
    ReportMaker reports_;
    QuoteBuffers buffers_;
    Notification notification_;
    std::unique_ptr<QuoteHost> host_;  // last: its thread uses buffers and notification
};

class RealQuoter final : public SimulatorQuoter {
public:
    explicit RealQuoter(QuoterOptions options) : options_(std::move(options)), service_(options_.quoting_file, options_.format) {}

    std::expected<Quoted, QuoteFailure> quote(mr::ByteView report_data, const mr::ReportOptions &options,
                                              const std::stop_token &stop) override {
        if (auto taken = check_options(options); !taken) return std::unexpected(std::move(taken.error()));
        mr::ReportData data{};
        if (report_data.size() != data.size()) return no_quote(Cause::no_report, "a TDREPORT takes 64 bytes of report data");
        std::ranges::copy(report_data, data.begin());
        if (!parties_) {
            auto opened = Parties::open(options_, service_);
            if (!opened) return no_quote(Cause::no_report, std::move(opened.error()));
            parties_ = std::move(*opened);
        }
        const auto report = parties_->report(data);
        if (!report) return std::unexpected(report.error());
        auto quote = parties_->quote(*report, stop);
        if (!quote) return std::unexpected(std::move(quote.error()));
        if (auto same = check_td_quote(*quote, *report); !same) return no_quote(Cause::invalid, std::move(same.error()));
        auto read = read_td_quote(*quote, options_.registers);
        if (!read) return no_quote(Cause::invalid, std::move(read.error()));
        return Quoted{std::move(*quote), std::nullopt, std::nullopt, std::move(read->format), std::move(read->says)};
    }

    std::expected<QuoteCollateral, std::string> read_collateral() override {
        const auto now = std::chrono::system_clock::now();
        if (collateral_ && now >= collateral_made_at_ && now < collateral_made_at_ + collateral_kept) return *collateral_;
        auto made = make_collateral();
        if (made) {
            collateral_ = *made;
            collateral_made_at_ = now;
        }
        return made;
    }

private:
    std::expected<QuoteCollateral, std::string> make_collateral() {
        const auto state = State::attach(options_.state_file);
        if (!state) return std::unexpected(state.error());
        return service_.with(state->report_key(), [](QuotingService &service) -> std::expected<QuoteCollateral, std::string> {
            const auto collateral = service.collateral();
            if (!collateral) return std::unexpected(collateral.error());
            return QuoteCollateral{mr::write_collateral(*collateral), service.root_pem()};
        });
    }

    QuoterOptions options_;
    SharedService service_;
    std::unique_ptr<Parties> parties_;
    std::optional<QuoteCollateral> collateral_;
    std::chrono::system_clock::time_point collateral_made_at_;
};

}  // namespace

std::filesystem::path quoting_file(const std::filesystem::path &state_directory, std::string_view provider_name) {
    return state_directory / ("sim-" + std::string(provider_name) + ".quoting");
}

std::unique_ptr<SimulatorQuoter> make_quoter(QuoterOptions options) { return std::make_unique<RealQuoter>(std::move(options)); }

}  // namespace mrd::sim
