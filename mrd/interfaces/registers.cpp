#include "mrd/interfaces/registers.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "libmr/wire/registers.h"
#include "mr/bytes.h"
#include "mr/limits.h"
#include "mrd/access/audit.h"
#include "mrd/access/permissions.h"
#include "mrd/interfaces/cached_read.h"
#include "mrd/interfaces/known_register.h"
#include "mrd/interfaces/measured_content.h"
#include "mrd/interfaces/methods.h"
#include "mrd/interfaces/reading.h"
#include "mrd/interfaces/register_errors.h"
#include "mrd/interfaces/report_data.h"
#include "mrd/interfaces/virtual_registers.h"
#include "mrd/interfaces/watch.h"
#include "mrd/registers/set_reads.h"
#include "proto/interfaces.h"
#include "proto/varlink/limits.h"

namespace mrd {

namespace wire = mr::wire;
using varlink::InvalidParameter;

namespace {

using Place = Registers::Place;

wire::Register register_of(const Place &place) {
    const auto &spec = place.table().spec(place.index);
    const auto hash = spec.hash ? std::optional(mr::to_string(*spec.hash)) : std::nullopt;
    return {place.name(),
            hash,
            static_cast<std::int64_t>(spec.size),
            spec.flags.to_string(),
            spec.owner,
            place.provider->capped(place.index),
            place.provider->simulated(),
            place.provider->unbound(),
            spec.roles};
}

wire::ProviderPhase phase_of(ProviderState::Phase phase) {
    switch (phase) {
    case ProviderState::Phase::starting: return wire::ProviderPhase::starting;
    case ProviderState::Phase::running: return wire::ProviderPhase::running;
    case ProviderState::Phase::failed: return wire::ProviderPhase::failed;
    }
    return wire::ProviderPhase::failed;
}

// ---- What a caller is told of

// The register that he names. An error has no other names than those that he may know of: also of a virtual one, which is meant by its whole name alone.
std::expected<Place, RegisterError> find(Daemon &daemon, const Caller &caller, std::string_view name) {
    const auto &registers = daemon.registers();
    auto place = registers.find(name);
    if (place) return place;
    if (auto *error = std::get_if<NoSuchRegister>(&place.error())) {
        std::erase_if(error->candidates, [&](const std::string &candidate) {
            const auto meant = registers.find(candidate);
            return !meant || !caller.knows_of(known_register(*meant));
        });
        const auto &virtual_registers = daemon.virtual_registers();
        const auto whole = name.size() <= mr::max_virtual_register_name ? "virtual/" + std::string(name) : std::string();
        const auto number = virtual_registers.find(whole);
        if (number && caller.knows_of(known_register(virtual_registers.state(*number)))) error->candidates.push_back(whole);
    }
    return place;
}

// ---- Extending

// Answers as `reply` makes it of what was done.
template <class Method, class Reply>
struct ExtendAnswer {
    std::shared_ptr<Audit> audit;
    Place place;
    std::shared_ptr<const mr::EventCaller> by;
    uid_t share;
    std::optional<std::string> id;
    Answer<Method> answer;
    Reply reply;

