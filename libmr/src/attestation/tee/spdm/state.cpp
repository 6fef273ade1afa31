#include <string>

#include "libmr/src/attestation/tee/spdm/operation.h"

namespace mr::spdm {
namespace {

std::unexpected<SpdmError> no_randomness() {
    return fault(SpdmFault::no_randomness, "there are no random bytes for a nonce: nothing was asked");
}

}  // namespace

std::expected<SpdmNonce, SpdmError> State::nonce(const std::optional<SpdmNonce> &given) const {
    if (given) return *given;
    SpdmNonce drawn{};
    if (!random(drawn)) return no_randomness();
    return drawn;
}

std::expected<SpdmContext, SpdmError> State::context() const {
    SpdmContext drawn{};
    if (connection && connection->version >= SpdmVersion::v1_3 && !random(drawn)) return no_randomness();
    return drawn;
}

std::expected<Agreed, SpdmError> State::agreed() const {
    if (!connection) return fault(SpdmFault::misuse, "there is no connection: connect() first");
    const auto known = agreed_of(connection->version, connection->algorithms);
    if (!known) return fault(SpdmFault::no_common_algorithm, "the base hash is none that this library knows");
    return *known;
}

std::expected<Agreed, SpdmError> State::agreed_with(std::uint32_t capability, const char *name) const {
    auto known = agreed();
    if (known && !connection->capabilities.has(capability))
        return fault(SpdmFault::not_capable, "the device's capabilities lack " + std::string(name));
    return known;
}

std::expected<void, SpdmError> State::check_slot(std::uint8_t slot) const {
    if (slot >= spdm_slots) return fault(SpdmFault::misuse, "slot " + std::to_string(slot) + ": slots are 0 to 7");
    if (digests && (digests->mask >> slot & 1U) == 0)
        return fault(SpdmFault::no_such_slot, "slot " + std::to_string(slot) + " has no certificates; those of the mask 0x" +
                                                  to_hex(std::array{digests->mask}) + " have");
    return {};
}

std::expected<const Bytes *, SpdmError> State::signing_chain(std::uint8_t slot) const {
    if (auto done = check_slot(slot); !done) return std::unexpected(std::move(done.error()));
    const auto &chain = chains.at(slot);
    if (!chain)
        return fault(SpdmFault::no_chain, "the chain of slot " + std::to_string(slot) +
                                              " is not known, and its signature could not be checked: get_certificate() first");
    return &*chain;
}

SpdmEvidence State::begin_evidence(SpdmEvidenceKind kind, std::uint8_t slot, const SpdmNonce &nonce) const {
    return {.kind = kind,
            .transcript = {},
            .signature = {},
            .slot = slot,
            .chain = chains.at(slot).value_or(Bytes()),
            .nonce = nonce,
            .version = connection->version,
            .capabilities = connection->capabilities,
            .algorithms = connection->algorithms};
}

}  // namespace mr::spdm
