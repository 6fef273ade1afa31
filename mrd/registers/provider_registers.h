// One provider's registers at work: the table decides, the queue brings each call's turn, the provider moves the bytes. An extend goes
// table: cache out of sync -> journal: intent -> provider -> journal: what became of it -> table -> answer, in that order.
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

#include "mrd/evidence/quotes.h"
#include "mrd/journal/journal.h"
#include "mrd/kill_points.h"
#include "mrd/providers/provider.h"
#include "mrd/providers/provider_queue.h"
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
    [[nodiscard]] const std::string *last_failure(RegisterIndex index) const {
        const auto &[number, intent, sequence, failure] = journalled_[index];
        return failure && sequence <= failure->sequence ? &failure->reason : nullptr;
    }

    struct Extended {
        std::int64_t sequence;
        mr::Digest value;  // of the register after it
    };
    // done(expected<Extended, RegisterError>). Precondition: may_extend() or may_measure() allowed it.
    template <class Done>
    void extend(RegisterIndex index, const mr::Digest &digest, EventDetails details, Done done) {
        queue_.run(ExtendCall<Done>{*this, index, digest, std::move(details), std::move(done)});
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

    using ExtendResult = std::expected<Extended, RegisterError>;

    // In one round where the log says what the register holds. Otherwise the register is reread first, and where somebody else has extended it a resync that
    // says so comes between the two. All of it in one turn: nobody else of this mrd comes between.
    template <class Done>
    struct ExtendCall {
        ProviderRegisters &self;
        RegisterIndex index;
        mr::Digest digest;
        EventDetails details;
        Done done;
        std::optional<RefreshId> rereading = {};  // in its round
        bool reread_before = false;               // that round is over
        std::optional<mr::Bytes> resync = {};     // its event data, while this is the resync's round
        mr::Digest extended = {};                 // by this round
        ProviderResult<void> result = {};
        ProviderResult<void> reread_after = {};
        std::vector<mr::Bytes> values = {};

        bool begin() {
            auto answer = self.answer_without_extend(index, digest, details);
            if (!answer && !reread_before && self.table_.must_reread_to_extend(index)) {
                rereading = self.table_.begin_refresh(self.table_.spec(index).refresh_set);
                values.swap(self.spare_values_);
                values.resize(self.table_.size());
                return true;
            }
            if (!answer) {
                resync = self.resync_for(index);
                answer = self.begin_extend(index, digest, details, resync, extended);
            }
            if (!answer) return true;
            self.answer(index, std::move(*answer), std::move(done));
            return false;
        }
        void work() {
            if (rereading) {
                result = self.provider_->refresh(self.table_.spec(index).refresh_set, values);
                return;
            }
            kill_point("provider-begins");
            result = self.provider_->extend(index, extended);
            kill_point("provider-ended");
            if (result) return;
            // The extend may have happened. Nothing comes between it and the look at the register.
            values.resize(self.table_.size());
            reread_after = self.provider_->refresh(self.table_.spec(index).refresh_set, values);
        }
        bool end() {
            if (rereading) {
                auto reread = self.end_reread(index, *std::exchange(rereading, std::nullopt), result, values);
                values.swap(self.spare_values_);
                reread_before = true;
                if (reread) return false;
                self.answer(index, std::unexpected(std::move(reread.error())), std::move(done));
                return true;
            }
            auto answer = self.end_extend(index, result, reread_after, values);
            if (resync && answer) return false;
            self.answer(index, std::move(answer), std::move(done));
            return true;
        }
    };

    // Gives an extend's result to who asked, when the journal is as durable as it promises.
    template <class Done>
    void answer(RegisterIndex index, ExtendResult result, Done done) {
        if (!result) {
            note_failure(index, result.error());
            return done(std::move(result));
        }
        events_.journal.when_durable(
            [this, index, result = std::move(result), done = std::move(done)](const std::expected<void, journal::Error> &durable) mutable {
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

    void end_refresh(RefreshId id, const ProviderResult<void> &result, const std::vector<mr::Bytes> &values);
    void apply_refresh(RefreshId id, const std::vector<mr::Bytes> *values);
    // The event data of a resync, where the register's next extend needs one before it.
    [[nodiscard]] std::optional<mr::Bytes> resync_for(RegisterIndex index) const;
    // Nothing: the provider is to be asked to extend by `extended`. Otherwise the answer is there already.
    std::optional<ExtendResult> begin_extend(RegisterIndex index, const mr::Digest &digest, const EventDetails &details,
                                             const std::optional<mr::Bytes> &resync, mr::Digest &extended);
    // The answer, where the journal alone gives it: the event is in it already, or the register takes none.
    [[nodiscard]] std::optional<ExtendResult> answer_without_extend(RegisterIndex index, const mr::Digest &digest,
                                                                    const EventDetails &details) const;
    // Error: what the client is told. Nothing was extended.
    std::expected<void, RegisterError> end_reread(RegisterIndex index, RefreshId id, const ProviderResult<void> &result,
                                                  const std::vector<mr::Bytes> &values);
    [[nodiscard]] std::expected<std::optional<Extended>, RegisterError> sent_before(RegisterIndex index, const mr::Digest &digest,
                                                                                    const EventDetails &details) const;
    ExtendResult end_extend(RegisterIndex index, const ProviderResult<void> &result, const ProviderResult<void> &reread,
                            const std::vector<mr::Bytes> &values);
    static RegisterError from_journal(const journal::Error &error);
    void note_failure(RegisterIndex index, const RegisterError &error);
    std::expected<std::int64_t, RegisterError> end_write(RegisterIndex index, const ProviderResult<void> &result, const mr::Bytes &value);
    [[nodiscard]] RegisterError failure(const ProviderError &error, bool unchanged) const;

    std::unique_ptr<Provider> provider_;
    RegisterTable table_;
    RegisterEvents &events_;
    // What the journal knows of each register.
    struct Journalled {
        std::optional<journal::RegisterNumber> number;
        std::uint64_t intent = 0;    // open
        std::uint64_t sequence = 0;  // of the last extend that is settled; 0: it did not happen
        struct Failure {
            std::string reason;
            std::uint64_t sequence = 0;  // as above, when it came: over as soon as a later extend has gone through
        };
        std::optional<Failure> failure = {};
    };
    std::vector<Journalled> journalled_;
    std::map<RefreshId, std::vector<Reader>> readers_;
    std::vector<mr::Bytes> spare_values_;  // the last refresh's memory, for the next one
    std::optional<Quotes> quotes_;
    ProviderQueue queue_;  // last: its end waits for the call that runs
};

}  // namespace mrd
