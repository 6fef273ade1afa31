// One provider's registers at work: table and extension decide, the queue brings each call's turn, the provider moves the bytes, the journal keeps what was
// done. Nothing is decided here.
#pragma once

#include <algorithm>
#include <chrono>
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

#include "mrd/journal/journal.h"
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
    // A register has come, or come back, and its value is known.
    std::function<void(ProviderRegisters &, RegisterIndex)> appeared;
    // It has vanished.
    std::function<void(ProviderRegisters &, RegisterIndex)> vanished;
    // Calls `work` then, unless what it returns has gone before. Nothing: nobody's wait ends.
    std::function<std::shared_ptr<void>(std::chrono::steady_clock::time_point, std::move_only_function<void()> work)> at;
    // For a report that registers are read from (RegisterAbilities::by_report): so long whoever reads one waits. It is made all the same.
    std::chrono::milliseconds longest_wait_for_report = std::chrono::seconds(30);
};

class ProviderRegisters {
public:
    // Builds the table and does the opening refresh, on the calling thread; none of a driver that reads by reports, whose registers are read first by whoever asks. `registers` are the driver's, as the configuration's rules leave them. Error: a
    // sentence that names provider or register.
    static std::expected<RegisterTable, std::string> read_table(const Provider &provider, RegisterDriver &driver,
                                                                std::vector<RegisterSpec> registers, std::int64_t first_generation);

    // The table is as read_table() made it; the rest outlives this. No extend before join().
    ProviderRegisters(const Provider &provider, RegisterDriver &driver, ProviderQueue &queue, RegisterTable table, RegisterEvents &events);
    ProviderRegisters(const ProviderRegisters &) = delete;
    ProviderRegisters &operator=(const ProviderRegisters &) = delete;
    ~ProviderRegisters() = default;

    [[nodiscard]] const RegisterTable &table() const { return table_; }
    [[nodiscard]] std::string_view name() const { return table_.provider(); }
    [[nodiscard]] std::string_view kind() const { return kind_; }
    // As what is measured into it needs it. Precondition: it is extensible.
    [[nodiscard]] MeasuredRegister measured(RegisterIndex index) const {
        const auto &spec = table_.spec(index);
        return {kind_ + "/" + spec.name, {*spec.hash}, table_.is_log_only(index) || carries(index), carries(index)};
    }
    // Virtual registers: whatever the configuration says now, it takes no bare digest, which could say anything of them.
    [[nodiscard]] bool carries(RegisterIndex index) const {
        const auto *state = journal_state(index);
        return state != nullptr && state->carries != 0;
    }
    [[nodiscard]] bool simulated() const { return simulated_; }
    [[nodiscard]] bool unbound() const { return unbound_; }
    // A register that is not there yet may come.
    [[nodiscard]] bool more_may_come() const { return comes_and_goes_; }

    // done(expected<bool, RegisterError>): true if the hardware was reread for it. The value is then in the table, and stays there until
    // done returns. Calls done at once where the cache serves. Where the hardware has to be reread that takes the user's turn: of several users who wait for the same
    // refresh it is made in the turn that comes first.
    template <class Done>
    void read(uid_t user, RegisterIndex index, bool fresh, Done done) {
        if (auto allowed = table_.may_read(index); !allowed)
            return done(std::expected<bool, RegisterError>(std::unexpected(std::move(allowed.error()))));
        const auto plan = table_.plan_read(index, fresh);
        if (plan.action == ReadPlan::Action::serve) return done(std::expected<bool, RegisterError>(false));
        auto &refresh = readers_[plan.refresh];
        refresh.readers.emplace_back(index, std::move(done));
        if (!refresh.deadline && events_.at && driver_->abilities().by_report) {
            refresh.deadline = events_.at(std::chrono::steady_clock::now() + events_.longest_wait_for_report,
                                          [this, id = plan.refresh] { end_waiting(id); });
        }
        if (table_.has_begun(plan.refresh) || std::ranges::find(refresh.users, user) != refresh.users.end()) return;
        refresh.users.push_back(user);
        queue_.run(user, RefreshCall{*this, table_.spec(index).refresh_set, plan.refresh});
    }

    // A read that need not be fresh, if it is allowed and the cache serves it: it is counted, and the value is in the table. False: it is for read().
    bool serve_cached(RegisterIndex index) { return table_.may_read(index) && table_.serve_cached(index); }

    // ---- Registers that come and go (mrd/registers/register_presence.cpp)

    // What the provider says of them; the configuration's rules have been applied. Who waits for one that has vanished is answered RegisterGone; one that has
    // come is read, joins the journal, and is there then. Error: a sentence; the provider cannot be used.
    std::expected<void, std::string> change(const RegistersNow &now);
    // The provider has failed: none is there.
    void vanish_all();
    // After vanish_all(), when every call has been answered: another one has been opened in its place. No extend before join(). Error: a sentence.
    std::expected<void, std::string> reopen(RegisterDriver &driver, RegisterTable table);

    // ----

    // The registers that the journal keeps, as they were read last: those that are there.
    [[nodiscard]] std::vector<journal::Present> journalled() const;

    // The journal has started: takes from it what the registers must hold.
    void join();

    [[nodiscard]] bool capped(RegisterIndex index) const;

    // What the journal says of an extensible register; null for others.
    [[nodiscard]] const journal::RegisterState *journal_state(RegisterIndex index) const;

    // Why what it held when mrd came is not explained; empty: it is, or its journal does not know it.
    [[nodiscard]] std::string_view why_unexplained(RegisterIndex index) const;

