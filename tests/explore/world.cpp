#include "tests/explore/world.h"

#include <algorithm>
#include <span>
#include <tuple>
#include <utility>

#include "mrd/journal/format.h"
#include "tests/registers/intent.h"

namespace mrd {

namespace {

constexpr std::string_view provider_name = "tdx";
constexpr auto virtual_algorithm = mr::HashAlgorithm::sha256;
mr::Digest virtual_digest(std::size_t event) {
    return mr::Digest(mr::Bytes(mr::digest_size(virtual_algorithm), static_cast<std::uint8_t>(event + 1)));
}

mr::Bytes bytes_of(const mr::Digest &digest) { return {digest.bytes().begin(), digest.bytes().end()}; }

mr::Digest extended(mr::HashAlgorithm algorithm, const mr::Digest &old, const mr::Digest &by) {
    static auto sha384 = mr::Hasher::open(mr::HashAlgorithm::sha384).value();
    static auto sha256 = mr::Hasher::open(mr::HashAlgorithm::sha256).value();
    return (algorithm == mr::HashAlgorithm::sha384 ? sha384 : sha256).extend(old.bytes(), by.bytes());
}

std::string name_of_event(std::size_t event) { return "e" + std::to_string(event); }
std::string name_of_register(std::size_t reg) { return "r" + std::to_string(reg); }

}  // namespace

std::string text_of(const Step &step) {
    using Kind = Step::Kind;
    const auto of_register = " " + name_of_register(step.what);
    switch (step.kind) {
    case Kind::send: return "a client sends its next event to" + of_register;
    case Kind::resend: return "a client sends " + name_of_event(step.what) + " again";
    case Kind::read: return "a client reads" + of_register;
    case Kind::read_fresh: return "a client reads" + of_register + " fresh";
    case Kind::turn: return "the next call's turn comes";
    case Kind::log: return "the intent is written";
    case Kind::log_fails: return "the intent cannot be written";
    case Kind::provider: return "the hardware extends";
    case Kind::provider_fails_before: return "the hardware FAILS before it extends";
    case Kind::provider_fails_after: return "the hardware extends and FAILS";
    case Kind::reread: return "the hardware is reread";
    case Kind::reread_fails: return "the hardware CANNOT BE REREAD";
    case Kind::end: return "mrd takes the result";
    case Kind::reread_beside: return "the hardware is reread beside that";
    case Kind::reread_beside_fails: return "the hardware CANNOT BE REREAD beside that";
    case Kind::end_beside: return "mrd takes what was reread beside";
    case Kind::settle: return "the event is settled";
    case Kind::answer: return "the client is answered";
    case Kind::foreign: return "SOMEBODY ELSE extends" + of_register;
    case Kind::crash: return "mrd is KILLED";
    case Kind::open: return "mrd starts and reads the registers";
    case Kind::join: return "mrd reads the journal and settles what was open";
    }
    std::unreachable();
}

RegisterSpec World::spec(std::size_t reg) const {
    if (left_.report && reg == 1)
        return {.name = "report",
                .hash = {},
                .size = mr::digest_size(mr::HashAlgorithm::sha384),
                .flags = mr::Flags::from_string("RL").value()};
    const auto hash = left_.banks && reg == 1 ? mr::HashAlgorithm::sha256 : mr::HashAlgorithm::sha384;
    return {.name = left_.banks ? "r" : name_of_register(reg),
            .hash = hash,
            .size = mr::digest_size(hash),
            .flags = mr::Flags::from_string("XWRL").value(),
            .owner = left_.owners.at(reg),
            .refresh_set = left_.banks ? reg : 0};
}

mr::Digest World::digest(std::size_t reg, std::uint8_t byte) const { return mr::Digest(mr::Bytes(spec(reg).size, byte)); }

World::World(const Bounds &bounds) : left_(bounds), clients_(bounds.clients), events_(bounds.extends) {
    for (std::size_t reg = 0; reg < registers; ++reg) {
        hardware_[reg].value = observed_[reg] = digest(reg, 0);
        hardware_[reg].held.push_back(hardware_[reg].value);
    }
    if (bounds.last_caps && !events_.empty()) events_.back().caps = true;
    journal::append_file_header(file_);
    write(journal::Boot{1, "a boot"});
    for (std::size_t reg = 0; reg < extensible(); ++reg)
        write(journal::Register{*spec(reg).hash, hardware_[reg].value, hardware_[reg].value, provider_name, spec(reg).name});
    if (left_.carried) {
        const auto zero = mr::Digest::zero(virtual_algorithm);
        write(journal::Register{virtual_algorithm, zero, zero, "virtual", "v", 0});
    }
    open();
    join();
}

std::size_t World::waiting_clients() const {
    const auto waits = [](const Event &event) { return event.fate == Event::Fate::waits; };
    return readers_.size() + static_cast<std::size_t>(std::ranges::count_if(events_, waits));
}

std::vector<Step> World::steps() const {
    using Kind = Step::Kind;
    using Action = Extension::Action;
    std::vector<Step> steps;
    for (std::uint8_t reg = 0; left_.foreign > 0 && reg < extensible(); ++reg) steps.push_back({Kind::foreign, reg});
    if (phase_ == Phase::is_down) steps.push_back({Kind::open});
    if (phase_ == Phase::has_read) steps.push_back({Kind::join});
    if (phase_ != Phase::runs) return steps;
    if (left_.crashes > 0) steps.push_back({Kind::crash});
    if (waiting_clients() < clients_) {
        for (std::uint8_t reg = 0; reg < registers; ++reg) {
            if (left_.extends > 0 && reg < extensible() && (reg == 0 || !left_.banks)) steps.push_back({Kind::send, reg});
            if (left_.reads > 0) steps.push_back({Kind::read, reg});
            if (left_.fresh_reads > 0) steps.push_back({Kind::read_fresh, reg});
        }
        for (std::uint8_t event = 0; left_.resends > 0 && event < events_.size(); ++event) {
            const auto fate = events_[event].fate;
            if (fate != Event::Fate::not_sent && fate != Event::Fate::waits && !events_[event].caps) steps.push_back({Kind::resend, event});
        }
    }
    if (!queue_.empty()) {
        const bool goes_beside = left_.beside && !queue_.front().extension;
        if (!(goes_beside ? beside_ : current_)) steps.push_back({Kind::turn});
    }
    if (beside_ && beside_->has_acted) {
        steps.push_back({Kind::end_beside});
    } else if (beside_) {
        steps.push_back({Kind::reread_beside});
        if (left_.reread_failures > 0) steps.push_back({Kind::reread_beside_fails});
    }
    if (!current_) return steps;
    if (current_->has_acted) {
        steps.push_back({Kind::end});
        return steps;
    }
    switch (current_->action) {
    case Action::reread:
        steps.push_back({Kind::reread});
        if (left_.reread_failures > 0) steps.push_back({Kind::reread_fails});
        break;
    case Action::log:
        steps.push_back({Kind::log});
        if (left_.journal_failures > 0) steps.push_back({Kind::log_fails});
        break;
    case Action::extend:
        steps.push_back({Kind::provider});
        if (left_.provider_failures > 0) {
            steps.push_back({Kind::provider_fails_before});
            steps.push_back({Kind::provider_fails_after});
        }
        break;
    case Action::settle: steps.push_back({Kind::settle}); break;
    case Action::answer: steps.push_back({Kind::answer}); break;
    }
    return steps;
}

void World::take(const Step &step) {
    using Kind = Step::Kind;
    switch (step.kind) {
    case Kind::send: {
        const auto event = events_.size() - left_.extends;
        --left_.extends;
        for (std::size_t reg = 0; reg < registers; ++reg) {
            if ((left_.banks && reg < extensible()) || reg == step.what)
                events_[event].targets.push_back({.index = reg, .digest = digest(reg, static_cast<std::uint8_t>(event + 1))});
        }
        ask(event);
        break;
    }
    case Kind::resend:
        --left_.resends;
        ask(step.what);
        break;
    case Kind::read:
        --left_.reads;
        read(step.what, false);
        break;
    case Kind::read_fresh:
        --left_.fresh_reads;
        read(step.what, true);
        break;
    case Kind::turn: turn(); break;
    case Kind::log: log(false); break;
    case Kind::log_fails:
        --left_.journal_failures;
        log(true);
        break;
    case Kind::provider:
    case Kind::provider_fails_before:
    case Kind::provider_fails_after: provider(step.kind); break;
    case Kind::reread_fails:
    case Kind::reread: reread(*current_, step.kind == Kind::reread_fails); break;
    case Kind::end: end(current_); break;
    case Kind::reread_beside_fails:
    case Kind::reread_beside: reread(*beside_, step.kind == Kind::reread_beside_fails); break;
    case Kind::end_beside: end(beside_); break;
    case Kind::settle: {
        const auto sequence = settle(current_->extension->intent(), journal::Outcome::done);
        current_->action = current_->extension->settle_ended(known(), sequence);
        break;
    }
    case Kind::answer: answer(); break;
    case Kind::foreign:
        --left_.foreign;
        take_hardware(step.what, digest(step.what, static_cast<std::uint8_t>(0xF0U + left_.foreign)), {.by = Taken::By::foreign});
        break;
    case Kind::crash:
        --left_.crashes;
        crash();
        break;
    case Kind::open: open(); break;
    case Kind::join: join(); break;
    }
    for (std::size_t reg = 0; beside_ && reg < registers; ++reg)
        beside_->is_overtaken[reg] = beside_->is_overtaken[reg] || is_extending(reg);
    if (violation_.empty()) check_log();
    if (violation_.empty() && left_.carried && phase_ == Phase::runs) check_virtual();
    if (violation_.empty() && phase_ == Phase::runs) check_shown();
    if (violation_.empty() && phase_ == Phase::runs) check_rest();
}

// From when the table is told until it knows how it ended.
bool World::is_extending(std::size_t reg) const {
    if (!current_ || !current_->extension) return false;
    if (current_->action != Extension::Action::log && current_->action != Extension::Action::extend) return false;
    const auto targets = current_->extension->event().targets;
    return std::ranges::find(targets, reg, &Extension::Target::index) != targets.end();
}

// ---- Clients

void World::ask(std::size_t number) {
    auto &event = events_[number];
    event.fate = Event::Fate::waits;
    static const auto caller = std::make_shared<const mr::EventCaller>(mr::EventCaller{.uid = 1000});
    EventDetails details{.caller = caller, .id = name_of_event(number)};
    if (event.caps) {
        MeasuredRegister measured{.envelope_name = "fake/" + spec(event.targets.front().index).name, .banks = {}};
        for (const auto &target : event.targets) measured.banks.push_back(*spec(target.index).hash);
        auto cap = measure_cap(measured, caller).value();
        for (std::size_t i = 0; i < event.targets.size(); ++i) event.targets.all()[i].digest = cap.digests[i];
        details = std::move(cap.details);
    }
    std::optional<journal::Target> carried;
    if (is_carried(event)) carried = journal::Target{.reg = virtual_register(), .digest = virtual_digest(number)};
    queue_.push_back({.event = number, .extension = Extension(event.targets, std::move(details), carried)});
}

void World::read(std::size_t reg, bool fresh) {
    const bool must_be_new = fresh || table_->always_rereads(reg);
    // What an extend that is under way has done to the register need not be known yet.
    const auto &taken = hardware_[place_of(reg)].taken;
    const auto mine = is_extending(place_of(reg)) ? std::ranges::find(taken, current_->extension->intent(), &Taken::intent) : taken.end();
    const auto floor = must_be_new ? static_cast<std::size_t>(mine - taken.begin()) : floor_[reg];
    const auto plan = table_->plan_read(reg, fresh);
    if (plan.action == ReadPlan::Action::serve) return answer_read(reg, floor);
    readers_.push_back({.refresh = plan.refresh, .reg = reg, .floor = floor});
    if (plan.action == ReadPlan::Action::start)
        queue_.push_back({.event = {}, .extension = {}, .refresh = plan.refresh, .set = table_->spec(reg).refresh_set});
}

void World::answer_read(std::size_t reg, std::size_t floor) {
    const auto &held = hardware_[place_of(reg)].held;
    const auto found = std::ranges::find(held, mr::Digest(table_->value(reg)));
    if (found == held.end()) return violate("a read of " + name_of_register(reg) + " is told a value that it never held");
    const auto place = static_cast<std::size_t>(found - held.begin());
    if (place < floor) return violate("a read of " + name_of_register(reg) + " is told an older value than it was to get");
    floor_[reg] = std::max(floor_[reg], place);
}

void World::answer() {
    const auto &answer = current_->extension->answer();
    const auto number = *current_->event;
    auto &event = events_[number];
    const auto name = name_of_event(number);
    const auto is_mine = [number](const Taken &what) { return what.by == Taken::By::event && what.event == number; };
    // The last time: one that only some banks took, or of which nobody can tell, may be extended again.
    const auto took = [&](std::size_t reg) {
        const auto &taken = hardware_[reg].taken;
        return std::find_if(taken.rbegin(), taken.rend(), is_mine);
    };
    const auto has_taken = [&](const Extension::Target &target) { return took(target.index) != hardware_[target.index].taken.rend(); };
    if (answer) {
        if (!std::ranges::all_of(event.targets, has_taken)) return violate(name + " is answered and did not happen");
        const auto in_log = std::ranges::find_if(log_, [&](const Logged &logged) { return is_mine(logged.what); });
        if (in_log == log_.end() || static_cast<std::int64_t>(in_log->sequence) != answer->sequence)
            violate(name + " is answered and is not in the log by that number");
        if (event.answer.sequence != 0 && event.answer != *answer) violate(name + " is answered once more, and otherwise");
        for (const auto &target : event.targets) {
            const auto reg = target.index;
            const auto place = static_cast<std::size_t>(hardware_[reg].taken.rend() - took(reg));
            for (std::size_t read = 0; read < registers; ++read) {
                if (place_of(read) == reg) floor_[read] = std::max(floor_[read], place);
            }
            if (is_carried(event)) continue;  // the value is the virtual register's
            if (reg == event.targets.front().index && !others_have_extended(reg) && answer->value != hardware_[reg].held[place])
                violate(name + " is answered with a value that " + name_of_register(reg) + " did not hold after it");
        }
        if (is_carried(event) && answer->value != virtual_after(static_cast<std::size_t>(in_log - log_.begin()) + 1))
            violate(name + " is answered with a value that the virtual register does not have after it");
        event.answer = *answer;
        event.fate = Event::Fate::is_answered;
    } else {
        const auto *failed = std::get_if<ProviderFailed>(&answer.error());
        const bool says_nothing =
            (failed != nullptr && failed->applied == Applied::unknown) || std::holds_alternative<Indeterminate>(answer.error());
        if (std::holds_alternative<Indeterminate>(answer.error()) && !current_->was_not_reread)
            violate(name + " is refused as indeterminate, and nobody has tried to reread the register");
        event.fate = says_nothing ? Event::Fate::is_unknown : Event::Fate::is_refused;
        if (event.answer.sequence != 0) violate(name + " was answered, and is refused when it is sent again");
        if (!says_nothing && std::ranges::any_of(event.targets, has_taken) && !event.is_indeterminate)
            violate(name + " happened, and its client is told that it did not");
    }
    current_.reset();
}

// ---- mrd at work: what mrd/registers/provider_registers.cpp does

void World::turn() {
    auto &place = left_.beside && !queue_.front().extension ? beside_ : current_;
    place = std::move(queue_.front());
    queue_.pop_front();
    for (std::size_t reg = 0; reg < registers; ++reg) place->at_turn[reg] = hardware_[reg].taken.size();
    if (!place->extension) {
        table_->refresh_begins(place->refresh);
        place->action = Extension::Action::reread;
        return;
    }
    current_->action = current_->extension->begin(known());
    if (current_->action == Extension::Action::reread) current_->refresh = table_->begin_refresh(current_->extension->refresh_set());
}

void World::log(bool fails) {
    auto &extension = *current_->extension;
    if (fails) {
        current_->action = extension.intent_ended(known(), std::unexpected(journal::Failed{"the disk"}));
        return;
    }
    for (const auto &target : extension.event().targets) {
        const auto reg = target.index;
        const auto &held = hardware_[reg].held;
        const auto at_turn = held.begin() + static_cast<std::ptrdiff_t>(current_->at_turn[reg]);
        if (extension.resyncs() && std::find(at_turn, held.end(), target.before) == held.end())
            violate("a resync of " + name_of_register(reg) + " names what it did not hold right before");
        if (!extension.resyncs() && target.before != observed_[reg])
            violate("an extend of " + name_of_register(reg) + " does not go on from what mrd last saw there");
        // What others extend is known as long as nobody has extended it since the turn began.
        const auto &taken = hardware_[reg].taken;
        const auto since = taken.begin() + static_cast<std::ptrdiff_t>(current_->at_turn[reg]);
        const bool is_known = std::none_of(since, taken.end(), [](const Taken &what) { return what.by == Taken::By::foreign; });
        if (left_.owners.at(reg) == mr::Owner::shared && is_known && target.before != hardware_[reg].value)
            violate("an extend of " + name_of_register(reg) + ", which is shared, does not go on from what it holds");
        const bool is_capped = std::ranges::any_of(log_, [&](const Logged &logged) {
            return logged.reg == reg && logged.what.by == Taken::By::event && events_[logged.what.event].caps;
        });
        if (is_capped) violate("the capped register " + name_of_register(reg) + " is extended");
    }
    if (++current_->logged > current_->extension->asked_for().targets.size() + 1) violate("a turn does not end");
    const auto number = journal_.next_intent();
    write(intent_of(*table_, extension, number));
    current_->action = extension.intent_ended(known(), number);
}

// Registers of one event take it one after the other.
void World::provider(Step::Kind how) {
    auto &call = *current_;
    const auto targets = call.extension->event().targets;
    const auto &target = targets[call.extended];
    call.failed = how != Step::Kind::provider;
    call.has_acted = call.failed || ++call.extended == targets.size();
    if (call.failed) --left_.provider_failures;
    if (how == Step::Kind::provider_fails_before) return;
    const auto &open = journal_.open();
    if (std::ranges::find(open, call.extension->intent(), &journal::OpenIntent::number) == open.end())
        violate("the hardware is asked before the intent is written");
    const bool is_resync = call.extension->resyncs();
    const Taken what{
        .by = is_resync ? Taken::By::resync : Taken::By::event, .event = is_resync ? 0 : *call.event, .intent = call.extension->intent()};
    const auto is_the_same = [&](const Taken &one) { return one.by == what.by && one.event == what.event; };
    if (!is_resync && std::ranges::any_of(hardware_[target.index].taken, is_the_same) && !events_[what.event].is_indeterminate)
        violate(name_of_event(what.event) + " is extended twice");
    take_hardware(target.index, target.digest, what);
}

void World::take_hardware(std::size_t reg, const mr::Digest &by, Taken what) {
    auto &hardware = hardware_[reg];
    hardware.value = extended(*spec(reg).hash, hardware.value, by);
    hardware.taken.push_back(what);
    hardware.held.push_back(hardware.value);
}

void World::reread(Call &call, bool fails) {
    call.has_acted = true;
    call.failed = fails;
    if (fails) {
        --left_.reread_failures;
        call.was_not_reread = true;
        return;
    }
    call.values.clear();
    for (std::size_t reg = 0; reg < registers; ++reg) call.values.push_back(bytes_of(hardware_[place_of(reg)].value));
}

void World::end(std::optional<Call> &place) {
    auto &call = *place;
    call.has_acted = false;
    call.extended = 0;
    std::expected<void, ProviderError> result;
    if (call.failed) result = std::unexpected(ProviderError{"it failed"});
    if (call.action == Extension::Action::extend) {
        if (!call.failed) {
            for (const auto &target : call.extension->event().targets) observed_[target.index] = target.after;
        }
        call.action = call.extension->extend_ended(known(), result);
    } else {
        if (!call.failed) {
            const auto set = call.extension ? call.extension->refresh_set() : call.set;
            for (RegisterIndex reg = 0; reg < registers; ++reg) {
                if (table_->spec(reg).refresh_set == set && !call.is_overtaken[reg]) observed_[reg] = mr::Digest(call.values[reg]);
            }
        }
        const auto settled = end_refresh(call.refresh, call.failed ? nullptr : &call.values);
        if (!call.extension) return place.reset();
        call.action = call.extension->reread_ended(known(), result, settled);
    }
    if (call.action == Extension::Action::reread) call.refresh = table_->begin_refresh(call.extension->refresh_set());
}

std::vector<Extension::Settled> World::end_refresh(RefreshId id, const std::vector<mr::Bytes> *values) {
    const auto refreshed = table_->refresh_ends(id, values);
    std::vector<Extension::Settled> settled;
    for (const auto &[intent, outcome] : refreshed.settled) settled.push_back({intent, outcome, settle(intent, outcome)});
    for (const auto &reader : readers_) {
        if (reader.refresh == id && values != nullptr) answer_read(reader.reg, reader.floor);
    }
    std::erase_if(readers_, [id](const Reader &reader) { return reader.refresh == id; });
    return settled;
}

std::uint64_t World::settle(std::uint64_t number, journal::Outcome outcome) {
    const auto &open = journal_.open();
    const auto intent = std::ranges::find(open, number, &journal::OpenIntent::number);
    if (intent == open.end()) {
        violate("an intent is settled that is not open");
        return 0;
    }
    const auto sequence = outcome == journal::Outcome::done ? journal_.sequence() + 1 : 0;
    const bool is_done = outcome == journal::Outcome::done;
    for (const auto &target : intent->targets) {
        if (target.reg >= extensible()) continue;  // a virtual register
        const auto &taken = hardware_[target.reg].taken;
        const bool took_it = std::ranges::find(taken, number, &Taken::intent) != taken.end();
        if (is_done && !took_it) violate("an intent is settled as done, and " + name_of_register(target.reg) + " has not taken it");
        if (outcome == journal::Outcome::undone && took_it)
            violate("an intent is settled as undone, and " + name_of_register(target.reg) + " has taken it");
        if (intent->origin == journal::Origin::resync) {
            if (is_done) log_.push_back({{.by = Taken::By::resync}, target.reg, sequence});
            continue;
        }
        for (std::size_t event = 0; event < events_.size(); ++event) {
            if (std::ranges::find(events_[event].targets.all(), target.digest, &Extension::Target::digest) == events_[event].targets.end())
                continue;
            if (outcome == journal::Outcome::indeterminate) events_[event].is_indeterminate = true;
            if (is_done) log_.push_back({{.by = Taken::By::event, .event = event}, target.reg, sequence});
        }
    }
    write(journal::Settled{number, sequence, outcome});
    return sequence;
}

// ---- The file, and lives

void World::write(const journal::Record &record) {
    if (const auto checked = journal_.check_and_apply(record); !checked) violate("a record that no restart would take: " + checked.error());
    journal::append_record(file_, file_.size(), record);
}

journal::State World::read_file() const {
    journal::State state;
    std::size_t at = journal::file_header_size;
    while (at < file_.size()) {
        const auto head = journal::decode_head(mr::ByteView(file_).subspan(at), at);
        const auto record = journal::decode_record(*head, mr::ByteView(file_).subspan(at, head->record_size()));
        (void)state.check_and_apply(*record);
        at += head->record_size();
    }
    return state;
}

void World::crash() {
    phase_ = Phase::is_down;
    for (auto &event : events_) {
        if (event.fate == Event::Fate::waits) event.fate = Event::Fate::is_lost;
    }
    if (read_file() != journal_) violate("the file does not say what mrd knew");
    table_.reset();
    journal_ = {};
    queue_.clear();
    current_.reset();
    beside_.reset();
    readers_.clear();
}

void World::open() {
    std::vector<RegisterSpec> specs;
    for (std::size_t reg = 0; reg < registers; ++reg) specs.push_back(spec(reg));
    table_.emplace(RegisterTable::build(provider_name, std::move(specs), {.refresh = true, .extend = true}, 1).value());
    std::vector<mr::Bytes> values;
    for (std::size_t reg = 0; reg < registers; ++reg) values.push_back(bytes_of(hardware_[place_of(reg)].value));
    for (RefreshSet set = 0; set < table_->refresh_sets(); ++set) table_->refresh_ends(table_->begin_refresh(set), &values);
    for (std::size_t reg = 0; reg < registers; ++reg) observed_[reg] = hardware_[place_of(reg)].value;
    phase_ = Phase::has_read;
}

// As Journal::settle_open() and ProviderRegisters::join().
void World::join() {
    journal_ = read_file();
    journal::State::Held held;
    for (std::size_t reg = 0; reg < extensible(); ++reg) held.emplace_back(mr::Digest(table_->value(reg)));
    for (const auto &[intent, outcome] : journal_.conclude(held)) settle(intent, outcome);
    for (std::size_t reg = 0; reg < extensible(); ++reg) {
        table_->set_number(reg, static_cast<journal::RegisterNumber>(reg));
        table_->set_logged(reg, journal_.registers()[reg].logged);
    }
    phase_ = Phase::runs;
}

// ---- What must hold

void World::check_log() {
    std::array<std::size_t, registers> next{};
    std::vector<std::size_t> times(events_.size());
    for (const auto &[what, reg, sequence] : log_) {
        const auto &taken = hardware_[reg].taken;
        const auto found = std::find_if(taken.begin() + static_cast<std::ptrdiff_t>(next[reg]), taken.end(), [&](const Taken &one) {
            return one.by == what.by && (one.by != Taken::By::event || one.event == what.event);
        });
        if (found == taken.end()) return violate("event " + std::to_string(sequence) + " of the log did not happen, or not in this order");
        next[reg] = static_cast<std::size_t>(found - taken.begin()) + 1;
        if (what.by != Taken::By::event) continue;
        if (reg != events_[what.event].targets.front().index) continue;
        if (++times[what.event] > 1) violate(name_of_event(what.event) + " is in the log twice");
        if (events_[what.event].fate == Event::Fate::is_refused)
            violate(name_of_event(what.event) + " is in the log, and its client was told that it did not happen");
    }
    for (std::size_t event = 0; event < events_.size(); ++event) {
        if (events_[event].answer.sequence != 0 && times[event] != 1) violate(name_of_event(event) + " was answered and is not in the log");
    }
}

bool World::is_carried(const Event &event) const { return left_.carried && !event.caps && event.targets.front().index == 0; }

// What the first so many events of the log make of the virtual register.
mr::Digest World::virtual_after(std::size_t events) const {
    auto value = mr::Digest::zero(virtual_algorithm);
    for (const auto &[what, reg, sequence] : std::span(log_).first(events)) {
        if (what.by == Taken::By::event && is_carried(events_[what.event]))
            value = extended(virtual_algorithm, value, virtual_digest(what.event));
    }
    return value;
}

void World::check_virtual() {
    if (journal_.registers()[virtual_register()].logged != virtual_after(log_.size()))
        violate("the virtual register is not what its carrier's log leads to");
}

// Whether it holds what the log explains, as far as mrd has seen.
void World::check_shown() {
    for (std::size_t reg = 0; reg < extensible(); ++reg) {
        if (left_.owners.at(reg) != mr::Owner::owned || table_->indeterminate(reg) || is_extending(reg)) continue;
        const bool differs = observed_[reg] != *table_->logged(reg);
        if (table_->divergence(reg).has_value() == differs) continue;
        violate(name_of_register(reg) + (differs ? " holds what the log does not explain, and is not shown so"
                                                 : " is shown as diverged, and holds what the log leads to"));
    }
}

void World::check_rest() {
    if (current_ || beside_ || !queue_.empty()) return;
    if (waiting_clients() > 0) violate("a client waits for ever");
    for (const auto &open : journal_.open()) {
        for (const auto &target : open.targets) {
            if (target.reg < extensible() && !table_->indeterminate(target.reg))
                violate("an intent of " + name_of_register(target.reg) + " stays open, and nobody knows");
        }
    }
    // What only one bank took is in no log.
    if (std::ranges::any_of(events_, &Event::is_indeterminate)) return;
    for (std::size_t reg = 0; reg < extensible(); ++reg) {
        if (!others_have_extended(reg) && !table_->indeterminate(reg) && journal_.registers()[reg].logged != hardware_[reg].value)
            violate("nobody else has extended " + name_of_register(reg) + ", and the log does not lead to what it holds");
    }
}

bool World::others_have_extended(std::size_t reg) const {
    return std::ranges::any_of(hardware_[reg].taken, [](const Taken &what) { return what.by == Taken::By::foreign; });
}

Fingerprint::Hash World::fingerprint() const {
    Fingerprint out;
    out.add(left_.extends).add(left_.resends).add(left_.reads).add(left_.fresh_reads).add(left_.foreign);
    out.add(left_.provider_failures).add(left_.reread_failures).add(left_.journal_failures).add(left_.crashes);
    out.add(phase_).add(mr::ByteView(file_));
    for (std::size_t reg = 0; reg < registers; ++reg) {
        // What it took says what it holds.
        out.add(hardware_[reg].taken.size());
        for (const auto &[by, event, intent] : hardware_[reg].taken) out.add(by).add(event).add(intent);
        out.add(hardware_[reg].value).add(floor_[reg]).add(observed_[reg]);
    }
    for (const auto &[of, caps, fate, answer, is_indeterminate] : events_)
        out.add(of.size() == 0 ? 0 : of.front().index).add(fate).add(answer.sequence).add(is_indeterminate);
    out.add(table_.has_value());
    if (table_) Explored::add(out, *table_);
    const auto add_call = [&](const Call &call) {
        out.add(call.event).add(call.extension.has_value());
        if (call.extension) {
            Explored::add(out, *call.extension);
        } else {
            out.add(Explored::rank(*table_, call.refresh));
        }
    };
    out.add(queue_.size());
    for (const auto &call : queue_) add_call(call);
    for (const auto *call : {&current_, &beside_}) {
        out.add(call->has_value());
        if (!*call) continue;
        const auto &one = **call;
        add_call(one);
        out.add(one.action).add(one.has_acted).add(one.failed).add(one.was_not_reread).add(one.extended).add(one.logged);
        if (one.has_acted) {
            for (const auto &value : one.values) out.add(mr::ByteView(value));
        }
        for (const auto at : one.at_turn) out.add(at);
        for (const bool is_overtaken : one.is_overtaken) out.add(is_overtaken);
    }
    // Which of them asked first makes no difference.
    std::vector<std::tuple<std::size_t, std::size_t, std::size_t>> readers;
    for (const auto &reader : readers_) readers.emplace_back(Explored::rank(*table_, reader.refresh), reader.reg, reader.floor);
    std::ranges::sort(readers);
    for (const auto &[refresh, reg, floor] : readers) out.add(refresh).add(reg).add(floor);
    return out.hash();
}

}  // namespace mrd
