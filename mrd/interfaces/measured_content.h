// What a call of Measure measures.
#pragma once

#include <expected>
#include <utility>

#include "libmr/wire/registers.h"
#include "mr/bytes.h"
#include "mrd/registers/measurement.h"
#include "proto/varlink/service.h"

namespace mrd {

inline std::expected<MeasuredContent, varlink::InvalidParameter> content_of(const mr::wire::MeasureParameters &parameters) {
    MeasuredContent content;
    if (parameters.data) {
        auto data = mr::from_base64(*parameters.data);
        if (!data) return std::unexpected(varlink::InvalidParameter{"data"});
        content.data = std::move(*data);
    }
    if (parameters.content_digest) {
        content.digest = mr::content_digest_from(*parameters.content_digest);
        if (!content.digest) return std::unexpected(varlink::InvalidParameter{"contentDigest"});
    }
    return content;
}

}  // namespace mrd
