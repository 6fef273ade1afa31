#include <openssl/rand.h>

#include <algorithm>
#include <string>
#include <utility>

#include "libmr/src/attestation/tee/spdm/operation.h"
#include "mr/spdm_requester.h"

namespace mr {
namespace {

using Kind = SpdmStep::Kind;

bool openssl_random(std::span<std::uint8_t> bytes) { return RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1; }

// The device refused, or what it said is not vouched for, and it and we hold the same of each other as before.
bool keeps_connection(SpdmFault fault) {
    switch (fault) {
    case SpdmFault::invalid_request:
    case SpdmFault::busy:
    case SpdmFault::unexpected_request:
    case SpdmFault::unspecified:
    case SpdmFault::unsupported_request:
    case SpdmFault::session_required:
    case SpdmFault::response_too_large:
    case SpdmFault::request_too_large:
    case SpdmFault::message_lost:
    case SpdmFault::version_mismatch:
    case SpdmFault::operation_failed:
    case SpdmFault::vendor_error:
    case SpdmFault::other_error:
    case SpdmFault::bad_signature:
    case SpdmFault::wrong_chain_digest: return true;
    default: return false;
    }
}

}  // namespace

class SpdmRequester::Machine {
public:
    Machine(SpdmOptions options, SpdmRandom random)
        : state_{.options = std::move(options), .random = random ? std::move(random) : SpdmRandom(openssl_random)},
          exchange_(state_.options) {}

    SpdmStep start(std::unique_ptr<spdm::Operation> operation) {
        operation_ = std::move(operation);
        auto request = operation_->begin(state_);
        if (!request) return fail(std::move(request.error()));
        if (!operation_->measures()) state_.transcript.end_measurements();
        return ask(std::move(*request));
    }

    SpdmStep reply(ByteView message) {
        if (phase_ != Kind::send) return misuse("reply()");
        auto outcome = exchange_.reply(message);
        if (!outcome) return fail_by_answer(std::move(outcome.error()));
        if (outcome->is_busy) state_.transcript.end_measurements();
        if (outcome->step) return enter(*outcome->step);
        auto next = operation_->take(state_, outcome->response);
        if (!next) return fail_by_answer(std::move(next.error()));
        if (*next) return ask(std::move(**next));
        operation_.reset();
        return enter({.kind = Kind::done});
    }

    SpdmStep resume() { return phase_ == Kind::wait ? enter(exchange_.resume()) : misuse("resume()"); }

    SpdmStep end(SpdmFault fault, const char *message) {
        end_connection();
        return fail({fault, message});
    }

    void forget() {
        end_connection();
        state_.chains = {};
        state_.challenge.reset();
        state_.measurements.reset();
        state_.log.reset();
        state_.evidence.reset();
    }

    [[nodiscard]] const spdm::State &state() const { return state_; }
    [[nodiscard]] const SpdmError &error() const { return error_; }

private:
    SpdmStep enter(SpdmStep step) {
        phase_ = step.kind;
        return step;
    }

    SpdmStep ask(Bytes request) { return enter(exchange_.begin(std::move(request), deadline())); }

    // What the transport takes, and what the device is given.
    [[nodiscard]] std::chrono::microseconds deadline() const {
        auto given = spdm_response_time;
        if (operation_->needs_cryptography() && state_.connection) {
            constexpr unsigned most = 32;
            const auto exponent = std::min<unsigned>(state_.connection->capabilities.crypto_time_exponent, most);
            given = std::clamp(std::chrono::microseconds(std::int64_t{1} << exponent), spdm_response_time, max_spdm_crypto_time);
        }
        constexpr auto longest = std::chrono::microseconds::max();
        return state_.options.round_trip > longest - given ? longest : state_.options.round_trip + given;
    }

    SpdmStep fail(SpdmError error) {
        error_ = std::move(error);
        operation_.reset();
        return enter({.kind = Kind::failed});
    }

