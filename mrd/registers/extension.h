// One extend, measure or cap: one event over all registers that take it (the banks of a register; a virtual register and the banks of its carrier), as a machine
// without input and output. Told what has happened, it says what is to be done next; mrd/registers/provider_registers.h does it, and a test steps it through
// every error at every step.
//
//     its turn -> reread what others may have extended -> resync what holds something else than the log says -> the event -> answer
//     a resync, the event: log the intent -> extend -> settle; or where the extend fails: reread, and the registers say themselves what happened
//
// All of it is one turn of the provider's queue: nobody else of this mrd comes between. A value: copies go their own ways.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <vector>

#include "mr/digest.h"
#include "mrd/journal/errors.h"
#include "mrd/journal/state.h"
#include "mrd/providers/provider.h"
#include "mrd/registers/errors.h"
#include "mrd/registers/measurement.h"
#include "mrd/registers/register_table.h"

namespace mrd {

class Extension {
public:
    struct Target {
        RegisterIndex index = 0;
        mr::Digest digest = {};  // that extends it
        mr::Digest before = {};  // its values, from Action::log on
        mr::Digest after = {};
    };
    using Targets = PerBank<Target>;

    struct Extended {
        std::int64_t sequence = 0;
        mr::Digest
            digest;  // that extended it; of an event that was sent before that one's, which random bytes may make another than what is sent again
        mr::Digest value;          // after it: of the virtual register, or else of the first target
        bool is_repeated = false;  // it was sent before under its id: nothing was extended now
        // The same event, whoever of two callers made it.
        friend bool operator==(const Extended &one, const Extended &other) {
            return std::tie(one.sequence, one.digest, one.value) == std::tie(other.sequence, other.digest, other.value);
        }
    };
    using Answer = std::expected<Extended, RegisterError>;

    // What it decides by. The table is told by the machine what begins and ends, but for refreshes, which whoever makes them tells it.
    struct Known {
        RegisterTable &table;
        const journal::State &journal;
        std::string_view kind;  // of the provider
    };

    enum class Action : std::uint8_t {
        reread,  // refresh_set(): then reread_ended()
        log,     // the intent of event(): then intent_ended()
        extend,  // the registers of event(), one after the other or at once, until one fails: then extend_ended()
        settle,  // intent() is done: then settle_ended()
        answer,  // answer(): it is over
    };

    // Precondition: at least one target, each of another register, and the table allows them all. `carried`: the virtual register that the event is of, by its
    // number and with the digest that extends it; nobody but the journal holds it. The targets are its carrier's banks then.
    Extension(Targets targets, EventDetails details, std::optional<journal::Target> carried = {})
        : targets_(std::move(targets)), details_(std::move(details)), carried_(carried) {}

    // ---- What has happened. Each returns what is to be done next.

    // Its turn has come. `reason`: why the journal does not know one of its registers.
    Action begin(Known known, std::string_view reason = {});

    // The set was reread, and the table told. `settled`: what became of extends that had failed, with the events' numbers in the log.
    struct Settled {
        std::uint64_t intent = 0;
        journal::Outcome outcome = journal::Outcome::undone;
        std::uint64_t sequence = 0;
    };
    Action reread_ended(Known known, const std::expected<void, ProviderError> &result, std::span<const Settled> settled);

    Action intent_ended(Known known, const std::expected<std::uint64_t, journal::Error> &intent);
    Action extend_ended(Known known, const std::expected<void, ProviderError> &result);
    Action settle_ended(Known known, std::uint64_t sequence);

    // ---- What is to be done

    [[nodiscard]] RefreshSet refresh_set() const { return to_reread_.back(); }

    struct Event {
        std::span<const Target> targets;
        const EventDetails &details;
        const journal::Target *carried;  // null: no virtual register
    };
    // A resync that comes first, or what was asked for.
    [[nodiscard]] Event event() const { return resync_ ? Event{{&resync_->target, 1}, resync_->details, nullptr} : asked_for(); }
    [[nodiscard]] Event asked_for() const { return {targets_.all(), details_, carried_ ? &*carried_ : nullptr}; }
    [[nodiscard]] bool resyncs() const { return resync_.has_value(); }
    [[nodiscard]] std::uint64_t intent() const { return intent_; }

    [[nodiscard]] const Answer &answer() const { return *answer_; }

private:
    friend struct Explored;  // tests/explore/fingerprint.h

    [[nodiscard]] std::optional<Answer> answer_without_extend(Known known, std::string_view reason) const;
    [[nodiscard]] bool is_same(const journal::State &state, const journal::EventIds::First &first,
                               const PerBank<journal::Target> &targets) const;
    void reread_set_of(Known known, const Target &target);
    [[nodiscard]] RegisterError not_reread(Known known, RefreshSet set, const ProviderError &error) const;
    Action begin_event(Known known);
    Action end_event(Known known, std::uint64_t sequence);
    Action finish(Answer answer);
    std::span<Target> event_targets() { return resync_ ? std::span(&resync_->target, 1) : targets_.all(); }

    struct Resync {
        Target target;
        EventDetails details;
    };

    Targets targets_;
    EventDetails details_;
    std::optional<journal::Target> carried_;
    std::vector<RefreshSet> to_reread_;
    std::optional<Resync> resync_;
    std::uint64_t intent_ = 0;
    std::optional<ProviderError> failed_;  // the extend of event()
    std::optional<Settled> became_;        // of it
    std::optional<Answer> answer_;
};

// The registers that it extends, as the journal has them. Precondition: it knows them.
PerBank<journal::Target> in_journal(const RegisterTable &table, const Extension::Event &event);

}  // namespace mrd
