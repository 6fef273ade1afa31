// The requester's operations: what each asks, and what it takes from the answers. They share one state, the connection's.
#pragma once

#include <array>
#include <expected>
#include <memory>
#include <optional>

#include "libmr/src/attestation/tee/spdm/exchange.h"
#include "libmr/src/attestation/tee/spdm/requests.h"
#include "libmr/src/attestation/tee/spdm/transcript.h"
#include "mr/spdm_requester.h"

namespace mr::spdm {

struct State {
    SpdmOptions options;
    SpdmRandom random;
    Transcript transcript = {};
    std::optional<SpdmConnection> connection = {};
    std::optional<SpdmDigests> digests = {};
    std::array<std::optional<Bytes>, spdm_slots> chains = {};
    std::optional<SpdmChallenge> challenge = {};
    std::optional<SpdmMeasurements> measurements = {};
    std::optional<Bytes> log = {};
    std::optional<SpdmEvidence> evidence = {};
    Bytes answer = {};

    // Random bytes, or the caller's. Error: no_randomness.
    std::expected<SpdmNonce, SpdmError> nonce(const std::optional<SpdmNonce> &given) const;
    std::expected<SpdmContext, SpdmError> context() const;  // in 1.3; else zeros that nobody sends

    // What the connection agreed on. Error: misuse, where there is none; not_capable.
    std::expected<Agreed, SpdmError> agreed() const;
    std::expected<Agreed, SpdmError> agreed_with(std::uint32_t capability, const char *name) const;
    // Of a slot that signs. Error: misuse, no_such_slot, no_chain.
    std::expected<const Bytes *, SpdmError> signing_chain(std::uint8_t slot) const;
    std::expected<void, SpdmError> check_slot(std::uint8_t slot) const;
    // The connection's, the rest is to be filled in.
    [[nodiscard]] SpdmEvidence begin_evidence(SpdmEvidenceKind kind, std::uint8_t slot, const SpdmNonce &nonce) const;
};

class Operation {
public:
    Operation() = default;
    Operation(const Operation &) = delete;
    Operation &operator=(const Operation &) = delete;
    virtual ~Operation() = default;

    // The first request. Error: it cannot be asked; nothing has gone out.
    virtual std::expected<Bytes, SpdmError> begin(State &state) = 0;
    // The next request; nothing: the operation is done.
    virtual std::expected<std::optional<Bytes>, SpdmError> take(State &state, const Response &response) = 0;
    // Its answers may take the device's time for cryptography.
    [[nodiscard]] virtual bool needs_cryptography() const { return false; }
    [[nodiscard]] virtual bool measures() const { return false; }  // all others end L1/L2
};

using Next = std::expected<std::optional<Bytes>, SpdmError>;

std::unique_ptr<Operation> connect_operation();
std::unique_ptr<Operation> digests_operation();
std::unique_ptr<Operation> certificate_operation(std::uint8_t slot, std::uint16_t portion);
std::unique_ptr<Operation> challenge_operation(std::uint8_t slot, SpdmSummary summary, std::optional<SpdmNonce> nonce);
std::unique_ptr<Operation> measurements_operation(const SpdmMeasurementRequest &request);
std::unique_ptr<Operation> log_operation(std::uint32_t portion);
std::unique_ptr<Operation> exchange_operation(Bytes request);

}  // namespace mr::spdm