    SpdmStep fail_by_answer(SpdmError error) {
        state_.transcript.end_measurements();
        if (!keeps_connection(error.fault)) end_connection();
        return fail(std::move(error));
    }

    SpdmStep misuse(const char *call) {
        return fail({SpdmFault::misuse, std::string("SpdmRequester::") + call + " does not fit the last step that was given"});
    }

    void end_connection() {
        state_.connection.reset();
        state_.digests.reset();
        state_.transcript.begin();
    }

    spdm::State state_;
    spdm::Exchange exchange_;
    std::unique_ptr<spdm::Operation> operation_;
    Kind phase_ = Kind::done;
    SpdmError error_{SpdmFault::misuse, "nothing has failed"};
};

SpdmRequester::SpdmRequester(SpdmOptions options, SpdmRandom random)
    : machine_(std::make_unique<Machine>(std::move(options), std::move(random))) {}
SpdmRequester::SpdmRequester(SpdmRequester &&) noexcept = default;
SpdmRequester &SpdmRequester::operator=(SpdmRequester &&) noexcept = default;
SpdmRequester::~SpdmRequester() = default;

SpdmStep SpdmRequester::connect() { return machine_->start(spdm::connect_operation()); }
SpdmStep SpdmRequester::get_digests() { return machine_->start(spdm::digests_operation()); }
SpdmStep SpdmRequester::get_certificate(std::uint8_t slot, std::optional<std::uint16_t> portion) {
    return machine_->start(spdm::certificate_operation(slot, portion.value_or(machine_->state().options.certificate_portion)));
}
SpdmStep SpdmRequester::challenge(std::uint8_t slot, SpdmSummary summary, std::optional<SpdmNonce> nonce) {
    return machine_->start(spdm::challenge_operation(slot, summary, nonce));
}
SpdmStep SpdmRequester::get_measurements(const SpdmMeasurementRequest &request) {
    return machine_->start(spdm::measurements_operation(request));
}
SpdmStep SpdmRequester::get_measurement_log(std::optional<std::uint32_t> portion) {
    return machine_->start(spdm::log_operation(portion.value_or(machine_->state().options.log_portion)));
}
SpdmStep SpdmRequester::exchange(Bytes request) { return machine_->start(spdm::exchange_operation(std::move(request))); }

SpdmStep SpdmRequester::reply(ByteView message) { return machine_->reply(message); }
SpdmStep SpdmRequester::timed_out() {
    return machine_->end(SpdmFault::timed_out, "the device did not answer in time; the connection is over");
}
SpdmStep SpdmRequester::disconnected() {
    return machine_->end(SpdmFault::disconnected, "the device went away before it answered; the connection is over");
}
SpdmStep SpdmRequester::resume() { return machine_->resume(); }
void SpdmRequester::forget() { machine_->forget(); }

namespace {

template <typename Value>
const Value *pointer(const std::optional<Value> &value) {
    return value ? &*value : nullptr;
}

}  // namespace

const SpdmError &SpdmRequester::error() const { return machine_->error(); }
const SpdmConnection *SpdmRequester::connection() const { return pointer(machine_->state().connection); }
const SpdmDigests *SpdmRequester::digests() const { return pointer(machine_->state().digests); }
const Bytes *SpdmRequester::chain(std::uint8_t slot) const {
    return slot < spdm_slots ? pointer(machine_->state().chains.at(slot)) : nullptr;
}
const SpdmChallenge *SpdmRequester::challenge_result() const { return pointer(machine_->state().challenge); }
const SpdmMeasurements *SpdmRequester::measurements() const { return pointer(machine_->state().measurements); }
const Bytes *SpdmRequester::measurement_log() const { return pointer(machine_->state().log); }
ByteView SpdmRequester::answer() const { return machine_->state().answer; }
const SpdmEvidence *SpdmRequester::evidence() const { return pointer(machine_->state().evidence); }

}  // namespace mr
