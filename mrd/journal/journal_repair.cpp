// A damaged journal's repair, which begins it anew with what can still be read of it.
#include <algorithm>
#include <map>
#include <utility>

#include "mr/envelope.h"
#include "mrd/journal/checkpoint.h"
#include "mrd/journal/journal.h"
#include "mrd/journal/proof.h"
#include "mrd/journal/record_reader.h"
#include "mrd/log.h"

namespace mrd::journal {

namespace {

using Failure = std::unexpected<std::string>;
namespace fs = std::filesystem;

// The registers that are capped, and the virtual ones that are closed, whoever says so: the state that was believed, and records that can still be read behind the
// damage. A cap whose end is lost counts: better none is lifted by damage. Which register a cap is of its envelope says: a number says nothing where the record of a
// register is lost. So it is with a close, whose envelope names the register's id.
class CapsFound {
public:
    explicit CapsFound(const State &state) { add(state.registers()); }

    void read(AppendFile &file, std::uint64_t damage, std::uint64_t end) {
        RecordReader reader(file, damage, end);
        for (;;) {
            const auto found = reader.next();
            if (!found) return;
            if (*found) {
                if (const auto record = decode_record((*found)->head, (*found)->bytes)) take(*record);
                continue;
            }
            if (const auto more = reader.skip_damage(); !more || !*more) break;
        }
        for (const auto &[number, said] : open_) said_.push_back(said);
    }

    // One that stands before the damage, which may have taken its end: it counts unless the register itself says that it has not happened.
    void read_open(const State &state, const State::Held &held) {
        const auto outcomes = state.conclude(held);
        for (const auto &open : state.open()) {
            const auto outcome = std::ranges::find(outcomes, open.number, &std::pair<std::uint64_t, Outcome>::first);
            const bool ends = open.origin == Origin::cap || open.origin == Origin::close;
            if (!ends || (outcome != outcomes.end() && outcome->second == Outcome::undone)) continue;
            for (const auto &target : open.targets) {
                const auto &reg = state.registers()[target.reg];
                if (open.origin == Origin::cap) known_.emplace(std::pair(reg.name, reg.algorithm), 1);
                if (open.origin == Origin::close && reg.carrier) closed_.emplace(reg.id, 1);
            }
        }
    }

    // By the numbers that the registers have in another journal.
    [[nodiscard]] std::vector<Cap> of(const State &state) const {
        std::vector<Cap> caps;
        for (std::size_t number = 0; number < state.registers().size(); ++number) {
            const auto &reg = state.registers()[number];
            if (reg.carrier) {
                if (const auto event = closed_by(reg, static_cast<RegisterNumber>(number)); event != 0)
                    caps.push_back({static_cast<RegisterNumber>(number), event});
                continue;
            }
            const auto known = known_.find({reg.name, reg.algorithm});
            const auto said = std::ranges::find_if(said_, [&reg](const Said &one) { return one.is_of(reg); });
            const auto repaired = repaired_.find(static_cast<RegisterNumber>(number));
            const auto event = known != known_.end()         ? known->second
                               : said != said_.end()         ? said->event
                               : repaired != repaired_.end() ? repaired->second
                                                             : 0;
            if (event != 0) caps.push_back({static_cast<RegisterNumber>(number), event});
        }
        return caps;
    }

private:
    [[nodiscard]] std::uint64_t closed_by(const RegisterState &reg, RegisterNumber number) const {
        const auto known = closed_.find(reg.id);
        if (known != closed_.end()) return known->second;
        const auto said = std::ranges::find_if(said_, [&reg](const Said &one) { return one.id == reg.id; });
        if (said != said_.end()) return said->event;
        const auto repaired = repaired_.find(number);
        return repaired == repaired_.end() ? 0 : repaired->second;
    }

    // What a cap's record, or a close's, says of itself.
    struct Said {
        std::string name = {};  // of the register, without its provider, which the configuration may call otherwise
        Targets targets = {};
        std::uint64_t event = 1;
        std::optional<mr::VirtualRegisterId> id = {};  // of a close, in the place of these

        [[nodiscard]] bool is_of(const RegisterState &reg) const {
            if (id) return false;
            const auto has_its_size = [&reg](const Target &target) { return target.digest.size() == mr::digest_size(reg.algorithm); };
            return std::string_view(reg.name).substr(reg.provider.size() + 1) == name && std::ranges::any_of(targets, has_its_size);
        }
    };

