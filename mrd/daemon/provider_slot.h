// One provider of this mrd at work: what it has stands here side by side. Registers, reporter and verifier share one queue; quotes and collateral have
// threads of their own, so that neither holds up the other, nor a register. Registers that are read by reports (RegisterAbilities::by_report) are read where quotes are made;
// mrd itself asks for the first one at once, and whoever reads them before it is there waits for it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mrd/evidence/quotes.h"
#include "mrd/providers/device.h"
#include "mrd/providers/provider.h"
#include "mrd/providers/provider_queue.h"
#include "mrd/registers/provider_registers.h"

namespace mrd {

// A provider whose registers have been read once.
struct ReadProvider {
    std::unique_ptr<Provider> provider;
    std::optional<RegisterTable> table;  // of one that has registers

    // `registers` are the provider's, as the configuration's rules leave them. Asks the hardware, on the calling thread, which may be any. Error: a sentence
    // that names the provider or the register.
    static std::expected<ReadProvider, std::string> read(std::unique_ptr<Provider> provider, std::vector<RegisterSpec> registers,
                                                         std::int64_t first_generation);
};

// Turns true when the client of a call has gone; null: it has none that could.
using Gone = std::shared_ptr<const bool>;

// All calls from the event loop.
class ProviderSlot {
public:
    ProviderSlot(boost::asio::io_context &loop, ReadProvider read, RegisterEvents &events);
    ProviderSlot(const ProviderSlot &) = delete;
    ProviderSlot &operator=(const ProviderSlot &) = delete;
    // Waits for the calls that run.
    ~ProviderSlot() = default;

    [[nodiscard]] std::string_view name() const { return name_; }
    [[nodiscard]] std::string_view kind() const { return kind_; }
    [[nodiscard]] bool simulated() const { return simulated_; }
    [[nodiscard]] bool unbound() const { return unbound_; }
    [[nodiscard]] std::size_t waiting_calls() const { return queue_.waiting(); }

    // mrd is about to end: who waits for a device does not, and is told that it failed.
    void interrupt() {
        if (provider_) provider_->interrupt();
    }

    // ---- A provider that fails while it runs. The slot stays: who holds it is answered.

    // Its registers vanish, and who waits for one, for a quote, or for anything else is answered; new calls are refused. Gives `closed` the provider when no
    // call of it runs any more.
    void close(const std::string &why, std::move_only_function<void(std::unique_ptr<Provider>)> closed);
    // Another one, opened in its place; its registers have yet to join the journal. Error: a sentence; it has other parts, or other registers.
    std::expected<void, std::string> reopen(ReadProvider read);

    // ---- The parts; null: it has none

    [[nodiscard]] ProviderRegisters *registers() { return registers_ ? &*registers_ : nullptr; }
    [[nodiscard]] const ProviderRegisters *registers() const { return registers_ ? &*registers_ : nullptr; }
    // Not part of the queue: when_idle() does not wait for them.
    [[nodiscard]] Quotes *quotes() { return quotes_ ? &*quotes_ : nullptr; }
    [[nodiscard]] const Quotes *quotes() const { return quotes_ ? &*quotes_ : nullptr; }
    // For its properties. It is called through report().
    [[nodiscard]] const Reporter *reporter() const { return provider_ ? provider_->reporter() : nullptr; }
    [[nodiscard]] bool verifies_reports() const { return provider_ && provider_->report_verifier() != nullptr; }
    [[nodiscard]] bool has_collateral() const { return provider_ && provider_->collateral() != nullptr; }

    // For its state. It is asked through device_evidence(). Null where the provider has failed, too.
    [[nodiscard]] const Device *device() const { return provider_ ? provider_->device() : nullptr; }

    // ---- Calls of parts that are there, each for a user. One whose client has gone when its turn comes is dropped: `done` is not called then.

    // done(expected<Bytes, ProviderError>).
    template <class Done>
    void report(uid_t user, mr::Bytes report_data, Gone gone, Done done) {
        queue_.run(user, ReportCall<Done>{*provider_->reporter(), std::move(report_data), std::move(gone), std::move(done)});
    }

    // done(expected<ReportVerdict, ProviderError>).
    template <class Done>
    void verify_report(uid_t user, mr::Bytes report, Gone gone, Done done) {
        queue_.run(user, VerifyCall<Done>{*provider_->report_verifier(), std::move(report), std::move(gone), std::move(done)});
    }

    // done(expected<DeviceEvidence, DeviceFailure>). One whose deadline has come before its turn asks for nothing.
    template <class Done>
    void device_evidence(uid_t user, const DeviceNonce &nonce, std::chrono::steady_clock::time_point deadline, Gone gone, Done done) {
        queue_.run(user, DeviceCall<Done>{*provider_->device(), nonce, deadline, std::move(gone), std::move(done)});
    }

