#include "mrd/interfaces/event_log.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libmr/wire/event_log.h"
#include "mr/bytes.h"
#include "mr/event_content.h"
#include "mr/virtual_registers.h"
#include "mrd/access/audit.h"
#include "mrd/interfaces/log_export.h"
#include "mrd/interfaces/log_reading.h"
#include "mrd/interfaces/log_view.h"
#include "mrd/interfaces/methods.h"
#include "mrd/interfaces/reading.h"
#include "mrd/interfaces/tenant_view.h"
#include "mrd/interfaces/virtual_registers.h"
#include "mrd/registers/set_reads.h"
#include "mrd/shares/rounds.h"
#include "proto/interfaces.h"

namespace mrd {

namespace wire = mr::wire;
using varlink::InvalidParameter;

namespace {

// ---- Records

// `whole`: with what is not shown, from which follows whether the digest is bound.
void send_record(Answer<wire::Records> &answer, const mr::Event &whole, const mr::Event &event, bool last) {
    wire::LogRecord record;
    std::string digest;
    if (!event.digests.empty()) {
        digest = mr::to_hex(event.digests.front().value);
        record.binding = mr::recompute_binding(whole, whole.digests.front()).binding;
    }
    std::string data;
    if (event.data) {
        data = mr::to_base64(*event.data);
        record.data = data;
    }
    record.sequence = static_cast<std::int64_t>(event.sequence);
    record.name = event.name;
    record.digest = digest;
    record.event_type = event.type;
    record.description = event.description;
    record.time = event.time;
    if (event.caller) {
        const auto &caller = *event.caller;
        record.caller = wire::Caller{caller.uid, caller.gid, caller.pid, caller.executable, caller.unit, caller.rule, {}};
        if (caller.on_behalf_of) record.caller->on_behalf_of = wire::OnBehalfOf{*caller.on_behalf_of};
    }
    record.id = event.id;
    record.origin = event.origin;
    if (last) {
        answer.reply({record});
    } else {
        answer.stream({record});
    }
}

// One who reads the log and is answered with it.
template <class Method>
class Reading : public LogReading {
public:
    Reading(LogReadings &readings, const Client &client, Answer<Method> answer)
        : LogReading(readings, client), answer_(std::move(answer)) {}

    // Ends with the connection: nobody hears what is read then. What was asked for is sent to who sends no more, but still listens.
    void start() {
        answer_.on_drained([self = shared_from_this()] { self->go(); });
        answer_.on_closed([weak = weak_from_this()] {
            if (const auto self = weak.lock()) std::static_pointer_cast<Reading>(self)->give_up();
        });
        go();
    }

protected:
    void failed(const std::string &reason) final { answer_.fail(wire::JournalFailed{reason}); }
    [[nodiscard]] bool congested() const final { return answer_.congested(); }
    [[nodiscard]] Answer<Method> &answer() { return answer_; }

private:
    // There is nobody to hear it, or mrd is stopping. Either way it is over, and what was sent behind it has its turn.
    void give_up() {
        stop();
        answer_.fail(wire::JournalFailed{"mrd is stopping: read the log again"});
    }

    Answer<Method> answer_;
};

class Records final : public Reading<wire::Records> {
public:
    // `until`: the last one to send; none with follow.
    Records(LogReadings &readings, const Client &client, LogView view, Answer<wire::Records> answer, std::uint64_t from,
            std::optional<std::uint64_t> until)
        : Reading(readings, client, std::move(answer)),
          view_(std::move(view)),
          rules_(view_.caller().access().changes()),
          from_(from),
          until_(until) {}

