#include "mrd/journal/state.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "mr/envelope.h"
#include "mr/event_content.h"
#include "mrd/journal/checkpoint.h"
#include "mrd/journal/extends_together.h"
#include "mrd/journal/fields.h"
#include "mrd/journal/firmware.h"

namespace mrd::journal {

namespace {

using Checked = std::expected<void, std::string>;

std::unexpected<std::string> wrong(std::string what) { return std::unexpected(std::move(what)); }

// Named only where one is wrong: a name takes longer than what is checked.
std::unexpected<std::string> wrong_intent(std::uint64_t number, const std::string &what) {
    return wrong("intent " + std::to_string(number) + what);
}

// H(old || digest). A hasher is kept for each algorithm: opening one takes longer than hashing. By the thread, so that states are values.
mr::Digest extended(mr::HashAlgorithm algorithm, const mr::Digest &old, const mr::Digest &digest) {
    thread_local std::map<mr::HashAlgorithm, mr::Hasher> hashers;
    auto hasher = hashers.find(algorithm);
    if (hasher == hashers.end()) {
        auto opened = mr::Hasher::open(algorithm);
        if (!opened) return {};  // check(Register) has opened one, or the register's own table has
        hasher = hashers.emplace(algorithm, std::move(*opened)).first;
    }
    return hasher->second.extend(old.bytes(), digest.bytes());
}

}  // namespace

Checked State::check_and_apply(const Record &record, ExtendsTogether *later) {
    if (boot_id_.empty() && !std::holds_alternative<Boot>(record)) return wrong("a record stands before the first boot");
    const auto check_one = [&](const auto &one) {
        if constexpr (std::same_as<decltype(one), const Intent &>) {
            return check(one, later);
        } else {
            return check(one);
        }
    };
    if (auto checked = std::visit(check_one, record); !checked) return checked;
    apply(record);
    return {};
}

void State::apply(const Record &record) {
    std::visit([this](const auto &one) { take(one); }, record);
}

std::optional<RegisterNumber> State::find(std::string_view provider, std::string_view name, mr::HashAlgorithm algorithm) const {
    const auto found = numbers_.find(std::tuple(provider, name, algorithm));
    return found == numbers_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<RegisterNumber> State::find_virtual(std::string_view name) const {
    const auto found = virtual_.find(name);
    return found == virtual_.end() ? std::nullopt : std::optional(found->second);
}

bool State::is_over(RegisterNumber virtual_register) const {
    const auto &reg = registers_[virtual_register];
    if (reg.closed_by != 0) return true;
    return !reg.is_made() &&
           std::ranges::none_of(open_, [&](const OpenIntent &intent) { return intent.target(virtual_register) != nullptr; });
}

std::size_t State::virtual_registers_of(std::int64_t uid) const {
    const auto found = virtual_of_.find(uid);
    return found == virtual_of_.end() ? 0 : found->second;
}

void State::add(RegisterState reg, std::string_view name) {
    const auto number = static_cast<RegisterNumber>(registers_.size());
    if (reg.carrier) {
        virtual_.insert_or_assign(std::string(name), number);
        ++virtual_of_[reg.owner];
        ++virtual_registers_;
        if (reg.is_made()) ++registers_[*reg.carrier].carries;
    } else {
        numbers_.emplace(std::tuple(reg.provider, std::string(name), reg.algorithm), number);
    }
    registers_.push_back(std::move(reg));
}

namespace {

// Parts cannot run into each other: each that may be left out says whether it is there, and how long it is.
std::optional<mr::Digest> digest_of_claims(const Said &said, const mr::Digest &digest, mr::HashAlgorithm algorithm) {
    const auto description = said.description ? std::optional(mr::as_bytes(*said.description)) : std::nullopt;
    mr::Bytes text;
    put(text, said.type);
    put_digest(text, digest);
    for (const auto &part : {description, said.data}) {
        put(text, static_cast<std::uint8_t>(part ? 1 : 0));
        put_bytes(text, part.value_or(mr::ByteView()));
    }
    const auto all = mr::hash(algorithm, text);
    return all ? std::optional(*all) : std::nullopt;
}

}  // namespace

std::optional<mr::Digest> asked_digest(const Said &said, const mr::Digest &digest, mr::HashAlgorithm algorithm) {
    if (!said.data && !said.description && said.type == mr::ev_ipl) return std::nullopt;
    if (!said.data || mr::envelope_form(*said.data) != mr::EnvelopeForm::whole) return digest_of_claims(said, digest, algorithm);
    auto envelope = mr::decode_envelope(*said.data);
    if (!envelope || !envelope->body.salt) return std::nullopt;
    envelope->body.salt.reset();
    const auto without_salt = mr::envelope_digest(*envelope, algorithm);
    return without_salt ? std::optional(*without_salt) : std::nullopt;
}

mr::Digest State::after(RegisterNumber reg, const mr::Digest &digest) const {
    return extended(registers_[reg].algorithm, registers_[reg].logged, digest);
}

bool State::has_firmware_log(std::string_view provider) const {
    return std::ranges::any_of(firmware_logs_, [&](const FirmwareSource &log) { return log.provider == provider; });
}

bool State::takes_firmware_log(std::string_view provider) const {
    const auto is_of_provider = [&](const Target &target) { return registers_[target.reg].provider == provider; };
    return !has_firmware_log(provider) &&
           std::ranges::none_of(registers_, [&](const RegisterState &reg) { return reg.provider == provider && reg.events > 0; }) &&
           std::ranges::none_of(open_, [&](const OpenIntent &intent) { return std::ranges::any_of(intent.targets, is_of_provider); });
}

bool State::has_earlier_log(std::string_view provider) const { return std::ranges::find(earlier_logs_, provider) != earlier_logs_.end(); }

bool State::takes_earlier_log(std::string_view provider) const {
    const auto is_of_provider = [&](const Target &target) { return registers_[target.reg].provider == provider; };
    const auto is_extended = [&](const RegisterState &reg) { return reg.provider == provider && reg.logged != reg.explained; };
    return !has_earlier_log(provider) && std::ranges::none_of(registers_, is_extended) &&
           std::ranges::none_of(open_, [&](const OpenIntent &intent) { return std::ranges::any_of(intent.targets, is_of_provider); });
}

const mr::Digest &State::end_of_chain(RegisterNumber reg) const {
    for (const auto &intent : std::views::reverse(open_)) {
        if (const auto *target = intent.target(reg)) return target->after;
    }
    return registers_[reg].logged;
}

// ---- Proving a record

Checked State::check(const Boot &record) {
    if (record.boot_id.empty()) return wrong("a boot without an id");
    return {};
}

Checked State::check(const Repair &record) const {
    if (record.next_intent < next_intent_) return wrong("a repair that gives numbers of intents again");
    for (const auto &cap : record.caps) {
        if (cap.reg >= registers_.size() || cap.event == 0) return wrong("a repair that caps a register that is not there");
    }
    return {};
}

Checked State::check(const Checkpoint &record) const {
    if (record.number != checkpoints_ + 1) return wrong("checkpoint " + std::to_string(record.number) + " is out of order");
    mr::Bytes state;
    append_state(state, *this);
    if (!std::ranges::equal(state, record.state))
        return wrong("checkpoint " + std::to_string(record.number) + " is not what the records before it add up to");
    return {};
}

Checked State::check(const Register &record) {
    if (registers_.size() >= max_registers) return wrong("more registers than a journal may have");
    const auto former = record.carrier ? find_virtual(record.name) : std::nullopt;
    if (former ? !is_over(*former) : find(record.provider, record.name, record.algorithm).has_value()) {
        return wrong("the register " + std::string(record.provider) + "/" + std::string(record.name) + " of " +
                     std::string(mr::to_string(record.algorithm)) + " for the second time");
    }
    if (auto hasher = mr::Hasher::open(record.algorithm); !hasher) return wrong(hasher.error().message);
    if (record.carrier && (*record.carrier >= registers_.size() || registers_[*record.carrier].carrier))
        return wrong("the virtual register " + std::string(record.name) + " without a register in hardware that carries it");
    if (record.carrier.has_value() != (record.provider == virtual_provider))
        return wrong("the register " + std::string(record.provider) + "/" + std::string(record.name) +
                     ": a virtual one has a carrier, and no other has");
    if (former && registers_[*former].is_made() && registers_[*former].owner != record.owner)
        return wrong("the virtual register " + std::string(record.name) + " of another owner than the one before it");
    if (record.carrier && record.start != record.initial)
        return wrong("the virtual register " + std::string(record.name) + " that begins with another value than its own");
    return {};
}

Checked State::check(const FirmwareLog &record) const {
    if (!takes_firmware_log(record.provider))
        return wrong("a firmware log of " + std::string(record.provider) + " where its registers have events already");
    if (record.sequence != sequence_ + 1) return wrong("firmware event " + std::to_string(record.sequence) + " is out of order");
    auto events = ImportedEvents::open(record);
    if (!events) return wrong(events.error());
    mr::Event event;
    for (;;) {
        const auto more = events->next(event);
        if (!more) return wrong(more.error());
        if (!*more) return {};
    }
}

Checked State::check(const EarlierLog &record) const {
    if (!takes_earlier_log(record.provider))
        return wrong("an earlier log of " + std::string(record.provider) + " where its registers have events already");
    if (record.sequence != sequence_ + 1) return wrong("earlier event " + std::to_string(record.sequence) + " is out of order");
    if (auto explained = explained_by(record); !explained) return wrong(explained.error());
    return {};
}

Checked State::check(const Intent &record, ExtendsTogether *later) const {
    if (record.number != next_intent_) return wrong_intent(record.number, " is out of order");
    for (const auto &target : record.targets) {
        if (target.reg >= registers_.size()) return wrong_intent(record.number, " names a register that is not there");
        const auto &reg = registers_[target.reg];
        const auto size = mr::digest_size(reg.algorithm);
        if (target.before.size() != size || target.after.size() != size || target.digest.size() != size)
            return wrong_intent(record.number, " has digests of another length than its register");
        const bool is_later = later != nullptr && later->add(record.number, reg.algorithm, target.before, target.digest, target.after);
        if (!is_later && target.after != extended(reg.algorithm, target.before, target.digest))
            return wrong_intent(record.number, std::string(computed_wrongly));
        if (record.origin != Origin::resync && target.before != end_of_chain(target.reg))
            return wrong_intent(record.number, " does not go on from what " + reg.name + " holds");
    }
    for (auto target = record.targets.begin(); target != record.targets.end(); ++target) {
        if (std::find_if(record.targets.begin(), target, [&](const Target &other) { return other.reg == target->reg; }) != target)
            return wrong_intent(record.number, " extends a register twice");
    }
    if (auto checked = check_together(record); !checked) return checked;
    return check_claims(record);
}

// One event is of the banks of one register, or of a virtual register, which comes first, and the banks of its carrier.
Checked State::check_together(const Intent &record) const {
    auto in_hardware = record.targets.all();
    if (const auto carrier = registers_[in_hardware.front().reg].carrier) {
        if (!is_for_client(record.origin)) return wrong_intent(record.number, " caps or resyncs a virtual register");
        if (registers_[in_hardware.front().reg].closed_by != 0)
            return wrong_intent(record.number, " extends a virtual register that is closed");
        in_hardware = in_hardware.subspan(1);
        if (std::ranges::find(in_hardware, *carrier, &Target::reg) == in_hardware.end())
            return wrong_intent(record.number, " extends a virtual register without its carrier");
    } else if (record.origin == Origin::close) {
        return wrong_intent(record.number, " closes what is no virtual register");
    }
    for (const auto &target : in_hardware) {
        if (registers_[target.reg].carrier || registers_[target.reg].name != registers_[in_hardware.front().reg].name)
            return wrong_intent(record.number, " extends registers that are neither banks of one nor a virtual register and its carrier");
    }
    return {};
}

// What an event says of itself in an envelope, and what the journal takes it for, is the same: a resync, a cap, the end of a virtual register, or none of them; and
// an event of a virtual register names its id, which no other does.
Checked State::check_claims(const Intent &record) const {
    const auto form = record.data ? mr::envelope_form(*record.data) : std::nullopt;
    if (record.origin == Origin::service && form != mr::EnvelopeForm::whole) return {};
    const auto &first = record.targets.front();
    const auto &reg = registers_[first.reg];
    mr::Event event;
    event.name = reg.name;
    event.type = record.type;
    event.data = record.data;
    for (const auto &target : record.targets)
        event.digests.push_back({.algorithm_id = mr::tcg_id(registers_[target.reg].algorithm), .value = target.digest.bytes()});
    const auto envelope =
        reg.carrier ? mr::carried_envelope(event, event.digests.front()) : mr::bound_envelope(event, event.digests.front());
    const std::string_view type = envelope && envelope->body ? std::string_view(envelope->header.type) : std::string_view();
    if (reg.carrier && (!envelope || envelope->header.id != reg.id))
        return wrong_intent(record.number, " is no event of " + reg.name + " by what it says");
    switch (record.origin) {
    case Origin::close:
        if (type != mr::close_envelope_type) return wrong_intent(record.number, " closes " + reg.name + " and does not say so");
        return {};
    case Origin::service:
        if (reg.carrier && (type == mr::create_envelope_type) == reg.is_made())
            return wrong_intent(record.number,
                                reg.is_made() ? " makes " + reg.name + " again" : " is of " + reg.name + " before it is made");
        if (type == "resync" || type == "cap" || type == mr::close_envelope_type)
            return wrong_intent(record.number, " is a " + std::string(type) + " by what it says, and none by its origin");
        return {};
    case Origin::cap:
        if (type != "cap") return wrong_intent(record.number, " is a cap of " + reg.name + " that does not say so");
        return {};
    case Origin::resync: break;
    }
    // The banks of a register need not have been found in one state: each has a resync of its own.
    const auto values = envelope && record.targets.size() == 1 ? mr::resync_values(*envelope, first.before.size()) : std::nullopt;
    if (!values || values->expected != end_of_chain(first.reg) || values->found != first.before)
        return wrong_intent(record.number, " does not go on from what " + reg.name + " holds");
    return {};
}

Checked State::check(const Settled &record) const {
    const auto intent = std::ranges::find(open_, record.number, &OpenIntent::number);
    if (intent == open_.end()) return wrong_intent(record.number, " is settled, but not open");
    if (record.outcome != Outcome::done && record.sequence != 0)
        return wrong_intent(record.number, " is not done, but has the event number " + std::to_string(record.sequence));
    if (record.outcome != Outcome::done) return {};
    if (record.sequence != sequence_ + 1) return wrong("event " + std::to_string(record.sequence) + " is out of order");
    for (const auto &target : intent->targets) {
        const auto extends_it = [&](const OpenIntent &other) { return other.target(target.reg) != nullptr; };
        if (std::ranges::find_if(open_, extends_it) != intent)
            return wrong_intent(record.number, " is done before another that its register took first");
        if (intent->origin != Origin::resync && target.before != registers_[target.reg].logged)
            return wrong_intent(record.number, " is done, but the one before it is not");
    }
    return {};
}

// ---- Taking it

void State::take(const Boot &record) { boot_id_ = record.boot_id; }

void State::take(const Repair &record) {
    ++repairs_;
    next_intent_ = record.next_intent;
    for (const auto &cap : record.caps) {
        auto &reg = registers_[cap.reg];
        (reg.carrier ? reg.closed_by : reg.capped_by) = cap.event;
    }
}

void State::take(const Checkpoint &record) { checkpoints_ = record.number; }

void State::take(const Register &record) {
    if (record.carrier && record.owner != 0) {
        for (auto *usage : {&usage_[record.owner], &usage_of_others_}) usage->bytes += size_of(record);
    }
    add({.provider = std::string(record.provider),
         .name = std::string(record.provider) + "/" + std::string(record.name),
         .algorithm = record.algorithm,
         .initial = record.initial,
         .start = record.start,
         .explained = record.initial,
         .logged = record.initial,
         .carrier = record.carrier,
         .id = record.id,
         .owner = record.owner},
        record.name);
}

void State::take(const FirmwareLog &record) {
    firmware_logs_.push_back(source_of(record));
    auto events = ImportedEvents::open(record);
    if (!events) return;
    mr::Replay replay(mr::ReplayNames::as_logged);
    for (const auto &reg : registers_) {
        if (reg.provider == record.provider) replay.declare({reg.name, reg.algorithm, reg.initial, {}});
    }
    mr::Event event;
    while (events->next(event).value_or(false)) {
        sequence_ = event.sequence;
        if (const auto locality = mr::pcr0_startup_locality(event)) begin_at_locality(event.name, *locality, replay);
        (void)replay.apply(event);  // one that cannot be replayed extends nothing
    }
    for (auto &reg : registers_) {
        const auto *replayed = reg.provider == record.provider ? replay.find(reg.name, reg.algorithm) : nullptr;
        if (replayed == nullptr || replayed->events == 0) continue;
        reg.explained = reg.logged = replayed->value;
        reg.events = replayed->events;
    }
}

// What the banks of PCR 0 began with, for whoever replays them: the replay knows it.
void State::begin_at_locality(std::string_view pcr0, std::uint8_t locality, const mr::Replay &replay) {
    for (auto &reg : registers_) {
        if (reg.name != pcr0) continue;
        const auto *replayed = replay.find(reg.name, reg.algorithm);
        if (replayed != nullptr && replayed->events > 0) continue;
        mr::Bytes value(mr::digest_size(reg.algorithm));
        value.back() = locality;
        reg.initial = mr::Digest(value);
    }
}

std::expected<EarlierStep, std::string> earlier_step(const mr::Event &event, const mr::EventDigest &digest, const mr::Digest &before) {
    const auto algorithm = mr::hash_algorithm_from_tcg(digest.algorithm_id);
    if (!algorithm || digest.value.size() != before.size()) return wrong("a digest of another length than its register");
    if (mr::pcr0_startup_locality(event)) return wrong("it says how PCR 0 began, which only the firmware's log may");
    EarlierStep step{.value = before};
    if (event.data && mr::envelope_form(*event.data)) {
        const auto envelope = mr::bound_envelope(event, digest);
        const std::string_view type = envelope ? std::string_view(envelope->header.type) : std::string_view();
        step.is_resync = type == "resync";
        step.is_cap = type == "cap";
        if ((step.is_resync || step.is_cap) && !envelope->body) return wrong("a " + std::string(type) + " that is redacted");
        const auto values = step.is_resync ? mr::resync_values(*envelope, before.size()) : std::nullopt;
        if (step.is_resync && (!values || values->expected != before)) return wrong("a resync that does not go on from there");
        if (values) step.value = values->found;
    }
    step.value = extended(*algorithm, step.value, mr::Digest(digest.value));
    return step;
}

std::expected<State::Explained, std::string> State::explained_by(const EarlierLog &record) const {
    auto events = ImportedEvents::open(record);
    if (!events) return wrong(events.error());
    Explained after{registers_, sequence_};
    mr::Event event;
    for (;;) {
        const auto more = events->next(event);
        if (!more) return wrong(more.error());
        if (!*more) return after;
        after.sequence = event.sequence;
        const auto wrong_event = [&event](const std::string &what) {
            return wrong("earlier event " + std::to_string(event.sequence) + ": " + what);
        };
        if (event.origin != mr::EventOrigin::firmware || event.digests.empty()) return wrong_event("it is none of before mrd");
        for (const auto &digest : event.digests) {
            const auto is_extended = [&](const RegisterState &reg) {
                return reg.name == event.name && reg.provider == record.provider && mr::tcg_id(reg.algorithm) == digest.algorithm_id;
            };
            const auto reg = std::ranges::find_if(after.registers, is_extended);
            if (reg == after.registers.end() || reg->carrier) return wrong_event("its register is not there");
            if (reg->capped_by != 0) return wrong_event("its register was capped before");
            const auto step = earlier_step(event, digest, reg->explained);
            if (!step) return wrong_event(step.error());
            reg->explained = reg->logged = step->value;
            ++reg->events;
            if (step->is_resync) ++reg->resyncs;
            if (step->is_cap) reg->capped_by = event.sequence;
        }
    }
}

void State::take(const EarlierLog &record) {
    auto explained = explained_by(record);
    if (!explained) return;
    registers_ = std::move(explained->registers);
    sequence_ = explained->sequence;
    earlier_logs_.emplace_back(record.provider);
}

Usage State::usage_of(std::int64_t uid) const {
    const auto found = usage_.find(uid);
    return found == usage_.end() ? Usage() : found->second;
}

void State::take(const Intent &record) {
    next_intent_ = record.number + 1;
    const auto uid = record.counts_for();
    if (uid != 0 && is_for_client(record.origin)) {
        for (auto *usage : {&usage_[uid], &usage_of_others_}) {
            usage->bytes += size_of(record) + settled_size;
            ++usage->events;
        }
    }
    open_.push_back({.number = record.number, .origin = record.origin, .targets = record.targets, .uid = uid, .id = {}, .asked = {}});
    if (!record.id) return;
    const auto &first = record.targets.front();
    open_.back().id.emplace(*record.id);
    open_.back().asked = asked_digest({record.type, record.description, record.data}, first.digest, registers_[first.reg].algorithm);
}

void State::take(const Settled &record) {
    const auto intent = std::ranges::find(open_, record.number, &OpenIntent::number);
    if (record.outcome == Outcome::done) take_event(*intent, record.sequence);  // else its id is free
    open_.erase(intent);
}

void State::take_event(OpenIntent &intent, std::uint64_t sequence) {
    sequence_ = sequence;
    for (const auto &target : intent.targets) {
        auto &reg = registers_[target.reg];
        reg.logged = target.after;
        if (reg.carrier && !reg.is_made()) ++registers_[*reg.carrier].carries;
        ++reg.events;
        if (intent.origin == Origin::close && reg.carrier) reg.closed_by = sequence;
        if (intent.origin == Origin::resync) ++reg.resyncs;
        if (intent.origin == Origin::cap) reg.capped_by = sequence;
    }
    if (!intent.id) return;
    EventIds::First first{.sequence = sequence, .asked = intent.asked};
    for (const auto &target : intent.targets) first.results.add() = {target.reg, target.digest, target.after};
    ids_.remember(intent.uid, RegisterSet(intent.targets.all()), std::move(*intent.id), std::move(first));
}

// ---- Recovery

std::vector<std::pair<std::uint64_t, Outcome>> State::conclude(const Held &held) const {
    const auto holds = [&held](RegisterNumber reg) { return reg < held.size() ? held[reg] : std::nullopt; };
    struct Chain {
        std::size_t length = 0;
        std::optional<std::size_t> taken = {};  // so many of the first
        std::size_t passed = 0;
    };
    std::map<RegisterNumber, Chain> chains;
    for (const auto &intent : open_) {
        for (const auto &target : intent.targets) {
            const auto value = holds(target.reg);
            if (!value) continue;
            auto &chain = chains[target.reg];
            if (chain.length == 0 && target.before == *value) chain.taken = 0;
            ++chain.length;
            if (target.after == *value) chain.taken = chain.length;
        }
    }
    std::vector<std::pair<std::uint64_t, Outcome>> outcomes;
    std::map<RegisterNumber, mr::Digest> logged;
    for (const auto &intent : open_) {
        bool is_known = false;
        bool is_done = true;
        bool is_undone = true;
        for (const auto &target : intent.targets) {
            const auto known = chains.find(target.reg);
            if (known == chains.end()) continue;
            is_known = true;
            auto &[length, taken, passed] = known->second;
            const bool took_it = taken && passed < *taken;
            is_done = is_done && took_it;
            is_undone = is_undone && taken && !took_it;
            ++passed;
        }
        if (!is_known) continue;
        // Banks that differ leave one undecided that others follow.
        for (const auto &target : intent.targets) {
            const auto now = logged.emplace(target.reg, registers_[target.reg].logged).first;
            if (intent.origin != Origin::resync && now->second != target.before) is_done = false;
        }
        outcomes.emplace_back(intent.number, is_done ? Outcome::done : is_undone ? Outcome::undone : Outcome::indeterminate);
        for (const auto &target : intent.targets) {
            if (is_done) logged[target.reg] = target.after;
        }
    }
    return outcomes;
}

std::vector<mr::Digest> State::logged_after(const Held &held) const {
    std::vector<mr::Digest> logged;
    logged.reserve(registers_.size());
    for (const auto &reg : registers_) logged.push_back(reg.logged);
    for (const auto &[number, outcome] : conclude(held)) {
        if (outcome != Outcome::done) continue;
        for (const auto &target : std::ranges::find(open_, number, &OpenIntent::number)->targets) logged[target.reg] = target.after;
    }
    return logged;
}

}  // namespace mrd::journal
