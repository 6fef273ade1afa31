// CHALLENGE and GET_MEASUREMENTS, whose answers are signed, and the caller's own messages.
#include <string>

#include "libmr/src/attestation/tee/spdm/operation.h"
#include "libmr/src/attestation/tee/spdm/signature.h"

namespace mr::spdm {
namespace {

class Challenge : public Operation {
public:
    Challenge(std::uint8_t slot, SpdmSummary summary, std::optional<SpdmNonce> nonce)
        : asked_{.slot = slot, .summary = static_cast<std::uint8_t>(summary)}, given_(nonce) {}

    std::expected<Bytes, SpdmError> begin(State &state) override {
        const auto agreed = state.agreed_with(spdm_cap_chal, "CHAL, and with it CHALLENGE");
        if (!agreed) return std::unexpected(agreed.error());
        if (asked_.summary != 0 && !state.connection->capabilities.has(spdm_cap_meas))
            return fault(SpdmFault::not_capable, "the device has no measurements that a summary hash could be of");
        if (auto chain = state.signing_chain(asked_.slot); !chain) return std::unexpected(std::move(chain.error()));
        agreed_ = *agreed;
        const auto nonce = state.nonce(given_);
        if (!nonce) return std::unexpected(nonce.error());
        asked_.nonce = *nonce;
        const auto context = state.context();
        if (!context) return std::unexpected(context.error());
        asked_.context = *context;
        request_ = write(agreed_.version, asked_);
        return request_;
    }

    Next take(State &state, const Response &response) override {
        ByteReader from(response.bytes);
        const auto read = take_challenge_auth(from, agreed_, asked_, Signature::present);
        if (!read) return std::unexpected(read.error());
        const auto exact = response.exact(from);
        if (!exact) return std::unexpected(exact.error());
        auto evidence = state.begin_evidence(SpdmEvidenceKind::challenge, asked_.slot, asked_.nonce);
        evidence.transcript = state.transcript.challenged(request_, exact->first(exact->size() - read->signature.size()));
        evidence.signature = owned(read->signature);
        state.transcript.end_certificates();
        auto content = read_spdm_transcript(evidence);
        if (!content) return std::unexpected(std::move(content.error()));
        if (auto done = check_spdm_signature(evidence, *content); !done) return std::unexpected(std::move(done.error()));
        state.challenge = SpdmChallenge{.chain_digest = owned(read->chain_digest),
                                        .nonce = asked_.nonce,
                                        .responder_nonce = read->nonce,
                                        .slot_mask = read->slot_mask,
                                        .summary = owned(read->summary),
                                        .opaque = owned(read->opaque)};
        state.evidence = std::move(evidence);
        return std::nullopt;
    }

    [[nodiscard]] bool needs_cryptography() const override { return true; }

private:
    ChallengeRequest asked_;
    std::optional<SpdmNonce> given_;
    Agreed agreed_;
    Bytes request_;
};

class Measure : public Operation {
public:
    explicit Measure(const SpdmMeasurementRequest &asked) : given_(asked) {}

    std::expected<Bytes, SpdmError> begin(State &state) override {
        const auto agreed = state.agreed_with(spdm_cap_meas, "MEAS, and with it measurements");
        if (!agreed) return std::unexpected(agreed.error());
        agreed_ = *agreed;
        if (given_.is_raw && agreed_.version < SpdmVersion::v1_2)
            return fault(SpdmFault::not_capable, "SPDM 1.1 has no raw measurements to ask for");
        if (given_.is_anew && agreed_.version < SpdmVersion::v1_3)
            return fault(SpdmFault::not_capable, "only SPDM 1.3 and later can ask to measure anew");
        asked_.operation = given_.operation;
        asked_.attributes = static_cast<std::uint8_t>((given_.is_signed ? attribute_signed : 0) | (given_.is_raw ? attribute_raw : 0) |
                                                      (given_.is_anew ? attribute_anew : 0));
        if (given_.is_signed) {
            if (auto done = prepare_signed(state); !done) return std::unexpected(std::move(done.error()));
        }
        const auto context = state.context();
        if (!context) return std::unexpected(context.error());
        asked_.context = *context;
        state.transcript.end_certificates();
        request_ = write(agreed_.version, asked_);
        return request_;
    }