    // Why its last extend failed by no fault of its caller; null where it went through.
    [[nodiscard]] const std::string *last_failure(RegisterIndex index) const;

    using Extended = Extension::Extended;
    // done(expected<Extended, RegisterError>). Where it has a let_next_begin(), that is called when the event has happened and only its answer waits, for the journal
    // to be durable. Precondition: may_extend() or may_measure() allowed it.
    template <class Done>
    void extend(RegisterIndex index, const mr::Digest &digest, EventDetails details, Done done) {
        extend(Extension(Extension::Targets{{.index = index, .digest = digest}}, std::move(details)), std::move(done));
    }
    // Of several registers at once.
    template <class Done>
    void extend(Extension extension, Done done) {
        const auto &details = extension.asked_for().details;
        const auto user = details.share.value_or(static_cast<uid_t>(details.caller->counts_for()));
        queue_.run(user, ExtendCall<Done>{*this, {std::move(extension)}, std::move(done)});
    }

    // done(expected<generation, RegisterError>). Precondition: may_write() allowed it.
    template <class Done>
    void write(uid_t user, RegisterIndex index, mr::Bytes value, Done done) {
        queue_.run(user, WriteCall<Done>{*this, index, std::move(value), std::move(done)});
    }

private:
    struct Reader {
        RegisterIndex index;
        std::move_only_function<void(std::expected<bool, RegisterError>)> done;
    };
    template <class T>
    using ProviderResult = std::expected<T, ProviderError>;

    struct RefreshCall {
        ProviderRegisters &self;
        RefreshSet set;
        RefreshId id;
        std::vector<mr::Bytes> values = {};
        ProviderResult<void> result = {};

        bool begin() {
            if (self.table_.has_begun(id)) return false;  // in another user's turn
            self.table_.refresh_begins(id);
            values.swap(self.spare_values_);
            values.resize(self.table_.size());
            return true;
        }
        void work() { result = self.driver_->refresh(set, values); }
        bool end() {
            self.end_refresh(id, result, values);
            values.swap(self.spare_values_);
            return true;
        }
    };

    // Reads registers that have come.
    struct ArrivalCall {
        ProviderRegisters &self;
        std::vector<RegisterIndex> registers;
        std::vector<std::pair<RefreshSet, RefreshId>> refreshes = {};
        std::vector<mr::Bytes> values = {};
        ProviderResult<void> result = {};

        bool begin();
        void work();
        bool end();
    };
    // As the journal has it. Precondition: it is extensible.
    [[nodiscard]] journal::Present present(RegisterIndex index) const;
    void join(std::span<const RegisterIndex> registers);
    void join(RegisterIndex index);

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
    static void ask(RegisterDriver &driver, Turn &turn);
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
        void work() { ask(*self.driver_, turn); }
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
        if constexpr (requires { done.let_next_begin(); }) {
            if (events_.journal.awaits_sync()) done.let_next_begin();
        }
        events_.journal.when_durable(
            [this, index, result = extension.answer(), done = std::move(done)](const std::expected<void, journal::Error> &durable) mutable {
                if (!durable) {
                    result = std::unexpected(from_journal(durable.error()));
                    note_failure(index, result.error());
                }
                done(std::move(result));
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
            if (auto allowed = self.table_.may_write(index, value.size()); !allowed) {
                done(std::expected<std::int64_t, RegisterError>(std::unexpected(std::move(allowed.error()))));
                return false;
            }
            self.table_.write_begins(index);
            return true;
        }
        void work() { result = self.driver_->write(index, value); }
        bool end() {
            done(self.end_write(index, result, value));
            return true;
        }
    };

    // Returns the events of extends that had failed, and which it has settled.
    std::vector<Extension::Settled> end_refresh(RefreshId id, const ProviderResult<void> &result, const std::vector<mr::Bytes> &values);
    // Who waits for the refresh waits no more; whoever asks next does.
    void end_waiting(RefreshId id);
    [[nodiscard]] std::string why_not_in_journal(std::span<const Extension::Target> targets) const;
    std::expected<std::uint64_t, journal::Error> write_intent(const Extension &extension);
    std::uint64_t settle(const Extension &extension);
    void note_failure(RegisterIndex index, const RegisterError &error);
    std::expected<std::int64_t, RegisterError> end_write(RegisterIndex index, const ProviderResult<void> &result, const mr::Bytes &value);
    [[nodiscard]] RegisterError failure(const ProviderError &error, bool unchanged) const;

    std::string kind_;
    bool simulated_;
    bool unbound_;
    bool comes_and_goes_;
    RegisterDriver *driver_;  // of the provider that was opened last
    ProviderQueue &queue_;
    RegisterTable table_;
    RegisterEvents &events_;
    struct Failure {
        std::string reason;
        std::uint64_t events = 0;  // of the register in the journal, when it came: over as soon as a later extend has gone through
    };
    std::vector<std::optional<Failure>> failures_;  // of each register's last extend
    std::vector<bool> told_there_;                  // as the provider said last: what has come is there as soon as it was read
    struct WaitingReaders {
        std::vector<Reader> readers;
        std::vector<uid_t> users;        // in whose turns it may begin
        std::shared_ptr<void> deadline;  // null: nobody waits, or without one
    };
    std::map<RefreshId, WaitingReaders> readers_;
    std::vector<mr::Bytes> spare_values_;  // the last refresh's memory, for the next one
};

}  // namespace mrd
