// The kernel's objects as evidence.
#include <string>
#include <utility>

#include "libmr/src/attestation/tee/spdm/wire.h"
#include "mr/spdm_evidence.h"

namespace mr {

std::expected<SpdmEvidence, SpdmError> spdm_evidence_of(const SpdmObjects &objects) {
    SpdmEvidence evidence;
    evidence.slot = objects.slot;
    evidence.chain = objects.chain;
    // VCA is an object of its own, or begins the measurements: then that begins with GET_VERSION.
    const bool begins_with_vca = objects.measurements.size() > 1 && objects.measurements[1] == spdm::byte_of(spdm::Code::get_version);
    evidence.transcript = begins_with_vca ? Bytes() : objects.vca;
    spdm::append(evidence.transcript, objects.measurements);
    // The signature's length is the algorithm's, and so is what is left behind it.
    for (const auto asym : {spdm_asym_p384, spdm_asym_p256}) {
        const auto size = spdm_signature_size(asym);
        if (evidence.transcript.size() < size) continue;
        auto tried = evidence;
        tried.signature.assign(tried.transcript.end() - static_cast<std::ptrdiff_t>(size), tried.transcript.end());
        tried.transcript.resize(tried.transcript.size() - size);
        const auto read = read_spdm_transcript(tried);
        if (!read || read->algorithms.base_asym != asym) continue;
        tried.version = read->version;
        tried.capabilities = read->capabilities;
        tried.algorithms = read->algorithms;
        tried.nonce = read->nonce;
        return tried;
    }
    return spdm::fault(SpdmFault::malformed,
                       "the objects are not VCA and signed measurements of SPDM 1.2 or later, of slot " + std::to_string(objects.slot));
}

}  // namespace mr
