// The register table: the rules of one provider's registers, without input or output. It decides what may be done with a register, whether a
// value can be served, and when the hardware must be reread; mrd/registers/provider_registers.h does it.
//
// The rules are those of Linux's tsm-mr as this project's design refines them: docs/registers.md states them, and each has a test of its
// name in tests/registers/register_table_test.cpp.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mr/digest.h"
#include "mr/registers.h"
#include "mrd/journal/state.h"
#include "mrd/providers/provider.h"
#include "mrd/registers/errors.h"

namespace mrd {

using RefreshId = std::uint64_t;

// What a read has to do.
struct ReadPlan {
    enum class Action : std::uint8_t {
        serve,  // reading() now
        join,   // wait for that refresh, which is asked for already
        start,  // ask for that refresh, and wait for it
    };
    Action action = Action::serve;
    RefreshId refresh = 0;
};

// Somebody else extended the register: the log explains `expected`, the hardware holds `found`.
struct Divergence {
    mr::Digest expected;
    mr::Digest found;
};

// What a refresh told.
struct Refreshed {
    std::vector<RegisterIndex> changed;  // their known value is another one
    std::vector<RegisterIndex> first;  // they had none before: of a driver that reads by reports; now it is known which hash they are, too
    std::vector<RegisterIndex> diverged;  // they hold what the log does not explain, and it is not what they held when that was last seen
    // Extends that had failed, and what became of each: done if all of its registers have taken it, undone if none has, otherwise indeterminate.
    struct Settled {
        std::uint64_t intent = 0;
        journal::Outcome outcome = journal::Outcome::undone;
        friend bool operator==(const Settled &, const Settled &) = default;
    };
    std::vector<Settled> settled;
};

// A value: copies go their own ways.
class RegisterTable {
public:
    // Error: the register's name and the reason.
    static std::expected<RegisterTable, std::string> build(std::string_view provider, std::vector<RegisterSpec> registers,
                                                           RegisterAbilities abilities, std::int64_t first_generation);

    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] const RegisterSpec &spec(RegisterIndex index) const { return entries_[index].spec; }
    [[nodiscard]] std::size_t refresh_sets() const { return sets_.size(); }

    [[nodiscard]] const std::string &provider() const { return provider_; }

    // "tdx/rtmr3"; with the hash where the provider has several banks of that name.
    [[nodiscard]] const std::string &name(RegisterIndex index) const { return entries_[index].name; }

    // Every register that "rtmr3" or "rtmr3:sha384" (no provider) can mean.
    [[nodiscard]] std::vector<RegisterIndex> find(std::string_view name) const;

    // ---- Registers that come and go. A place is never another register's.

    // Of one that has vanished nothing is allowed, nothing is compared, and what is not settled waits until it is there again.
    [[nodiscard]] bool is_there(RegisterIndex index) const { return entries_[index].is_there; }
    // One more, that is not there yet. Error: the register's name and the reason.
    std::expected<void, std::string> add(RegisterSpec spec);
    // One that has vanished may come again with another size, unless it is extensible, whose hash says it. Precondition: it is not there.
    void resize(RegisterIndex index, std::size_t size);
    void vanish(RegisterIndex index) { entries_[index].is_there = false; }
    // Precondition: a refresh of its set that has read it ends next.
    void appear(RegisterIndex index) { entries_[index].is_there = true; }
    // The place in the list is that of this register.
    [[nodiscard]] bool is_place_of(RegisterIndex index, const RegisterSpec &spec) const;
    // This one is of the provider that was opened in the place of `before`'s: counts on from there, and has all of its registers, though they need not be
    // there. Error: the name of one that has lost its place.
    std::expected<void, std::string> follow(const RegisterTable &before);

    // ---- What the flags and the owner allow. RegisterGone is an error of each.

    // Extended only through the log, by envelopes that mrd builds.
    [[nodiscard]] bool is_log_only(RegisterIndex index) const {
        const auto &flags = entries_[index].spec.flags;
        return flags.has(mr::Flag::extensible) && !flags.has(mr::Flag::writable);
    }

