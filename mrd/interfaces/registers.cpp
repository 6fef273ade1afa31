#include "mrd/interfaces/registers.h"

#include <algorithm>
#include <utility>

#include "libmr/wire/registers.h"
#include "mr/bytes.h"
#include "mrd/access/callers.h"
#include "mrd/interfaces/register_errors.h"
#include "mrd/interfaces/watch.h"
#include "proto/interfaces.h"

namespace mrd {

namespace wire = mr::wire;
using varlink::Effect;
using varlink::InvalidParameter;
using varlink::Request;
using varlink::Responder;

namespace {

using Place = Registers::Place;

wire::Reading reading_of(const Place &place, bool refreshed) {
    const auto &table = place.table();
    return {place.name(), table.hex(place.index), table.generation(place.index), refreshed};
}

wire::Register register_of(const Place &place) {
    const auto &spec = place.table().spec(place.index);
    const auto hash = spec.hash ? std::optional(mr::to_string(*spec.hash)) : std::nullopt;
    return {place.name(),
            hash,
            static_cast<std::int64_t>(spec.size),
            spec.flags.to_string(),
            spec.owner,
            place.provider->capped(place.index),
            place.provider->simulated()};
}

// ---- Extending

// Extends, and answers as `reply` makes it of what was done.
template <class Reply>
void run_extend(const Place &place, Measured measured, Responder responder, Reply reply) {
    if (!measured) return fail(responder, measured.error(), place.provider->name());
    const auto digest = measured->digests.front();
    place.provider->extend(place.index, digest, std::move(measured->details),
                           [responder = std::move(responder), reply = std::move(reply),
                            digest](const std::expected<ProviderRegisters::Extended, RegisterError> &extended) mutable {
                               if (!extended) return fail(responder, extended.error());
                               reply(responder, *extended, mr::to_hex(extended->value.bytes()), digest);
                           });
}

// ---- The methods

void list(Registers &registers, const wire::ListParameters &parameters, Responder responder) {
    wire::ListReply reply;
    bool found = !parameters.provider;
    for (const auto &provider : registers.providers()) {
        if (parameters.provider && *parameters.provider != provider->name()) continue;
        found = true;
        for (RegisterIndex index = 0; index < provider->table().size(); ++index)
            reply.registers.push_back(register_of({provider.get(), index}));
    }
    if (!found) return responder.fail(wire::NoSuchRegister{varlink::echoed(*parameters.provider), registers.provider_names()});
    responder.reply(reply);
}

void read(Registers &registers, const wire::ReadParameters &parameters, Responder responder) {
    const auto place = registers.find(parameters.name);
    if (!place) return fail(responder, place.error());
    if (parameters.generation && !place->table().generation(place->index)) return responder.fail(InvalidParameter{"generation"});
    place->provider->read(place->index, parameters.fresh.value_or(false),
                          [place = *place, generation = parameters.generation,
                           responder = std::move(responder)](std::expected<bool, RegisterError> refreshed) mutable {
                              if (!refreshed) return fail(responder, refreshed.error());
                              if (generation) {
                                  if (auto same = place.table().check_generation(place.index, *generation); !same)
                                      return fail(responder, same.error());
                              }
                              responder.reply(wire::ReadReply{reading_of(place, *refreshed)});
                          });
}

// Several registers that belong together: each refresh set is brought up to date once; if something was written before the last one was there,
// it begins again.
class SnapshotCall : public std::enable_shared_from_this<SnapshotCall> {
public:
    SnapshotCall(Registers &registers, std::vector<Place> places, bool fresh, Responder responder)
        : registers_(registers), places_(std::move(places)), fresh_(fresh), responder_(std::move(responder)) {}

    void start() {
        // One read for each set that has a live register among those asked for: of one that others extend too, if there is one, for that
        // refreshes where the cache would serve an owned one.
        for (const auto &place : places_) {
            if (!place.table().spec(place.index).flags.has(mr::Flag::live)) continue;
            const auto same = std::ranges::find_if(live_, [&](const Place &other) { return same_set(place, other); });
            if (same == live_.end()) {
                live_.push_back(place);
            } else if (place.table().always_rereads(place.index)) {
                *same = place;
            }
        }
        go();
    }

private:
    static bool same_set(const Place &a, const Place &b) {
        return a.provider == b.provider && a.table().spec(a.index).refresh_set == b.table().spec(b.index).refresh_set;
    }