    void take(const Record &record) {
        if (const auto *checkpoint = std::get_if<Checkpoint>(&record)) {
            const auto state = read_state(checkpoint->state);
            if (!state) return;
            add(state->registers());
            for (const auto &open : state->open()) {
                const auto &reg = state->registers()[open.targets.front().reg];
                if (open.origin == Origin::cap)
                    open_.insert_or_assign(open.number, Said{reg.name.substr(reg.provider.size() + 1), open.targets});
                if (open.origin == Origin::close && reg.carrier) open_.insert_or_assign(open.number, Said{.id = reg.id});
            }
        } else if (const auto *repair = std::get_if<Repair>(&record)) {
            for (const auto &cap : repair->caps) repaired_.insert_or_assign(cap.reg, cap.event);
        } else if (const auto *intent = std::get_if<Intent>(&record)) {
            if ((intent->origin != Origin::cap && intent->origin != Origin::close) || !intent->data) return;
            const auto envelope = mr::decode_envelope(*intent->data);
            if (!envelope) return;
            if (intent->origin == Origin::close) {
                if (envelope->header.id) open_.insert_or_assign(intent->number, Said{.id = envelope->header.id});
                return;
            }
            const auto &name = envelope->header.register_name;
            open_.insert_or_assign(intent->number, Said{name.substr(name.find('/') + 1), intent->targets});
        } else if (const auto *settled = std::get_if<Settled>(&record)) {
            auto said = open_.extract(settled->number);
            if (said.empty() || settled->outcome != Outcome::done) return;
            said.mapped().event = settled->sequence;
            said_.push_back(std::move(said.mapped()));
        }
    }
    void add(const std::vector<RegisterState> &registers) {
        for (const auto &reg : registers) {
            if (reg.capped_by != 0) known_.emplace(std::pair(reg.name, reg.algorithm), reg.capped_by);
            if (reg.closed_by != 0) closed_.emplace(reg.id, reg.closed_by);
        }
    }

    std::map<std::uint64_t, Said> open_;  // by their intents' numbers
    std::vector<Said> said_;
    std::map<RegisterNumber, std::uint64_t>
        repaired_;  // by an earlier repair, which has nothing but numbers: those of the order in which the providers list them
    std::map<std::pair<std::string, mr::HashAlgorithm>, std::uint64_t> known_;  // by which event
    std::map<mr::VirtualRegisterId, std::uint64_t> closed_;                     // by which event
};

}  // namespace

std::expected<fs::path, std::string> Journal::repair(const std::vector<Present> &registers) {
    look();
    if (condition_ != Condition::damaged) return Failure("the journal is not damaged: there is nothing to repair");
    is_repairing_ = true;
    auto repaired = begin_repaired(registers);
    is_repairing_ = false;
    if (repaired) tell_condition();
    return repaired;
}

std::expected<fs::path, std::string> Journal::begin_repaired(const std::vector<Present> &registers) {
    const auto old_end = end_;
    const auto old_reason = reason_;
    const auto old_synced = synced_;
    const auto old_name_is_durable = name_is_durable_;
    const auto old_sync_failure = sync_failure_;
    auto old_file = std::move(file_);
    auto old_state = std::exchange(state_, State());
    const auto restore = [&](const std::string &reason) {
        std::error_code ignored;
        fs::remove(path("journal.new"), ignored);
        file_ = std::move(old_file);
        state_ = std::move(old_state);
        end_ = old_end;
        synced_ = old_synced;
        name_is_durable_ = old_name_is_durable;
        sync_failure_ = old_sync_failure;
        condition_ = Condition::damaged;
        reason_ = old_reason;
        return Failure("the journal cannot be repaired: " + reason);
    };
    if (auto begun = begin_anew(); !begun) return restore(begun.error());
    // What stands before the damage, record by record; the first is this one's boot. It is proved once more, for a start that began at a checkpoint may not have
    // come to the first damage.
    Proof proof(*old_file, State(), file_header_size, old_end);
    RecordReader reader(*old_file, file_header_size, old_end);
    std::uint64_t damage = 0;
    for (;;) {
        damage = std::min(proof.offset(), old_end);
        const auto found = reader.next();
        if (!found) return restore("its beginning cannot be read any more");
        if (!*found || proof.step(1) != Proof::Step::more) break;
        const auto record = decode_record((*found)->head, (*found)->bytes);
        if (std::holds_alternative<Checkpoint>(*record)) continue;  // the new one has its own
        if (auto appended = append_copy_of((*found)->head, (*found)->bytes, *record); !appended) return restore(text_of(appended.error()));
    }
    CapsFound caps(old_state);
    caps.read(*old_file, damage, std::max(file_size_, old_end));
    if (auto said = say_boot(); !said) return restore(text_of(said.error()));
    // Before the record that may cap them.
    if (auto added = add_registers(registers); !added) log::error(added.error());
    caps.read_open(state_, held_by(registers));
    const std::string kept_name = unused_name("journal").filename().native();
    // One that had only lost its name is whole again.
    const auto missing = file_size_ - damage;
    if (missing > 0) {
        const Repair record{.time = now(),
                            .offset = damage,
                            .dropped = missing,
                            .next_intent = std::max(state_.next_intent(), old_state.next_intent()),
                            .kept_as = kept_name,
                            .caps = caps.of(state_)};
        if (auto appended = append(record); !appended) return restore(text_of(appended.error()));
    }
    fs::path kept_as;
    if (auto placed = put_in_place(path("journal.new"), true, kept_as); !placed) return restore(placed.error());
    end_check();
    settle_open(registers);
    begin_syncing();
    // Who waits for the old file's sync: the new one was synced before it got its name.
    for (auto waiting = std::exchange(waiting_, {}); !waiting.empty(); waiting.pop_front()) {
        if (missing == 0) {
            waiting.front().done({});
        } else {
            waiting.front().done(std::unexpected(Error(Failed{"the event may be among what is missing: " + old_reason})));
        }
    }
    tell_of_event();  // who follows the old one learns of it
    log::warning(log::Kind::repair, "the journal is repaired",
                 {{"damage", std::to_string(damage)}, {"old", kept_as.empty() ? "none" : kept_as.string()}});
    return kept_as;
}

}  // namespace mrd::journal
