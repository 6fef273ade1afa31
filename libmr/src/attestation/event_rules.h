// What an event's digest binds, looked at once for all rules of the reference values.
#pragma once

#include <optional>

#include "mr/envelope.h"
#include "mr/event_content.h"
#include "mr/reference_values.h"

namespace mr::attestation {

class EventContent {
public:
    // The event must outlive it.
    explicit EventContent(const Event &event);

    [[nodiscard]] EventRule::Match match(const EventRule &rule) const;

private:
    [[nodiscard]] bool has_data(const EventRule &rule) const;
    [[nodiscard]] bool has_description(const EventRule &rule) const;
    [[nodiscard]] bool has_data_digest(const EventRule &rule) const;

    const Event &event_;
    std::optional<ByteView> digest_;  // SHA-384; none: the event extends no register of a quote
    RecomputedBinding binding_;
    std::optional<EnvelopeBody> envelope_;  // bound
    bool is_dstack_ = false;                // bound: name and payload
};

}  // namespace mr::attestation
