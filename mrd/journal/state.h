// What the journal's records add up to, without input or output: what each register must hold, which extends are open, what recovery concludes from
// a register's value. A record read at start and a record just written take the same way: apply().
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "mr/digest.h"
#include "mr/event_log.h"
#include "mrd/journal/event_ids.h"
#include "mrd/journal/firmware.h"
#include "mrd/journal/format.h"

namespace mrd::journal {

struct RegisterState {
    std::string provider;
    std::string name;  // with its provider, and never with its bank: "tdx/rtmr3"
    mr::HashAlgorithm algorithm = mr::HashAlgorithm::sha384;
    mr::Digest initial;    // at the hardware's reset
    mr::Digest start;      // when the journal began
    mr::Digest explained;  // what the logs of before mrd make of `initial`
    mr::Digest logged;     // what the register must hold now
    std::uint64_t events = 0;
    std::uint64_t resyncs = 0;
    std::uint64_t capped_by = 0;                 // the number of the event that capped it; 0: none did
    std::optional<RegisterNumber> carrier = {};  // of a virtual register, which no hardware holds
    mr::VirtualRegisterId id = {};               // of a virtual one, as all below
    std::int64_t owner = 0;                      // uid
    std::uint64_t closed_by = 0;                 // the number of its last event; 0: it takes more
    std::uint32_t carries = 0;                   // of one in hardware: so many virtual ones were made on it

    // Its first event makes it.
    [[nodiscard]] bool is_made() const { return events != 0; }

    // Somebody extended it before the journal began, and no log that was taken in says so: the gap at sequence 0.
    [[nodiscard]] bool start_is_unexplained() const { return start != explained; }
    friend bool operator==(const RegisterState &, const RegisterState &) = default;
};

struct OpenIntent {
    std::uint64_t number = 0;
    Origin origin = Origin::service;
    Targets targets;
    std::int64_t uid = 0;  // that it counts for
    std::optional<std::string> id;
    std::optional<mr::Digest> asked;  // as EventIds compares it, where that is not what extends

    // Null: it does not extend the register.
    [[nodiscard]] const Target *target(RegisterNumber reg) const {
        const auto found = std::ranges::find(targets.all(), reg, &Target::reg);
        return found == targets.end() ? nullptr : &*found;
    }
    friend bool operator==(const OpenIntent &, const OpenIntent &) = default;
};

// What events have taken of the journal.
struct Usage {
    std::uint64_t bytes = 0;
    std::uint64_t events = 0;
    friend bool operator==(const Usage &, const Usage &) = default;
};

// What an event of before mrd makes of a register that held `before`. Error: what is wrong with it: a resync that does not go on from there, or is redacted; one that
// says how its register began, which only the firmware's log may.
struct EarlierStep {
    mr::Digest value;
    bool is_resync = false;
    bool is_cap = false;
};
std::expected<EarlierStep, std::string> earlier_step(const mr::Event &event, const mr::EventDigest &digest, const mr::Digest &before);

// What an event says of itself, as its client gave it.
struct Said {
    std::uint32_t type = 0;
    std::optional<std::string_view> description = {};
    std::optional<mr::ByteView> data = {};
};
// What an event that has an id is compared by, in the algorithm of the first register that it extends, so that its id answers for all that was asked and not for the
// digest alone. Of an envelope with random bytes, which make each digest another: the digest without them. Nothing: the digest that extends says all, as that of any
// other envelope does, and where nothing else is said.
std::optional<mr::Digest> asked_digest(const Said &said, const mr::Digest &digest, mr::HashAlgorithm algorithm);

class ExtendsTogether;
inline constexpr std::string_view computed_wrongly = " is computed wrongly";  // an intent, whose number stands before it

// A value: copies go their own ways, and equal ones have seen the same.
class State {
public:
    // Takes a record that was read, and proves it: the order of records, numbers, and that each extend goes on from what the register held and is
    // computed right. Error: what is wrong with it.
    // `later`: takes extends that it will prove, so that all but that is proved here.
    std::expected<void, std::string> check_and_apply(const Record &record, ExtendsTogether *later = nullptr);

    // Takes a record that this mrd has just written. Precondition: check_and_apply() would.
    void apply(const Record &record);

    // ---- What is known

