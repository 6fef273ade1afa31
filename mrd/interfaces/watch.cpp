#include "mrd/interfaces/watch.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>
#include <unordered_set>
#include <utility>
#include <variant>

#include "mrd/interfaces/known_register.h"
#include "mrd/interfaces/reading.h"
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
            if (self->virtual_entries_.contains(reg.name)) ++self->remade_;
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
    const auto watch = std::make_shared<Watch>(std::move(watched), LastingCaller(caller, gate_), std::move(answer), rules(),
                                               and_others ? std::optional(arrivals_) : std::nullopt);
    watch->made = made_.size();
    watch->told = changes_;
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

// What has come was just read; what new rules allow was not. False: it would be more than the client's share, and it is over.
bool Watches::take_in_others(Watch &watch, const Caller &caller, bool has_new_rules) {
    watch.arrivals = arrivals_;
    const bool all_known = watch.known == watch.registers.size();
    std::vector<Watched> others;
    std::unordered_set<const Entry *> taken;
    // A name may have been given more than once since.
    const auto take = [&](const Entry &entry) {
        if (watch.find(entry) == nullptr && may_watch(caller, entry.reg) && taken.insert(&entry).second) others.push_back({.of = &entry});
    };
    for (auto *provider : registers_.providers()) {
        const auto &table = provider->table();
        for (RegisterIndex index = 0; index < table.size(); ++index) {
            if (table.may_read(index) && !table.awaits_first_value(index)) take(entry_of(Registers::Place{provider, index}));
        }
    }
    // By new rules all of them; else only what was made since: there may be thousands of others.
    if (has_new_rules) {
        virtual_.for_each([&](VirtualRegisters::Number, const journal::RegisterState &reg) {
            ++looked_at_;
            take(entry_of(reg.name));
        });
        watch.made = made_.size();
    }
    for (; watch.made < made_.size(); ++watch.made) take(*made_[watch.made]);
    const auto client = watch.caller.client();
    if (const auto limit = shares_.exceeded(client, others.size())) {
        const auto held = watch.shared_from_this();
        remove(watch);
        watch.answer.fail(mr::wire::Busy{shares_.name_of(*limit, client)});
        return false;
    }
    shares_.take(client, others.size());
    watch.take_in(others);
    if (!all_known) return true;  // they are read behind those that are being read
    if (!has_new_rules) {
        watch.known = watch.registers.size();
        return true;
    }
    const auto held = watch.shared_from_this();
    first_values(held);
    return watch.position.has_value();
}

// Each in its turn, before it is told anything: who may no longer watch one of its registers is told so; who watches all that he may takes in what he may now.
void Watches::judge_again() {
    ++arrivals_;
    watchers_.begin();
    tell_later();
}

// For new rules, and for what has come. False: it is over.
bool Watches::judge(Watch &watch) {
    const bool has_new_rules = std::exchange(watch.rules, rules()) != rules();
    const bool has_others = watch.arrivals && watch.arrivals != arrivals_;
    if (!has_new_rules && !has_others) return true;
    looked_at_ += watch.registers.size();
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

// Nothing: it does not watch it.
Watches::Watched *Watches::Watch::find(const Entry &entry) {
    const auto of = [this](std::uint32_t index) { return registers[index].of; };
    const auto found = std::ranges::lower_bound(by_entry, &entry, std::less<const Entry *>(), of);
    return found != by_entry.end() && of(*found) == &entry ? &registers[*found] : nullptr;
}

void Watches::Watch::take_in(std::span<const Watched> others) {
    const auto first = registers.size();
    registers.insert(registers.end(), others.begin(), others.end());
    find_those_from(first);
}

// They are found from now on, too.
void Watches::Watch::find_those_from(std::size_t first) {
    std::vector<std::uint32_t> others(registers.size() - first);
    std::iota(others.begin(), others.end(), static_cast<std::uint32_t>(first));
    const auto of = [this](std::uint32_t index) { return registers[index].of; };
    std::ranges::sort(others, std::less<const Entry *>(), of);
    std::vector<std::uint32_t> all;
    all.reserve(registers.size());
    std::ranges::merge(by_entry, others, std::back_inserter(all), std::less<const Entry *>(), of, of);
    by_entry = std::move(all);
}

std::string Watches::name_of(const Register &reg) {
    const auto *name = std::get_if<std::string>(&reg);
    return name != nullptr ? *name : std::get<Registers::Place>(reg).name();
}

// Of a virtual one that was closed, too: its name stays its owner's.
bool Watches::may_watch(const Caller &caller, const Register &reg) const {
    const auto *name = std::get_if<std::string>(&reg);
    if (name == nullptr) return caller.may(Operation::watch, known_register(std::get<Registers::Place>(reg)));
    const auto *last = virtual_.last_of_name(*name);
    return last != nullptr && caller.may(Operation::watch, known_register(*last));
}

// Of what nobody watches nothing is kept: who begins to is told the present value.
void Watches::on_change(const Register &reg) {
    if (watchers_.size() == 0) return;
    auto &entry = entry_of(reg);
    auto change = latest_.extract(entry.last);
    entry.last = ++changes_;
    if (change.empty()) {
        latest_.emplace_hint(latest_.end(), entry.last, &entry);
    } else {
        change.key() = entry.last;
        latest_.insert(latest_.end(), std::move(change));
    }
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
    looked_at_ = 0;
    for (std::size_t told = 0; told < told_in_a_turn && looked_at_ < looked_at_in_a_turn && !watchers_.over(); ++told)
        send(**watchers_.next());
    tell_later();
}

void Watches::send(Watch &watch) {
    if (!judge(watch)) return;
    while (watch.begun < watch.known && !watch.answer.congested()) tell_of(watch, watch.registers[watch.begun++]);
    for (auto change = latest_.upper_bound(watch.told); change != latest_.end() && !watch.answer.congested(); ++change) {
        watch.told = change->first;
        auto *watched = watch.find(*change->second);
        if (watched != nullptr && watched < watch.registers.data() + watch.begun && watched->told != change->first)
            tell_of(watch, *watched);
    }
}

// Its present value, or that it has none.
void Watches::tell_of(Watch &watch, Watched &watched) {
    const auto &of = *watched.of;
    watched.told = of.last;
    if (const auto *name = std::get_if<std::string>(&of.reg)) {
        const auto number = virtual_.find(*name);
        if (!number) return watch.answer.stream({std::nullopt, *name, registers_.sequence()});
        const auto value = mr::to_hex(virtual_.state(*number).logged.bytes());
        return watch.answer.stream({reading_of(virtual_, *number, value, false), std::nullopt, registers_.sequence()});
    }
    const auto &place = std::get<Registers::Place>(of.reg);
    const auto &table = place.table();
    if (!table.is_there(place.index)) return watch.answer.stream({std::nullopt, place.name(), registers_.sequence()});
    watch.answer.stream({reading_of(place, false), std::nullopt, registers_.sequence()});
}

}  // namespace mrd
