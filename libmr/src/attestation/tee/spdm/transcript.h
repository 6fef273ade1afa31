// What both sides have exchanged since each transcript last began anew (DSP0274, "M1/M2 and L1/L2").
#pragma once

#include "libmr/src/attestation/tee/spdm/wire.h"
#include "mr/bytes.h"
#include "mr/spdm.h"

namespace mr::spdm {

class Transcript {
public:
    // GET_VERSION, with which all begins.
    void begin() { *this = Transcript(); }
    // Any request but GET_MEASUREMENTS, any ERROR.
    void end_measurements() { measurements_.clear(); }
    // GET_DIGESTS, GET_MEASUREMENTS, the end of CHALLENGE.
    void end_certificates() { certificates_.clear(); }

    void add_negotiation(ByteView request, ByteView response) { add(vca_, request, response); }
    void add_certificates(ByteView request, ByteView response) { add(certificates_, request, response); }
    void add_measurements(ByteView request, ByteView response) { add(measurements_, request, response); }

    [[nodiscard]] const Bytes &vca() const { return vca_; }
    [[nodiscard]] std::size_t measurements_size() const { return measurements_.size(); }
    // L1/L2; in 1.1 without VCA.
    [[nodiscard]] Bytes measured(SpdmVersion version) const {
        auto all = version >= SpdmVersion::v1_2 ? vca_ : Bytes();
        append(all, measurements_);
        return all;
    }
    // M1/M2, with CHALLENGE and its answer.
    [[nodiscard]] Bytes challenged(ByteView request, ByteView response) const {
        auto all = vca_;
        append(all, certificates_);
        add(all, request, response);
        return all;
    }

private:
    static void add(Bytes &to, ByteView request, ByteView response) {
        append(to, request);
        append(to, response);
    }

    Bytes vca_;
    Bytes certificates_;
    Bytes measurements_;
};

}  // namespace mr::spdm
