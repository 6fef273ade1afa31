// Who makes a call, and where: for as long as the call's method runs, or for as long as what it has begun goes on.
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "libmr/wire/method.h"
#include "mr/on_behalf_of.h"
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

// The field that names nobody there can be; empty: all are right. The kernel gives -1, and the overflow uid, where it cannot say who somebody is.
inline std::string_view wrong_id(const mr::OnBehalfOf &other) {
    constexpr std::int64_t most_id = std::numeric_limits<uid_t>::max() - 1;
    constexpr std::int64_t most_pid = std::numeric_limits<pid_t>::max();
    if (other.uid < 0 || other.uid > most_id) return "onBehalfOf.uid";
    if (other.gid < 0 || other.gid > most_id) return "onBehalfOf.gid";
    if (other.pid < 1 || other.pid > most_pid) return "onBehalfOf.pid";
    return {};
}

// Who has connected, and, where he asks for somebody else, that one: whatever is asked here has to be allowed to both.
class Caller {
public:
    // Precondition: no wrong_id() of `on_behalf_of`.
    Caller(const varlink::Peer &peer, Gate &gate, const std::optional<mr::OnBehalfOf> &on_behalf_of = {})
        : peer_(peer),
          gate_(gate),
          on_behalf_of_(on_behalf_of),
          principal_{
              .uid = peer.uid, .gid = peer.gid, .groups = peer.groups, .listener = peer.listener, .unit = [this] { return unit(); }} {
        if (!on_behalf_of) return;
        // Of his groups the program knows one, and of his unit nothing.
        other_.emplace(Principal{.uid = static_cast<uid_t>(on_behalf_of->uid),
                                 .gid = static_cast<gid_t>(on_behalf_of->gid),
                                 .groups = {},
                                 .listener = peer.listener});
        principal_.asks_for = other_->uid;
    }
    Caller(const Caller &) = delete;
    Caller &operator=(const Caller &) = delete;
    ~Caller() = default;

    // Whose call it is.
    [[nodiscard]] uid_t uid() const { return other_ ? other_->uid : peer_.uid; }
    // The listener to which he connected, by its name in the configuration.
    [[nodiscard]] std::string_view listener() const { return peer_.listener; }
    [[nodiscard]] bool may_choose_report_data() const { return !gate_.bound_only.contains(peer_.listener); }
    // Whose share of what all share he takes: of what there is for each uid that of whose call it is, of what there is for each connection this one's.
    [[nodiscard]] Client client() const {
        auto client = Client::of(peer_);
        if (other_) client.uid = gate_.access.rules().share_of(other_->uid);
        return client;
    }
    [[nodiscard]] const varlink::Peer &peer() const { return peer_; }
    [[nodiscard]] const std::optional<mr::OnBehalfOf> &on_behalf_of() const { return on_behalf_of_; }

    // As rules see him who has connected: as long as this. His unit is read at most once for it.
    [[nodiscard]] const Principal &principal() const { return principal_; }
    template <class Subject>
    [[nodiscard]] bool may(Operation operation, const Subject &subject) const {
        return both([&](const Principal &each) { return gate_.access.judge(each, operation, subject).allowed; });
    }
    // Has a rule asked for it? Then what was judged is for this moment alone.
    [[nodiscard]] bool unit_was_asked() const { return unit_.has_value(); }

    [[nodiscard]] bool knows_of(const KnownRegister &reg) const {
        return both([&](const Principal &each) { return gate_.access.tells_of(each, reg); });
    }
    // All registers, those too that there are not yet.
    [[nodiscard]] bool lists_all() const {
        return both([&](const Principal &each) { return gate_.access.rules().allows(each, Right::list) != nullptr; });
    }

    // What the gate asks of a call; what it refuses is counted and told.
    [[nodiscard]] bool passes(Operation operation, std::string_view subject) {
        // Also where it takes no right: somebody's word for whom he asks is not passed over, for that would be to do it in his own name.
        const bool is_trusted = !other_ || gate_.access.rules().trusts(principal_);
        const auto judged = gate_.access.judge(principal_, operation, subject);
        const bool passes = is_trusted && judged.allowed && (!other_ || gate_.access.judge(*other_, operation, subject).allowed);
        if (!passes) tell_refused(operation, subject);
        rule_ = judged.rule == nullptr ? std::string_view() : judged.rule->name;
        return passes;
    }

    [[nodiscard]] bool sees_contents(const KnownRegister &reg) const {
        return both([&](const Principal &each) { return gate_.access.shows_contents(each, reg); });
    }
    // Has he a rule that allows it of some register?
    [[nodiscard]] bool may_some(Right right) const {
        return both([&](const Principal &each) { return gate_.access.rules().allows_some(each, right) != nullptr; });
    }
    // What the gate cannot ask of a virtual register, where it knows no more than its name. Null: no rule allows it. Nobody asks for somebody else here.
    [[nodiscard]] const AccessRule *may_create(const std::string &name, const RegisterName &carrier, std::size_t made) const {
        return gate_.access.rules().allows_create(principal_, name, carrier, made);
    }
    // Counts and tells what a method itself refuses him.
    void tell_refused(Operation operation, std::string_view subject) const {
        gate_.access.refused(principal_, other_ ? &*other_ : nullptr, [this] { return in_log({}); }, operation, subject);
    }

    // As the log names him, with the rule that let him pass.
    [[nodiscard]] std::shared_ptr<const mr::EventCaller> in_log() const { return in_log(rule_); }
    [[nodiscard]] std::shared_ptr<const mr::EventCaller> in_log(std::string_view rule) const {
        return gate_.callers.find(peer_, rule, on_behalf_of_);
    }

private:
    template <class Allows>
    [[nodiscard]] bool both(const Allows &allows) const {
        return allows(principal_) && (!other_ || allows(*other_));
    }
    [[nodiscard]] const std::optional<std::string> &unit() const {
        if (!unit_) unit_.emplace(unit_of(peer_));
        return *unit_;
    }

    const varlink::Peer &peer_;
    Gate &gate_;
    std::optional<mr::OnBehalfOf> on_behalf_of_;
    Principal principal_;
    std::optional<Principal> other_;
    std::string_view rule_;
    mutable std::optional<std::optional<std::string>> unit_;
};

// Whose call goes on when its method has returned: may he still, by the rules as they are now?
class LastingCaller {
public:
    LastingCaller(const Caller &caller, std::shared_ptr<Gate> gate)
        : peer_(std::make_shared<const varlink::Peer>(caller.peer())),
          on_behalf_of_(caller.on_behalf_of()),
          client_(caller.client()),
          gate_(std::move(gate)) {}

    // As he is now: for one judgement of all that it goes on with, as his unit is read for each such. As long as this, or what it was moved to.
    [[nodiscard]] std::unique_ptr<const Caller> now() const { return std::make_unique<const Caller>(*peer_, *gate_, on_behalf_of_); }
    // Counts and tells that new rules have ended it.
    void refused(const Caller &now, Operation operation, std::string_view subject) const { now.tell_refused(operation, subject); }
    [[nodiscard]] Client client() const { return client_; }
    [[nodiscard]] const Access &access() const { return gate_->access; }

private:
    std::shared_ptr<const varlink::Peer> peer_;
    std::optional<mr::OnBehalfOf> on_behalf_of_;
    Client client_;
    std::shared_ptr<Gate> gate_;
};

}  // namespace mrd