    [[nodiscard]] std::expected<void, RegisterError> may_read(RegisterIndex index) const;
    [[nodiscard]] std::expected<void, RegisterError> may_extend(RegisterIndex index, std::size_t digest_size) const;
    [[nodiscard]] std::expected<void, RegisterError> may_measure(RegisterIndex index) const;
    [[nodiscard]] std::expected<void, RegisterError> may_write(RegisterIndex index, std::size_t size) const;

    // ---- Reading. Counts the read.

    // A register that others extend too, or a live value over one, as report0 is: the cache never serves it.
    [[nodiscard]] bool always_rereads(RegisterIndex index) const;

    // Why nobody gets a fresh read of it: what others have extended it would not show. Empty: he does, or it does not change.
    [[nodiscard]] std::string_view why_not_fresh(RegisterIndex index) const;

    // Only a refresh tells what it holds: it is live, or was not read yet, or a write of it failed.
    [[nodiscard]] bool can_change(RegisterIndex index) const {
        return entries_[index].spec.flags.has(mr::Flag::live) || entries_[index].uncertain;
    }

    // Who asks for all that there is does not wait for it: its first report is still to come (RegisterAbilities::by_report).
    [[nodiscard]] bool awaits_first_value(RegisterIndex index) const { return abilities_.by_report && !entries_[index].was_read; }

    ReadPlan plan_read(RegisterIndex index, bool fresh);
    // A read that need not be fresh, if the cache serves it; false, and nothing is counted: it has to be planned.
    bool serve_cached(RegisterIndex index);
    // Of a refresh that was asked for: it has begun, and may be over.
    [[nodiscard]] bool has_begun(RefreshId id) const;

    // The last known value. For an answer: only if the plan was serve, or its refresh has ended well.
    [[nodiscard]] mr::ByteView value(RegisterIndex index) const { return entries_[index].value; }
    [[nodiscard]] std::string_view hex(RegisterIndex index) const;

    // Of the report data that the register holds, or that its report is over.
    [[nodiscard]] std::optional<std::int64_t> generation(RegisterIndex index) const;

    // Error: GenerationMismatch. Precondition: the register carries a generation.
    [[nodiscard]] std::expected<void, RegisterError> check_generation(RegisterIndex index, std::int64_t wanted) const;

    // ---- Refreshing: asked for, begun, ended

    // One that no read asked for (when the provider is opened, around an extend) begins at once.
    RefreshId begin_refresh(RefreshSet set);

    // From now on later fresh reads, and reads after a write that ends from now on, need another one.
    void refresh_begins(RefreshId id);

    // `values` as Provider::refresh() gave them, null if it failed.
    Refreshed refresh_ends(RefreshId id, const std::vector<mr::Bytes> *values);

    [[nodiscard]] bool in_sync(RefreshSet set) const { return sets_[set].in_sync; }

    // ---- Writing and extending. Each begins before the provider is called and ends after, whether it went well or not.

    struct Values {
        mr::Digest before;
        mr::Digest after;
    };
    // The values are computed: from the log, or from what was found where a resync is to say so.
    // Error: Indeterminate.
    std::expected<Values, RegisterError> extend_begins(RegisterIndex index, const mr::Digest &digest);
    // Nobody was asked after all.
    void extend_cancelled(RegisterIndex index);
    void extend_succeeded(RegisterIndex index);
    // One event's extend of these registers, which have all begun. It may have happened all the same: until refreshes tell, further ones are refused.
    void extend_failed(std::span<const RegisterIndex> registers, std::uint64_t intent);

    // Counts a new generation where the register carries one, also for a value that is the same, and for a write that then fails:
    // nobody may take the report over other data for his own.
    void write_begins(RegisterIndex index);
    void write_succeeded(RegisterIndex index, mr::ByteView value);
    void write_failed(RegisterIndex index);

    // ---- What is known

