// One provider's registers at work: the table decides, the queue brings each call's turn, the provider moves the bytes. An extend goes
// table: cache out of sync -> provider -> table -> answer, in that order.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mrd/provider_queue.h"
#include "mrd/providers/provider.h"
#include "mrd/register_table.h"

namespace mrd {

class ProviderRegisters;

// What all providers of one mrd share.
struct RegisterEvents {
    // Counts the extends since the start, of all providers.
    std::int64_t sequence = 0;
    // A register's known value has changed.
    std::function<void(ProviderRegisters &, RegisterIndex)> changed;
    // A refresh contradicted the log.
    std::function<void(ProviderRegisters &, RegisterIndex)> diverged;
};

class ProviderRegisters {
public:
    // `registers` are the provider's, as the configuration's rules leave them. Builds the table and does the opening refresh, on the calling thread. Error: a sentence that names provider or register.
    static std::expected<std::unique_ptr<ProviderRegisters>, std::string> open(boost::asio::io_context &loop,
                                                                               std::unique_ptr<Provider> provider,
                                                                               std::vector<RegisterSpec> registers, RegisterEvents &events,
                                                                               std::int64_t first_generation);

    [[nodiscard]] const RegisterTable &table() const { return table_; }
    [[nodiscard]] std::string_view name() const { return provider_->name(); }
    [[nodiscard]] bool simulated() const { return provider_->simulated(); }
    [[nodiscard]] ProviderAbilities abilities() const { return provider_->abilities(); }
    [[nodiscard]] std::size_t waiting_calls() const { return queue_.waiting(); }

    // done(expected<bool, RegisterError>): true if the hardware was reread for it. The value is then in the table, and stays there until
    // done returns. Calls done at once where the cache serves.
    template <class Done>
    void read(RegisterIndex index, bool fresh, Done done) {
        if (auto allowed = table_.may_read(index); !allowed)
            return done(std::expected<bool, RegisterError>(std::unexpected(std::move(allowed.error()))));
        const auto plan = table_.plan_read(index, fresh);
        if (plan.action == ReadPlan::Action::serve) return done(std::expected<bool, RegisterError>(false));
        readers_[plan.refresh].emplace_back(std::move(done));
        if (plan.action == ReadPlan::Action::start) queue_.run(RefreshCall{*this, table_.spec(index).refresh_set, plan.refresh});
    }

    struct Extended {
        std::int64_t sequence;
    };
    // done(expected<Extended, RegisterError>). The new value is then in the table. Precondition: may_extend() or may_measure() allowed it.
    template <class Done>
    void extend(RegisterIndex index, const mr::Digest &digest, Done done) {
        // Others extend it too: what stands before this extend has to be seen first.
        if (table_.spec(index).owner == mr::Owner::shared) queue_.run(RefreshCall{*this, table_.spec(index).refresh_set});
        queue_.run(ExtendCall<Done>{*this, index, digest, std::move(done)});
    }

    // done(expected<generation, RegisterError>). Precondition: may_write() allowed it.
    template <class Done>
    void write(RegisterIndex index, mr::Bytes value, Done done) {
        queue_.run(WriteCall<Done>{*this, index, std::move(value), std::move(done)});
    }

    // done(expected<Bytes, ProviderError>).
    template <class Done>
    void report(const mr::ReportData &report_data, Done done) {
        queue_.run(ReportCall<Done>{*provider_, report_data, std::move(done)});
    }

    // done(expected<ReportVerdict, ProviderError>).
    template <class Done>
    void verify_report(mr::Bytes report, Done done) {
        queue_.run(VerifyCall<Done>{*provider_, std::move(report), std::move(done)});
    }

    // Called when every call asked for before has been answered.
    template <class Done>
    void when_idle(Done done) {
        queue_.run(IdleCall<Done>{std::move(done)});
    }

private:
    using Reader = std::move_only_function<void(std::expected<bool, RegisterError>)>;
    template <class T>
    using ProviderResult = std::expected<T, ProviderError>;

