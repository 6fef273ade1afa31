// A damaged journal's repair, which begins it anew with what can still be read of it.
#include <algorithm>
#include <map>
#include <utility>

#include "mrd/journal/checkpoint.h"
#include "mrd/journal/journal.h"
#include "mrd/journal/proof.h"
#include "mrd/journal/record_reader.h"
#include "mrd/log.h"

namespace mrd::journal {

namespace {

using Failure = std::unexpected<std::string>;
namespace fs = std::filesystem;

// The registers that are capped, whoever says so: the state that was believed, and records that can still be read behind the damage. A cap whose end is lost
// counts: better none is lifted by damage.
class CapsFound {
public:
    explicit CapsFound(const State &state) : registers_(state.registers()) {
        for (const auto &reg : registers_) add(reg, reg.capped_by);
    }

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
        for (const auto &[number, intent] : open_) cap(intent, 0);
    }

    // By the numbers that the registers have in another journal.
    [[nodiscard]] std::vector<Cap> of(const State &state) const {
        std::vector<Cap> caps;
        for (std::size_t number = 0; number < state.registers().size(); ++number) {
            const auto &reg = state.registers()[number];
            const auto capped = capped_.find({reg.name, reg.algorithm});
            if (capped != capped_.end()) caps.push_back({static_cast<RegisterNumber>(number), capped->second});
        }
        return caps;
    }

private:
    void take(const Record &record) {
        if (const auto *reg = std::get_if<Register>(&record)) {
            const auto name = std::string(reg->provider) + "/" + std::string(reg->name);
            const auto is_same = [&](const RegisterState &known) { return known.name == name && known.algorithm == reg->algorithm; };
            if (std::ranges::none_of(registers_, is_same)) add_register(name, reg->algorithm);
        } else if (const auto *checkpoint = std::get_if<Checkpoint>(&record)) {
            const auto state = read_state(checkpoint->state);
            if (!state) return;
            registers_ = state->registers();
            for (const auto &known : registers_) add(known, known.capped_by);
            for (const auto &intent : state->open()) {
                if (intent.origin == Origin::cap) open_.insert_or_assign(intent.number, intent.targets);
            }
        } else if (const auto *intent = std::get_if<Intent>(&record)) {
            if (intent->origin == Origin::cap) open_.insert_or_assign(intent->number, intent->targets);
        } else if (const auto *settled = std::get_if<Settled>(&record)) {
            const auto intent_of = open_.extract(settled->number);
            if (!intent_of.empty() && settled->outcome == Outcome::done) cap(intent_of.mapped(), settled->sequence);
        }
    }
    void add_register(const std::string &name, mr::HashAlgorithm algorithm) {
        auto &reg = registers_.emplace_back();
        reg.name = name;
        reg.algorithm = algorithm;
    }
    void cap(const Targets &targets, std::uint64_t event) {
        for (const auto &target : targets) {
            if (target.reg < registers_.size()) add(registers_[target.reg], std::max<std::uint64_t>(event, 1));
        }
    }
    void add(const RegisterState &reg, std::uint64_t event) {
        if (event != 0) capped_.emplace(std::pair(reg.name, reg.algorithm), event);
    }

    std::vector<RegisterState> registers_;  // by their numbers in the damaged journal
    std::map<std::uint64_t, Targets> open_;
    std::map<std::pair<std::string, mr::HashAlgorithm>, std::uint64_t> capped_;
};

}  // namespace

std::expected<fs::path, std::string> Journal::repair(const std::vector<Present> &registers) {
    look();
    if (condition_ != Condition::damaged) return Failure("the journal is not damaged: there is nothing to repair");
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
    if (state_.boot_id() != options_.boot_id) {
        if (auto appended = append(Boot{now(), options_.boot_id}); !appended) return restore(text_of(appended.error()));
    }
    // Before the record that may cap them.
    if (auto added = add_registers(registers); !added) log::error(added.error());
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
    log::warning("the journal is repaired", {{"damage", std::to_string(damage)}, {"old", kept_as.empty() ? "none" : kept_as.string()}});
    return kept_as;
}

}  // namespace mrd::journal
