#include "mrd/registers/virtual_registers.h"

#include <algorithm>
#include <span>

#include "proto/varlink/service.h"

namespace mrd {

namespace {

constexpr std::string_view prefix = "virtual/";

std::string_view without_prefix(std::string_view name) { return name.substr(prefix.size()); }

bool is_in_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

}  // namespace

bool VirtualRegisters::has_name_of_one(std::string_view name) { return name.starts_with(prefix); }

std::optional<std::string_view> VirtualRegisters::new_name(std::string_view name) {
    if (!has_name_of_one(name)) return std::nullopt;
    const auto own = without_prefix(name);
    if (own.empty() || own.size() > mr::max_virtual_register_name || !std::ranges::all_of(own, is_in_name)) return std::nullopt;
    if (own == "." || own == "..") return std::nullopt;  // as a folder's name they are others
    return own;
}

std::expected<VirtualRegisters::Number, RegisterError> VirtualRegisters::find(std::string_view name) const {
    const auto number = has_name_of_one(name) ? journal().state().find_virtual(without_prefix(name)) : std::nullopt;
    if (!number || !state(*number).is_made()) return std::unexpected(NoSuchRegister{varlink::echoed(name), {}});
    if (state(*number).closed_by != 0) return std::unexpected(RegisterGone{std::string(name)});
    return *number;
}

const journal::RegisterState *VirtualRegisters::last_of_name(std::string_view name) const {
    const auto number = has_name_of_one(name) ? journal().state().find_virtual(without_prefix(name)) : std::nullopt;
    if (!number || state(*number).is_made()) return number ? &state(*number) : nullptr;
    // Another is being made, or could not be: until it is, the name stays that of the one before.
    const auto all = std::span(journal().state().registers()).first(*number);
    const auto is_it = [&](const journal::RegisterState &reg) { return reg.carrier && reg.is_made() && reg.name == name; };
    const auto before = std::find_if(all.rbegin(), all.rend(), is_it);
    return before == all.rend() ? nullptr : &*before;
}

std::optional<uid_t> VirtualRegisters::owner_of_name(std::string_view name) const {
    const auto *reg = last_of_name(name);
    return reg == nullptr ? std::nullopt : std::optional(static_cast<uid_t>(reg->owner));
}

std::expected<Registers::Place, RegisterError> VirtualRegisters::carrier(Number number) const {
    const auto &reg = state(*state(number).carrier);
    return registers_.find(reg.name + ":" + std::string(mr::to_string(reg.algorithm)));
}

// What proves a virtual register has to be what mrd alone says: others' digests could state anything of it, and a reset would take it back.
std::optional<CannotCarry> VirtualRegisters::why_not(const Registers::Place &place) const {
    const auto &spec = place.table().spec(place.index);
    const auto because = [&place](std::string_view why) {
        return CannotCarry{std::string(place.provider->name()), "virtual registers on " + place.name() + ": " + std::string(why)};
    };
    if (!spec.flags.has(mr::Flag::extensible)) return because("it cannot be extended");
    if (spec.owner != mr::Owner::owned) return because("others extend it too");
    if (spec.resettable) return because("software can reset it");
    if (!place.table().is_log_only(place.index))
        return because("it takes bare digests, which could say anything of them: set log_only for it in the configuration");
    return std::nullopt;
}

std::optional<TooManyRegisters> VirtualRegisters::too_many(uid_t owner) const {
    const auto &state = journal().state();
    if (state.all_virtual_registers() >= max_virtual_registers) return TooManyRegisters{max_virtual_registers};
    if (owner == 0) return std::nullopt;
    const auto limit = max_virtual_registers_of_share;
    if (journal().has_own_share(owner)) {
        if (state.virtual_registers_of(owner) >= limit) return TooManyRegisters{limit, "uid " + std::to_string(owner)};
        return std::nullopt;
    }
    const auto of_others = state.virtual_registers_of([this](std::int64_t uid) { return uid != 0 && !journal().has_own_share(uid); });
    if (of_others >= limit) return TooManyRegisters{limit, "all uids that no rule names"};
    return std::nullopt;
}

std::expected<void, CreateError> VirtualRegisters::create(const NewRegister &wanted, std::shared_ptr<const mr::EventCaller> caller,
                                                          uid_t share, CreateDone done) {
    const auto &place = wanted.carrier;
    const std::string name(wanted.name);
    const auto full_name = std::string(prefix) + name;
    if (find(full_name)) return std::unexpected(RegisterExists{full_name});
    if (being_made_.contains(name)) return std::unexpected(IsBeingMade{full_name});
    if (auto reason = why_not(place)) return std::unexpected(std::move(*reason));
    if (auto allowed = place.table().may_measure(place.index); !allowed) return std::unexpected(RegisterError(std::move(allowed.error())));
    if (place.provider->capped(place.index))
        return std::unexpected(RegisterError(Capped{place.name(), place.provider->journal_state(place.index)->capped_by}));
    const auto carrier = place.table().number(place.index);
    if (!carrier) return std::unexpected(RegisterError(journal::Failed{"the journal does not know " + place.name()}));

    // One that was never made, since its carrier did not take it, is made now: no event names its id. So what fails again and again takes nothing more.
    const auto former = journal().state().find_virtual(name);
    const auto may_be_made = [&](const journal::RegisterState &reg) {
        return !reg.is_made() && reg.owner == wanted.owner && reg.algorithm == wanted.hash && *reg.carrier == *carrier;
    };
    const bool is_declared = former && may_be_made(state(*former));
    if (former && !is_declared && !journal().state().is_over(*former)) return std::unexpected(IsBeingMade{full_name});
    if (!is_declared) {
        if (auto reason = too_many(wanted.owner)) return std::unexpected(std::move(*reason));
    }
    const auto id = is_declared ? state(*former).id : new_virtual_register_id();
    const auto &spec = place.table().spec(place.index);
    const auto carrier_name = std::string(place.provider->kind()) + "/" + spec.name;
    auto measurement =
        measure_create({.envelope_name = {}, .banks = {wanted.hash, *spec.hash}, .log_only = true, .carries = true, .id = id},
                       {.name = full_name, .hash = wanted.hash, .owner = wanted.owner, .carrier = carrier_name}, std::move(caller));
    if (!measurement) return std::unexpected(std::move(measurement.error()));
    measurement->details.share = share;

    auto number = former.value_or(0);
    if (!is_declared) {
        const auto zero = mr::Digest::zero(wanted.hash);
        const journal::Register record{.algorithm = wanted.hash,
                                       .initial = zero,
                                       .start = zero,
                                       .provider = journal::virtual_provider,
                                       .name = name,
                                       .carrier = *carrier,
                                       .id = id,
                                       .owner = wanted.owner};
        const journal::Target target{.reg = *carrier, .before = zero, .after = zero, .digest = zero};
        if (auto full = journal().refuses({.targets = {&target, 1},
                                           .type = measurement->details.type,
                                           .caller = measurement->details.caller.get(),
                                           .description = measurement->details.description,
                                           .data = measurement->details.data}))
            return std::unexpected(RegisterError(std::move(*full)));
        const auto added = journal().add_virtual(record);
        if (!added) return std::unexpected(from_journal(added.error()));
        number = *added;
    }
    being_made_.insert(name);
    extend(number, place, std::move(*measurement),
           [this, name, number, done = std::move(done)](std::expected<Extended, RegisterError> made) mutable {
               being_made_.erase(name);
               done(std::move(made), number);
           });
    return {};
}

MeasuredRegister VirtualRegisters::measured(Number number, const Registers::Place &carrier) const {
    const auto &reg = state(number);
    return {.envelope_name = {},
            .banks = {reg.algorithm, *carrier.table().spec(carrier.index).hash},
            .log_only = true,
            .carries = true,
            .id = reg.id};
}

void VirtualRegisters::extend(Number number, const Registers::Place &carrier, Measurement measurement, ExtendDone done) {
    const auto &digests = measurement.digests;
    Extension extension(Extension::Targets{{.index = carrier.index, .digest = digests[1]}}, std::move(measurement.details),
                        journal::Target{.reg = number, .digest = digests[0]});
    carrier.provider->extend(std::move(extension),
                             [this, number, done = std::move(done)](std::expected<Extended, RegisterError> extended) mutable {
                                 if (extended && !extended->is_repeated) {
                                     for (const auto &handler : on_change_) handler(number);
                                 }
                                 done(std::move(extended));
                             });
}

}  // namespace mrd
