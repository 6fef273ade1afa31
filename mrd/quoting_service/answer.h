// What the quoting service answers, from a request's bytes to those of its answer. It answers as Intel's does: whatever is wrong with a request of a known type is
// "unexpected error"; what is no such request, and a bare TDREPORT that is not quoted, has no answer.
#pragma once

#include <optional>

#include "mr/bytes.h"
#include "mrd/daemon/request_listener.h"
#include "mrd/providers/qgs/message.h"
#include "mrd/quoting_service/platform.h"

namespace mrd::quoting_service {

// QEMU waits 30 seconds, and so does Intel's service.
inline constexpr RequestListener::Limits usual_limits{.connections = 256, .time = std::chrono::seconds(30), .request = qgs::max_request};

// As RequestListener has it. The log says why there is no quote or collateral.
std::optional<mr::Bytes> answer(Platform &platform, mr::ByteView received);

}  // namespace mrd::quoting_service