    Next take(State &state, const Response &response) override {
        ByteReader from(response.bytes);
        auto read = take_measurements(from, agreed_, asked_, Signature::present);
        if (!read) return std::unexpected(std::move(read.error()));
        const auto exact = response.exact(from);
        if (!exact) return std::unexpected(exact.error());
        state.transcript.add_measurements(request_, exact->first(exact->size() - read->signature.size()));
        if (state.transcript.measurements_size() > max_spdm_transcript)
            return fault(SpdmFault::too_large,
                         "so many measurements were read without a signature that nothing could check one: ask for a signed one");
        if (asked_.is_signed()) {
            if (auto done = take_signature(state, read->signature); !done) return std::unexpected(std::move(done.error()));
        }
        state.measurements = SpdmMeasurements{.count = read->count,
                                              .blocks = std::move(read->blocks),
                                              .content_changed = read->content_changed,
                                              .nonce = asked_.is_signed() ? std::optional(asked_.nonce) : std::nullopt,
                                              .responder_nonce = read->nonce,
                                              .opaque = owned(read->opaque),
                                              .is_signed = asked_.is_signed()};
        return std::nullopt;
    }

    [[nodiscard]] bool needs_cryptography() const override { return true; }
    [[nodiscard]] bool measures() const override { return true; }

private:
    std::expected<void, SpdmError> prepare_signed(const State &state) {
        if (!state.connection->capabilities.signs_measurements())
            return fault(SpdmFault::not_capable,
                         "the device signs no measurements, and of those that are not signed nothing is vouched for");
        if (auto chain = state.signing_chain(given_.slot); !chain) return std::unexpected(std::move(chain.error()));
        const auto nonce = state.nonce(given_.nonce);
        if (!nonce) return std::unexpected(nonce.error());
        asked_.nonce = *nonce;
        asked_.slot = given_.slot;
        return {};
    }

    std::expected<void, SpdmError> take_signature(State &state, ByteView signature) const {
        auto evidence = state.begin_evidence(SpdmEvidenceKind::measurements, asked_.slot, asked_.nonce);
        evidence.transcript = state.transcript.measured(agreed_.version);
        evidence.signature = owned(signature);
        state.transcript.end_measurements();
        if (auto done = check_signature(evidence, agreed_.version, evidence.algorithms); !done) return done;
        state.evidence = std::move(evidence);
        return {};
    }

    SpdmMeasurementRequest given_;
    MeasurementsRequest asked_;
    Agreed agreed_;
    Bytes request_;
};

class OwnExchange : public Operation {
public:
    explicit OwnExchange(Bytes request) : request_(std::move(request)) {}

    std::expected<Bytes, SpdmError> begin(State &state) override {
        if (request_.size() < header_size) return fault(SpdmFault::misuse, "a message has 4 bytes at least");
        // With that the device forgets what was agreed on.
        if (request_[1] == byte_of(Code::get_version)) {
            state.connection.reset();
            state.transcript.begin();
        }
        return request_;
    }

    Next take(State &state, const Response &response) override {
        state.answer = owned(response.bytes);
        return std::nullopt;
    }

    [[nodiscard]] bool needs_cryptography() const override { return true; }

private:
    Bytes request_;
};

}  // namespace

std::unique_ptr<Operation> challenge_operation(std::uint8_t slot, SpdmSummary summary, std::optional<SpdmNonce> nonce) {
    return std::make_unique<Challenge>(slot, summary, nonce);
}
std::unique_ptr<Operation> measurements_operation(const SpdmMeasurementRequest &request) { return std::make_unique<Measure>(request); }
std::unique_ptr<Operation> exchange_operation(Bytes request) { return std::make_unique<OwnExchange>(std::move(request)); }

}  // namespace mr::spdm