    // Ends one that follows where new rules no longer allow it, or what was made since is not his to see.
    bool goes_on() {
        if (done() || until_) return !done();
        const auto rules = view_.caller().access().changes();
        if (std::exchange(rules_, rules) == rules && view_.shows_all_asked_for()) return true;
        const auto now = view_.caller().now();
        if (now->may(Operation::log_read, std::string_view()) && view_.shows_all_asked_for()) return true;
        view_.caller().refused(*now, Operation::log_read, {});
        stop();
        answer().fail(varlink::PermissionDenied{});
        return false;
    }

private:
    // Each record is one that can be read, and says no more than itself.
    [[nodiscard]] bool needs_checked_log() const override { return false; }
    void take(const mr::Event &event) override {
        if (event.sequence < from_ || !goes_on()) return;
        const bool last = until_ && event.sequence == *until_;
        const bool more_is_missing = last && is_damaged();
        send_record(answer(), event, view_.shown(event), last && !more_is_missing);
        if (more_is_missing) return fail(registers().journal().reason());
        if (last) stop();
    }
    void at_end() override {
        // A settled extend whose record the disk has not taken yet is not in the file.
        if (!until_) return;
        if (is_damaged()) return fail(registers().journal().reason());
        answer().reply({});
        stop();
    }

    LogView view_;
    std::uint64_t rules_;  // that it was judged by
    std::uint64_t from_;
    std::optional<std::uint64_t> until_;
};

class Export final : public Reading<wire::Export> {
public:
    Export(LogReadings &readings, const Client &client, LogView view, Answer<wire::Export> answer, std::unique_ptr<LogExport> format)
        : Reading(readings, client, std::move(answer)),
          view_(std::move(view)),
          format_(std::move(format)),
          until_(registers().journal().state().sequence()) {}

private:
    void take(const mr::Event &event) override {
        begin();
        if (event.sequence > until_) return at_end();
        format_->add(chunk_, view_.shown(event), cursor());
        if (event.sequence == until_) return at_end();
        send_whole_chunks();
    }
    void at_end() override {
        begin();
        format_->end(chunk_);
        send_whole_chunks();
        if (is_damaged()) return fail(registers().journal().reason());
        answer().reply({mr::to_base64(chunk_)});
        stop();
    }
    // No reply is larger than a chunk, whatever an event's size.
    void send_whole_chunks() {
        std::size_t sent = 0;
        for (; chunk_.size() - sent > export_chunk; sent += export_chunk)
            answer().stream({mr::to_base64(mr::ByteView(chunk_).subspan(sent, export_chunk))});
        chunk_.erase(chunk_.begin(), chunk_.begin() + static_cast<std::ptrdiff_t>(sent));
    }
    void begin() {
        if (std::exchange(begun_, true)) return;
        format_->begin(chunk_, registers().journal().state());
    }

    LogView view_;
    std::unique_ptr<LogExport> format_;
    std::uint64_t until_;
    mr::Bytes chunk_;
    bool begun_ = false;
};

// ---- Replay

class ReplayCall final : public Reading<wire::Replay> {
public:
    ReplayCall(LogReadings &readings, LastingCaller caller, Answer<wire::Replay> answer)
        : Reading(readings, caller.client(), std::move(answer)), caller_(std::move(caller)) {
        const auto &all = registers().journal().state().registers();
        for (std::size_t number = 0; number < all.size(); ++number) {
            const auto &reg = all[number];
            if (reg.carrier) continue;
            replay_.declare({reg.name, reg.algorithm, reg.initial, reg.start});
            // What is made on others meanwhile is in no answer of this call.
            if (reg.carries > 0)
                carried_.emplace(static_cast<journal::RegisterNumber>(number),
                                 Carried{.name = reg.name, .registers = {reg.name, reg.algorithm}});
        }
    }

private:
    // What the log says of what a register carries.
    struct Carried {
        std::string name;
        mr::CarriedRegisters registers;
        bool is_broken = false;  // it contradicts itself
    };

    // No other is asked for: a device, whose log there is none of, may be slow, and fail.
    static bool is_replayed(const RegisterTable &table, RegisterIndex index) {
        return table.is_there(index) && table.spec(index).flags.has(mr::Flag::extensible);
    }