    void go() {
        open_ = live_.size() + 1;
        for (const auto &place : live_) {
            place.provider->read(place.index, fresh_, [self = shared_from_this(), place](std::expected<bool, RegisterError> refreshed) {
                if (!refreshed) {
                    self->error_ = std::move(refreshed.error());
                } else if (*refreshed) {
                    self->refreshed_.push_back(place);
                }
                self->one_done();
            });
        }
        one_done();
    }

    void one_done() {
        if (--open_ > 0) return;
        if (error_) return fail(responder_, *error_);
        const auto is_in_sync = [](const Place &place) { return place.table().in_sync(place.table().spec(place.index).refresh_set); };
        if (!std::ranges::all_of(live_, is_in_sync)) {
            if (++round_ == max_snapshot_rounds)
                return responder_.fail(wire::Busy{"the registers change faster than a snapshot can be taken"});
            return go();
        }
        wire::SnapshotReply reply{{}, registers_.sequence()};
        for (const auto &place : places_) {
            const bool refreshed = place.table().spec(place.index).flags.has(mr::Flag::live) &&
                                   std::ranges::any_of(refreshed_, [&](const Place &other) { return same_set(place, other); });
            reply.readings.push_back(reading_of(place, refreshed));
        }
        responder_.reply(reply);
    }