    // done(expected<QuoteCollateral, std::string>). Waits behind no quote. A connection waits for one at a time, since its calls run one after the other.
    template <class Done>
    void collateral(uid_t user, Gone gone, Done done) {
        if (!has_collateral()) return done(std::expected<QuoteCollateral, std::string>(std::unexpected("its provider has failed")));
        if (!collateral_worker_) collateral_worker_.emplace(loop_, true);
        collateral_worker_->run(user, CollateralCall<Done>{*provider_->collateral(), std::move(gone), std::move(done)});
    }

    // Called when every call that has begun, of registers, reporter and verifier, has been answered. One that waits has asked the hardware for nothing yet.
    template <class Done>
    void when_settled(Done done) {
        queue_.run(mrd_itself, IdleCall<Done>{std::move(done)});
    }

    // Called when every call asked for before has been answered. Nobody waits for registers that are read by reports: that changes nothing.
    template <class Done>
    void when_idle(Done done) {
        queue_.run_last(IdleCall<Done>{std::move(done)});
    }

private:
    static constexpr std::chrono::seconds between_first_reports{10};
    void take_first_report();

    template <class Result, class Done>
    struct Call {
        Done done;
        Gone gone = {};
        std::optional<Result> result = {};

        [[nodiscard]] bool begin() const { return !gone || !*gone; }
        bool end() {
            done(std::move(*result));
            return true;
        }
    };
    template <class Done>
    struct ReportCall : Call<std::expected<mr::Bytes, ProviderError>, Done> {
        ReportCall(Reporter &reporter_, mr::Bytes report_data_, Gone gone_, Done done_)
            : Call<std::expected<mr::Bytes, ProviderError>, Done>{std::move(done_), std::move(gone_)},
              reporter(&reporter_),
              report_data(std::move(report_data_)) {}
        void work() { this->result = reporter->report(report_data); }
        Reporter *reporter;
        mr::Bytes report_data;
    };
    template <class Done>
    struct VerifyCall : Call<std::expected<ReportVerdict, ProviderError>, Done> {
        VerifyCall(ReportVerifier &verifier_, mr::Bytes report_, Gone gone_, Done done_)
            : Call<std::expected<ReportVerdict, ProviderError>, Done>{std::move(done_), std::move(gone_)},
              verifier(&verifier_),
              report(std::move(report_)) {}
        void work() { this->result = verifier->verify(report); }
        ReportVerifier *verifier;
        mr::Bytes report;
    };
    template <class Done>
    struct DeviceCall : Call<std::expected<DeviceEvidence, DeviceFailure>, Done> {
        DeviceCall(Device &device_, const DeviceNonce &nonce_, std::chrono::steady_clock::time_point deadline_, Gone gone_, Done done_)
            : Call<std::expected<DeviceEvidence, DeviceFailure>, Done>{std::move(done_), std::move(gone_)},
              device(&device_),
              nonce(nonce_),
              deadline(deadline_) {}
        bool begin() {
            if (!Call<std::expected<DeviceEvidence, DeviceFailure>, Done>::begin()) return false;
            if (std::chrono::steady_clock::now() < deadline) return true;
            this->done(std::unexpected(DeviceFailure{DeviceFailure::Cause::timed_out, "it was asked by others until then"}));
            return false;
        }
        void work() { this->result = device->evidence(nonce); }
        Device *device;
        DeviceNonce nonce;
        std::chrono::steady_clock::time_point deadline;
    };
    template <class Done>
    struct CollateralCall : Call<std::expected<QuoteCollateral, std::string>, Done> {
        CollateralCall(CollateralSource &source_, Gone gone_, Done done_)
            : Call<std::expected<QuoteCollateral, std::string>, Done>{std::move(done_), std::move(gone_)}, source(&source_) {}
        void work() { this->result = source->read_collateral(); }
        CollateralSource *source;
    };
    template <class Done>
    struct IdleCall {
        Done done;

        static bool begin() { return true; }
        static void work() {}
        bool end() {
            done();
            return true;
        }
    };

    boost::asio::io_context &loop_;
    std::string name_;
    std::string kind_;
    bool simulated_;
    bool unbound_;
    boost::asio::steady_timer next_first_report_;
    std::unique_ptr<Provider> provider_;  // null: it has failed, and none has come in its place
    std::optional<ProviderRegisters> registers_;
    std::optional<Quotes> quotes_;
    // Each waits at its end for the call that runs.
    std::optional<ProviderQueue> collateral_worker_;  // made at first use
    ProviderQueue queue_;
};

}  // namespace mrd
