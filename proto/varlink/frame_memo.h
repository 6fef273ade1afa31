// Calls that came before, by the bytes of their frames: the same bytes are the same call. What is kept of one is made of what the full parser said of it, answers
// for the moment at which it is asked, or not at all, and is nobody's own: whether this caller may have the answer is asked each time (KeptCall).
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "proto/varlink/call_counters.h"

namespace varlink {

struct Peer;

// Of one call of a method that only reads and answers at once.
class KeptCall {
public:
    KeptCall() = default;
    KeptCall(const KeptCall &) = delete;
    KeptCall &operator=(const KeptCall &) = delete;
    virtual ~KeptCall() = default;

    // The whole reply for this caller now, NUL byte included, as the method would write it; valid until this is asked again. Null, and nothing has happened or
    // been counted: the method has to be asked.
    virtual const std::string *answer(const Peer &peer) = 0;
};

class FrameMemo {
public:
    static constexpr std::size_t slots = 16;
    static constexpr std::size_t max_frame = 128;  // bytes; what is longer is not looked for: a Read has about 70

    struct Slot {
        std::string frame;  // empty: there is none
        std::unique_ptr<KeptCall> call;
        CallCounters *counters = nullptr;  // of its method
        std::size_t missed = 0;            // the hash of the frame that was last wanted here, and is not
    };

    // Null: nothing is kept of it.
    Slot *find(std::string_view frame) {
        if (frame.empty() || frame.size() > max_frame) return nullptr;
        if (last_->frame == frame) return last_;
        auto &slot = slot_of(hash_of(frame));
        if (slot.frame != frame) return nullptr;
        last_ = &slot;
        return last_;
    }

    // Is it to be kept? When it comes for the second time: many come but once.
    bool wants(std::string_view frame) {
        if (frame.empty() || frame.size() > max_frame) return false;
        const auto hash = hash_of(frame);
        auto &slot = slot_of(hash);
        return slot.frame != frame && std::exchange(slot.missed, hash) == hash;
    }

    // In the place of another. `counters` outlive this.
    void keep(std::string_view frame, std::unique_ptr<KeptCall> call, CallCounters &counters) {
        auto &slot = slot_of(hash_of(frame));
        slot.frame = frame;
        slot.call = std::move(call);
        slot.counters = &counters;
    }

private:
    static std::size_t hash_of(std::string_view frame) { return std::hash<std::string_view>()(frame); }
    Slot &slot_of(std::size_t hash) { return slots_[hash % slots]; }

    std::array<Slot, slots> slots_;
    Slot *last_ = slots_.data();  // found last: calls that come together are often the same
};

}  // namespace varlink