    [[nodiscard]] const std::vector<RegisterState> &registers() const { return registers_; }
    // Which one is "rtmr3" of "tdx", of this algorithm.
    [[nodiscard]] std::optional<RegisterNumber> find(std::string_view provider, std::string_view name, mr::HashAlgorithm algorithm) const;
    // The last virtual register of that name, without "virtual/": it may be closed, or not be made.
    [[nodiscard]] std::optional<RegisterNumber> find_virtual(std::string_view name) const;
    // All of them: the last one of each name, in the names' order.
    [[nodiscard]] const std::map<std::string, RegisterNumber, std::less<>> &virtual_registers() const { return virtual_; }
    // Another of its name may be made.
    [[nodiscard]] bool is_over(RegisterNumber virtual_register) const;
    // Of all of them, those too whose name another has now; by one uid, or by all.
    [[nodiscard]] std::size_t virtual_registers_of(std::int64_t uid) const;
    template <std::predicate<std::int64_t> Counts>
    [[nodiscard]] std::size_t virtual_registers_of(const Counts &counts) const {
        std::size_t all = 0;
        for (const auto &[uid, count] : virtual_of_) all += counts(uid) ? count : 0;
        return all;
    }
    [[nodiscard]] std::size_t all_virtual_registers() const { return virtual_registers_; }
    // What one more event makes of what the register must hold now.
    [[nodiscard]] mr::Digest after(RegisterNumber reg, const mr::Digest &digest) const;
    [[nodiscard]] std::uint64_t sequence() const { return sequence_; }  // of the last event in the log
    [[nodiscard]] std::uint64_t next_intent() const { return next_intent_; }
    [[nodiscard]] const std::vector<OpenIntent> &open() const { return open_; }
    [[nodiscard]] const std::string &boot_id() const { return boot_id_; }
    [[nodiscard]] bool has_firmware_log(std::string_view provider) const;
    // Only where it comes before all events of the provider's registers does it explain them.
    [[nodiscard]] bool takes_firmware_log(std::string_view provider) const;
    // The same of what others extended behind it, before mrd came.
    [[nodiscard]] bool has_earlier_log(std::string_view provider) const;
    [[nodiscard]] bool takes_earlier_log(std::string_view provider) const;
    // The first firmware's log that was taken in; null: none.
    [[nodiscard]] const FirmwareSource *firmware_log() const { return firmware_logs_.empty() ? nullptr : &firmware_logs_.front(); }
    [[nodiscard]] const EventIds &ids() const { return ids_; }
    [[nodiscard]] std::uint64_t repairs() const { return repairs_; }
    [[nodiscard]] std::uint64_t checkpoints() const { return checkpoints_; }

    // Of what a uid asked for, whatever became of it; nothing is counted of root, nor of mrd's own events. mrd/journal/space.h has the limits.
    [[nodiscard]] Usage usage_of(std::int64_t uid) const;
    [[nodiscard]] const Usage &usage_of_others() const { return usage_of_others_; }

    // ---- Recovery

    // What each register holds, by its number. Nothing: its provider is not there.
    using Held = std::vector<std::optional<mr::Digest>>;

    // What became of the open intents, in their order, by what their registers hold: v0, v1, ... vk is the chain of what a register held before and after
    // each of those that extend it. It holds some v_i: it has taken the first i. An intent is done if all its registers have taken it, undone if none has;
    // nobody can tell where one holds no value of its chain, or they differ. Of one whose registers are all unknown nothing is said. For a virtual register, which
    // nothing holds, its carrier says it.
    [[nodiscard]] std::vector<std::pair<std::uint64_t, Outcome>> conclude(const Held &held) const;

    // What each register must hold once the open intents are concluded so.
    [[nodiscard]] std::vector<mr::Digest> logged_after(const Held &held) const;

    friend bool operator==(const State &, const State &) = default;

private:
    std::expected<void, std::string> check(const Boot &record);
    [[nodiscard]] std::expected<void, std::string> check(const Repair &record) const;
    std::expected<void, std::string> check(const Register &record);
    [[nodiscard]] std::expected<void, std::string> check(const FirmwareLog &record) const;
    [[nodiscard]] std::expected<void, std::string> check(const EarlierLog &record) const;
    [[nodiscard]] std::expected<void, std::string> check(const Intent &record, ExtendsTogether *later) const;
    [[nodiscard]] std::expected<void, std::string> check(const Settled &record) const;
    [[nodiscard]] std::expected<void, std::string> check(const Checkpoint &record) const;

    void take(const Boot &record);
    void take(const Repair &record);
    void take(const Register &record);
    void take(const FirmwareLog &record);
    void begin_at_locality(std::string_view pcr0, std::uint8_t locality, const mr::Replay &replay);
    void take(const EarlierLog &record);
    void take(const Intent &record);
    void take(const Settled &record);
    void take(const Checkpoint &record);
    void take_event(OpenIntent &intent, std::uint64_t sequence);
    void add(RegisterState reg, std::string_view name);

    friend void append_state(mr::Bytes &out, const State &state);
    friend std::expected<State, std::string> read_state(mr::ByteView bytes);

    struct Explained {
        std::vector<RegisterState> registers;
        std::uint64_t sequence = 0;
    };
    // What an EarlierLog makes of all registers, and its last event's number.
    [[nodiscard]] std::expected<Explained, std::string> explained_by(const EarlierLog &record) const;
    // What the register holds once every open intent is done.
    [[nodiscard]] const mr::Digest &end_of_chain(RegisterNumber reg) const;
    [[nodiscard]] std::expected<void, std::string> check_together(const Intent &record) const;
    [[nodiscard]] std::expected<void, std::string> check_claims(const Intent &record) const;

    std::vector<RegisterState> registers_;
    std::map<std::tuple<std::string, std::string, mr::HashAlgorithm>, RegisterNumber, std::less<>> numbers_;
    std::map<std::string, RegisterNumber, std::less<>> virtual_;  // by name
    std::map<std::int64_t, std::size_t> virtual_of_;              // how many, by owner
    std::size_t virtual_registers_ = 0;
    std::vector<OpenIntent> open_;
    std::string boot_id_;
    std::vector<FirmwareSource> firmware_logs_;
    std::vector<std::string> earlier_logs_;  // the providers of which one was taken in
    EventIds ids_;
    std::uint64_t sequence_ = 0;
    std::uint64_t next_intent_ = 1;
    std::uint64_t repairs_ = 0;
    std::uint64_t checkpoints_ = 0;
    std::map<std::int64_t, Usage> usage_;  // bounded by the number of events that all these uids may have
    Usage usage_of_others_;
};

}  // namespace mrd::journal
