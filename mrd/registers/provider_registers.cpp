#include "mrd/registers/provider_registers.h"

#include <algorithm>
#include <utility>

#include "mrd/journal/space.h"
#include "mrd/log.h"

namespace mrd {

std::expected<RegisterTable, std::string> ProviderRegisters::read_table(const Provider &provider, RegisterDriver &driver,
                                                                        std::vector<RegisterSpec> registers,
                                                                        std::int64_t first_generation) {
    auto table = RegisterTable::build(provider.name(), std::move(registers), driver.abilities(), first_generation);
    if (!table) return table;
    // Fills the registers that are not live, which nothing rereads later.
    const bool is_read_now = driver.abilities().refresh && !driver.abilities().by_report;
    for (RefreshSet set = 0; is_read_now && set < table->refresh_sets(); ++set) {
        const auto id = table->begin_refresh(set);
        std::vector<mr::Bytes> values(table->size());
        if (const auto result = driver.refresh(set, values); !result) {
            return std::unexpected("provider \"" + std::string(provider.name()) + "\" cannot be read: " + result.error().reason);
        }
        table->refresh_ends(id, &values);
    }
    return table;
}

ProviderRegisters::ProviderRegisters(const Provider &provider, RegisterDriver &driver, ProviderQueue &queue, RegisterTable table,
                                     RegisterEvents &events)
    : kind_(provider.kind()),
      simulated_(provider.simulated()),
      unbound_(provider.unbound()),
      comes_and_goes_(driver.abilities().come_and_go),
      driver_(&driver),
      queue_(queue),
      table_(std::move(table)),
      events_(events),
      failures_(table_.size()),
      told_there_(table_.size(), true) {}

// ---- The journal's registers

journal::Present ProviderRegisters::present(RegisterIndex index) const {
    const auto &spec = table_.spec(index);
    const auto initial = spec.initial.size() == 0 ? mr::Digest::zero(*spec.hash) : spec.initial;
    return {std::string(name()), spec.name, *spec.hash, initial, mr::Digest(table_.value(index)), spec.owner == mr::Owner::owned,
            spec.resettable};
}

std::vector<journal::Present> ProviderRegisters::journalled() const {
    std::vector<journal::Present> registers;
    for (RegisterIndex index = 0; index < table_.size(); ++index) {
        if (table_.spec(index).flags.has(mr::Flag::extensible) && table_.is_there(index)) registers.push_back(present(index));
    }
    return registers;
}

void ProviderRegisters::join() {
    // Those were of another journal.
    std::ranges::fill(failures_, std::nullopt);
    for (RegisterIndex index = 0; index < table_.size(); ++index) join(index);
}

void ProviderRegisters::join(RegisterIndex index) {
    const auto &state = events_.journal.state();
    if (!table_.spec(index).flags.has(mr::Flag::extensible)) return;
    const auto number = state.find(name(), table_.spec(index).name, *table_.spec(index).hash);
    table_.set_number(index, number);
    if (!number) table_.forget_logged(index);
    if (!number || table_.spec(index).owner == mr::Owner::observed) return;
    const auto divergences = table_.divergences(index);
    table_.set_logged(index, state.registers()[*number].logged);
    if (table_.divergences(index) != divergences && events_.diverged) events_.diverged(*this, index);
}

const journal::RegisterState *ProviderRegisters::journal_state(RegisterIndex index) const {
    const auto number = table_.number(index);
    return number ? &events_.journal.state().registers()[*number] : nullptr;
}

std::string_view ProviderRegisters::why_unexplained(RegisterIndex index) const {
    const auto number = table_.number(index);
    return number ? events_.journal.why_unexplained(*number) : std::string_view();
}

bool ProviderRegisters::capped(RegisterIndex index) const {
    const auto *state = journal_state(index);
    return state != nullptr && state->capped_by != 0;
}

// What the caller did wrong says nothing of the register.
void ProviderRegisters::note_failure(RegisterIndex index, const RegisterError &error) {
    std::string reason;
    if (const auto *provider = std::get_if<ProviderFailed>(&error)) {
        reason = provider->reason;
    } else if (const auto *full = std::get_if<journal::Full>(&error)) {
        reason = journal::text_of(*full);
    } else if (const auto *journal = std::get_if<journal::Failed>(&error)) {
        reason = journal->reason;
    } else {
        return;
    }
    const auto *state = journal_state(index);
    failures_[index] = {std::move(reason), state == nullptr ? 0 : state->events};
}

const std::string *ProviderRegisters::last_failure(RegisterIndex index) const {
    const auto &failure = failures_[index];
    const auto *state = journal_state(index);
    return failure && failure->events == (state == nullptr ? 0 : state->events) ? &failure->reason : nullptr;
}

// ---- Refreshing

RegisterError ProviderRegisters::failure(const ProviderError &error, bool unchanged) const {
    return ProviderFailed{std::string(name()), error.reason, unchanged ? Applied::no : Applied::unknown};
}

std::vector<Extension::Settled> ProviderRegisters::end_refresh(RefreshId id, const ProviderResult<void> &result,
                                                               const std::vector<mr::Bytes> &values) {
    const auto refreshed = table_.refresh_ends(id, result ? &values : nullptr);
    std::vector<Extension::Settled> settled;
    for (const auto &[intent, outcome] : refreshed.settled) settled.push_back({intent, outcome, events_.journal.settle(intent, outcome)});
    for (const auto index : refreshed.diverged) {
        if (events_.diverged) events_.diverged(*this, index);
    }
    for (const auto index : refreshed.changed) {
        if (events_.changed) events_.changed(*this, index);
    }
    for (const auto index : refreshed.first) {
        if (events_.appeared) events_.appeared(*this, index);
    }
    const auto waiting = readers_.extract(id);
    if (waiting.empty()) return settled;
    for (auto &[index, done] : waiting.mapped().readers) {
        // Every reader that waited gets the failure; none gets a value of before.
        if (auto allowed = table_.may_read(index); !allowed) {
            done(std::unexpected(std::move(allowed.error())));
        } else if (result) {
            done(true);
        } else {
            done(std::unexpected(failure(result.error(), true)));
        }
    }
    return settled;
}

void ProviderRegisters::end_waiting(RefreshId id) {
    const auto found = readers_.find(id);
    if (found == readers_.end()) return;
    found->second.deadline.reset();
    auto readers = std::exchange(found->second.readers, {});
    for (auto &[index, done] : readers) {
        if (auto allowed = table_.may_read(index); !allowed) {
            done(std::unexpected(std::move(allowed.error())));
        } else {
            done(std::unexpected(failure({"no report has come in time: it is still being made", Applied::no}, true)));
        }
    }
}

// ---- Extending

bool ProviderRegisters::go_on(Turn &turn) {
    using Action = Extension::Action;
    const Extension::Known known{table_, events_.journal.state(), kind_};
    auto &extension = turn.extension;
    if (!turn.action) turn.action = extension.begin(known, why_not_in_journal(extension.asked_for().targets));
    for (;;) {
        switch (*turn.action) {
        case Action::log: turn.action = extension.intent_ended(known, write_intent(extension)); break;
        case Action::settle: turn.action = extension.settle_ended(known, settle(extension)); break;
        case Action::reread:
            turn.refresh = table_.begin_refresh(extension.refresh_set());
            turn.values.swap(spare_values_);
            turn.values.resize(table_.size());
            return true;
        case Action::extend: return true;
        case Action::answer: return false;
        }
    }
}

void ProviderRegisters::ask(RegisterDriver &driver, Turn &turn) {
    if (*turn.action == Extension::Action::reread) {
        turn.result = driver.refresh(turn.extension.refresh_set(), turn.values);
        return;
    }
    for (const auto &target : turn.extension.event().targets) {
        turn.result = driver.extend(target.index, target.digest);
        if (!turn.result) break;
    }
}

void ProviderRegisters::take_result(Turn &turn) {
    const Extension::Known known{table_, events_.journal.state(), kind_};
    if (*turn.action == Extension::Action::extend) {
        turn.action = turn.extension.extend_ended(known, turn.result);
        return;
    }
    const auto settled = end_refresh(turn.refresh, turn.result, turn.values);
    turn.values.swap(spare_values_);
    turn.action = turn.extension.reread_ended(known, turn.result, settled);
}

// Empty: it knows them all.
std::string ProviderRegisters::why_not_in_journal(std::span<const Extension::Target> targets) const {
    if (std::ranges::all_of(targets, [this](const auto &target) { return table_.number(target.index).has_value(); })) return {};
    const auto condition = events_.journal.condition();
    const bool was_read = condition == journal::Journal::Condition::good || condition == journal::Journal::Condition::full;
    return was_read ? "the journal had no room for this register when mrd started: make room, and start mrd again"
                    : events_.journal.reason();
}

std::expected<std::uint64_t, journal::Error> ProviderRegisters::write_intent(const Extension &extension) {
    const auto event_of = [](std::span<const journal::Target> targets, const EventDetails &details) {
        return journal::NewEvent{.targets = targets,
                                 .origin = details.origin,
                                 .type = details.type,
                                 .caller = details.caller.get(),
                                 .id = details.id,
                                 .description = details.description,
                                 .data = details.data};
    };
    const auto targets = in_journal(table_, extension.event());
    const auto event = event_of(targets.all(), extension.event().details);
    if (!extension.resyncs()) return events_.journal.begin(event);
    // Nothing is measured for an extend that is then refused.
    auto next_targets = in_journal(table_, extension.asked_for());
    for (auto &target : next_targets) target.before = target.after = target.digest;  // of the right size
    const auto next = event_of(next_targets.all(), extension.asked_for().details);
    if (auto full = events_.journal.refuses(next)) return std::unexpected(std::move(*full));
    const bool leaves_reserve = journal::is_for_client(next.origin);
    const auto reserve = leaves_reserve ? journal::Space(events_.journal.size_limit()).reserve() : 0;
    return events_.journal.begin(event, journal::Journal::size_of(next) + reserve);
}

std::uint64_t ProviderRegisters::settle(const Extension &extension) {
    // The number comes before the value is told: who watches sees the value with its own number.
    const auto sequence = events_.journal.settle(extension.intent(), journal::Outcome::done);
    for (const auto &target : extension.event().targets) {
        if (extension.resyncs()) {
            log::warning(log::Kind::gap, "others had extended a register: its log has a gap, and goes on behind it",
                         {{"register", table_.name(target.index)}, {"sequence", std::to_string(sequence)}});
        }
        if (events_.changed) events_.changed(*this, target.index);
    }
    return sequence;
}

std::expected<std::int64_t, RegisterError> ProviderRegisters::end_write(RegisterIndex index, const ProviderResult<void> &result,
                                                                        const mr::Bytes &value) {
    if (!result) {
        table_.write_failed(index);
        return std::unexpected(failure(result.error(), result.error().applied == Applied::no));
    }
    table_.write_succeeded(index, value);
    if (events_.changed) events_.changed(*this, index);
    return table_.generation(index).value_or(0);
}

}  // namespace mrd