    void take(const mr::Event &event) override {
        if (auto applied = replay_.apply(event); !applied) return fail(applied.error().message);
        for (auto &[number, carried] : carried_) {
            if (event.name == carried.name && !carried.is_broken) carried.is_broken = !carried.registers.apply(event);
        }
    }

    // The log is read. Now the registers, and then what came to the log meanwhile: what is compared belongs together.
    void at_end() override {
        if (is_reading_) return;
        if (read_) return finish();
        is_reading_ = true;
        std::vector<Registers::Place> places;
        for (auto *provider : registers().providers()) {
            for (RegisterIndex index = 0; index < provider->table().size(); ++index) {
                if (is_replayed(provider->table(), index)) places.push_back({provider, index});
            }
        }
        read_sets(client().uid, places, true,
                  [self = std::static_pointer_cast<ReplayCall>(shared_from_this())](const std::expected<SetsRead, RegisterError> &read) {
                      self->take_read(read.has_value());
                  });
    }

    void take_read(bool went_well) {
        is_reading_ = false;
        read_ = true;
        if (done()) return;
        if (!went_well) return fail("a register cannot be read");
        go_at_once();  // it has had its turn, and this is all but always the end of the log
    }

    void finish() {
        wire::ReplayReply reply;
        for (auto *provider : registers().providers()) {
            const auto &table = provider->table();
            for (RegisterIndex index = 0; index < table.size(); ++index) {
                if (!is_replayed(table, index)) continue;
                const auto &spec = table.spec(index);
                const auto *found =
                    replay_.find(std::string(provider->name()) + "/" + spec.name + ":" + std::string(mr::to_string(*spec.hash)));
                auto &entry = reply.registers.emplace_back();
                entry.name = table.name(index);
                entry.actual = mr::to_hex(table.value(index));
                entry.unbound = true_if_unbound(*provider);
                if (found == nullptr) continue;  // a damaged or full journal does not know it: nothing is equal
                entry.replayed = mr::to_hex(found->value.bytes());
                entry.ends_at_register = found->consistent() && entry.replayed == entry.actual;
                entry.equal = entry.ends_at_register && found->gaps.empty();
                for (const auto &gap : found->gaps) entry.gaps.push_back(static_cast<std::int64_t>(gap.sequence));
            }
        }
        add_virtual(reply);
        answer().reply(reply);
        stop();
    }

