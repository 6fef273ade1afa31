// Who makes a call, and where: for as long as the call's method runs, or for as long as what it has begun goes on.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "libmr/wire/method.h"
#include "mrd/access/access.h"
#include "mrd/access/callers.h"
#include "mrd/access/peer_unit.h"
#include "mrd/shares/client_shares.h"
#include "proto/varlink/service.h"

namespace mrd {

// What stands before all methods of all interfaces.
struct Gate {
    Callers callers = {};
    Access access = Access();
    std::set<std::string, std::less<>> bound_only = {};  // listeners on which nobody chooses what a report or a quote is over
};

class Caller {
public:
    Caller(const varlink::Peer &peer, Gate &gate, const std::optional<mr::wire::OnBehalfOf> &on_behalf_of = {})
        : peer_(peer),
          gate_(gate),
          on_behalf_of_(on_behalf_of),
          principal_{
              .uid = peer.uid, .gid = peer.gid, .groups = peer.groups, .listener = peer.listener, .unit = [this] { return unit(); }} {}
    Caller(const Caller &) = delete;
    Caller &operator=(const Caller &) = delete;
    ~Caller() = default;

    [[nodiscard]] uid_t uid() const { return peer_.uid; }
    // The listener to which he connected, by its name in the configuration.
    [[nodiscard]] std::string_view listener() const { return peer_.listener; }
    [[nodiscard]] bool may_choose_report_data() const { return !gate_.bound_only.contains(peer_.listener); }
    // For whom he says that he asks. His word alone.
    [[nodiscard]] const std::optional<mr::wire::OnBehalfOf> &on_behalf_of() const { return on_behalf_of_; }
    // Whose share of what all share he takes.
    [[nodiscard]] Client client() const { return Client::of(peer_); }
    [[nodiscard]] const varlink::Peer &peer() const { return peer_; }

    // As rules see him: as long as this. His unit is read at most once for it.
    [[nodiscard]] const Principal &principal() const { return principal_; }
    template <class Subject>
    [[nodiscard]] bool may(Operation operation, const Subject &subject) const {
        return gate_.access.judge(principal_, operation, subject).allowed;
    }
    // Has a rule asked for it? Then what was judged is for this moment alone.
    [[nodiscard]] bool unit_was_asked() const { return unit_.has_value(); }

    [[nodiscard]] bool knows_of(const KnownRegister &reg) const { return gate_.access.tells_of(principal_, reg); }
    // All registers, those too that there are not yet.
    [[nodiscard]] bool lists_all() const { return gate_.access.rules().allows(principal_, Right::list) != nullptr; }

    // What the gate asks of a call; what it refuses is counted and told.
    [[nodiscard]] bool passes(Operation operation, std::string_view subject) {
        // Nobody is trusted to say for whom he asks. To pass that over would be to do it in his own name.
        const auto judged = on_behalf_of_ ? Judgement() : gate_.access.judge(principal_, operation, subject);
        if (!judged.allowed) gate_.access.refused(principal_, peer_.pid, operation, subject);
        rule_ = judged.rule == nullptr ? std::string_view() : judged.rule->name;
        return judged.allowed;
    }

    [[nodiscard]] bool sees_contents(const KnownRegister &reg) const { return gate_.access.shows_contents(principal_, reg); }
    // Has he a rule that allows it of some register?
    [[nodiscard]] bool may_some(Right right) const { return gate_.access.rules().allows_some(principal_, right) != nullptr; }
    // What the gate cannot ask of a virtual register, where it knows no more than its name. Null: no rule allows it.
    [[nodiscard]] const AccessRule *may_create(const std::string &name, const RegisterName &carrier, std::size_t made) const {
        return gate_.access.rules().allows_create(principal_, name, carrier, made);
    }
    // Counts and tells what a method itself refuses him.
    void tell_refused(Operation operation, std::string_view subject) const {
        gate_.access.refused(principal_, peer_.pid, operation, subject);
    }

    // As the log names him, with the rule that let him pass.
    [[nodiscard]] std::shared_ptr<const mr::EventCaller> in_log() const { return in_log(rule_); }
    [[nodiscard]] std::shared_ptr<const mr::EventCaller> in_log(std::string_view rule) const { return gate_.callers.find(peer_, rule); }

private:
    [[nodiscard]] const std::optional<std::string> &unit() const {
        if (!unit_) unit_.emplace(unit_of(peer_));
        return *unit_;
    }

    const varlink::Peer &peer_;
    Gate &gate_;
    std::optional<mr::wire::OnBehalfOf> on_behalf_of_;
    Principal principal_;
    std::string_view rule_;
    mutable std::optional<std::optional<std::string>> unit_;
};

// Whose call goes on when its method has returned: may he still, by the rules as they are now?
class LastingCaller {
public:
    LastingCaller(const Caller &caller, std::shared_ptr<Gate> gate)
        : peer_(std::make_shared<const varlink::Peer>(caller.peer())), gate_(std::move(gate)) {}

    // As he is now: for one judgement of all that it goes on with, as his unit is read for each such. As long as this, or what it was moved to.
    [[nodiscard]] std::unique_ptr<const Caller> now() const { return std::make_unique<const Caller>(*peer_, *gate_); }
    // Counts and tells that new rules have ended it.
    void refused(const Caller &now, Operation operation, std::string_view subject) const {
        gate_->access.refused(now.principal(), peer_->pid, operation, subject);
    }
    [[nodiscard]] Client client() const { return Client::of(*peer_); }
    [[nodiscard]] const Access &access() const { return gate_->access; }

private:
    std::shared_ptr<const varlink::Peer> peer_;
    std::shared_ptr<Gate> gate_;
};

}  // namespace mrd
