// What is kept of a call, behind the gate: a call that is made again word for word needs the caller's right as it did the first time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "mrd/access/caller.h"
#include "mrd/interfaces/known_register.h"
#include "mrd/registers/registers.h"
#include "proto/varlink/frame_memo.h"

namespace mrd {

// `Kept` has
//   const Registers::Place *place() const          the register that the call is about now; null: none, or it cannot be told
//   const std::string *answer(const Registers::Place &)   as varlink::KeptCall
template <Operation operation, class Kept>
class GatedCall final : public varlink::KeptCall {
public:
    GatedCall(std::shared_ptr<Gate> gate, Kept kept) : gate_(std::move(gate)), kept_(std::move(kept)) {}

    const std::string *answer(const varlink::Peer &peer) override {
        const auto *place = kept_.place();
        return place != nullptr && may(peer, *place) ? kept_.answer(*place) : nullptr;
    }

private:
    // As the gate would say it now. What it said is remembered for one connection and one register while the rules stay what they are; what it asked the caller's
    // unit for is not: that can be another one at each call. A refusal is for the gate itself to make, which counts and tells it.
    bool may(const varlink::Peer &peer, const Registers::Place &place) {
        const auto rules = gate_->access.changes();
        if (connection_ == peer.connection && place_ == place && rules_ == rules) return true;
        const Caller caller(peer, *gate_);
        if (!caller.may(operation, known_register(place))) return false;
        if (!caller.unit_was_asked()) {
            connection_ = peer.connection;
            place_ = place;
            rules_ = rules;
        }
        return true;
    }

    std::shared_ptr<Gate> gate_;
    Kept kept_;
    std::uint64_t connection_ = 0;  // whose right is remembered; 0: nobody's
    Registers::Place place_;
    std::uint64_t rules_ = 0;
};

}  // namespace mrd
