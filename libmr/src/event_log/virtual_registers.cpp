#include "mr/virtual_registers.h"

#include <algorithm>
#include <utility>

#include "libmr/src/event_log/thread_hasher.h"
#include "mr/event_content.h"

namespace mr {
namespace {

std::unexpected<Error> refuse_virtual(const Event &event, const std::string &what) {
    return std::unexpected(Error{ErrorCode::malformed, "event " + std::to_string(event.sequence) + " " + what});
}

}  // namespace

std::expected<void, Error> CarriedRegisters::apply(const Event &event) {
    if (!is_measured(event)) return {};
    if (is_capped_) return refuse_virtual(event, "follows the cap of its register");
    const auto digest = std::ranges::find(event.digests, tcg_id(bank_), &EventDigest::algorithm_id);
    if (digest == event.digests.end()) return {};
    const CarriedEvent here{.count = ++events_, .sequence = event.sequence};
    if (const auto own = bound_envelope(event, *digest)) {
        if (!own->body) hidden_.push_back(here.count);
        if (own->header.type == "cap") is_capped_ = true;
        if (own->header.type == "resync") last_gap_ = here;
        return {};
    }
    const auto envelope = carried_envelope(event, *digest);
    if (!envelope) {
        last_unread_ = here;
        return {};
    }
    const auto &header = envelope->header;
    if (!envelope->body) hidden_.push_back(here.count);
    if (header.type == create_envelope_type) return create(event, header, envelope->body);
    const auto known = numbers_.find(*header.id);
    if (known == numbers_.end()) return refuse_virtual(event, "is of a virtual register that was not created before");
    auto &reg = all_[known->second];
    if (reg.closed_by.count > 0) return refuse_virtual(event, "is of a virtual register that is closed");
    if (header.type == close_envelope_type) reg.closed_by = here;
    extend(reg, event, !envelope->body);
    return {};
}

std::expected<void, Error> CarriedRegisters::create(const Event &event, const EnvelopeHeader &header,
                                                    const std::optional<EnvelopeBody> &body) {
    if (numbers_.contains(*header.id)) return refuse_virtual(event, "creates a virtual register for the second time");
    if (all_.size() == max_carried_registers)
        return std::unexpected(
            Error{ErrorCode::not_supported, "more than " + std::to_string(max_carried_registers) + " virtual registers are not followed"});
    CarriedRegister reg{.id = *header.id, .created = {}, .created_by{.count = events_, .sequence = event.sequence}, .value = {}};
    if (body) {
        if (!names_register({.type = header.type, .register_name = body->created->carrier}, carrier_))
            return refuse_virtual(event, "creates a virtual register on another register");
        reg.created = body->created;
        reg.value = Digest::zero(body->created->hash);
    }
    numbers_.emplace(reg.id, all_.size());
    extend(all_.emplace_back(std::move(reg)), event, !body);
    return {};
}

// By its own hash, which may be another than the carrier's.
void CarriedRegisters::extend(CarriedRegister &reg, const Event &event, bool is_hidden) {
    ++reg.events;
    if (is_hidden) ++reg.hidden;
    if (is_hidden) reg.value.reset();
    if (!reg.value) return;
    const auto algorithm = reg.created->hash;
    const auto digest = envelope_digest(*event.data, algorithm);
    auto *const hasher = event_log::thread_hasher(algorithm);
    if (!digest || hasher == nullptr) {
        reg.value.reset();
    } else {
        reg.value = hasher->extend(reg.value->bytes(), digest->bytes());
    }
}

const CarriedRegister *CarriedRegisters::find(std::string_view name) const {
    const auto found =
        std::find_if(all_.rbegin(), all_.rend(), [&](const CarriedRegister &reg) { return reg.created && reg.created->name == name; });
    return found == all_.rend() ? nullptr : &*found;
}

std::uint64_t CarriedRegisters::hidden_after(CarriedEvent event) const {
    return static_cast<std::uint64_t>(hidden_.end() - std::ranges::upper_bound(hidden_, event.count));
}

}  // namespace mr
