// Any bytes as evidence: what is read comes back the same from both forms, and no verifier accepts it, for nobody vouches for the quotes in the seeds.
#include "mr/evidence.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mr/verify.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const mr::ByteView bytes(data, size);
    const auto evidence = mr::parse_evidence(bytes);
    if (!evidence) {
        require(evidence.error().code == mr::ErrorCode::malformed && !evidence.error().message.empty());
        return 0;
    }
    require(evidence->registers.size() <= mr::max_evidence_registers);
    const auto json = mr::write_evidence_json(*evidence);
    const auto from_json = mr::parse_evidence(mr::as_bytes(json));
    require(from_json && *from_json == *evidence && mr::is_evidence(mr::as_bytes(json)));
    const auto cbor = mr::write_evidence_cbor(*evidence);
    const auto from_cbor = mr::parse_evidence(cbor);
    require(from_cbor && *from_cbor == *evidence && mr::is_evidence(cbor));

    mr::VerifyOptions options;
    options.time = 1'800'000'000;
    options.reference.forbidden_events = {{.name = "any", .description = "any"}};
    const auto verdict = mr::verify(*evidence, options);
    require(!verdict.verified());
    for (const auto &statement : verdict.statements()) require(!statement.reason.empty());
    return 0;
}