    void let_next_begin() { answer.let_next_begin(); }
    void operator()(const std::expected<ProviderRegisters::Extended, RegisterError> &extended) {
        constexpr auto kind = Method::description.operation == Operation::cap ? log::Kind::cap : log::Kind::extend;
        if (!extended) return answer.fail(on_wire(extended.error()));
        if (!extended->is_repeated) {
            audit->tell({.kind = kind,
                         .method = Method::description.method(),
                         .reg = place.name(),
                         .sequence = extended->sequence,
                         .id = id ? std::string_view(*id) : std::string_view()},
                        *by, share);
        }
        // Most often the register still holds it, and the table has its digits, for Reads too.
        const auto &table = place.table();
        const auto value = extended->value.bytes();
        if (std::ranges::equal(table.value(place.index), value)) return reply(answer, *extended, table.hex(place.index));
        reply(answer, *extended, mr::to_hex(value));
    }
};

// Extends, and answers so.
template <class Method, class Reply>
void run_extend(const std::shared_ptr<Audit> &audit, const Place &place, const Caller &caller, Measured measured, Answer<Method> answer,
                Reply reply) {
    if (!measured) return answer.fail(on_wire(measured.error(), place.provider->name()));
    const auto digest = measured->digests.front();
    const auto share = caller.client().uid;
    measured->details.share = share;
    const auto by = measured->details.caller;
    const auto id = measured->details.id;
    place.provider->extend(place.index, digest, std::move(measured->details),
                           ExtendAnswer<Method, Reply>{audit, place, by, share, id, std::move(answer), std::move(reply)});
}

// ---- The methods

// A client reads the list of as many as there can be.
static_assert(journal::max_registers * (std::tuple_size_v<decltype(wire::Register::fields())> + 1) < varlink::max_values);

void list(Daemon &daemon, const Caller &caller, const wire::ListParameters &parameters, Answer<wire::List> answer) {
    auto &registers = daemon.registers();
    wire::ListReply reply;
    bool found = !parameters.provider;
    for (auto *provider : registers.providers()) {
        if (parameters.provider && *parameters.provider != provider->name()) continue;
        found = found || knows_of_provider(registers, caller, provider->name());
        for (RegisterIndex index = 0; index < provider->table().size(); ++index) {
            const Place place{provider, index};
            if (place.table().is_there(index) && caller.may(Operation::list, known_register(place)))
                reply.registers.push_back(register_of(place));
        }
    }
    if (!parameters.provider || *parameters.provider == journal::virtual_provider)
        found = list_virtual(daemon, caller, reply.registers) || found;
    if (found) return answer.reply(reply);
    auto known = registers.provider_names();
    std::erase_if(known, [&](const std::string &name) { return !knows_of_provider(registers, caller, name); });
    answer.fail(wire::NoSuchRegister{varlink::echoed(*parameters.provider), std::move(known)});
}

// What of a fresh read the provider cannot do.
std::optional<wire::NotSupported> not_fresh(const Place &place) {
    const auto why = place.table().why_not_fresh(place.index);
    if (why.empty()) return std::nullopt;
    return wire::NotSupported{std::string(place.provider->name()), "a fresh read of " + place.name() + ": " + std::string(why)};
}

void read(Daemon &daemon, const Caller &caller, const wire::ReadParameters &parameters, Answer<wire::Read> answer) {
    if (VirtualRegisters::has_name_of_one(parameters.name)) return read_virtual(daemon, caller, parameters, std::move(answer));
    const auto place = find(daemon, caller, parameters.name);
    if (!place) return answer.fail(on_wire(place.error()));
    if (const auto refused = not_fresh(*place); refused && parameters.fresh.value_or(false)) return answer.fail(*refused);
    if (parameters.generation && !place->table().generation(place->index)) return answer.fail(InvalidParameter{"generation"});
    place->provider->read(caller.client().uid, place->index, parameters.fresh.value_or(false),
                          [place = *place, generation = parameters.generation,
                           answer = std::move(answer)](std::expected<bool, RegisterError> refreshed) mutable {
                              if (!refreshed) return answer.fail(on_wire(refreshed.error()));
                              if (generation) {
                                  if (auto same = place.table().check_generation(place.index, *generation); !same)
                                      return answer.fail(on_wire(same.error()));
                              }
                              answer.reply({reading_of(place, *refreshed)});
                          });
}

// Several registers that belong together: each refresh set is brought up to date once; if something was written before the last one was there,
// it begins again.
class SnapshotCall : public std::enable_shared_from_this<SnapshotCall> {
public:
    // `named`: all of them in the order of the answer, those that are virtual by their names.
    using Named = Watches::Register;

    SnapshotCall(Daemon &daemon, uid_t user, std::vector<Named> named, bool fresh, Answer<wire::Snapshot> answer)
        : daemon_(daemon),
          user_(user),
          named_(std::move(named)),
          places_(places_among(named_)),
          refreshed_(places_.size()),
          fresh_(fresh),
          answer_(std::move(answer)) {}

