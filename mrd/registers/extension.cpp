#include "mrd/registers/extension.h"

#include <algorithm>
#include <string>
#include <utility>

namespace mrd {

PerBank<journal::Target> in_journal(const RegisterTable &table, const Extension::Event &event) {
    PerBank<journal::Target> journalled;
    if (event.carried != nullptr) journalled.push_back(*event.carried);
    for (const auto &[index, digest, before, after] : event.targets)
        journalled.push_back({.reg = *table.number(index), .before = before, .after = after, .digest = digest});
    return journalled;
}

namespace {

RegisterError provider_failed(const RegisterTable &table, std::string reason, Applied applied) {
    return ProviderFailed{table.provider(), std::move(reason), applied};
}

}  // namespace

Extension::Action Extension::finish(Answer answer) {
    answer_ = std::move(answer);
    return Action::answer;
}

// ---- Its turn

Extension::Action Extension::begin(Known known, std::string_view reason) {
    if (auto answer = answer_without_extend(known, reason)) return finish(std::move(*answer));
    for (const auto &target : targets_) {
        if (known.table.must_reread_to_extend(target.index)) reread_set_of(known, target);
    }
    return to_reread_.empty() ? begin_event(known) : Action::reread;
}

// Is that what this one asks for? The id and whose it is are the same.
bool Extension::is_same(const journal::State &state, const journal::EventIds::First &first, const PerBank<journal::Target> &targets) const {
    const auto asked = journal::asked_digest({details_.type, details_.description, details_.data}, targets.front().digest,
                                             state.registers()[targets.front().reg].algorithm);
    return asked == first.asked && (asked || first.has_digests_of(targets.all()));
}

// The answer, where the journal alone gives it: the event is in it already, or the registers take none.
std::optional<Extension::Answer> Extension::answer_without_extend(Known known, std::string_view reason) const {
    if (!std::ranges::all_of(targets_, [&](const Target &target) { return known.table.number(target.index).has_value(); }))
        return std::unexpected(journal::Failed{std::string(reason)});
    // One that was sent before is answered even where a new one would be refused.
    if (details_.id) {
        const auto targets = in_journal(known.table, asked_for());
        const auto *first = known.journal.ids().find(details_.caller->counts_for(), journal::RegisterSet(targets.all()), *details_.id);
        if (first != nullptr && !is_same(known.journal, *first, targets)) return std::unexpected(DuplicateEvent{*details_.id});
        if (first != nullptr) {
            const auto of_first = std::ranges::find(first->results.all(), targets.front().reg, &journal::EventIds::Result::reg);
            return Extended{static_cast<std::int64_t>(first->sequence), of_first->digest, of_first->value, true};
        }
    }
    if (carried_) {
        // A repair may have lost it.
        const auto &registers = known.journal.registers();
        if (carried_->reg >= registers.size() || !registers[carried_->reg].carrier)
            return std::unexpected(journal::Failed{"the virtual register was lost with a part of the journal"});
        const auto &reg = registers[carried_->reg];
        if (reg.closed_by != 0) return std::unexpected(RegisterGone{reg.name});
        // What made it may have been settled only now.
        if (details_.creates && reg.is_made()) return std::unexpected(DuplicateEvent{reg.name});
    }
    for (const auto &target : targets_) {
        if (!known.table.is_there(target.index)) return std::unexpected(RegisterGone{known.table.name(target.index)});
        const auto capped_by = known.journal.registers()[*known.table.number(target.index)].capped_by;
        if (capped_by != 0) return std::unexpected(Capped{known.table.name(target.index), capped_by});
    }
    return std::nullopt;
}

// ---- Rereading

void Extension::reread_set_of(Known known, const Target &target) {
    const auto set = known.table.spec(target.index).refresh_set;
    if (std::ranges::find(to_reread_, set) == to_reread_.end()) to_reread_.push_back(set);
}

RegisterError Extension::not_reread(Known known, RefreshSet set, const ProviderError &error) const {
    for (const auto &target : targets_) {
        if (known.table.spec(target.index).refresh_set == set && known.table.indeterminate(target.index))
            return Indeterminate{known.table.name(target.index)};
    }
    return provider_failed(known.table, "the register could not be reread before the extend: " + error.reason, Applied::no);
}

Extension::Action Extension::reread_ended(Known known, const std::expected<void, ProviderError> &result, std::span<const Settled> settled) {
    const auto set = to_reread_.back();
    to_reread_.pop_back();
    if (!failed_) {
        if (!result) return finish(std::unexpected(not_reread(known, set, result.error())));
        if (!to_reread_.empty()) return Action::reread;
        // It may have told what became of an earlier extend, and that may have been this very event.
        if (auto answer = answer_without_extend(known, {})) return finish(std::move(*answer));
        return begin_event(known);
    }
    const auto mine = std::ranges::find(settled, intent_, &Settled::intent);
    if (mine != settled.end()) became_ = *mine;
    if (!to_reread_.empty()) return Action::reread;
    if (became_ && became_->outcome == journal::Outcome::done) return end_event(known, became_->sequence);
    const bool is_undone = became_ && became_->outcome == journal::Outcome::undone;
    return finish(std::unexpected(provider_failed(known.table, failed_->reason, is_undone ? Applied::no : Applied::unknown)));
}

// ---- One event: a resync, or what was asked for

Extension::Action Extension::begin_event(Known known) {
    const auto stale = std::ranges::find_if(targets_, [&](const Target &target) { return known.table.needs_resync(target.index); });
    if (stale != targets_.end()) {
        const auto &spec = known.table.spec(stale->index);
        auto measured = measure_resync({.envelope_name = std::string(known.kind) + "/" + spec.name, .banks = {*spec.hash}},
                                       known.table.logged(stale->index)->bytes(), known.table.value(stale->index), details_.caller);
        if (!measured) {
            const auto *error = std::get_if<mr::Error>(&measured.error());
            return finish(std::unexpected(provider_failed(known.table, error != nullptr ? error->message : std::string(), Applied::no)));
        }
        resync_ = {.target = {.index = stale->index, .digest = measured->digests.front()}, .details = std::move(measured->details)};
    }
    const auto targets = event_targets();
    for (auto target = targets.begin(); target != targets.end(); ++target) {
        const auto values = known.table.extend_begins(target->index, target->digest);
        if (!values) {
            std::for_each(targets.begin(), target, [&](const Target &begun) { known.table.extend_cancelled(begun.index); });
            return finish(std::unexpected(values.error()));
        }
        target->before = values->before;
        target->after = values->after;
    }
    if (carried_ && !resync_) {
        carried_->before = known.journal.registers()[carried_->reg].logged;
        carried_->after = known.journal.after(carried_->reg, carried_->digest);
    }
    return Action::log;
}

Extension::Action Extension::intent_ended(Known known, const std::expected<std::uint64_t, journal::Error> &intent) {
    if (!intent) {
        for (const auto &target : event().targets) known.table.extend_cancelled(target.index);
        return finish(std::unexpected(from_journal(intent.error())));
    }
    intent_ = *intent;
    return Action::extend;
}

Extension::Action Extension::extend_ended(Known known, const std::expected<void, ProviderError> &result) {
    const auto targets = event().targets;
    if (result) {
        for (const auto &target : targets) known.table.extend_succeeded(target.index);
        return Action::settle;
    }
    failed_ = result.error();
    std::vector<RegisterIndex> registers;
    for (const auto &target : targets) {
        registers.push_back(target.index);
        reread_set_of(known, target);
    }
    known.table.extend_failed(registers, intent_);
    return Action::reread;
}

Extension::Action Extension::settle_ended(Known known, std::uint64_t sequence) { return end_event(known, sequence); }

Extension::Action Extension::end_event(Known known, std::uint64_t sequence) {
    if (!resync_) {
        const auto digest = carried_ ? carried_->digest : targets_.front().digest;
        return finish(Extended{static_cast<std::int64_t>(sequence), digest, carried_ ? carried_->after : targets_.front().after});
    }
    resync_.reset();
    failed_.reset();
    became_.reset();
    // It may have gone while the resync was measured.
    if (auto answer = answer_without_extend(known, {})) return finish(std::move(*answer));
    return begin_event(known);
}

}  // namespace mrd
