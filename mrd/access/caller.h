// Who makes a call, and where: for as long as the call's method runs, or for as long as what it has begun goes on.
#pragma once

#include <memory>
#include <optional>
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
};

class Caller {
public:
    Caller(const varlink::Peer &peer, Gate &gate, const std::optional<mr::wire::OnBehalfOf> &on_behalf_of = {})
        : peer_(peer), gate_(gate), on_behalf_of_(on_behalf_of) {}
    Caller(const Caller &) = delete;
    Caller &operator=(const Caller &) = delete;
    ~Caller() = default;

    [[nodiscard]] uid_t uid() const { return peer_.uid; }
    // The listener to which he connected, by its name in the configuration.
    [[nodiscard]] std::string_view listener() const { return peer_.listener; }
    // For whom he says that he asks. His word alone.
    [[nodiscard]] const std::optional<mr::wire::OnBehalfOf> &on_behalf_of() const { return on_behalf_of_; }
    // Whose share of what all share he takes.
    [[nodiscard]] Client client() const { return Client::of(peer_); }
    [[nodiscard]] const varlink::Peer &peer() const { return peer_; }

    // As rules see him: as long as this. His unit is read at most once for it.
    [[nodiscard]] Principal principal() const {
        return {.uid = peer_.uid,
                .gid = peer_.gid,
                .groups = peer_.groups,
                .listener = peer_.listener,
                .unit = [this]() -> std::optional<std::string> {
                    if (!unit_) unit_.emplace(unit_of(peer_));
                    return *unit_;
                }};
    }
    template <class Subject>
    [[nodiscard]] bool may(Operation operation, const Subject &subject) const {
        return gate_.access.judge(principal(), operation, subject).allowed;
    }
    // Has a rule asked for it? Then what was judged is for this moment alone.
    [[nodiscard]] bool unit_was_asked() const { return unit_.has_value(); }

    // What the gate asks of a call; what it refuses is counted and told.
    [[nodiscard]] bool passes(Operation operation, std::string_view subject) {
        // Nobody is trusted to say for whom he asks. To pass that over would be to do it in his own name.
        const auto judged = on_behalf_of_ ? Judgement() : gate_.access.judge(principal(), operation, subject);
        if (!judged.allowed) gate_.access.refused(principal(), peer_.pid, operation, subject);
        rule_ = judged.rule == nullptr ? std::string_view() : judged.rule->name;
        return judged.allowed;
    }

    // As the log names him, with the rule that let him pass.
    [[nodiscard]] std::shared_ptr<const mr::EventCaller> in_log() const { return gate_.callers.find(peer_, rule_); }

private:
    const varlink::Peer &peer_;
    Gate &gate_;
    std::optional<mr::wire::OnBehalfOf> on_behalf_of_;
    std::string_view rule_;
    mutable std::optional<std::optional<std::string>> unit_;
};

// Whose call goes on when its method has returned: may he still, by the rules as they are now?
class LastingCaller {
public:
    LastingCaller(const Caller &caller, std::shared_ptr<Gate> gate) : peer_(caller.peer()), gate_(std::move(gate)) {}

    template <class Subject>
    [[nodiscard]] bool may(Operation operation, const Subject &subject) const {
        return Caller(peer_, *gate_).may(operation, subject);
    }
    // Counts and tells that new rules have ended it.
    void refused(Operation operation, std::string_view subject) const {
        gate_->access.refused(Caller(peer_, *gate_).principal(), peer_.pid, operation, subject);
    }
    [[nodiscard]] bool sees_contents(const RegisterName &reg) const {
        return gate_->access.shows_contents(Caller(peer_, *gate_).principal(), reg);
    }
    [[nodiscard]] Client client() const { return Client::of(peer_); }
    [[nodiscard]] const Access &access() const { return gate_->access; }

private:
    varlink::Peer peer_;
    std::shared_ptr<Gate> gate_;
};

}  // namespace mrd