    // Those that he may read, as the log of their carriers has them. A virtual one is what its carrier proves: where that is not equal, nor is it.
    void add_virtual(wire::ReplayReply &reply) {
        const auto caller = caller_.now();
        const auto &all = registers().journal().state().registers();
        std::map<journal::RegisterNumber, Carrying> carrying;
        for (const auto &reg : all) {
            if (!reg.carrier || !reg.is_made() || reg.closed_by != 0 || !caller->may(Operation::read, known_register(reg))) continue;
            const auto carried = carried_.find(*reg.carrier);
            if (carried == carried_.end()) continue;
            auto of_carrier = carrying.find(*reg.carrier);
            if (of_carrier == carrying.end())
                of_carrier = carrying.emplace(*reg.carrier, carrying_of(carried->second, all[*reg.carrier], reply)).first;
            const auto &[made, replayed, ends, unbound] = of_carrier->second;
            const auto known = made.find(reg.id);
            auto &entry = reply.registers.emplace_back();
            entry.name = reg.name;
            entry.actual = mr::to_hex(reg.logged.bytes());
            entry.unbound = unbound;
            if (known == made.end() || !known->second->value || carried->second.is_broken) continue;
            entry.replayed = mr::to_hex(known->second->value->bytes());
            entry.ends_at_register = entry.replayed == entry.actual && ends;
            if (replayed == nullptr) continue;
            for (const auto &gap : replayed->gaps) {
                if (gap.sequence > known->second->created_by.sequence) entry.gaps.push_back(static_cast<std::int64_t>(gap.sequence));
            }
            entry.equal = entry.ends_at_register && entry.gaps.empty();
        }
    }
    // What is looked up once for all that a register carries: they may be thousands.
    struct Carrying {
        std::map<mr::VirtualRegisterId, const mr::CarriedRegister *> made;
        const mr::ReplayedRegister *replayed = nullptr;
        bool ends_at_register = false;
        std::optional<bool> unbound = true;  // as the answer says it; one that is not there vouches for nothing
    };
    // Before entries of virtual registers are among the answer's.
    Carrying carrying_of(const Carried &carried, const journal::RegisterState &carrier, const wire::ReplayReply &reply) {
        Carrying found{.made = {}, .replayed = replay_.find(carrier.name + ":" + std::string(mr::to_string(carrier.algorithm)))};
        for (const auto &each : carried.registers.all()) found.made.emplace(each.id, &each);
        const auto ends = std::ranges::find(reply.registers, carrier_name(carrier), &wire::Replayed::name);
        if (ends == reply.registers.end()) return found;
        found.ends_at_register = ends->ends_at_register;
        found.unbound = ends->unbound;
        return found;
    }
    // As the answer has it; empty: it is not there.
    std::string_view carrier_name(const journal::RegisterState &carrier) {
        for (auto *provider : registers().providers()) {
            const auto &table = provider->table();
            for (RegisterIndex index = 0; index < table.size(); ++index) {
                const auto &spec = table.spec(index);
                if (spec.hash == carrier.algorithm && std::string(provider->name()) + "/" + spec.name == carrier.name)
                    return table.name(index);
            }
        }
        return {};
    }

    LastingCaller caller_;
    mr::Replay replay_{mr::ReplayNames::as_logged};
    std::map<journal::RegisterNumber, Carried> carried_;  // by their carriers
    bool is_reading_ = false;
    bool read_ = false;
};

// Those who wait for records to come. An event wakes them in turn, some of them in each turn of the event loop. A connection follows once, since its calls run one
// after the other.
class Followers : public std::enable_shared_from_this<Followers> {
public:
    static std::shared_ptr<Followers> make(Registers &registers, Access &access) {
        const std::shared_ptr<Followers> followers(new Followers(registers));
        registers.journal().on_event([weak = std::weak_ptr(followers)] {
            if (const auto self = weak.lock()) self->wake_all();
        });
        access.on_change([weak = std::weak_ptr(followers)] {
            if (const auto self = weak.lock()) self->wake_all();
        });
        return followers;
    }
    void add(const std::shared_ptr<Records> &follower) {
        // Those whose connection has ended would wait for an event that may never come.
        if (followers_.size() >= sweep_at_) {
            followers_.remove_if([](const std::weak_ptr<Records> &weak) { return weak.expired(); });
            sweep_at_ = 2 * followers_.size() + 64;
        }
        followers_.add(follower);
    }

private:
    explicit Followers(Registers &registers) : registers_(registers) {}

    // For an event, or new rules, by which none of them is shown anything before it is judged.
    void wake_all() {
        followers_.begin();
        wake_later();
    }
    void wake_later() {
        if (followers_.over() || std::exchange(will_wake_, true)) return;
        registers_.later([weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->wake();
        });
    }
    void wake() {
        will_wake_ = false;
        for (std::size_t woken = 0; woken < told_in_a_turn && !followers_.over(); ++woken) {
            const auto position = followers_.next();
            const auto follower = position->lock();
            if (!follower || !follower->goes_on()) {
                followers_.remove(position);
            } else {
                follower->go();
            }
        }
        wake_later();
    }

    Registers &registers_;
    Rounds<std::weak_ptr<Records>> followers_;
    bool will_wake_ = false;
    std::size_t sweep_at_ = 64;
};

class EventLogHandlers {
public:
    explicit EventLogHandlers(Daemon &daemon)
        : daemon_(daemon),
          registers_(daemon.registers()),
          gate_(daemon.gate()),
          readings_(daemon.log_readings()),
          followers_(Followers::make(registers_, gate_->access)),
          audit_(daemon.audit()) {}

