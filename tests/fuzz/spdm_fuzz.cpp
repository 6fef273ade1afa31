// Any bytes as what a device says. As the answers of a conversation, each behind its length (two bytes, little-endian), they end every operation within its limits, and
// nothing that they sign is vouched for; as saved evidence, chain, log, blocks and frames what reads keeps its limits, and comes together again to the same bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mr/spdm_evidence.h"
#include "mr/spdm_message.h"
#include "mr/spdm_requester.h"
#include "mr/spdm_transport.h"

namespace {

using Kind = mr::SpdmStep::Kind;

void require(bool holds) {
    if (!holds) std::abort();
}

constexpr std::size_t max_told_text = 4096;  // what an explained message says in words and numbers
constexpr std::size_t max_steps = 200'000;   // far above what one operation may take

// Gives one answer after the other; then nobody answers.
class Device {
public:
    explicit Device(mr::ByteView bytes) : rest_(bytes) {}

    // False: it has no other.
    bool answer(mr::ByteView &message) {
        if (rest_.size() < 2) return false;
        const auto size = std::min<std::size_t>(std::size_t{rest_[0]} | std::size_t{rest_[1]} << 8U, rest_.size() - 2);
        message = rest_.subspan(2, size);
        rest_ = rest_.subspan(2 + size);
        return true;
    }

private:
    mr::ByteView rest_;
};

template <typename Machine>
mr::SpdmStep drive(Machine &machine, mr::SpdmStep step, Device &device) {
    std::size_t steps = 0;
    for (; steps < max_steps; ++steps) {
        if (step.kind == Kind::wait) {
            require(step.time <= mr::max_spdm_ready_time);
            step = machine.resume();
        } else if (step.kind == Kind::send) {
            require(step.message.size() >= 4 && step.time.count() > 0);
            mr::ByteView message;
            step = device.answer(message) ? machine.reply(message) : machine.timed_out();
        } else {
            break;
        }
    }
    require(steps < max_steps);
    return step;
}

void check_conversation(mr::ByteView bytes) {
    mr::SpdmOptions options;
    options.flags |= mr::spdm_cap_chunk;
    options.max_message_size = mr::max_spdm_message;
    options.log_specification = 1;
    options.is_padded = !bytes.empty() && (bytes.front() & 1U) != 0;
    // Nonces that are always the same: who guesses one has no signature over it.
    mr::SpdmRequester requester(options, [](std::span<std::uint8_t> random) {
        std::ranges::fill(random, std::uint8_t{0x5A});
        return true;
    });
    Device device(bytes);
    mr::SpdmCollection collection(requester, {.with_challenge = !bytes.empty() && (bytes.front() & 2U) != 0});
    const auto step = drive(collection, collection.begin(), device);
    if (step.kind == Kind::failed) require(!requester.error().message.empty());
    if (requester.connection() != nullptr) {
        (void)drive(requester, requester.get_measurements({.is_signed = false}), device);
        (void)drive(requester, requester.get_measurement_log(), device);
    }
    if (const auto *const chain = requester.chain(0)) require(chain->size() <= 0xFFFF);
    if (const auto *const log = requester.measurement_log()) require(log->size() <= mr::max_spdm_measurement_log);
    if (const auto *const measured = requester.measurements()) require(measured->blocks.size() <= 255);
    if (const auto *const evidence = requester.evidence()) require(!mr::verify_spdm(*evidence, evidence->nonce, {}));
}

void check_saved(mr::ByteView bytes) {
    for (const auto kind : {mr::SpdmEvidenceKind::measurements, mr::SpdmEvidenceKind::challenge}) {
        mr::SpdmEvidence evidence;
        evidence.kind = kind;
        evidence.transcript.assign(bytes.begin(), bytes.end());
        const auto read = mr::read_spdm_transcript(evidence);
        require(read ? read->blocks.size() <= 255 : !read.error().message.empty());
        require(!mr::verify_spdm(evidence, {}, {}));
    }
    mr::SpdmObjects objects;
    objects.measurements.assign(bytes.begin(), bytes.end());
    if (const auto evidence = mr::spdm_evidence_of(objects))
        require(evidence->transcript.size() + evidence->signature.size() == bytes.size());
}

void check_parts(mr::ByteView bytes) {
    if (const auto chain = mr::parse_spdm_chain(bytes, mr::HashAlgorithm::sha256)) {
        require(!chain->certificates.empty() && chain->certificates.size() <= mr::max_spdm_certificates);
        require(!mr::check_spdm_chain(bytes, mr::HashAlgorithm::sha256, {}));
    }
    if (const auto blocks = mr::parse_spdm_blocks(bytes)) {
        mr::Bytes again;
        for (const auto &block : *blocks) mr::append_spdm_block(again, block);
        require(std::ranges::equal(again, bytes));
    }
    if (const auto entries = mr::parse_spdm_measurement_log(bytes)) {
        require(entries->size() <= mr::max_spdm_log_entries);
        for (const auto &entry : *entries)
            require(entry.whole.data() >= bytes.data() && entry.whole.data() + entry.whole.size() <= bytes.data() + bytes.size());
    }
    if (const auto message = mr::explain_spdm_message(bytes)) {
        require(mr::begins_spdm_message(bytes) && !message->name.empty());
        // Bytes are told in twice as many letters, and each of them once.
        std::size_t letters = 0;
        for (const auto &field : message->fields) letters += field.value.size();
        require(letters <= 2 * bytes.size() + max_told_text && message->blocks.size() <= 255);
    }
    if (const auto manifest = mr::spdm_structured_manifest(bytes))
        require(manifest->vendor.size() + manifest->body.size() + 2 == bytes.size());
    mr::SpdmFrameReader frames;
    frames.add(bytes);
    for (;;) {
        const auto frame = frames.next();
        if (!frame || !*frame) break;
        require((*frame)->payload.size() <= mr::max_spdm_frame_payload);
    }
    if (const auto object = mr::parse_doe_object(bytes)) require(object->content.size() + 8 == bytes.size());
    (void)mr::parse_doe_discovery_response(bytes);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const mr::ByteView bytes(data, size);
    check_conversation(bytes);
    check_saved(bytes);
    check_parts(bytes);
    return 0;
}
