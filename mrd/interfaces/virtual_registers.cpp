#include "mrd/interfaces/virtual_registers.h"

#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "mr/digest.h"
#include "mrd/access/audit.h"
#include "mrd/interfaces/known_register.h"
#include "mrd/interfaces/measured_content.h"
#include "mrd/interfaces/reading.h"
#include "mrd/interfaces/register_errors.h"
#include "mrd/registers/virtual_registers.h"

namespace mrd {

namespace wire = mr::wire;
using varlink::InvalidParameter;

namespace {

using Number = VirtualRegisters::Number;

// Views into the journal's state.
wire::Register shown_register(const VirtualRegisters &all, const journal::RegisterState &reg, Number number) {
    const auto carrier = all.carrier(number);
    return {.name = reg.name,
            .hash = mr::to_string(reg.algorithm),
            .size = static_cast<std::int64_t>(mr::digest_size(reg.algorithm)),
            .flags = (mr::Flag::extensible | mr::Flag::readable).to_string(),
            .owner = mr::Owner::owned,
            .capped = carrier && carrier->provider->capped(carrier->index),
            .simulated = carrier && carrier->provider->simulated(),
            .unbound = carrier && carrier->provider->unbound(),
            .roles = {}};
}

// Where it is and what carries it.
struct Found {
    Number number;
    Registers::Place carrier;
};
std::expected<Found, RegisterError> find_virtual(const VirtualRegisters &all, std::string_view name) {
    const auto number = all.find(name);
    if (!number) return std::unexpected(number.error());
    const auto carrier = all.carrier(*number);
    // What carries it is not the caller's to know.
    if (!carrier) return std::unexpected(RegisterGone{std::string(name)});
    return Found{*number, *carrier};
}

// What an error says of the carrier it says of the register that was asked for.
RegisterError of_virtual(RegisterError error, const std::string &name) {
    std::visit(
        [&name]<class Error>(Error &one) {
            if constexpr (requires { one.name; }) one.name = name;
        },
        error);
    return error;
}

template <class Method>
void fail(Answer<Method> &answer, const CreateError &error, std::string_view provider) {
    struct Visitor {
        Answer<Method> &answer;
        std::string_view provider;
        void operator()(const RegisterExists &exists) { answer.fail(wire::RegisterExists{exists.name}); }
        void operator()(const TooManyRegisters &too_many) {
            answer.fail(wire::TooManyRegisters{static_cast<std::int64_t>(too_many.limit),
                                               too_many.share.empty() ? std::nullopt : std::optional(too_many.share)});
        }
        void operator()(const CannotCarry &reason) { answer.fail(wire::NotSupported{reason.provider, reason.what}); }
        void operator()(const IsBeingMade &one) { answer.fail(wire::Busy{one.name + " is being made"}); }
        void operator()(const MeasurementError &measured) { answer.fail(on_wire(measured, provider)); }
        void operator()(const RegisterError &one) { answer.fail(on_wire(one)); }
    };
    std::visit(Visitor{answer, provider}, error);
}

}  // namespace

bool list_virtual(Daemon &daemon, const Caller &caller, std::vector<wire::Register> &to) {
    const auto &all = daemon.virtual_registers();
    const auto before = to.size();
    all.for_each([&](Number number, const journal::RegisterState &reg) {
        if (caller.may(Operation::list, known_register(reg))) to.push_back(shown_register(all, reg, number));
    });
    return to.size() > before || caller.may_some(Right::create);
}

void create_virtual(Daemon &daemon, const Caller &caller, const wire::CreateParameters &parameters, Answer<wire::Create> answer) {
    auto &all = daemon.virtual_registers();
    const auto name = VirtualRegisters::new_name(parameters.name);
    if (!name) return answer.fail(InvalidParameter{"name"});
    const auto hash = mr::hash_algorithm_from(parameters.hash);
    if (!hash || *hash == mr::HashAlgorithm::sha1 || !mr::Hasher::open(*hash)) return answer.fail(InvalidParameter{"hash"});
    const auto owner = all.owner_of_name(parameters.name);
    const auto made = daemon.journal().state().virtual_registers_of(std::int64_t{caller.uid()});
    const auto carrier = daemon.registers().find(parameters.on);
    // Who may not make it is not told what there is to carry it, nor that the name is another's. Who may learns that in any case.
    const auto *const rule = carrier ? caller.may_create(std::string(parameters.name), known_register(*carrier).name, made) : nullptr;
    const bool is_told_of_carrier = carrier && caller.knows_of(known_register(*carrier));
    // Of his own he knows that it is there, whatever he may make.
    if (owner == caller.uid() && all.find(parameters.name)) return answer.fail(wire::RegisterExists{std::string(parameters.name)});
    if (carrier && rule == nullptr) {
        // He has the right, and has used it up: no missing right, which he would look for.
        const auto *const used_up = caller.may_create(std::string(parameters.name), known_register(*carrier).name, 0);
        if (used_up != nullptr)
            return answer.fail(
                wire::TooManyRegisters{static_cast<std::int64_t>(used_up->create_at_most), "uid " + std::to_string(caller.uid())});
        caller.tell_refused(Operation::create, parameters.name);
        return answer.fail(varlink::PermissionDenied{});
    }
    if (!carrier) {
        // Who may list it is not told that it is not there.
        if (const auto other = all.find(parameters.on); other && caller.may(Operation::list, known_register(all.state(*other))))
            return answer.fail(
                wire::NotSupported{std::string(journal::virtual_provider),
                                   "virtual registers on " + std::string(parameters.on) + ": a virtual register carries none"});
        auto error = carrier.error();
        if (auto *no_such = std::get_if<NoSuchRegister>(&error); no_such != nullptr && !is_told_of_carrier) no_such->candidates.clear();
        return answer.fail(on_wire(error));
    }
    // Closed or not: that is for who may list it.
    if (owner && *owner != caller.uid()) return answer.fail(wire::RegisterExists{std::string(parameters.name)});
    const auto share = caller.client().uid;
    const auto by = caller.in_log(rule->name);
    // Made only where it is made: what refuses it has no need of the answer.
    auto shared = std::make_shared<Answer<wire::Create>>(std::move(answer));
    const auto begun =
        all.create({.name = *name, .hash = *hash, .carrier = *carrier, .owner = caller.uid()}, by, share,
                   [&daemon, shared, by, share, on = carrier->name(), full_name = std::string(parameters.name)](
                       const std::expected<VirtualRegisters::Extended, RegisterError> &made_it, Number number) {
                       // An earlier one, of which nobody could tell, has made it.
                       if (!made_it && std::holds_alternative<DuplicateEvent>(made_it.error()))
                           return shared->fail(wire::RegisterExists{full_name});
                       if (!made_it) return shared->fail(on_wire(made_it.error()));
                       daemon.audit()->tell(
                           {.kind = log::Kind::create, .method = "Create", .reg = full_name, .sequence = made_it->sequence}, *by, share);
                       const auto &all_now = daemon.virtual_registers();
                       shared->reply({shown_register(all_now, all_now.state(number), number), on});
                   });
    if (!begun) fail(*shared, begun.error(), carrier->provider->name());
}

void close_virtual(Daemon &daemon, const Caller &caller, const wire::CloseParameters &parameters, Answer<wire::Close> answer) {
    auto &all = daemon.virtual_registers();
    const auto found = find_virtual(all, parameters.name);
    if (!found) return answer.fail(on_wire(found.error()));
    const auto by = caller.in_log();
    auto measured = measure_close(all.measured(found->number, found->carrier), by);
    if (!measured) return answer.fail(on_wire(measured.error(), found->carrier.provider->name()));
    const auto share = caller.client().uid;
    measured->details.share = share;
    all.extend(found->number, found->carrier, std::move(*measured),
               [audit = daemon.audit(), by, share, name = std::string(parameters.name),
                answer = std::move(answer)](std::expected<VirtualRegisters::Extended, RegisterError> closed) mutable {
                   if (!closed) return answer.fail(on_wire(of_virtual(std::move(closed.error()), name)));
                   audit->tell({.kind = log::Kind::cap, .method = "Close", .reg = name, .sequence = closed->sequence}, *by, share);
                   answer.reply({closed->sequence});
               });
}

void read_virtual(Daemon &daemon, const Caller &caller, const wire::ReadParameters &parameters, Answer<wire::Read> answer) {
    const auto found = find_virtual(daemon.virtual_registers(), parameters.name);
    if (!found) return answer.fail(on_wire(found.error()));
    if (parameters.generation) return answer.fail(InvalidParameter{"generation"});
    const auto reply = [&daemon, name = std::string(parameters.name)](Answer<wire::Read> to, bool refreshed) {
        daemon.virtual_registers().when_known([&daemon, name, refreshed, to = std::move(to)]() mutable {
            // It may have been closed meanwhile.
            const auto &all = daemon.virtual_registers();
            const auto number = all.find(name);
            if (!number) return to.fail(on_wire(number.error()));
            const auto value = mr::to_hex(all.state(*number).logged.bytes());
            to.reply({reading_of(all, *number, value, refreshed)});
        });
    };
    if (!parameters.fresh.value_or(false)) return reply(std::move(answer), false);
    // What others did to the carrier shows there: of this register mrd alone knows.
    found->carrier.provider->read(
        caller.client().uid, found->carrier.index, true,
        [reply, name = std::string(parameters.name), answer = std::move(answer)](std::expected<bool, RegisterError> refreshed) mutable {
            if (!refreshed) return answer.fail(on_wire(of_virtual(std::move(refreshed.error()), name)));
            reply(std::move(answer), true);
        });
}

void measure_virtual(Daemon &daemon, const Caller &caller, const wire::MeasureParameters &parameters, Answer<wire::Measure> answer) {
    auto &all = daemon.virtual_registers();
    const auto found = find_virtual(all, parameters.name);
    if (!found) return answer.fail(on_wire(found.error()));
    auto content = content_of(parameters);
    if (!content) return answer.fail(content.error());
    auto measured = measure_content(all.measured(found->number, found->carrier), std::move(*content),
                                    {caller.in_log(), parameters.event_type, parameters.description, parameters.id}, true);
    if (!measured) return answer.fail(on_wire(measured.error(), found->carrier.provider->name()));
    const auto by = measured->details.caller;
    const auto share = caller.client().uid;
    const auto id = measured->details.id;
    measured->details.share = share;
    all.extend(found->number, found->carrier, std::move(*measured),
               [&all, number = found->number, audit = daemon.audit(), by, share, id, name = std::string(parameters.name),
                answer = std::move(answer)](std::expected<VirtualRegisters::Extended, RegisterError> extended) mutable {
                   if (!extended) return answer.fail(on_wire(of_virtual(std::move(extended.error()), name)));
                   if (!extended->is_repeated) {
                       audit->tell({.kind = log::Kind::extend,
                                    .method = "Measure",
                                    .reg = name,
                                    .sequence = extended->sequence,
                                    .id = id ? std::string_view(*id) : std::string_view()},
                                   *by, share);
                   }
                   const auto value = mr::to_hex(extended->value.bytes());
                   answer.reply({reading_of(all, number, value, false), mr::to_hex(extended->digest.bytes()), extended->sequence});
               });
}

RegisterError refused_for_virtual(const Daemon &daemon, std::string_view name, const RegisterError &refusal) {
    const auto number = daemon.virtual_registers().find(name);
    return number ? refusal : number.error();
}

}  // namespace mrd
