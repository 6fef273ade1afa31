// What a transcript says: the same messages, read again in their order, as whoever exchanged them did.
#include <algorithm>
#include <string>

#include "libmr/src/attestation/tee/spdm/requests.h"
#include "libmr/src/attestation/tee/spdm/responses.h"
#include "libmr/src/attestation/tee/spdm/wire.h"
#include "mr/spdm_evidence.h"

namespace mr {
namespace {

using spdm::Agreed;
using spdm::ByteReader;
using spdm::fault;
using spdm::Signature;

class TranscriptReader {
public:
    explicit TranscriptReader(const SpdmEvidence &evidence) : evidence_(evidence), from_(evidence.transcript) {}

    std::expected<SpdmSigned, SpdmError> read() {
        if (evidence_.transcript.size() > max_spdm_transcript)
            return fault(SpdmFault::too_large, "the transcript is longer than " + std::to_string(max_spdm_transcript) + " bytes");
        const bool is_measured = evidence_.kind == SpdmEvidenceKind::measurements;
        const bool without_vca = is_measured && evidence_.version == SpdmVersion::v1_1;
        if (auto done = without_vca ? take_claims() : take_vca(); !done) return std::unexpected(std::move(done.error()));
        auto agreed = spdm::agreed_of(read_.version, read_.algorithms);
        if (!agreed || agreed->signature_size == 0)
            return fault(SpdmFault::no_common_algorithm, "the transcript's algorithms are none that this library knows");
        agreed_ = *agreed;
        if (auto done = is_measured ? take_measurements() : take_challenge(); !done) return std::unexpected(std::move(done.error()));
        if (read_.slot != evidence_.slot)
            return fault(SpdmFault::misuse, "the evidence says slot " + std::to_string(evidence_.slot) + ", its transcript slot " +
                                                std::to_string(read_.slot));
        return std::move(read_);
    }

private:
    using Done = std::expected<void, SpdmError>;

    // Measurements over 1.1 do not sign what was negotiated.
    Done take_claims() {
        read_.version = evidence_.version;
        read_.capabilities = evidence_.capabilities;
        read_.algorithms = evidence_.algorithms;
        read_.algorithms_are_signed = false;
        return {};
    }

    Done take_vca() {
        if (auto done = spdm::take_get_version(from_); !done) return done;
        const auto offered = spdm::take_version(from_);
        if (!offered) return std::unexpected(offered.error());
        // The version that was chosen is that of the next header.
        const auto version = from_.rest().empty() ? std::nullopt : spdm_version_of(from_.rest().front());
        if (!version || std::ranges::none_of(*offered, [&](auto entry) { return entry >> 8 == spdm::byte_of(*version); }))
            return fault(SpdmFault::no_common_version, "the transcript goes on in a version that VERSION does not offer");
        read_.version = *version;
        if (evidence_.kind == SpdmEvidenceKind::measurements && *version == SpdmVersion::v1_1)
            return fault(SpdmFault::unexpected_response,
                         "the transcript begins with VERSION, which measurements over SPDM 1.1 do not sign");
        if (auto own = spdm::take_get_capabilities(from_, *version); !own) return std::unexpected(std::move(own.error()));
        const auto capabilities = spdm::take_capabilities_response(from_, *version);
        if (!capabilities) return std::unexpected(capabilities.error());
        read_.capabilities = *capabilities;
        const auto asked = spdm::take_negotiate_algorithms(from_, *version);
        if (!asked) return std::unexpected(asked.error());
        const auto selected = spdm::take_algorithms(from_, *version);
        if (!selected) return std::unexpected(selected.error());
        read_.algorithms = *selected;
        return spdm::check_algorithms(*selected, *asked, *capabilities);
    }

    // Counts messages' pairs. False: there is no other, or too many.
    bool more() { return !from_.rest().empty() && ++pairs_ <= max_spdm_pairs; }