    Registers &registers_;
    std::vector<Place> places_;
    std::vector<Place> live_;
    std::vector<Place> refreshed_;
    bool fresh_;
    Responder responder_;
    std::optional<RegisterError> error_;
    std::size_t open_ = 0;
    int round_ = 0;
};

// Those named, each once, or all that can be read. Precondition: at most max_names.
std::expected<std::vector<Place>, RegisterError> places_of(const Registers &registers,
                                                           const std::optional<std::vector<std::string_view>> &names) {
    std::vector<Place> places;
    if (!names) {
        for (const auto &provider : registers.providers()) {
            for (RegisterIndex index = 0; index < provider->table().size(); ++index) {
                if (provider->table().may_read(index)) places.push_back({provider.get(), index});
            }
        }
        return places;
    }
    for (const auto name : *names) {
        const auto place = registers.find(name);
        if (!place) return std::unexpected(place.error());
        if (auto allowed = place->table().may_read(place->index); !allowed) return std::unexpected(std::move(allowed.error()));
        if (std::ranges::find(places, *place) == places.end()) places.push_back(*place);
    }
    return places;
}

void snapshot(Registers &registers, const wire::SnapshotParameters &parameters, Responder responder) {
    if (parameters.names && parameters.names->size() > max_names) return responder.fail(InvalidParameter{"names"});
    auto places = places_of(registers, parameters.names);
    if (!places) return fail(responder, places.error());
    std::make_shared<SnapshotCall>(registers, std::move(*places), parameters.fresh.value_or(false), std::move(responder))->start();
}

void extend(Registers &registers, std::shared_ptr<const mr::EventCaller> caller, const wire::ExtendParameters &parameters,
            Responder responder) {
    const auto place = registers.find(parameters.name);
    if (!place) return fail(responder, place.error());
    const auto digest = mr::from_hex(parameters.digest);
    if (!digest) return responder.fail(InvalidParameter{"digest"});
    if (auto allowed = place->table().may_extend(place->index, digest->size()); !allowed) return fail(responder, allowed.error());
    std::optional<mr::Bytes> data;
    if (parameters.data) {
        auto decoded = mr::from_base64(*parameters.data);
        if (!decoded) return responder.fail(InvalidParameter{"data"});
        data = std::move(*decoded);
    }
    run_extend(*place,
               measure_digest(mr::Digest(*digest), {std::move(caller), parameters.event_type, parameters.description, parameters.id},
                              std::move(data)),
               std::move(responder),
               [&name = place->name()](Responder &answer, const ProviderRegisters::Extended &extended, std::string_view value,
                                       const mr::Digest &) {
                   answer.reply(wire::ExtendReply{{name, value, std::nullopt, false}, extended.sequence});
               });
}

void measure(Registers &registers, std::shared_ptr<const mr::EventCaller> caller, const wire::MeasureParameters &parameters,
             Responder responder) {
    const auto place = registers.find(parameters.name);
    if (!place) return fail(responder, place.error());
    if (auto allowed = place->table().may_measure(place->index); !allowed) return fail(responder, allowed.error());
    MeasuredContent content;
    if (parameters.data) {
        auto data = mr::from_base64(*parameters.data);
        if (!data) return responder.fail(InvalidParameter{"data"});
        content.data = std::move(*data);
    }
    if (parameters.content_digest) {
        content.digest = mr::content_digest_from(*parameters.content_digest);
        if (!content.digest) return responder.fail(InvalidParameter{"contentDigest"});
    }
    run_extend(*place,
               measure_content(place->provider->measured(place->index), std::move(content),
                               {std::move(caller), parameters.event_type, parameters.description, parameters.id},
                               parameters.envelope.value_or(false)),
               std::move(responder),
               [&name = place->name()](Responder &answer, const ProviderRegisters::Extended &extended, std::string_view value,
                                       const mr::Digest &digest) {
                   answer.reply(wire::MeasureReply{{name, value, std::nullopt, false}, mr::to_hex(digest.bytes()), extended.sequence});
               });
}

void cap(Registers &registers, std::shared_ptr<const mr::EventCaller> caller, const wire::CapParameters &parameters, Responder responder) {
    const auto place = registers.find(parameters.name);
    if (!place) return fail(responder, place.error());
    if (auto allowed = place->table().may_measure(place->index); !allowed) return fail(responder, allowed.error());
    run_extend(*place, measure_cap(place->provider->measured(place->index), std::move(caller)), std::move(responder),
               [](Responder &answer, const ProviderRegisters::Extended &extended, std::string_view, const mr::Digest &) {
                   answer.reply(wire::CapReply{extended.sequence});
               });
}

void write(Registers &registers, const wire::WriteParameters &parameters, Responder responder) {
    const auto place = registers.find(parameters.name);
    if (!place) return fail(responder, place.error());
    auto value = mr::from_hex(parameters.value);
    if (!value) return responder.fail(InvalidParameter{"value"});
    if (auto allowed = place->table().may_write(place->index, value->size()); !allowed) return fail(responder, allowed.error());
    place->provider->write(place->index, std::move(*value),
                           [responder = std::move(responder)](std::expected<std::int64_t, RegisterError> generation) mutable {
                               if (!generation) return fail(responder, generation.error());
                               responder.reply(wire::WriteReply{*generation});
                           });
}

void statistics(const Registers &registers, Responder responder) {
    wire::StatisticsReply reply;
    for (const auto &provider : registers.providers()) {
        const auto &counters = provider->table().counters();
        reply.counters.push_back({provider->name(), counters.reads, counters.cached_reads, counters.refreshes, counters.writes});
    }
    responder.reply(reply);
}

}  // namespace

varlink::Interface registers_interface(Registers &registers, std::function<std::string()> status) {
    varlink::Interface interface(interfaces::io_mrd_Registers);
    const auto add = [&]<class Parameters>(std::string_view name, Effect effect,
                                           void (*method)(Registers &, const Parameters &, Responder)) {
        interface.add<Parameters>(name, effect, [&registers, method](const Request &, const Parameters &parameters, Responder responder) {
            method(registers, parameters, std::move(responder));
        });
    };
    add("List", Effect::reads, &list);
    add("Read", Effect::reads, &read);
    add("Snapshot", Effect::reads, &snapshot);
    add("Write", Effect::changes, &write);
    const auto callers = std::make_shared<Callers>();
    const auto add_for_caller = [&]<class Parameters>(
                                    std::string_view name, Effect effect,
                                    void (*method)(Registers &, std::shared_ptr<const mr::EventCaller>, const Parameters &, Responder)) {
        interface.add<Parameters>(name, effect,
                                  [&registers, callers, method](const Request &request, const Parameters &parameters, Responder responder) {
                                      method(registers, callers->find(request.peer), parameters, std::move(responder));
                                  });
    };
    add_for_caller("Extend", Effect::changes, &extend);
    add_for_caller("Measure", Effect::changes, &measure);
    add_for_caller("Cap", Effect::changes, &cap);
    interface.add<varlink::NoParameters>(
        "Statistics", Effect::reads,
        [&registers](const Request &, const varlink::NoParameters &, Responder responder) { statistics(registers, std::move(responder)); });
    interface.add<varlink::NoParameters>("Status", Effect::reads,
                                         [status = std::move(status)](const Request &, const varlink::NoParameters &, Responder responder) {
                                             responder.reply(wire::StatusReply{{status()}});
                                         });
    const auto watches = std::make_shared<Watches>(registers);
    interface.add<wire::WatchParameters>(
        "Watch", Effect::reads,
        [&registers, watches](const Request &request, const wire::WatchParameters &parameters, Responder responder) {
            if (!request.more) return responder.fail(varlink::ExpectedMore{});
            if (parameters.names && (parameters.names->empty() || parameters.names->size() > max_names))
                return responder.fail(InvalidParameter{"names"});
            auto places = places_of(registers, parameters.names);
            if (!places) return fail(responder, places.error());
            watches->add(std::move(*places), std::move(responder));
        });
    return interface;
}

}  // namespace mrd