    struct RefreshCall {
        ProviderRegisters &self;
        RefreshSet set;
        std::optional<RefreshId> id = {};  // none: no read asked for it
        std::vector<mr::Bytes> values = {};
        ProviderResult<void> result = {};

        bool begin() {
            if (id) {
                self.table_.refresh_begins(*id);
            } else {
                id = self.table_.begin_refresh(set);
            }
            values.swap(self.spare_values_);
            values.resize(self.table_.size());
            return true;
        }
        void work() { result = self.provider_->refresh(set, values); }
        void end() {
            self.end_refresh(*id, result, values);
            values.swap(self.spare_values_);
        }
    };

    template <class Done>
    struct ExtendCall {
        ProviderRegisters &self;
        RegisterIndex index;
        mr::Digest digest;
        Done done;
        ProviderResult<void> result = {};
        ProviderResult<void> reread = {};
        std::vector<mr::Bytes> values = {};

        bool begin() {
            if (auto refused = self.begin_extend(index, digest)) {
                done(std::expected<Extended, RegisterError>(std::unexpected(std::move(*refused))));
                return false;
            }
            return true;
        }
        void work() {
            result = self.provider_->extend(index, digest);
            if (result) return;
            // The extend may have happened. Nothing comes between it and the look at the register.
            values.resize(self.table_.size());
            reread = self.provider_->refresh(self.table_.spec(index).refresh_set, values);
        }
        void end() { done(self.end_extend(index, result, reread, values)); }
    };

    template <class Done>
    struct WriteCall {
        ProviderRegisters &self;
        RegisterIndex index;
        mr::Bytes value;
        Done done;
        ProviderResult<void> result = {};

        bool begin() {
            self.table_.write_begins(index);
            return true;
        }
        void work() { result = self.provider_->write(index, value); }
        void end() { done(self.end_write(index, result, value)); }
    };

    template <class Done>
    struct ReportCall {
        Provider &provider;
        mr::ReportData report_data;
        Done done;
        ProviderResult<mr::Bytes> result = {};

        static bool begin() { return true; }
        void work() { result = provider.report(report_data); }
        void end() { done(std::move(result)); }
    };

    template <class Done>
    struct VerifyCall {
        Provider &provider;
        mr::Bytes report;
        Done done;
        ProviderResult<ReportVerdict> result = {};

        static bool begin() { return true; }
        void work() { result = provider.verify_report(report); }
        void end() { done(std::move(result)); }
    };

    template <class Done>
    struct IdleCall {
        Done done;

        static bool begin() { return true; }
        static void work() {}
        void end() { done(); }
    };

    ProviderRegisters(boost::asio::io_context &loop, std::unique_ptr<Provider> provider, RegisterTable table, RegisterEvents &events);

    void end_refresh(RefreshId id, const ProviderResult<void> &result, const std::vector<mr::Bytes> &values);
    void apply_refresh(RefreshId id, const std::vector<mr::Bytes> *values);
    std::optional<RegisterError> begin_extend(RegisterIndex index, const mr::Digest &digest);
    std::expected<Extended, RegisterError> end_extend(RegisterIndex index, const ProviderResult<void> &result,
                                                      const ProviderResult<void> &reread, const std::vector<mr::Bytes> &values);
    std::expected<std::int64_t, RegisterError> end_write(RegisterIndex index, const ProviderResult<void> &result, const mr::Bytes &value);
    [[nodiscard]] RegisterError failure(const ProviderError &error, bool unchanged) const;

    std::unique_ptr<Provider> provider_;
    RegisterTable table_;
    RegisterEvents &events_;
    std::map<RefreshId, std::vector<Reader>> readers_;
    std::vector<mr::Bytes> spare_values_;  // the last refresh's memory, for the next one
    ProviderQueue queue_;                  // last: its end waits for the call that runs
};

}  // namespace mrd
