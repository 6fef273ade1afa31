#include "mrd/registers/provider_registers.h"

#include "mr/envelope.h"
#include "mrd/journal/space.h"

namespace mrd {

std::expected<std::unique_ptr<ProviderRegisters>, std::string> ProviderRegisters::open(boost::asio::io_context &loop,
                                                                                       std::unique_ptr<Provider> provider,
                                                                                       std::vector<RegisterSpec> registers,
                                                                                       RegisterEvents &events,
                                                                                       std::int64_t first_generation) {
    auto table = RegisterTable::build(provider->name(), std::move(registers), provider->abilities(), first_generation);
    if (!table) return std::unexpected(std::move(table.error()));
    // Fills the registers that are not live, which nothing rereads later.
    for (RefreshSet set = 0; provider->abilities().refresh && set < table->refresh_sets(); ++set) {
        const auto id = table->begin_refresh(set);
        std::vector<mr::Bytes> values(table->size());
        if (const auto result = provider->refresh(set, values); !result) {
            return std::unexpected("provider \"" + std::string(provider->name()) + "\" cannot be read: " + result.error().reason);
        }
        table->refresh_ends(id, &values);
    }
    return std::unique_ptr<ProviderRegisters>(new ProviderRegisters(loop, std::move(provider), std::move(*table), events));
}

ProviderRegisters::ProviderRegisters(boost::asio::io_context &loop, std::unique_ptr<Provider> provider, RegisterTable table,
                                     RegisterEvents &events)
    : provider_(std::move(provider)),
      table_(std::move(table)),
      events_(events),
      journalled_(table_.size()),
      queue_(loop, provider_->may_wait()) {
    if (auto *quoter = provider_->quoter()) quotes_.emplace(loop, *quoter);
}

// ---- The journal's registers

std::vector<journal::Present> ProviderRegisters::journalled() const {
    std::vector<journal::Present> registers;
    for (RegisterIndex index = 0; index < table_.size(); ++index) {
        const auto &spec = table_.spec(index);
        if (!spec.flags.has(mr::Flag::extensible)) continue;
        const auto initial = spec.initial.size() == 0 ? mr::Digest::zero(*spec.hash) : spec.initial;
        registers.push_back(
            {std::string(name()), spec.name, *spec.hash, initial, mr::Digest(table_.value(index)), spec.owner == mr::Owner::owned});
    }
    return registers;
}

void ProviderRegisters::join() {
    const auto &state = events_.journal.state();
    for (RegisterIndex index = 0; index < table_.size(); ++index) {
        if (!table_.spec(index).flags.has(mr::Flag::extensible)) continue;
        const auto number = state.find(name(), table_.spec(index).name, *table_.spec(index).hash);
        journalled_[index].number = number;
        if (!number) table_.forget_logged(index);
        if (!number || table_.spec(index).owner == mr::Owner::observed) continue;
        const auto divergences = table_.divergences(index);
        table_.set_logged(index, state.registers()[*number].logged);
        if (table_.divergences(index) != divergences && events_.diverged) events_.diverged(*this, index);
    }
}

const journal::RegisterState *ProviderRegisters::journal_state(RegisterIndex index) const {
    const auto number = journalled_[index].number;
    return number ? &events_.journal.state().registers()[*number] : nullptr;
}

bool ProviderRegisters::capped(RegisterIndex index) const {
    const auto *state = journal_state(index);
    return state != nullptr && state->capped_by != 0;
}

RegisterError ProviderRegisters::from_journal(const journal::Error &error) {
    return std::visit([](const auto &one) { return RegisterError(one); }, error);
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
    journalled_[index].failure = {std::move(reason), journalled_[index].sequence};
}

// ---- Refreshing

RegisterError ProviderRegisters::failure(const ProviderError &error, bool unchanged) const {
    return ProviderFailed{std::string(name()), error.reason, unchanged ? Applied::no : Applied::unknown};
}

void ProviderRegisters::apply_refresh(RefreshId id, const std::vector<mr::Bytes> *values) {
    const auto set = table_.set_of(id);
    std::vector<std::int64_t> divergences(table_.size());
    for (RegisterIndex index = 0; index < table_.size(); ++index) divergences[index] = table_.divergences(index);
    const auto changed = table_.refresh_ends(id, values);
    for (const auto index : table_.take_settled()) {
        const auto settlement = table_.settlement(index);
        journalled_[index].sequence =
            events_.journal.settle(journalled_[index].intent, settlement == Settlement::done     ? journal::Outcome::done
                                                              : settlement == Settlement::undone ? journal::Outcome::undone
                                                                                                 : journal::Outcome::indeterminate);
    }
    for (RegisterIndex index = 0; index < table_.size(); ++index) {
        if (table_.spec(index).refresh_set == set && table_.divergences(index) != divergences[index] && events_.diverged)
            events_.diverged(*this, index);
    }
    if (!events_.changed) return;
    for (const auto index : changed) events_.changed(*this, index);
}

void ProviderRegisters::end_refresh(RefreshId id, const ProviderResult<void> &result, const std::vector<mr::Bytes> &values) {
    apply_refresh(id, result ? &values : nullptr);
    const auto waiting = readers_.extract(id);
    if (waiting.empty()) return;
    for (auto &reader : waiting.mapped()) {
        // Every reader that waited gets the failure; none gets a value of before.
        if (result) {
            reader(true);
        } else {
            reader(std::unexpected(failure(result.error(), true)));
        }
    }
}

// ---- Extending

std::optional<mr::Bytes> ProviderRegisters::resync_for(RegisterIndex index) const {
    if (!table_.needs_resync(index) || capped(index)) return std::nullopt;
    const auto expected = table_.logged(index)->bytes();
    const auto found = table_.value(index);
    return mr::encode_envelope(
        {.header = {.type = "resync", .register_name = measured(index).envelope_name},
         .body = {.expected = mr::Bytes(expected.begin(), expected.end()), .found = mr::Bytes(found.begin(), found.end())}});
}

std::expected<std::optional<ProviderRegisters::Extended>, RegisterError> ProviderRegisters::sent_before(RegisterIndex index,
                                                                                                        const mr::Digest &digest,
                                                                                                        const EventDetails &details) const {
    if (!details.id) return std::nullopt;
    const journal::RegisterSet registers(*journalled_[index].number);
    const auto *first = events_.journal.state().ids().find(details.caller->uid, registers, *details.id);
    if (first == nullptr) return std::nullopt;
    const auto &result = first->results.front();
    if (result.digest != digest) return std::unexpected(DuplicateEvent{*details.id});
    return Extended{static_cast<std::int64_t>(first->sequence), result.value};
}

std::optional<ProviderRegisters::ExtendResult> ProviderRegisters::answer_without_extend(RegisterIndex index, const mr::Digest &digest,
                                                                                        const EventDetails &details) const {
    const auto refuse = [](RegisterError error) { return ExtendResult(std::unexpected(std::move(error))); };
    if (!journalled_[index].number) {
        const auto condition = events_.journal.condition();
        const bool was_read = condition == journal::Journal::Condition::good || condition == journal::Journal::Condition::full;
        return refuse(journal::Failed{was_read
                                          ? "the journal had no room for this register when mrd started: make room, and start mrd again"
                                          : events_.journal.reason()});
    }
    // One that was sent before is answered even where a new one would be refused.
    auto before = sent_before(index, digest, details);
    if (!before) return refuse(std::move(before.error()));
    if (*before) return ExtendResult(**before);
    if (capped(index)) return refuse(Capped{table_.name(index), journal_state(index)->capped_by});
    return std::nullopt;
}

std::expected<void, RegisterError> ProviderRegisters::end_reread(RegisterIndex index, RefreshId id, const ProviderResult<void> &result,
                                                                 const std::vector<mr::Bytes> &values) {
    end_refresh(id, result, values);  // a reader may have joined it
    if (result) return {};
    if (table_.indeterminate(index)) return std::unexpected(Indeterminate{table_.name(index)});
    return std::unexpected(failure({"the register could not be reread before the extend: " + result.error().reason}, true));
}

std::optional<ProviderRegisters::ExtendResult> ProviderRegisters::begin_extend(RegisterIndex index, const mr::Digest &digest,
                                                                               const EventDetails &details,
                                                                               const std::optional<mr::Bytes> &resync,
                                                                               mr::Digest &extended) {
    const auto refuse = [](RegisterError error) { return ExtendResult(std::unexpected(std::move(error))); };
    const auto &spec = table_.spec(index);
    kill_point("extend-checked");

    journal::Target target{.reg = *journalled_[index].number, .digest = digest};
    journal::NewEvent event{.targets = {&target, 1},
                            .origin = details.origin,
                            .type = details.type,
                            .caller = details.caller.get(),
                            .id = details.id,
                            .description = details.description,
                            .data = details.data};
    std::size_t following = 0;
    if (resync) {
        const auto resync_digest = mr::envelope_digest(*resync, *spec.hash);
        if (!resync_digest) return refuse(failure({resync_digest.error().message}, true));
        target.before = target.after = digest;  // of the right size
        // Nothing is measured for an extend that is then refused.
        if (auto full = events_.journal.refuses(event)) return refuse(std::move(*full));
        const bool leaves_reserve = details.origin == journal::Origin::service;
        following = journal::Journal::size_of(event) + (leaves_reserve ? journal::Space(events_.journal.size_limit()).reserve() : 0);
        target.digest = *resync_digest;
        event = {.targets = event.targets,
                 .origin = journal::Origin::resync,
                 .type = mr::ev_event_tag,
                 .caller = details.caller.get(),
                 .data = *resync};
    }
    const auto extension = table_.extend_begins(index, target.digest);
    if (!extension) return refuse(extension.error());
    target.before = extension->before;
    target.after = extension->after;
    const auto intent = events_.journal.begin(event, following);
    if (!intent) {
        table_.extend_cancelled(index);
        return refuse(from_journal(intent.error()));
    }
    journalled_[index].intent = *intent;
    extended = target.digest;
    return std::nullopt;
}

ProviderRegisters::ExtendResult ProviderRegisters::end_extend(RegisterIndex index, const ProviderResult<void> &result,
                                                              const ProviderResult<void> &reread, const std::vector<mr::Bytes> &values) {
    auto &journalled = journalled_[index];
    // The number comes before the value is told: who watches sees the value with its own number.
    if (result) {
        table_.extend_succeeded(index);
        journalled.sequence = events_.journal.settle(journalled.intent, journal::Outcome::done);
        if (events_.changed) events_.changed(*this, index);
        return Extended{static_cast<std::int64_t>(journalled.sequence), mr::Digest(table_.value(index))};
    }
    table_.extend_failed(index);
    apply_refresh(table_.begin_refresh(table_.spec(index).refresh_set), reread ? &values : nullptr);
    switch (table_.settlement(index)) {
    case Settlement::done: return Extended{static_cast<std::int64_t>(journalled.sequence), mr::Digest(table_.value(index))};
    case Settlement::undone: return std::unexpected(failure(result.error(), true));
    case Settlement::indeterminate:
    case Settlement::open: break;
    }
    return std::unexpected(failure(result.error(), false));
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
