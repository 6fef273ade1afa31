#include "mrd/registers/register_table.h"

#include <algorithm>
#include <utility>

#include "mr/bytes.h"

namespace mrd {

using mr::Flag;

namespace {

std::string bank_name(const RegisterSpec &spec) { return spec.hash ? spec.name + ":" + std::string(mr::to_string(*spec.hash)) : spec.name; }

// The reason to refuse the register; empty if it is well made.
std::string reason_against(const RegisterSpec &spec, const RegisterAbilities &abilities) {
    if (spec.name.empty()) return "it has no name";
    if (spec.name.find_first_of("/: ") != std::string::npos) return "its name holds a slash, a colon or a blank";
    if (spec.flags.empty()) return "it has no flag";
    if (spec.size == 0) return "its size is zero";
    if (spec.flags.has(Flag::live) && !abilities.refresh) return "it is live, but the provider cannot refresh";
    if (spec.flags.has(Flag::live) && !spec.flags.has(Flag::readable)) return "it is live, but not readable";
    if (spec.flags.has(Flag::extensible) && !abilities.extend) return "it is extensible, but the provider cannot extend";
    if (spec.flags.has(Flag::extensible) && spec.hash_by_value) return "it is extensible, but its hash is not known yet";
    if (spec.flags.has(Flag::extensible) && !spec.hash) return "it is extensible, but has no hash";
    if (spec.flags.has(Flag::writable) && !spec.flags.has(Flag::extensible) && !abilities.write)
        return "it is writable, but the provider cannot write";
    if (spec.hash && mr::digest_size(*spec.hash) == 0) return "its hash is not known";
    if (spec.hash && spec.size != mr::digest_size(*spec.hash)) return "its size is not that of its hash";
    if (spec.owner == mr::Owner::shared && !spec.others_unseen.empty()) return "it cannot be shared: " + spec.others_unseen;
    return {};
}

}  // namespace

std::expected<RegisterTable, std::string> RegisterTable::build(std::string_view provider, std::vector<RegisterSpec> registers,
                                                               RegisterAbilities abilities, std::int64_t first_generation) {
    RegisterTable table;
    table.provider_ = provider;
    table.generation_ = first_generation;
    table.abilities_ = abilities;
    table.hashers_ = std::make_shared<std::map<mr::HashAlgorithm, mr::Hasher>>();
    for (auto &spec : registers) {
        if (auto added = table.add(std::move(spec)); !added) return std::unexpected(std::move(added.error()));
        table.entries_.back().is_there = true;
    }
    return table;
}

// ---- Registers that come and go

std::expected<void, std::string> RegisterTable::add(RegisterSpec spec) {
    const auto refuse = [&](std::string_view reason) {
        return std::unexpected("register \"" + provider_ + "/" + bank_name(spec) + "\": " + std::string(reason));
    };
    if (const auto reason = reason_against(spec, abilities_); !reason.empty()) return refuse(reason);
    const auto same_bank = [&](const Entry &entry) { return bank_name(entry.spec) == bank_name(spec); };
    if (std::ranges::any_of(entries_, same_bank)) return refuse("the provider has two of that name");
    if (spec.hash && !hashers_->contains(*spec.hash)) {
        auto hasher = mr::Hasher::open(*spec.hash);
        if (!hasher) return refuse(hasher.error().message);
        hashers_->emplace(*spec.hash, std::move(*hasher));
    }
    auto &entry = entries_.emplace_back();
    entry.value.resize(spec.size);
    entry.generation = generation_;
    if (sets_.size() <= spec.refresh_set) sets_.resize(spec.refresh_set + 1);
    if (spec.flags.has(Flag::live) && spec.owner != mr::Owner::owned) sets_[spec.refresh_set].others_extend = true;
    entry.is_logged = spec.flags.has(Flag::extensible) && spec.owner != mr::Owner::observed;
    entry.uncertain = abilities_.by_report;
    entry.spec = std::move(spec);
    name_banks(entry.spec.name);
    return {};
}

// What a register is called changes when it gets another bank.
void RegisterTable::name_banks(std::string_view register_name) {
    const auto is_bank = [&](const Entry &entry) { return entry.spec.name == register_name; };
    const auto banks = std::ranges::count_if(entries_, is_bank);
    for (auto &entry : entries_) {
        if (is_bank(entry)) entry.name = provider_ + "/" + (banks > 1 ? bank_name(entry.spec) : entry.spec.name);
    }
}

void RegisterTable::resize(RegisterIndex index, std::size_t size) {
    auto &entry = entries_[index];
    if (entry.spec.size == size || size == 0 || entry.spec.hash) return;
    entry.spec.size = size;
    set_value(entry, mr::Bytes(size));
}

bool RegisterTable::is_place_of(RegisterIndex index, const RegisterSpec &spec) const {
    if (index >= entries_.size()) return false;
    const auto &here = entries_[index].spec;
    return spec.hash_by_value ? here.hash_by_value && here.name == spec.name : bank_name(here) == bank_name(spec);
}

std::expected<void, std::string> RegisterTable::follow(const RegisterTable &before) {
    for (RegisterIndex index = 0; index < before.size(); ++index) {
        const auto &spec = before.spec(index);
        if (index == size()) {
            if (auto added = add(spec); !added) return added;
        }
        if (!is_place_of(index, spec) || (this->spec(index).size != spec.size && !spec.hash_by_value))
            return std::unexpected("its register \"" + before.name(index) + "\" is not where it was");
        entries_[index].divergences = before.divergences(index);
    }
    counters_.reads += before.counters_.reads;
    counters_.cached_reads += before.counters_.cached_reads;
    counters_.refreshes += before.counters_.refreshes;
    counters_.writes += before.counters_.writes;
    return {};
}

std::vector<RegisterIndex> RegisterTable::find(std::string_view name) const {
    std::vector<RegisterIndex> found;
    for (RegisterIndex index = 0; index < entries_.size(); ++index) {
        const auto &spec = entries_[index].spec;
        if (name == spec.name || (spec.hash && name == bank_name(spec))) found.push_back(index);
    }
    return found;
}

// ---- What the flags and the owner allow

std::expected<void, RegisterError> RegisterTable::may_read(RegisterIndex index) const {
    const auto &entry = entries_[index];
    if (!entry.is_there) return std::unexpected(RegisterGone{entry.name});
    if (!entry.spec.flags.has(Flag::readable)) return std::unexpected(NotReadable{entry.name});
    return {};
}

std::expected<void, RegisterError> RegisterTable::may_extend(RegisterIndex index, std::size_t digest_size) const {
    const auto &entry = entries_[index];
    if (auto allowed = may_measure(index); !allowed) return allowed;
    if (!entry.spec.flags.has(Flag::writable)) return std::unexpected(LogOnly{entry.name});
    if (digest_size != entry.spec.size) return std::unexpected(WrongLength{entry.name, entry.spec.size, digest_size});
    return {};
}

std::expected<void, RegisterError> RegisterTable::may_measure(RegisterIndex index) const {
    const auto &entry = entries_[index];
    if (!entry.is_there) return std::unexpected(RegisterGone{entry.name});
    if (!entry.spec.flags.has(Flag::extensible) || entry.spec.owner == mr::Owner::observed)
        return std::unexpected(NotExtensible{entry.name});
    return {};
}

std::expected<void, RegisterError> RegisterTable::may_write(RegisterIndex index, std::size_t size) const {
    const auto &entry = entries_[index];
    if (!entry.is_there) return std::unexpected(RegisterGone{entry.name});
    if (!entry.spec.flags.has(Flag::writable) || entry.spec.flags.has(Flag::extensible)) return std::unexpected(NotWritable{entry.name});
    if (size != entry.spec.size) return std::unexpected(WrongLength{entry.name, entry.spec.size, size});
    return {};
}

// ---- Reading

bool RegisterTable::always_rereads(RegisterIndex index) const {
    // It changes without a write of ours that would mark the set out of sync.
    const auto &spec = entries_[index].spec;
    const bool is_computed = !spec.flags.has(Flag::extensible) && sets_[spec.refresh_set].others_extend;
    return spec.flags.has(Flag::live) && (spec.owner != mr::Owner::owned || is_computed);
}

std::string_view RegisterTable::why_not_fresh(RegisterIndex index) const {
    const auto &spec = entries_[index].spec;
    return spec.flags.has(Flag::live) ? std::string_view(spec.others_unseen) : std::string_view();
}

// Does its value need no rereading?
bool RegisterTable::is_cached(RegisterIndex index, bool fresh) const {
    return !can_change(index) || (sets_[entries_[index].spec.refresh_set].in_sync && !fresh && !always_rereads(index));
}

bool RegisterTable::serve_cached(RegisterIndex index) {
    if (!is_cached(index, false)) return false;
    ++counters_.reads;
    ++counters_.cached_reads;
    return true;
}

ReadPlan RegisterTable::plan_read(RegisterIndex index, bool fresh) {
    const auto &spec = entries_[index].spec;
    auto &set = sets_[spec.refresh_set];
    ++counters_.reads;
    if (is_cached(index, fresh)) {
        ++counters_.cached_reads;
        return {ReadPlan::Action::serve};
    }
    // One that has not begun is as new as can be, for everybody.
    if (set.waiting) return {ReadPlan::Action::join, *set.waiting};
    if (!fresh && !always_rereads(index)) {
        for (const auto &running : set.running) {
            if (running.writes_ended == writes_ended_) return {ReadPlan::Action::join, running.id};
        }
    }
    set.waiting = new_refresh(spec.refresh_set);
    return {ReadPlan::Action::start, *set.waiting};
}

std::string_view RegisterTable::hex(RegisterIndex index) const {
    const auto &entry = entries_[index];
    if (entry.hex.empty()) mr::append_hex(entry.hex, entry.value);
    return entry.hex;
}

std::optional<std::int64_t> RegisterTable::generation(RegisterIndex index) const {
    const auto &entry = entries_[index];
    return entry.spec.carries_generation ? std::optional(entry.generation) : std::nullopt;
}

std::expected<void, RegisterError> RegisterTable::check_generation(RegisterIndex index, std::int64_t wanted) const {
    const auto &entry = entries_[index];
    // The value is over other report data, or that has been overwritten since.
    if (entry.generation != wanted) return std::unexpected(GenerationMismatch{wanted, entry.generation});
    if (generation_ != wanted) return std::unexpected(GenerationMismatch{wanted, generation_});
    return {};
}

// ---- Refreshing

RefreshId RegisterTable::new_refresh(RefreshSet set) {
    asked_.emplace(++last_refresh_, set);
    return last_refresh_;
}

RefreshId RegisterTable::begin_refresh(RefreshSet set) {
    const auto id = new_refresh(set);
    refresh_begins(id);
    return id;
}

bool RegisterTable::has_begun(RefreshId id) const {
    const auto set = asked_.find(id);
    return set == asked_.end() || sets_[set->second].waiting != id;
}

void RegisterTable::refresh_begins(RefreshId id) {
    auto &set = sets_[asked_.at(id)];
    if (set.waiting == id) set.waiting.reset();
    set.running.push_back({id, writes_begun_, writes_ended_, generation_});
    ++counters_.refreshes;
}

Refreshed RegisterTable::refresh_ends(RefreshId id, const std::vector<mr::Bytes> *values) {
    const auto set_index = asked_.at(id);
    asked_.erase(id);
    auto &set = sets_[set_index];
    const auto found = std::ranges::find(set.running, id, &Running::id);
    const auto running = *found;
    set.running.erase(found);
    Refreshed refreshed;
    if (values == nullptr) {
        set.in_sync = false;
        return refreshed;
    }
    // A write that was under way when it began, or began since, may or may not be in what was read: of its register that says nothing.
    const bool overtaken = running.writes_begun != running.writes_ended || writes_begun_ != running.writes_begun;
    set.in_sync = !overtaken;
    // What has come since it began has no value yet.
    const auto was_read = [&](RegisterIndex index) {
        const auto &entry = entries_[index];
        return entry.spec.refresh_set == set_index && entry.is_there && index < values->size() && !entry.writing &&
               entry.last_write <= running.writes_ended;
    };
    for (RegisterIndex index = 0; index < entries_.size(); ++index) {
        auto &entry = entries_[index];
        if (!was_read(index)) continue;
        const auto &value = (*values)[index];
        if (learn_hash(entry.spec, value.size())) name_banks(entry.spec.name);
        if (awaits_first_value(index)) refreshed.first.push_back(index);
        entry.was_read = true;
        if (!std::ranges::equal(entry.value, value)) {
            set_value(entry, value);
            refreshed.changed.push_back(index);
        }
        entry.generation = running.generation;
        entry.uncertain = false;
        look_at_failed(index);
    }
    const auto settled = settle_failed(refreshed);
    for (RegisterIndex index = 0; index < entries_.size(); ++index) {
        const bool is_known = was_read(index) || std::ranges::find(settled, index) != settled.end();
        if (is_known && compare(index)) refreshed.diverged.push_back(index);
    }
    return refreshed;
}

// Of its first value. False: it was known.
bool RegisterTable::learn_hash(RegisterSpec &spec, std::size_t size) {
    if (!spec.hash_by_value || spec.hash) return false;
    for (const auto algorithm : {mr::HashAlgorithm::sha256, mr::HashAlgorithm::sha384, mr::HashAlgorithm::sha512}) {
        if (mr::digest_size(algorithm) == size) spec.hash = algorithm;
    }
    spec.size = size;
    return spec.hash.has_value();
}

// The register itself says whether it took a failed extend. A value that is neither comes from somebody else's extend.
void RegisterTable::look_at_failed(RegisterIndex index) {
    for (auto &failed : failed_) {
        const auto target = std::ranges::find(failed.targets, index, &Failed::Target::index);
        if (target == failed.targets.end()) continue;
        const mr::Digest found(entries_[index].value);
        target->outcome = found == target->values.after    ? journal::Outcome::done
                          : found == target->values.before ? journal::Outcome::undone
                                                           : journal::Outcome::indeterminate;
    }
}

// Those of which every register has told, perhaps in several sets. What only some of them took is no event: those show as diverged. Returns the registers.
std::vector<RegisterIndex> RegisterTable::settle_failed(Refreshed &refreshed) {
    std::vector<RegisterIndex> registers;
    std::erase_if(failed_, [&](const Failed &failed) {
        if (!std::ranges::all_of(failed.targets, [](const auto &target) { return target.outcome.has_value(); })) return false;
        const auto first = *failed.targets.front().outcome;
        const bool all_the_same = std::ranges::all_of(failed.targets, [first](const auto &target) { return target.outcome == first; });
        const auto outcome = all_the_same ? first : journal::Outcome::indeterminate;
        for (const auto &target : failed.targets) {
            auto &logged = entries_[target.index].logged;
            if (outcome == journal::Outcome::done && logged) logged = target.values.after;
            registers.push_back(target.index);
        }
        refreshed.settled.push_back({failed.intent, outcome});
        return true;
    });
    return registers;
}

bool RegisterTable::indeterminate(RegisterIndex index) const {
    return std::ranges::any_of(failed_, [index](const Failed &failed) {
        return std::ranges::find(failed.targets, index, &Failed::Target::index) != failed.targets.end();
    });
}

// Tells what the log says from what the hardware holds. True: it has diverged, and did not so before. Until a failed extend is settled the log does not say
// what the register holds.
bool RegisterTable::compare(RegisterIndex index) {
    auto &entry = entries_[index];
    if (!entry.is_there || !entry.is_logged || indeterminate(index)) return false;
    const mr::Digest found(entry.value);
    if (!entry.logged) entry.logged = found;
    if (entry.spec.owner == mr::Owner::shared) return false;  // others may extend it
    if (*entry.logged == found) {
        entry.divergence.reset();
        return false;
    }
    if (entry.divergence && entry.divergence->found == found) return false;
    entry.divergence = Divergence{*entry.logged, found};
    ++entry.divergences;
    return true;
}

void RegisterTable::forget_logged(RegisterIndex index) {
    entries_[index].is_logged = false;
    entries_[index].logged.reset();
}

void RegisterTable::set_logged(RegisterIndex index, const mr::Digest &value) {
    entries_[index].is_logged = true;
    entries_[index].logged = value;
    compare(index);
}

bool RegisterTable::needs_resync(RegisterIndex index) const {
    const auto &entry = entries_[index];
    if (!entry.logged) return false;
    // Of an owned register only a refresh tells: a value that was computed is the log's own.
    return entry.spec.owner == mr::Owner::shared ? !std::ranges::equal(entry.logged->bytes(), entry.value) : entry.divergence.has_value();
}

bool RegisterTable::was_reset(RegisterIndex index) const {
    const auto &spec = entries_[index].spec;
    if (!spec.resettable || !needs_resync(index)) return false;
    return std::ranges::equal(value(index), (spec.initial.size() == 0 ? mr::Digest::zero(*spec.hash) : spec.initial).bytes());
}

bool RegisterTable::must_reread_to_extend(RegisterIndex index) const {
    return spec(index).owner == mr::Owner::shared || needs_resync(index) || indeterminate(index);
}

// ---- Writing and extending

void RegisterTable::begin_write(Entry &entry) {
    for (auto &set : sets_) set.in_sync = false;
    entry.last_write = ++writes_begun_;
    entry.writing = true;
    ++counters_.writes;
}

void RegisterTable::end_write(Entry &entry) {
    ++writes_ended_;
    entry.writing = false;
}

std::expected<RegisterTable::Values, RegisterError> RegisterTable::extend_begins(RegisterIndex index, const mr::Digest &digest) {
    auto &entry = entries_[index];
    if (indeterminate(index)) return std::unexpected(Indeterminate{entry.name});
    const auto before = entry.logged && !needs_resync(index) ? *entry.logged : mr::Digest(entry.value);
    const auto after = hashers_->at(*entry.spec.hash).extend(before.bytes(), digest.bytes());
    begin_write(entry);
    entry.extending = Values{before, after};
    return *entry.extending;
}

void RegisterTable::extend_cancelled(RegisterIndex index) {
    entries_[index].extending.reset();
    end_write(entries_[index]);
}

void RegisterTable::extend_succeeded(RegisterIndex index) {
    auto &entry = entries_[index];
    const auto values = *std::exchange(entry.extending, std::nullopt);
    if (entry.logged) entry.logged = values.after;
    entry.divergence.reset();
    set_value(entry, values.after.bytes());
    end_write(entry);
}

void RegisterTable::extend_failed(std::span<const RegisterIndex> registers, std::uint64_t intent) {
    auto &failed = failed_.emplace_back(Failed{.intent = intent, .targets = {}});
    for (const auto index : registers) {
        auto &entry = entries_[index];
        failed.targets.push_back({.index = index, .values = *std::exchange(entry.extending, std::nullopt)});
        end_write(entry);
    }
}

void RegisterTable::write_begins(RegisterIndex index) {
    auto &entry = entries_[index];
    begin_write(entry);
    if (entry.spec.carries_generation) ++generation_;
}

void RegisterTable::write_succeeded(RegisterIndex index, mr::ByteView value) {
    auto &entry = entries_[index];
    set_value(entry, value);
    entry.generation = generation_;
    end_write(entry);
}

void RegisterTable::write_failed(RegisterIndex index) {
    entries_[index].uncertain = abilities_.refresh;
    end_write(entries_[index]);
}

void RegisterTable::set_value(Entry &entry, mr::ByteView value) {
    entry.value.assign(value.begin(), value.end());
    entry.hex.clear();
}

}  // namespace mrd