    Done take_measurements() {
        bool is_signed = false;
        while (more()) {
            if (is_signed) return fault(SpdmFault::unexpected_response, "the transcript goes on behind the messages that were signed");
            const auto request = spdm::take_get_measurements(from_, agreed_.version);
            if (!request) return std::unexpected(request.error());
            auto response = spdm::take_measurements(from_, agreed_, *request, Signature::absent);
            if (!response) return std::unexpected(std::move(response.error()));
            is_signed = request->is_signed();
            take_pair(*request, *response);
        }
        if (!is_signed || !from_.rest().empty())
            return fault(SpdmFault::malformed, "the transcript does not end with signed measurements, or has more than " +
                                                   std::to_string(max_spdm_pairs) + " pairs of messages");
        read_.blocks_are_of_nonce = in_last_pair_ == read_.blocks.size();
        std::ranges::sort(read_.blocks, {}, &SpdmBlock::index);
        return {};
    }

    void take_pair(const spdm::MeasurementsRequest &request, spdm::MeasurementsResponse &response) {
        read_.slot = request.slot;
        read_.nonce = request.nonce;
        read_.responder_nonce = response.nonce;
        read_.opaque = spdm::owned(response.opaque);
        read_.content_changed = response.content_changed;
        read_.asked_anew = (request.attributes & spdm::attribute_anew) != 0;
        if (request.operation == spdm_measurement_count) read_.block_count = response.count;
        if (request.operation == spdm_measurement_all) read_.has_all = true;
        in_last_pair_ = response.blocks.size();
        for (auto &block : response.blocks) {
            const auto known = std::ranges::find(read_.blocks, block.index, &SpdmBlock::index);
            if (known != read_.blocks.end()) {
                read_.blocks_changed = read_.blocks_changed || *known != block;
                *known = std::move(block);
            } else {
                read_.blocks.push_back(std::move(block));
            }
        }
    }

    Done take_certificates() {
        const auto next_is = [&](spdm::Code code) { return from_.rest().size() > 1 && from_.rest()[1] == spdm::byte_of(code); };
        for (;;) {
            if (next_is(spdm::Code::get_digests)) {
                if (auto done = spdm::take_get_digests(from_, agreed_.version); !done) return done;
                if (auto digests = spdm::take_digests(from_, agreed_); !digests) return std::unexpected(std::move(digests.error()));
            } else if (next_is(spdm::Code::get_certificate)) {
                if (auto request = spdm::take_get_certificate(from_, agreed_.version); !request)
                    return std::unexpected(std::move(request.error()));
                if (auto portion = spdm::take_certificate(from_, agreed_); !portion) return std::unexpected(std::move(portion.error()));
            } else {
                return {};
            }
            if (!more()) return fault(SpdmFault::malformed, "the transcript has no CHALLENGE, or too many messages before it");
        }
    }

    Done take_challenge() {
        if (auto done = take_certificates(); !done) return done;
        const auto request = spdm::take_challenge(from_, agreed_.version);
        if (!request) return std::unexpected(request.error());
        const auto response = spdm::take_challenge_auth(from_, agreed_, *request, Signature::absent);
        if (!response) return std::unexpected(response.error());
        if (!from_.rest().empty()) return fault(SpdmFault::malformed, "the transcript goes on behind CHALLENGE_AUTH");
        read_.slot = request->slot;
        read_.nonce = request->nonce;
        read_.responder_nonce = response->nonce;
        read_.opaque = spdm::owned(response->opaque);
        read_.chain_digest = spdm::owned(response->chain_digest);
        read_.summary_type = request->summary;
        read_.summary = spdm::owned(response->summary);
        return {};
    }

    const SpdmEvidence &evidence_;
    ByteReader from_;
    SpdmSigned read_;
    Agreed agreed_;
    std::size_t pairs_ = 0;
    std::size_t in_last_pair_ = 0;  // blocks
};

}  // namespace

std::expected<SpdmSigned, SpdmError> read_spdm_transcript(const SpdmEvidence &evidence) { return TranscriptReader(evidence).read(); }

}  // namespace mr
