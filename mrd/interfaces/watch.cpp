#include "mrd/interfaces/watch.h"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <variant>

#include "mrd/interfaces/known_register.h"
#include "mrd/interfaces/register_errors.h"
#include "mrd/interfaces/virtual_registers.h"

namespace mrd {

std::shared_ptr<Watches> Watches::make(Registers &registers, VirtualRegisters &virtual_registers, const std::shared_ptr<Gate> &gate) {
    const std::shared_ptr<Watches> watches(new Watches(registers, virtual_registers, gate));
    const auto changed = [weak = std::weak_ptr(watches)](Registers::Place place) {
        if (const auto self = weak.lock()) self->on_change(place);
    };
    registers.on_change(changed);
    registers.on_vanishing(changed);
    registers.on_appearance([weak = std::weak_ptr(watches), changed](Registers::Place place) {
        if (const auto self = weak.lock()) ++self->arrivals_;
        changed(place);
    });
    virtual_registers.on_change([weak = std::weak_ptr(watches)](VirtualRegisters::Number number) {
        const auto self = weak.lock();
        if (!self) return;
        const auto &reg = self->virtual_.state(number);
        if (reg.events == 1) {
            self->made_.push_back(&self->entry_of(reg.name));
            ++self->arrivals_;
        }
        self->on_change(reg.name);
    });
    gate->access.on_change([weak = std::weak_ptr(watches)] {
        if (const auto self = weak.lock()) self->judge_again();
    });
    return watches;
}

void Watches::add(const std::vector<Register> &registers, bool and_others, const Caller &caller, Answer<mr::wire::Watch> answer) {
    const auto client = caller.client();
    if (const auto limit = shares_.exceeded(client, registers.size())) return answer.fail(mr::wire::Busy{shares_.name_of(*limit, client)});
    shares_.take(client, registers.size());
    std::vector<Watched> watched;
    watched.reserve(registers.size());
    for (const auto &reg : registers) watched.push_back({.of = &entry_of(reg)});
    const auto watch = std::make_shared<Watch>(std::move(watched), LastingCaller(caller, gate_), std::move(answer), gate_->access.changes(),
                                               and_others ? std::optional(arrivals_) : std::nullopt);
    watch->made = made_.size();
    watch->position = watchers_.add(watch);
    watch->answer.on_drained([this, weak = std::weak_ptr(watch)] {
        if (const auto still = weak.lock()) send(*still);
    });
    watch->answer.on_closed([this, weak = std::weak_ptr(watch)] {
        if (const auto still = weak.lock()) remove(*still);
    });
    first_values(watch);
}

// Reads one register after the other: a value that has to be reread is sent when it is there. Those that are there at once come together, however many they are: one
// call for each within the other would be as deep as they are many.
void Watches::first_values(const std::weak_ptr<Watch> &weak) {
    const auto watch = weak.lock();
    if (!watch || watch->is_reading) return;
    watch->is_reading = true;
    for (auto known = watch->known; known < watch->registers.size(); known = watch->known) {
        read_next(*watch);
        if (!watch->position) return;  // it is over
        if (watch->known == known) break;
    }
    watch->is_reading = false;
    send(*watch);
}

void Watches::read_next(Watch &watch) {
    const auto weak = watch.weak_from_this();
    const auto *hardware = std::get_if<Registers::Place>(&watch.registers[watch.known].of->reg);
    if (hardware == nullptr) return virtual_.when_known([this, weak] { value_known(weak); });
    const auto place = *hardware;
    if (!place.table().is_there(place.index)) return value_known(weak);
    place.provider->read(watch.caller.client().uid, place.index, false, [this, weak](std::expected<bool, RegisterError> refreshed) {
        const auto still = weak.lock();
        if (!still) return;
        // That it has gone meanwhile is told as of any other.
        if (!refreshed && !std::holds_alternative<RegisterGone>(refreshed.error())) {
            // An error is final: the watcher learns that it is blind, and may try again.
            still->answer.fail(on_wire(refreshed.error()));
            remove(*still);
            return;
        }
        value_known(weak);
    });
}

void Watches::value_known(const std::weak_ptr<Watch> &weak) {
    const auto watch = weak.lock();
    if (!watch) return;
    ++watch->known;
    first_values(weak);
}

// What has come was just read. False: it would be more than the client's share, and it is over.
bool Watches::take_in_others(Watch &watch, const Caller &caller, bool has_new_rules) {
    watch.arrivals = arrivals_;
    const bool all_known = watch.known == watch.registers.size();
    std::vector<Watched> others;
    // A name may have been given more than once since.
    const auto is_new = [&](const Entry &entry) {
        return !watches(watch, entry) && std::ranges::find(others, &entry, &Watched::of) == others.end() && may_watch(caller, entry.reg);
    };
    for (auto *provider : registers_.providers()) {
        const auto &table = provider->table();
        for (RegisterIndex index = 0; index < table.size(); ++index) {
            const Registers::Place place{provider, index};
            if (!table.may_read(index)) continue;
            if (const auto &entry = entry_of(place); is_new(entry)) others.push_back({.of = &entry});
        }
    }
    // By new rules all of them; else only what was made since: there may be thousands of others.
    if (has_new_rules) {
        std::unordered_set<const Entry *> seen;
        for (const auto &watched : watch.registers) seen.insert(watched.of);
        for (const auto &other : others) seen.insert(other.of);
        virtual_.for_each([&](VirtualRegisters::Number, const journal::RegisterState &reg) {
            const auto &entry = entry_of(reg.name);
            if (!seen.contains(&entry) && may_watch(caller, entry.reg)) others.push_back({.of = &entry});
        });
        watch.made = made_.size();
    }
    for (; watch.made < made_.size(); ++watch.made) {
        if (const auto &entry = *made_[watch.made]; is_new(entry)) others.push_back({.of = &entry});
    }
    const auto client = watch.caller.client();
    if (const auto limit = shares_.exceeded(client, others.size())) {
        const auto held = watch.shared_from_this();
        remove(watch);
        watch.answer.fail(mr::wire::Busy{shares_.name_of(*limit, client)});
        return false;
    }
    shares_.take(client, others.size());
    watch.registers.insert(watch.registers.end(), others.begin(), others.end());
    if (all_known) watch.known = watch.registers.size();
    return true;
}

// Each in its turn, before it is told anything: who may no longer watch one of its registers is told so; who watches all that he may takes in what he may now.
void Watches::judge_again() {
    ++arrivals_;
    watchers_.begin();
    tell_later();
}

// For new rules, and for what has come. False: it is over.
bool Watches::judge(Watch &watch) {
    const auto rules = gate_->access.changes();
    const bool has_new_rules = std::exchange(watch.rules, rules) != rules;
    const bool has_others = watch.arrivals && watch.arrivals != arrivals_;
    if (!has_new_rules && !has_others) return true;
    const auto caller = watch.caller.now();
    if (has_new_rules) {
        const auto refused =
            std::ranges::find_if(watch.registers, [&](const Watched &watched) { return !may_watch(*caller, watched.of->reg); });
        if (refused != watch.registers.end()) {
            const auto held = watch.shared_from_this();
            watch.caller.refused(*caller, Operation::watch, name_of(refused->of->reg));
            remove(watch);
            watch.answer.fail(varlink::PermissionDenied{});
            return false;
        }
    }
    return !has_others || take_in_others(watch, *caller, has_new_rules);
}

void Watches::remove(Watch &watch) {
    const auto position = std::exchange(watch.position, std::nullopt);
    if (!position) return;
    shares_.give_back(watch.caller.client(), watch.registers.size());
    watchers_.remove(*position);
}

Watches::Entry &Watches::entry_of(const Register &reg) {
    if (const auto *name = std::get_if<std::string>(&reg)) return virtual_entries_.try_emplace(*name, Entry{.reg = reg}).first->second;
    const auto &place = std::get<Registers::Place>(reg);
    return entries_.try_emplace({place.provider, place.index}, Entry{.reg = reg}).first->second;
}

bool Watches::watches(const Watch &watch, const Entry &entry) {
    return std::ranges::find(watch.registers, &entry, &Watched::of) != watch.registers.end();
}

std::string Watches::name_of(const Register &reg) {
    const auto *name = std::get_if<std::string>(&reg);
    return name != nullptr ? *name : std::get<Registers::Place>(reg).name();
}

// Of a virtual one that was closed, too: its name stays its owner's.
bool Watches::may_watch(const Caller &caller, const Register &reg) const {
    const auto *name = std::get_if<std::string>(&reg);
    if (name == nullptr) return caller.may(Operation::watch, known_register(std::get<Registers::Place>(reg)));
    return caller.may(Operation::watch, KnownRegister{.name = {*name, {}}, .owner = virtual_.owner_of_name(*name)});
}

void Watches::on_change(const Register &reg) {
    ++entry_of(reg).changes;
    watchers_.begin();
    tell_later();
}

void Watches::tell_later() {
    if (watchers_.over() || std::exchange(will_tell_, true)) return;
    registers_.later([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->tell();
    });
}

void Watches::tell() {
    will_tell_ = false;
    for (std::size_t told = 0; told < told_in_a_turn && !watchers_.over(); ++told) send(**watchers_.next());
    tell_later();
}

void Watches::send(Watch &watch) {
    if (!judge(watch)) return;
    for (std::size_t i = 0; i < watch.known && !watch.answer.congested(); ++i) {
        auto &watched = watch.registers[i];
        const auto &of = *watched.of;
        if (std::exchange(watched.told, of.changes) == of.changes) continue;
        if (const auto *name = std::get_if<std::string>(&of.reg)) {
            if (const auto number = virtual_.find(*name)) {
                const auto value = mr::to_hex(virtual_.state(*number).logged.bytes());
                watch.answer.stream({mr::wire::Reading{*name, value, std::nullopt, false}, std::nullopt, registers_.sequence()});
            } else {
                watch.answer.stream({std::nullopt, *name, registers_.sequence()});
            }
            continue;
        }
        const auto &place = std::get<Registers::Place>(of.reg);
        const auto &table = place.table();
        if (table.is_there(place.index)) {
            const mr::wire::Reading reading{place.name(), table.hex(place.index), table.generation(place.index), false};
            watch.answer.stream({reading, std::nullopt, registers_.sequence()});
        } else {
            watch.answer.stream({std::nullopt, place.name(), registers_.sequence()});
        }
    }
}

}  // namespace mrd