    void go() {
        read_sets(user_, places_, fresh_,
                  [self = shared_from_this()](const std::expected<SetsRead, RegisterError> &read) { self->take(read); });
    }

private:
    void take(const std::expected<SetsRead, RegisterError> &read) {
        if (!read) return answer_.fail(on_wire(read.error()));
        for (std::size_t i = 0; i < places_.size(); ++i) refreshed_[i] = refreshed_[i] || read->was_refreshed(places_[i]);
        if (!read->in_sync()) {
            if (++round_ == max_snapshot_rounds)
                return answer_.fail(wire::Busy{"the registers change faster than a snapshot can be taken"});
            return go();
        }
        for (const auto &place : places_) {
            if (auto allowed = place.table().may_read(place.index); !allowed) return answer_.fail(on_wire(allowed.error()));
        }
        // What the registers hold in hardware belongs to what the journal knows now.
        daemon_.virtual_registers().when_known([self = shared_from_this()] { self->reply(); });
    }

    void reply() {
        wire::SnapshotReply reply{{}, daemon_.registers().sequence()};
        std::vector<std::string> values;  // of the virtual ones
        values.reserve(named_.size());
        std::size_t place = 0;
        for (const auto &named : named_) {
            const auto *name = std::get_if<std::string>(&named);
            if (name == nullptr) {
                reply.readings.push_back(reading_of(places_[place], refreshed_[place]));
                ++place;
                continue;
            }
            const auto number = daemon_.virtual_registers().find(*name);
            if (!number) return answer_.fail(on_wire(number.error()));
            values.push_back(mr::to_hex(daemon_.virtual_registers().state(*number).logged.bytes()));
            reply.readings.push_back(reading_of(daemon_.virtual_registers(), *number, values.back(), false));
        }
        answer_.reply(reply);
    }

    static std::vector<Place> places_among(const std::vector<Named> &named) {
        std::vector<Place> places;
        for (const auto &each : named) {
            if (const auto *place = std::get_if<Place>(&each)) places.push_back(*place);
        }
        return places;
    }

