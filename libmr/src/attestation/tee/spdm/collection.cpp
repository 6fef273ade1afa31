// Everything that evidence needs of a device, one operation after the other.
#include "mr/spdm_requester.h"

namespace mr {

SpdmCollection::SpdmCollection(SpdmRequester &requester, SpdmCollectOptions options) : requester_(&requester), options_(options) {}

SpdmStep SpdmCollection::begin() {
    has_reconnected_ = false;
    return enter(requester_->connection() == nullptr ? Stage::connect : Stage::digests);
}

SpdmCollection::Stage SpdmCollection::following() const {
    switch (stage_) {
    case Stage::connect: return Stage::digests;
    case Stage::digests:
        if (requester_->chain(options_.slot) == nullptr) return Stage::certificate;
        [[fallthrough]];
    case Stage::certificate:
        if (options_.with_challenge) return Stage::challenge;
        [[fallthrough]];
    case Stage::challenge: return Stage::measurements;
    case Stage::measurements: {
        const auto *const connection = requester_->connection();
        const bool has_log = connection != nullptr && connection->capabilities.has(spdm_cap_measurement_log) &&
                             connection->algorithms.log_specification != 0;
        return options_.with_log && has_log ? Stage::log : Stage::done;
    }
    case Stage::log:
    case Stage::done: break;
    }
    return Stage::done;
}

SpdmStep SpdmCollection::enter(Stage stage) {
    stage_ = stage;
    switch (stage) {
    case Stage::connect: return next(requester_->connect());
    case Stage::digests: return next(requester_->get_digests());
    case Stage::certificate: return next(requester_->get_certificate(options_.slot));
    case Stage::challenge: return next(requester_->challenge(options_.slot, SpdmSummary::none, options_.nonce));
    case Stage::measurements:
        return next(requester_->get_measurements(
            {.is_raw = options_.is_raw, .is_anew = options_.is_anew, .slot = options_.slot, .nonce = options_.nonce}));
    case Stage::log: return next(requester_->get_measurement_log());
    case Stage::done: break;
    }
    return {.kind = SpdmStep::Kind::done};
}

SpdmStep SpdmCollection::next(SpdmStep step) {
    if (step.kind == SpdmStep::Kind::done) {
        const auto stage = following();
        return stage == Stage::done ? step : enter(stage);
    }
    if (step.kind == SpdmStep::Kind::failed && requester_->error().fault == SpdmFault::request_resynch && !has_reconnected_) {
        has_reconnected_ = true;
        return enter(Stage::connect);
    }
    return step;
}

}  // namespace mr
