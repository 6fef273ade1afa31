#include "mrd/journal/state.h"

#include <algorithm>
#include <utility>

#include "mr/event_content.h"
#include "mrd/journal/firmware.h"

namespace mrd::journal {

namespace {

using Checked = std::expected<void, std::string>;

std::unexpected<std::string> wrong(std::string what) { return std::unexpected(std::move(what)); }

// Named only where one is wrong: a name takes longer than what is checked.
std::unexpected<std::string> wrong_intent(std::uint64_t number, const std::string &what) {
    return wrong("intent " + std::to_string(number) + what);
}

// A resync says in its envelope what the log explains and what was found.
bool resyncs(const Intent &record, const RegisterState &reg, const mr::Digest &expected) {
    mr::Event event;
    event.name = reg.name;
    event.type = record.type;
    event.digests.push_back({.algorithm_id = mr::tcg_id(reg.algorithm), .value = record.digest.bytes()});
    event.data = record.data;
    const auto envelope = mr::bound_envelope(event, event.digests.front());
    const auto values = envelope ? mr::resync_values(*envelope, expected.size()) : std::nullopt;
    return values && values->expected == expected && values->found == record.before;
}

}  // namespace

Checked State::check_and_apply(const Record &record) {
    if (boot_id_.empty() && !std::holds_alternative<Boot>(record)) return wrong("a record stands before the first boot");
    if (auto checked = std::visit([this](const auto &one) { return check(one); }, record); !checked) return checked;
    apply(record);
    return {};
}

void State::apply(const Record &record) {
    std::visit([this](const auto &one) { take(one); }, record);
    in_firmware_log_ = std::holds_alternative<FirmwareLog>(record) || std::holds_alternative<FirmwareEvent>(record);
}

std::optional<RegisterNumber> State::find(std::string_view name) const {
    const auto found = numbers_.find(name);
    return found == numbers_.end() ? std::nullopt : std::optional(found->second);
}

bool State::has_firmware_log(std::string_view provider) const {
    return std::ranges::any_of(firmware_logs_, [&](const FirmwareSource &log) { return log.provider == provider; });
}

bool State::takes_firmware_log(std::string_view provider) const {
    const auto is_of_provider = [provider](const RegisterState &reg) {
        return reg.name.size() > provider.size() && reg.name.starts_with(provider) && reg.name[provider.size()] == '/';
    };
    return !has_firmware_log(provider) &&
           std::ranges::none_of(registers_, [&](const RegisterState &reg) { return is_of_provider(reg) && reg.events > 0; }) &&
           std::ranges::none_of(open_, [&](const OpenIntent &intent) { return is_of_provider(registers_[intent.reg]); });
}

const mr::Digest &State::end_of_chain(RegisterNumber reg) const {
    const auto last = std::find_if(open_.rbegin(), open_.rend(), [reg](const OpenIntent &intent) { return intent.reg == reg; });
    return last == open_.rend() ? registers_[reg].logged : last->after;
}

mr::Digest State::extended(mr::HashAlgorithm algorithm, const mr::Digest &old, const mr::Digest &digest) {
    return hashers_.at(algorithm).extend(old.bytes(), digest.bytes());
}

// ---- Proving a record

Checked State::check(const Boot &record) {
    if (record.boot_id.empty()) return wrong("a boot without an id");
    return {};
}

Checked State::check(const Repair &) { return {}; }

Checked State::check(const Register &record) {
    if (registers_.size() >= max_registers) return wrong("more registers than a journal may have");
    if (numbers_.contains(record.name)) return wrong("the register " + std::string(record.name) + " for the second time");
    if (auto hasher = mr::Hasher::open(record.algorithm); !hasher) return wrong(hasher.error().message);
    return {};
}

Checked State::check(const FirmwareLog &record) const {
    if (!takes_firmware_log(record.provider))
        return wrong("a firmware log of " + std::string(record.provider) + " where its registers have events already");
    return {};
}

Checked State::check(const FirmwareEvent &record) {
    if (!in_firmware_log_) return wrong("a firmware event that does not follow its log");
    if (record.sequence != sequence_ + 1) return wrong("firmware event " + std::to_string(record.sequence) + " is out of order");
    if (auto event = read_firmware_event(firmware_logs_.back(), record.bytes); !event) return wrong(event.error());
    return {};
}

Checked State::check(const Intent &record) {
    if (record.number != next_intent_) return wrong_intent(record.number, " is out of order");
    if (record.reg >= registers_.size()) return wrong_intent(record.number, " names a register that is not there");
    const auto &reg = registers_[record.reg];
    const auto size = mr::digest_size(reg.algorithm);
    if (record.before.size() != size || record.after.size() != size || record.digest.size() != size)
        return wrong_intent(record.number, " has digests of another length than its register");
    const auto &expected = end_of_chain(record.reg);
    const bool goes_on = record.origin == Origin::resync ? resyncs(record, reg, expected) : record.before == expected;
    if (!goes_on) return wrong_intent(record.number, " does not go on from what " + reg.name + " holds");
    if (record.after != extended(reg.algorithm, record.before, record.digest)) return wrong_intent(record.number, " is computed wrongly");
    return {};
}

Checked State::check(const Settled &record) {
    const auto intent = std::ranges::find(open_, record.number, &OpenIntent::number);
    if (intent == open_.end()) return wrong_intent(record.number, " is settled, but not open");
    if (record.outcome != Outcome::done && record.sequence != 0)
        return wrong_intent(record.number, " is not done, but has the event number " + std::to_string(record.sequence));
    if (record.outcome != Outcome::done) return {};
    if (record.sequence != sequence_ + 1) return wrong("event " + std::to_string(record.sequence) + " is out of order");
    const auto first = std::ranges::find(open_, intent->reg, &OpenIntent::reg);
    if (first != intent) return wrong_intent(record.number, " is done before another that its register took first");
    if (intent->origin != Origin::resync && intent->before != registers_[intent->reg].logged)
        return wrong_intent(record.number, " is done, but the one before it is not");
    return {};
}

// ---- Taking it

void State::take(const Boot &record) { boot_id_ = record.boot_id; }

void State::take(const Repair &) { ++repairs_; }

void State::take(const Register &record) {
    numbers_.emplace(record.name, static_cast<RegisterNumber>(registers_.size()));
    if (!hashers_.contains(record.algorithm)) {
        // check() has opened one, or the register's own table has.
        if (auto hasher = mr::Hasher::open(record.algorithm)) hashers_.emplace(record.algorithm, std::move(*hasher));
    }
    registers_.push_back({.name = std::string(record.name),
                          .algorithm = record.algorithm,
                          .initial = record.initial,
                          .start = record.start,
                          .explained = record.initial,
                          .logged = record.initial});
}

void State::take(const FirmwareLog &record) {
    firmware_logs_.push_back(
        {std::string(record.provider), record.format, record.registers, mr::Bytes(record.header.begin(), record.header.end())});
}

void State::take(const FirmwareEvent &record) {
    sequence_ = record.sequence;
    const auto &source = firmware_logs_.back();
    const auto event = read_firmware_event(source, record.bytes);
    if (!event) return;
    if (const auto locality = mr::pcr0_startup_locality(event->event)) start_pcr0_at(*locality, source.provider);
    if (!mr::is_measured(event->event)) return;
    for (const auto &digest : event->event.digests) {
        const auto algorithm = mr::hash_algorithm_from_tcg(digest.algorithm_id);
        const auto number = algorithm ? find_bank(source.provider, event->event.name, *algorithm) : std::nullopt;
        if (!number) continue;
        auto &reg = registers_[*number];
        reg.explained = extended(reg.algorithm, reg.explained, mr::Digest(digest.value));
        reg.logged = reg.explained;
        ++reg.events;
    }
}

// The firmware says it before or with its first extend of PCR 0; what comes later says nothing of how PCR 0 began.
void State::start_pcr0_at(std::uint8_t locality, std::string_view provider) {
    const auto name = std::string(provider) + "/pcr0";
    for (auto &reg : registers_) {
        if (reg.events > 0 || (reg.name != name && !reg.name.starts_with(name + ":"))) continue;
        mr::Bytes value(mr::digest_size(reg.algorithm));
        value.back() = locality;
        reg.initial = reg.explained = reg.logged = mr::Digest(value);
    }
}

std::optional<RegisterNumber> State::find_bank(std::string_view provider, std::string_view name, mr::HashAlgorithm algorithm) const {
    const auto plain = std::string(provider) + "/" + std::string(name);
    if (const auto number = find(plain + ":" + std::string(mr::to_string(algorithm)))) return number;
    const auto number = find(plain);
    return number && registers_[*number].algorithm == algorithm ? number : std::nullopt;
}

Usage State::usage_of(std::int64_t uid) const {
    const auto found = usage_.find(uid);
    return found == usage_.end() ? Usage() : found->second;
}

void State::take(const Intent &record) {
    next_intent_ = record.number + 1;
    if (record.uid != 0 && record.origin == Origin::service) {
        for (auto *usage : {&usage_[record.uid], &usage_of_others_}) {
            usage->bytes += size_of(record) + settled_size;
            ++usage->events;
        }
    }
    open_.push_back({.number = record.number,
                     .reg = record.reg,
                     .origin = record.origin,
                     .before = record.before,
                     .after = record.after,
                     .digest = record.digest,
                     .uid = record.uid,
                     .id = record.id ? std::optional<std::string>(*record.id) : std::nullopt});
}

void State::take(const Settled &record) {
    const auto position = std::ranges::find(open_, record.number, &OpenIntent::number);
    auto intent = std::move(*position);
    open_.erase(position);
    if (record.outcome != Outcome::done) return;  // and its id is free
    sequence_ = record.sequence;
    auto &reg = registers_[intent.reg];
    reg.logged = intent.after;
    ++reg.events;
    if (intent.origin == Origin::resync) ++reg.resyncs;
    if (intent.origin == Origin::cap) reg.capped_by = record.sequence;
    if (intent.id) ids_.remember(intent.uid, intent.reg, std::move(*intent.id), {intent.digest, intent.after, record.sequence});
}

// ---- Recovery

std::vector<std::pair<std::uint64_t, Outcome>> State::conclude(RegisterNumber reg, const mr::Digest &value) const {
    std::vector<std::pair<std::uint64_t, Outcome>> outcomes;
    std::optional<std::size_t> done;  // so many of the first
    for (const auto &intent : open_) {
        if (intent.reg != reg) continue;
        if (outcomes.empty() && intent.before == value) done = 0;
        outcomes.emplace_back(intent.number, Outcome::indeterminate);
        if (intent.after == value) done = outcomes.size();
    }
    if (!done) return outcomes;
    for (std::size_t i = 0; i < outcomes.size(); ++i) outcomes[i].second = i < *done ? Outcome::done : Outcome::undone;
    return outcomes;
}

mr::Digest State::logged_after(RegisterNumber reg, const mr::Digest &value) const {
    auto logged = registers_[reg].logged;
    for (const auto &[number, outcome] : conclude(reg, value)) {
        if (outcome == Outcome::done) logged = std::ranges::find(open_, number, &OpenIntent::number)->after;
    }
    return logged;
}

}  // namespace mrd::journal