    void operator()(wire::Records, const Caller &caller, const wire::RecordsParameters &parameters, Answer<wire::Records> answer) {
        const auto from = parameters.from.value_or(1);
        if (from < 0) return answer.fail(InvalidParameter{"from"});
        auto view = view_for(caller, parameters.of_register, answer);
        if (!view) return;
        const auto last = registers_.journal().state().sequence();
        const bool follow = parameters.follow.value_or(false);
        const bool is_good = registers_.journal().condition() != journal::Journal::Condition::damaged;
        if (!follow && is_good && static_cast<std::uint64_t>(from) > last) return answer.reply({});
        const auto reading = std::make_shared<Records>(*readings_, caller.client(), std::move(*view), std::move(answer),
                                                       static_cast<std::uint64_t>(from), follow ? std::nullopt : std::optional(last));
        if (follow) followers_->add(reading);
        reading->start();
    }

    void operator()(wire::Export, const Caller &caller, const wire::ExportParameters &parameters, Answer<wire::Export> answer) {
        auto format = make_log_export(parameters.format);
        if (!format) return answer.fail(wire::UnknownFormat{varlink::echoed(parameters.format), export_formats()});
        const auto &state = registers_.journal().state();
        if (parameters.format == firmware_format && state.firmware_log() == nullptr) {
            const std::string_view first =
                state.registers().empty() ? std::string_view() : std::string_view(state.registers().front().name);
            return answer.fail(wire::NotSupported{std::string(first.substr(0, first.find('/'))),
                                                  "the firmware's log: none was found, and journal.firmware_log names none"});
        }
        if (const auto why = collision(parameters.format, state)) return answer.fail(wire::JournalFailed{*why});
        if (parameters.of_register && parameters.format != "json") return answer.fail(InvalidParameter{"format"});
        auto view = view_for(caller, parameters.of_register, answer);
        if (!view) return;
        std::make_shared<Export>(*readings_, caller.client(), std::move(*view), std::move(answer), std::move(format))->start();
    }

    void operator()(wire::Replay, const Caller &caller, const varlink::NoParameters &, Answer<wire::Replay> answer) {
        std::make_shared<ReplayCall>(*readings_, LastingCaller(caller, gate_), std::move(answer))->start();
    }

    void operator()(wire::Repair, const Caller &caller, const varlink::NoParameters &, Answer<wire::Repair> answer) {
        const auto kept = registers_.repair_journal();
        if (!kept) return answer.fail(wire::JournalFailed{kept.error()});
        audit_->tell({.kind = log::Kind::repair, .method = wire::Repair::description.method()}, *caller.in_log(), caller.client().uid);
        answer.reply({kept->native()});
    }

private:
    // What he is shown. Nothing: it is refused, and answered.
    template <class Method>
    std::optional<LogView> view_for(const Caller &caller, const std::optional<std::string_view> &of_register, Answer<Method> &answer) {
        if (!of_register) return LogView(caller, gate_);
        auto tenant = tenant_view(daemon_, caller, Operation::log_read, "register", {*of_register});
        if (!tenant) {
            answer.fail(tenant.error());
            return std::nullopt;
        }
        return LogView(caller, gate_, std::move(*tenant));
    }

    Daemon &daemon_;
    Registers &registers_;
    std::shared_ptr<Gate> gate_;
    std::shared_ptr<LogReadings> readings_;
    std::shared_ptr<Followers> followers_;
    std::shared_ptr<Audit> audit_;
};

}  // namespace

varlink::Interface event_log_interface(Daemon &daemon) {
    return make_interface<interfaces::io_mrd_EventLog>(wire::EventLogMethods(), daemon.gate(), std::make_shared<EventLogHandlers>(daemon));
}

}  // namespace mrd
