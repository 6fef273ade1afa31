// One provider's registers at work: table and extension decide, the queue brings each call's turn, the provider moves the bytes, the journal keeps what was
// done. Nothing is decided here.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mrd/evidence/quotes.h"
#include "mrd/journal/journal.h"
#include "mrd/kill_points.h"
#include "mrd/providers/provider.h"
#include "mrd/providers/provider_queue.h"
#include "mrd/registers/extension.h"
#include "mrd/registers/measurement.h"
#include "mrd/registers/register_table.h"

namespace mrd {

class ProviderRegisters;

// What all providers of one mrd share.
struct RegisterEvents {
    explicit RegisterEvents(journal::Journal &journal_) : journal(journal_) {}

    journal::Journal &journal;
    // A register's known value has changed.
    std::function<void(ProviderRegisters &, RegisterIndex)> changed;
    // A refresh contradicted the log.
    std::function<void(ProviderRegisters &, RegisterIndex)> diverged;
};

class ProviderRegisters {
public:
    // `registers` are the provider's, as the configuration's rules leave them. Builds the table and does the opening refresh, on the calling thread. No extend before join(). Error: a sentence that names provider or register.
    static std::expected<std::unique_ptr<ProviderRegisters>, std::string> open(boost::asio::io_context &loop,
                                                                               std::unique_ptr<Provider> provider,
                                                                               std::vector<RegisterSpec> registers, RegisterEvents &events,
                                                                               std::int64_t first_generation);

    [[nodiscard]] const RegisterTable &table() const { return table_; }
    [[nodiscard]] std::string_view name() const { return provider_->name(); }
    [[nodiscard]] std::string_view kind() const { return provider_->kind(); }
    // As what is measured into it needs it. Precondition: it is extensible.
    [[nodiscard]] MeasuredRegister measured(RegisterIndex index) const {
        const auto &spec = table_.spec(index);
        return {std::string(provider_->kind()) + "/" + spec.name, {*spec.hash}, table_.is_log_only(index)};
    }
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

    // The registers that the journal keeps, as they were read last.
    [[nodiscard]] std::vector<journal::Present> journalled() const;

    // The journal has started: takes from it what the registers must hold.
    void join();

    [[nodiscard]] bool capped(RegisterIndex index) const;

    // What the journal says of an extensible register; null for others.
    [[nodiscard]] const journal::RegisterState *journal_state(RegisterIndex index) const;

    // Why its last extend failed by no fault of its caller; null where it went through.
    [[nodiscard]] const std::string *last_failure(RegisterIndex index) const;

    using Extended = Extension::Extended;
    // done(expected<Extended, RegisterError>). Precondition: may_extend() or may_measure() allowed it.
    template <class Done>
    void extend(RegisterIndex index, const mr::Digest &digest, EventDetails details, Done done) {
        extend(Extension(Extension::Targets{{.index = index, .digest = digest}}, std::move(details)), std::move(done));
    }
    // Of several registers at once.
    template <class Done>
    void extend(Extension extension, Done done) {
        queue_.run(ExtendCall<Done>{*this, {std::move(extension)}, std::move(done)});
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

    // Null: the provider makes none. Not part of the queue: a quote delays no register, and when_idle() does not wait for it.
    [[nodiscard]] Quotes *quotes() { return quotes_ ? &*quotes_ : nullptr; }
    [[nodiscard]] const Quotes *quotes() const { return quotes_ ? &*quotes_ : nullptr; }

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
        RefreshId id;
        std::vector<mr::Bytes> values = {};
        ProviderResult<void> result = {};

        bool begin() {
            self.table_.refresh_begins(id);
            values.swap(self.spare_values_);
            values.resize(self.table_.size());
            return true;
        }
        void work() { result = self.provider_->refresh(set, values); }
        bool end() {
            self.end_refresh(id, result, values);
            values.swap(self.spare_values_);
            return true;
        }
    };

    // One extend's turn: what the machine asks for is done, and told to it.
    struct Turn {
        Extension extension;
        std::optional<Extension::Action> action = {};  // to be done next; nothing: the turn has not come
        RefreshId refresh = 0;                         // while it is reread
        ProviderResult<void> result = {};
        std::vector<mr::Bytes> values = {};
    };
    // Goes on until the provider is to be asked. False: it is answered.
    bool go_on(Turn &turn);
    static void ask(Provider &provider, Turn &turn);
    void take_result(Turn &turn);

    template <class Done>
    struct ExtendCall {
        ProviderRegisters &self;
        Turn turn;
        Done done;

        bool begin() {
            if (self.go_on(turn)) return true;
            self.answer(turn.extension, std::move(done));
            return false;
        }
        void work() { ask(*self.provider_, turn); }
        bool end() {
            self.take_result(turn);
            return false;
        }
    };

    // Gives an extend's result to who asked, when the journal is as durable as it promises.
    template <class Done>
    void answer(const Extension &extension, Done done) {
        const auto index = extension.asked_for().targets.front().index;
        if (!extension.answer()) {
            note_failure(index, extension.answer().error());
            return done(extension.answer());
        }
        events_.journal.when_durable(
            [this, index, result = extension.answer(), done = std::move(done)](const std::expected<void, journal::Error> &durable) mutable {
                kill_point("reply-ready");
                if (!durable) {
                    result = std::unexpected(from_journal(durable.error()));
                    note_failure(index, result.error());
                }
                done(std::move(result));
                kill_point("reply-given");
            });
    }

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
        bool end() {
            done(self.end_write(index, result, value));
            return true;
        }
    };

    template <class Done>
    struct ReportCall {
        Provider &provider;
        mr::ReportData report_data;
        Done done;
        ProviderResult<mr::Bytes> result = {};

        static bool begin() { return true; }
        void work() { result = provider.report(report_data); }
        bool end() {
            done(std::move(result));
            return true;
        }
    };

    template <class Done>
    struct VerifyCall {
        Provider &provider;
        mr::Bytes report;
        Done done;
        ProviderResult<ReportVerdict> result = {};

        static bool begin() { return true; }
        void work() { result = provider.verify_report(report); }
        bool end() {
            done(std::move(result));
            return true;
        }
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

    ProviderRegisters(boost::asio::io_context &loop, std::unique_ptr<Provider> provider, RegisterTable table, RegisterEvents &events);

    // Returns the events of extends that had failed, and which it has settled.
    std::vector<Extension::Settled> end_refresh(RefreshId id, const ProviderResult<void> &result, const std::vector<mr::Bytes> &values);
    [[nodiscard]] std::string why_not_in_journal(std::span<const Extension::Target> targets) const;
    std::expected<std::uint64_t, journal::Error> write_intent(const Extension &extension);
    std::uint64_t settle(const Extension &extension);
    void note_failure(RegisterIndex index, const RegisterError &error);
    std::expected<std::int64_t, RegisterError> end_write(RegisterIndex index, const ProviderResult<void> &result, const mr::Bytes &value);
    [[nodiscard]] RegisterError failure(const ProviderError &error, bool unchanged) const;

    std::unique_ptr<Provider> provider_;
    RegisterTable table_;
    RegisterEvents &events_;
    struct Failure {
        std::string reason;
        std::uint64_t events = 0;  // of the register in the journal, when it came: over as soon as a later extend has gone through
    };
    std::vector<std::optional<Failure>> failures_;  // of each register's last extend
    std::map<RefreshId, std::vector<Reader>> readers_;
    std::vector<mr::Bytes> spare_values_;  // the last refresh's memory, for the next one
    std::optional<Quotes> quotes_;
    ProviderQueue queue_;  // last: its end waits for the call that runs
};

}  // namespace mrd
