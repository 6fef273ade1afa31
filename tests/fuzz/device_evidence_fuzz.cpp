// Any bytes as evidence of a device, with any bytes as what its maker says of it: nothing is vouched for by nobody's root, and what is read is written the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mr/verify.h"
#include "mr/verify_spdm.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check_verdict(mr::ByteView file) {
    mr::VerifyOptions options;
    options.anchors = mr::TrustAnchors();
    options.waived = {.nonce = true, .reference = true, .tcb = true};
    options.time = 1'800'000'000;
    options.reference.platform.accept_debug = true;
    options.reference.platform.of_kind.emplace(
        mr::spdm_kind, R"({"anyDevice":"accept","noMode":"accept","unlistedBlocks":"accept","unsignedManifests":"accept",
                           "blocks":[{"index":1,"type":"immutable_rom","raw":["00"]}]})");
    const auto verdict = mr::verify(file, {}, options);
    require(!verdict.verified());
    for (const auto name :
         {mr::statement::certificate_chain, mr::statement::device_identity, mr::statement::device_mode, mr::statement::measurement_blocks,
          mr::statement::unlisted_blocks, mr::statement::measurement_log, mr::statement::not_debug}) {
        const auto *const statement = verdict.find(name);
        require(statement == nullptr || statement->result != mr::Judgement::holds);
    }
    for (const auto &statement : verdict.statements()) require(!statement.reason.empty());
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const mr::ByteView bytes(data, size);
    if (mr::is_device_evidence(bytes)) check_verdict(bytes);
    // Transcripts without what is around them: most of what a device controls.
    mr::DeviceEvidence around{.device = "fuzz"};
    around.spdm.transcript.assign(bytes.begin(), bytes.end());
    around.spdm.signature.assign(96, 1);
    around.spdm.chain.assign(bytes.begin(), bytes.end());
    around.measurement_log.emplace(bytes.begin(), bytes.end());
    if (!bytes.empty()) check_verdict(mr::as_bytes(mr::write_device_evidence(around)));
    (void)mr::device_names(bytes);
    const auto read = mr::parse_device_evidence(bytes);
    if (!read) {
        require(read.error().code == mr::ErrorCode::malformed && !read.error().message.empty());
        return 0;
    }
    const auto text = mr::write_device_evidence(*read);
    const auto again = mr::parse_device_evidence(mr::as_bytes(text));
    require(again && again->spdm.transcript == read->spdm.transcript && again->spdm.chain == read->spdm.chain &&
            again->blocks == read->blocks);
    require(mr::write_device_evidence(*again) == text);
    return 0;
}