    // What the log says the register must hold; nothing for registers that mrd does not extend. Until set_logged() it is what the first refresh found.
    [[nodiscard]] const std::optional<mr::Digest> &logged(RegisterIndex index) const { return entries_[index].logged; }
    // What the journal calls it. Nothing: it does not know it.
    [[nodiscard]] std::optional<journal::RegisterNumber> number(RegisterIndex index) const { return entries_[index].number; }
    void set_number(RegisterIndex index, std::optional<journal::RegisterNumber> number) { entries_[index].number = number; }
    // What the journal says at start: compares it with what the register holds.
    void set_logged(RegisterIndex index, const mr::Digest &value);
    // The journal does not know the register: nothing is compared.
    void forget_logged(RegisterIndex index);
    // The register holds something else than the log explains: the next extend needs a resync before it. What it holds is value().
    [[nodiscard]] bool needs_resync(RegisterIndex index) const;
    // That is because software has put it back to its start, as it may with some (RegisterSpec::resettable).
    [[nodiscard]] bool was_reset(RegisterIndex index) const;
    // Its next extend cannot go on from what is known of it: others extend it too, or have done so, or a failed extend is not settled. A refresh in the
    // extend's own turn comes first.
    [[nodiscard]] bool must_reread_to_extend(RegisterIndex index) const;
    // Present while the last refresh contradicts the log.
    [[nodiscard]] const std::optional<Divergence> &divergence(RegisterIndex index) const { return entries_[index].divergence; }
    // How often one was found.
    [[nodiscard]] std::int64_t divergences(RegisterIndex index) const { return entries_[index].divergences; }
    // An extend of it failed, and no refresh has told yet what became of it.
    [[nodiscard]] bool indeterminate(RegisterIndex index) const;

    struct Counters {
        std::int64_t reads = 0;
        std::int64_t cached_reads = 0;
        std::int64_t refreshes = 0;
        std::int64_t writes = 0;
    };
    [[nodiscard]] const Counters &counters() const { return counters_; }

private:
    friend struct Explored;  // tests/explore/fingerprint.h

    struct Entry {
        RegisterSpec spec;
        std::string name;
        mr::Bytes value;
        mutable std::string hex;  // of value; empty: not made yet
        std::optional<journal::RegisterNumber> number;
        std::optional<mr::Digest> logged;
        std::optional<Values> extending;  // begun, not ended
        std::optional<Divergence> divergence;
        std::int64_t divergences = 0;
        std::uint64_t last_write = 0;  // number of the last write that began
        bool writing = false;
        bool is_logged = false;  // mrd extends it, and the journal knows it
        bool is_there = false;
        bool was_read = false;        // by a refresh
        bool uncertain = false;       // not read yet, or a write failed and may have happened: the next read rereads it
        std::int64_t generation = 0;  // of the report data in, or under, the value
    };
    struct Running {
        RefreshId id = 0;
        std::uint64_t writes_begun = 0;
        std::uint64_t writes_ended = 0;
        std::int64_t generation = 0;
    };
    struct Set {
        bool in_sync = false;
        bool others_extend = false;        // a live register of it is not ours alone
        std::optional<RefreshId> waiting;  // asked for, not begun
        std::vector<Running> running;
    };

    // An extend that failed, and of which is not known yet what became.
    struct Failed {
        struct Target {
            RegisterIndex index = 0;
            Values values;
            std::optional<journal::Outcome> outcome = {};  // as the register itself says
        };
        std::uint64_t intent = 0;
        std::vector<Target> targets;
    };

    RegisterTable() = default;

    [[nodiscard]] bool is_cached(RegisterIndex index, bool fresh) const;
    void name_banks(std::string_view register_name);
    RefreshId new_refresh(RefreshSet set);
    void set_value(Entry &entry, mr::ByteView value);
    static bool learn_hash(RegisterSpec &spec, std::size_t size);
    void begin_write(Entry &entry);
    void end_write(Entry &entry);
    void look_at_failed(RegisterIndex index);
    std::vector<RegisterIndex> settle_failed(Refreshed &refreshed);
    bool compare(RegisterIndex index);

    std::string provider_;
    std::vector<Entry> entries_;
    std::vector<Set> sets_;
    std::map<RefreshId, RefreshSet> asked_;
    std::shared_ptr<std::map<mr::HashAlgorithm, mr::Hasher>> hashers_;  // copies share them: they keep nothing between two calls
    RefreshId last_refresh_ = 0;
    std::uint64_t writes_begun_ = 0;
    std::uint64_t writes_ended_ = 0;
    std::int64_t generation_ = 0;
    std::vector<Failed> failed_;
    RegisterAbilities abilities_;
    Counters counters_;
};

}  // namespace mrd