    Daemon &daemon_;
    uid_t user_;
    std::vector<Named> named_;
    std::vector<Place> places_;
    std::vector<bool> refreshed_;  // of each place, in any round
    bool fresh_;
    Answer<wire::Snapshot> answer_;
    int round_ = 0;
};

// All that can be read, but for those whose first value is still to come, and that the caller may.
std::vector<Place> all_places(Daemon &daemon, const Caller &caller) {
    std::vector<Place> places;
    for (auto *provider : daemon.registers().providers()) {
        for (RegisterIndex index = 0; index < provider->table().size(); ++index) {
            const Place place{provider, index};
            if (place.table().may_read(index) && !place.table().awaits_first_value(index) &&
                caller.may(Operation::read, known_register(place)))
                places.push_back(place);
        }
    }
    return places;
}

// One for each name, in their order: a register that is named twice is there twice. Without names all, virtual ones too.
std::expected<std::vector<SnapshotCall::Named>, RegisterError> all_named(Daemon &daemon, const Caller &caller,
                                                                         const std::optional<std::vector<std::string_view>> &names) {
    std::vector<SnapshotCall::Named> named;
    if (!names) {
        const auto places = all_places(daemon, caller);
        named.assign(places.begin(), places.end());
        daemon.virtual_registers().for_each([&](VirtualRegisters::Number, const journal::RegisterState &reg) {
            if (caller.may(Operation::read, known_register(reg))) named.emplace_back(reg.name);
        });
        return named;
    }
    named.reserve(names->size());
    for (const auto name : *names) {
        if (VirtualRegisters::has_name_of_one(name)) {
            if (auto number = daemon.virtual_registers().find(name); !number) return std::unexpected(std::move(number.error()));
            named.emplace_back(std::string(name));
            continue;
        }
        const auto place = find(daemon, caller, name);
        if (!place) return std::unexpected(place.error());
        if (auto allowed = place->table().may_read(place->index); !allowed) return std::unexpected(std::move(allowed.error()));
        named.emplace_back(*place);
    }
    return named;
}

void snapshot(Daemon &daemon, const Caller &caller, const wire::SnapshotParameters &parameters, Answer<wire::Snapshot> answer) {
    auto named = all_named(daemon, caller, parameters.names);
    if (!named) return answer.fail(on_wire(named.error()));
    for (const auto &each : *named) {
        const auto *place = std::get_if<Place>(&each);
        if (place == nullptr) continue;
        if (const auto refused = not_fresh(*place); refused && parameters.fresh.value_or(false)) return answer.fail(*refused);
    }
    std::make_shared<SnapshotCall>(daemon, caller.client().uid, std::move(*named), parameters.fresh.value_or(false), std::move(answer))
        ->go();
}

void extend(Daemon &daemon, const Caller &caller, const wire::ExtendParameters &parameters, Answer<wire::Extend> answer) {
    if (VirtualRegisters::has_name_of_one(parameters.name))
        return answer.fail(on_wire(refused_for_virtual(daemon, parameters.name, LogOnly{std::string(parameters.name)})));
    const auto place = find(daemon, caller, parameters.name);
    if (!place) return answer.fail(on_wire(place.error()));
    if (place->provider->carries(place->index)) return answer.fail(on_wire(LogOnly{place->name()}));
    const auto digest = mr::from_hex(parameters.digest);
    if (!digest) return answer.fail(InvalidParameter{"digest"});
    if (auto allowed = place->table().may_extend(place->index, digest->size()); !allowed) return answer.fail(on_wire(allowed.error()));
    std::optional<mr::Bytes> data;
    if (parameters.data) {
        auto decoded = mr::from_base64(*parameters.data);
        if (!decoded) return answer.fail(InvalidParameter{"data"});
        data = std::move(*decoded);
    }
    run_extend(daemon.audit(), *place, caller,
               measure_digest(mr::Digest(*digest), {caller.in_log(), parameters.event_type, parameters.description, parameters.id},
                              std::move(data)),
               std::move(answer),
               [place = *place](Answer<wire::Extend> &to, const ProviderRegisters::Extended &extended, std::string_view value) {
                   to.reply({reading_after(place, value), extended.sequence});
               });
}

void measure(Daemon &daemon, const Caller &caller, const wire::MeasureParameters &parameters, Answer<wire::Measure> answer) {
    if (VirtualRegisters::has_name_of_one(parameters.name)) return measure_virtual(daemon, caller, parameters, std::move(answer));
    const auto place = find(daemon, caller, parameters.name);
    if (!place) return answer.fail(on_wire(place.error()));
    if (auto allowed = place->table().may_measure(place->index); !allowed) return answer.fail(on_wire(allowed.error()));
    auto content = content_of(parameters);
    if (!content) return answer.fail(content.error());
    run_extend(daemon.audit(), *place, caller,
               measure_content(place->provider->measured(place->index), std::move(*content),
                               {caller.in_log(), parameters.event_type, parameters.description, parameters.id},
                               parameters.envelope.value_or(false)),
               std::move(answer),
               [place = *place](Answer<wire::Measure> &to, const ProviderRegisters::Extended &extended, std::string_view value) {
                   to.reply({reading_after(place, value), mr::to_hex(extended.digest.bytes()), extended.sequence});
               });
}

void cap(Daemon &daemon, const Caller &caller, const wire::CapParameters &parameters, Answer<wire::Cap> answer) {
    if (VirtualRegisters::has_name_of_one(parameters.name)) {
        if (const auto number = daemon.virtual_registers().find(parameters.name); !number) return answer.fail(on_wire(number.error()));
        return answer.fail(wire::NotSupported{std::string(journal::virtual_provider), "a cap of a virtual register, which Close ends"});
    }
    const auto place = find(daemon, caller, parameters.name);
    if (!place) return answer.fail(on_wire(place.error()));
    if (auto allowed = place->table().may_measure(place->index); !allowed) return answer.fail(on_wire(allowed.error()));
    run_extend(daemon.audit(), *place, caller, measure_cap(place->provider->measured(place->index), caller.in_log()), std::move(answer),
               [place = *place](Answer<wire::Cap> &to, const ProviderRegisters::Extended &extended, std::string_view) {
                   to.reply({place.name(), extended.sequence});
               });
}

void write(Daemon &daemon, const Caller &caller, const wire::WriteParameters &parameters, Answer<wire::Write> answer) {
    if (VirtualRegisters::has_name_of_one(parameters.name))
        return answer.fail(on_wire(refused_for_virtual(daemon, parameters.name, NotWritable{std::string(parameters.name)})));
    const auto place = find(daemon, caller, parameters.name);
    if (!place) return answer.fail(on_wire(place.error()));
    auto value = mr::from_hex(parameters.value);
    if (!value) return answer.fail(InvalidParameter{"value"});
    if (auto allowed = place->table().may_write(place->index, value->size()); !allowed) return answer.fail(on_wire(allowed.error()));
    // What is written there a report is over.
    if (place->table().spec(place->index).carries_generation) {
        if (const auto refused = refuse_chosen(caller, *value, "value")) return answer.fail(*refused);
    }
    place->provider->write(caller.client().uid, place->index, std::move(*value),
                           [audit = daemon.audit(), place = *place, caller = caller.in_log(), share = caller.client().uid,
                            answer = std::move(answer)](std::expected<std::int64_t, RegisterError> generation) mutable {
                               if (!generation) return answer.fail(on_wire(generation.error()));
                               audit->tell({.kind = log::Kind::write, .method = "Write", .reg = place.name()}, *caller, share);
                               answer.reply({*generation});
                           });
}

void statistics(const Registers &registers, Answer<wire::Statistics> answer) {
    wire::StatisticsReply reply;
    for (auto *provider : registers.providers()) {
        const auto &counters = provider->table().counters();
        reply.counters.push_back({provider->name(), counters.reads, counters.cached_reads, counters.refreshes, counters.writes});
    }
    answer.reply(reply);
}

void providers(Daemon &daemon, const Caller &caller, Answer<wire::Providers> answer) {
    const auto states = daemon.provider_states();
    wire::ProvidersReply reply;
    for (const auto &state : states) {
        if (!knows_of_provider(daemon.registers(), caller, state.name)) continue;
        reply.providers.push_back({state.name, state.type, phase_of(state.phase), state.reason, state.simulated, state.unbound});
    }
    answer.reply(reply);
}

// What another user may is for who looks after this mrd to know. Of himself everybody is told, by the groups that he really has.
void access(const Daemon &daemon, const Registers &registers, const Caller &caller, const wire::AccessParameters &parameters,
            Answer<wire::Access> answer) {
    constexpr std::int64_t most = std::numeric_limits<uid_t>::max() - 1;
    const auto is_id = [](std::int64_t id) { return id >= 0 && id <= most; };
    if (parameters.uid && !is_id(*parameters.uid)) return answer.fail(InvalidParameter{"uid"});
    if (parameters.groups &&
        (!parameters.uid || parameters.groups->size() > mr::max_asked_groups || !std::ranges::all_of(*parameters.groups, is_id)))
        return answer.fail(InvalidParameter{"groups"});
    auto principal = caller.principal();
    std::vector<gid_t> groups;
    const bool asks_of_another = parameters.uid && *parameters.uid != std::int64_t{principal.uid};
    if (asks_of_another) {
        if (!caller.may(Operation::repair, std::string_view())) return answer.fail(varlink::PermissionDenied{});
        for (const auto group : parameters.groups.value_or(std::vector<std::int64_t>())) groups.push_back(static_cast<gid_t>(group));
        principal = {.uid = static_cast<uid_t>(*parameters.uid), .groups = groups, .listener = principal.listener};
    }
    std::vector<KnownRegister> known;
    bool are_all = true;
    for (auto *provider : registers.providers()) {
        for (RegisterIndex index = 0; index < provider->table().size(); ++index) {
            if (!provider->table().is_there(index)) continue;
            auto reg = known_register({provider, index});
            const bool is_told = asks_of_another || caller.knows_of(reg);  // who may ask of others may repair
            are_all = are_all && is_told;
            if (is_told) known.push_back(std::move(reg));
        }
    }
    // Virtual ones only where he may something with them: the others are their owners', and many.
    const auto &access = daemon.gate()->access;
    daemon.virtual_registers().for_each([&](VirtualRegisters::Number, const journal::RegisterState &reg) {
        auto one = known_register(reg);
        if (access.tells_of(principal, one)) known.push_back(std::move(one));
    });
    const auto found = permissions(access, principal, known, are_all);
    wire::AccessReply reply{.uid = principal.uid, .permissions = {}};
    for (const auto &each : found) {
        const auto why = each.rule ? std::nullopt : std::optional<std::string_view>(each.why_not);
        const auto on = each.on.empty() ? std::nullopt : std::optional(each.on);
        const auto at_most = each.at_most ? std::optional(static_cast<std::int64_t>(*each.at_most)) : std::nullopt;
        reply.permissions.push_back({name_of(each.right), each.registers, each.rule, why, on, at_most});
    }
    answer.reply(reply);
}

void watch(Daemon &daemon, Watches &watches, const Caller &caller, const wire::WatchParameters &parameters, Answer<wire::Watch> answer) {
    if (parameters.names && parameters.names->empty()) return answer.fail(InvalidParameter{"names"});
    const auto named = all_named(daemon, caller, parameters.names);
    if (!named) return answer.fail(on_wire(named.error()));
    // A change is told once, by whatever names its register was asked for.
    std::vector<Watches::Register> each_once;
    for (const auto &reg : *named) {
        if (std::ranges::find(each_once, reg) == each_once.end()) each_once.push_back(reg);
    }
    watches.add(each_once, !parameters.names, caller, std::move(answer));
}

class RegistersHandlers {
public:
    RegistersHandlers(Daemon &daemon, StatusFor status)
        : daemon_(daemon),
          registers_(daemon.registers()),
          watches_(Watches::make(registers_, daemon.virtual_registers(), daemon.gate())),
          status_(std::move(status)) {}

    void operator()(wire::List, const Caller &caller, const wire::ListParameters &parameters, Answer<wire::List> answer) {
        list(daemon_, caller, parameters, std::move(answer));
    }
    void operator()(wire::Read, const Caller &caller, const wire::ReadParameters &parameters, Answer<wire::Read> answer) {
        read(daemon_, caller, parameters, std::move(answer));
    }
    std::optional<CachedRead> keep(wire::Read, const wire::ReadParameters &parameters) { return CachedRead::of(registers_, parameters); }
    void operator()(wire::Snapshot, const Caller &caller, const wire::SnapshotParameters &parameters, Answer<wire::Snapshot> answer) {
        snapshot(daemon_, caller, parameters, std::move(answer));
    }
    void operator()(wire::Extend, const Caller &caller, const wire::ExtendParameters &parameters, Answer<wire::Extend> answer) {
        extend(daemon_, caller, parameters, std::move(answer));
    }
    void operator()(wire::Measure, const Caller &caller, const wire::MeasureParameters &parameters, Answer<wire::Measure> answer) {
        measure(daemon_, caller, parameters, std::move(answer));
    }
    void operator()(wire::Write, const Caller &caller, const wire::WriteParameters &parameters, Answer<wire::Write> answer) {
        write(daemon_, caller, parameters, std::move(answer));
    }
    void operator()(wire::Cap, const Caller &caller, const wire::CapParameters &parameters, Answer<wire::Cap> answer) {
        cap(daemon_, caller, parameters, std::move(answer));
    }
    void operator()(wire::Create, const Caller &caller, const wire::CreateParameters &parameters, Answer<wire::Create> answer) {
        create_virtual(daemon_, caller, parameters, std::move(answer));
    }
    void operator()(wire::Close, const Caller &caller, const wire::CloseParameters &parameters, Answer<wire::Close> answer) {
        close_virtual(daemon_, caller, parameters, std::move(answer));
    }
    void operator()(wire::Providers, const Caller &caller, const varlink::NoParameters &, Answer<wire::Providers> answer) {
        providers(daemon_, caller, std::move(answer));
    }
    void operator()(wire::Statistics, const Caller &, const varlink::NoParameters &, Answer<wire::Statistics> answer) {
        statistics(registers_, std::move(answer));
    }
    void operator()(wire::Status, const Caller &caller, const varlink::NoParameters &, Answer<wire::Status> answer) {
        answer.reply({{status_(caller)}});
    }
    void operator()(wire::Access, const Caller &caller, const wire::AccessParameters &parameters, Answer<wire::Access> answer) {
        access(daemon_, registers_, caller, parameters, std::move(answer));
    }
    void operator()(wire::Watch, const Caller &caller, const wire::WatchParameters &parameters, Answer<wire::Watch> answer) {
        watch(daemon_, *watches_, caller, parameters, std::move(answer));
    }

private:
    Daemon &daemon_;
    Registers &registers_;
    std::shared_ptr<Watches> watches_;
    StatusFor status_;
};

}  // namespace

varlink::Interface registers_interface(Daemon &daemon, StatusFor status) {
    return make_interface<interfaces::io_mrd_Registers>(wire::RegistersMethods(), daemon.gate(),
                                                        std::make_shared<RegistersHandlers>(daemon, std::move(status)));
}

}  // namespace mrd
